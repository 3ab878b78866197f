"""A real JupyterLab and what a person does in it.

Everything waits for a condition, nothing for a time.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import nbformat

from tests.jupyter import TOKEN, Server, serving

READY = "() => window.jupyterapp?.restored.then(() => true)"
STATUS = "() => window.jupyterapp?.shell.currentWidget?.sessionContext?.session?.kernel?.status"
PATIENCE_MS = 90_000


@dataclass
class Lab:
    """A running JupyterLab.

    `errors` collects what pages that were opened here have complained about.
    """

    server: Server
    errors: list[str] = field(default_factory=list)

    @property
    def root(self) -> Path:
        return self.server.root

    def open(self, page: Any, path: str = "lab", reset: bool = True) -> None:
        """Opens a page as somebody who is logged in, and waits until JupyterLab is there."""
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.goto(f"{self.server.url}{path}?token={TOKEN}{'&reset' if reset else ''}")
        page.wait_for_function(READY, timeout=PATIENCE_MS)

    def _note(self, kind: str, text: str) -> None:
        if kind == "error":
            self.errors.append(text)

    def write_notebook(self, name: str, cells: Sequence[str]) -> Path:
        """A notebook with these code cells below the root."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={
                "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
            },
        )
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        nbformat.write(notebook, path)
        return path

    def open_notebook(self, page: Any, name: str, cells: Sequence[str]) -> None:
        """Writes a notebook, opens it and waits for its kernel."""
        self.write_notebook(name, cells)
        self.open(page, f"lab/tree/{name}")
        wait_for_kernel(page, "idle")


def wait_for_kernel(page: Any, status: str) -> None:
    """Until the kernel of the notebook in front has this status."""
    page.wait_for_function(f"() => ({STATUS})() === '{status}'", timeout=PATIENCE_MS)


def run(page: Any, command: str, **arguments: Any) -> None:
    """Executes one of JupyterLab's commands and waits for its end."""
    page.evaluate(
        "([command, given]) => window.jupyterapp.commands.execute(command, given).then(() => null)",
        [command, arguments],
    )


def begin(page: Any, command: str, **arguments: Any) -> None:
    """Executes a command and does not wait, as for a cell that stays busy."""
    page.evaluate(
        "([command, given]) => { void window.jupyterapp.commands.execute(command, given); }",
        [command, arguments],
    )


def select_cell(page: Any, index: int) -> None:
    page.evaluate(
        "index => { window.jupyterapp.shell.currentWidget.content.activeCellIndex = index; }", index
    )


def run_cell(page: Any, index: int) -> None:
    """Runs one cell of the notebook in front to its end."""
    select_cell(page, index)
    run(page, "notebook:run-cell")


def cell_count(page: Any) -> int:
    count: int = page.evaluate("() => window.jupyterapp.shell.currentWidget.content.widgets.length")
    return count


@contextmanager
def own_lab(home: Path, *options: str) -> Iterator[Lab]:
    """A JupyterLab that exposes its application to the page, with our extensions as the wheel lays them."""
    with serving(home, "--LabApp.expose_app_in_browser=True", *options, app="jupyterlab") as server:
        yield Lab(server)
