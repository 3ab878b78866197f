"""The workbench: studies in which code improves itself and a researcher stays in charge.

`workbench.start(...)`, `open(...)`, `studies(...)`, `new(...)` and `import_log(...)` are the command line's verbs as Python; importing the
package loads none of what they need.
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["__version__", "import_log", "load_ipython_extension", "new", "open", "start", "studies"]

if TYPE_CHECKING:
    from workbench.verbs.handle import import_log, open, start, studies
    from workbench.verbs.new import new


def __getattr__(name: str) -> Any:
    if name in ("start", "open", "studies", "import_log"):
        from workbench.verbs import handle

        return getattr(handle, name)
    if name == "new":
        from workbench.verbs.new import new

        return new
    raise AttributeError(f"module 'workbench' has no attribute {name!r}")


def load_ipython_extension(shell: Any) -> None:
    """`%load_ext workbench`: registers the magic; needed only where the installed start-up file is not read."""
    from workbench.lab.magic import register

    register(shell)
