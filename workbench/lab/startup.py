"""IPython runs this file at its start, so that `%autoresearch` works without `%load_ext`.

It imports the package only when the magic, or a study, is used for the first time.
"""


def _autoresearch() -> None:
    shell = get_ipython()  # type: ignore[name-defined]  # noqa: F821

    def complete(shell: object, event: object) -> list[str]:
        from workbench.lab.magic import complete

        return complete(shell, event)

    def show_live(study: object) -> None:
        from workbench.lab.frontend import show_live

        show_live(study)  # type: ignore[arg-type]

    shell.magics_manager.register_lazy("autoresearch", "workbench")
    shell.set_hook("complete_command", complete, str_key="%autoresearch")
    # As `lab.frontend.show_live_studies`, which this file must not import yet.
    formatter = shell.display_formatter.ipython_display_formatter
    formatter.for_type_by_name("workbench.verbs.handle", "StudyHandle", show_live)


try:
    _autoresearch()
except Exception as error:
    # An IPython that lacks one of these. The kernel starts all the same, and %load_ext remains.
    _autoresearch_problem = error
del _autoresearch
