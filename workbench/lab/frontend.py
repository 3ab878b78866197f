"""Whether a front end shows a cell as it runs, and the live view of a study where one does."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from workbench.verbs.handle import StudyHandle


def is_live(shell: Any = None) -> bool:
    """Whether somebody sees this cell's output now, and can click in it.

    Such a front end lets a cell ask for input. nbclient, papermill and terminals do not.

    Args:
        shell: the IPython shell; the running one by default.
    """
    if shell is None:
        from IPython.core.getipython import get_ipython

        shell = get_ipython()
    return bool(getattr(getattr(shell, "kernel", None), "_allow_stdin", False))


def show_live_studies(shell: Any) -> None:
    """Has a shell show a StudyHandle, the value of a cell, as a live dashboard.

    The class is given by its name: it need not be imported yet. So the handle itself knows nothing
    of notebooks.
    """
    formatter = shell.display_formatter.ipython_display_formatter
    formatter.for_type_by_name("workbench.verbs.handle", "StudyHandle", show_live)


def show_live(study: "StudyHandle") -> None:
    """Displays the dashboard of a study.

    Raises:
        NotImplementedError: no front end is live; IPython then takes the plain forms.
    """
    if not is_live():
        raise NotImplementedError
    from workbench.lab.widget import Live

    Live(study.folder)._ipython_display_()
