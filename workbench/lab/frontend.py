"""Whether somebody who can click looks at what is shown."""

from typing import Any


def is_live(shell: Any = None) -> bool:
    """Whether a front end shows this cell as it runs: those allow a cell to ask for input; nbclient, papermill and terminals do not.

    Args:
        shell: the IPython shell; the running one by default.
    """
    if shell is None:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
    return bool(getattr(getattr(shell, "kernel", None), "_allow_stdin", False))
