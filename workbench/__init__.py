"""The workbench: studies in which code improves itself and a researcher stays in charge.

`workbench.start(...)`, `open(...)`, `studies(...)`, `new(...)` and `import_log(...)` are the verbs
of the command line as Python; `Step` is what an exported notebook runs. Importing the package
loads none of what they need.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = [
    "Step",
    "__version__",
    "import_log",
    "load_ipython_extension",
    "new",
    "open",
    "start",
    "studies",
]

if TYPE_CHECKING:
    from workbench.steps.step import Step
    from workbench.verbs.new import new
    from workbench.verbs.start import import_log, open, start, studies

# Public name to the module that defines it; each is imported when it is first used.
_HOMES = {
    "Step": "workbench.steps.step",
    "import_log": "workbench.verbs.start",
    "new": "workbench.verbs.new",
    "open": "workbench.verbs.start",
    "start": "workbench.verbs.start",
    "studies": "workbench.verbs.start",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'workbench' has no attribute {name!r}")
    return getattr(import_module(_HOMES[name]), name)


def load_ipython_extension(shell: Any) -> None:
    """Registers the magic: `%load_ext workbench`.

    Needed only where IPython does not read the installed start-up file.
    """
    from workbench.lab.magic import register

    register(shell)
