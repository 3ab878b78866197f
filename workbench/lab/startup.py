"""IPython runs this file at its start: `%autoresearch` works without `%load_ext`. The package is imported at first use only."""


def _autoresearch() -> None:
    shell = get_ipython()  # type: ignore[name-defined]  # noqa: F821

    def complete(shell: object, event: object) -> list[str]:
        from workbench.lab.magic import complete

        return complete(shell, event)

    shell.magics_manager.register_lazy("autoresearch", "workbench")
    shell.set_hook("complete_command", complete, str_key="%autoresearch")


try:
    _autoresearch()
except Exception as error:  # an IPython without lazy magics: the kernel starts all the same, and %load_ext workbench remains
    _autoresearch_problem = error
del _autoresearch
