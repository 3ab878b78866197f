"""Where nobody can click, the same calls leave plain tables and pictures.

Small, and readable without a network.
"""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import Page

from tests.jupyter import ROOT

CELL = """\
%%autoresearch start --candidates 2 --noise seed --wait
SLOPE = 0.5


def guess(x):
    for step in range(5):
        print(f"step {step} loss: {1 / (step + SLOPE)}")
    return SLOPE * x


def score(seed):
    return -abs(guess(1.0) - 2.0) + seed % 7 / 1000
"""
CELLS = (
    CELL,
    "import workbench\nstudy = workbench.open()\nstudy",
    "%autoresearch status",
    "%autoresearch log",
    "%autoresearch show 1",
    "study.progress()",
    "study.curves()",
    "study.audit().figure()",
    "study.frame()",
)


@pytest.fixture(scope="module")
def executed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The notebook after papermill has run it in an empty folder."""
    folder = tmp_path_factory.mktemp("static")
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in CELLS],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}
        },
    )
    nbformat.write(notebook, folder / "in.ipynb")
    run(folder, "papermill", "--no-progress-bar", "--cwd", str(folder), "in.ipynb", "out.ipynb")
    return folder / "out.ipynb"


def run(folder: Path, *module: str) -> None:
    environment = {**os.environ, "IPYTHONDIR": str(folder / "ipython"), "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", *module], cwd=folder, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-3000:]


def test_it_stays_small_and_holds_no_widget(executed: Path) -> None:
    assert executed.stat().st_size - (executed.parent / "in.ipynb").stat().st_size < 200_000
    assert "application/vnd.jupyter.widget" not in executed.read_text(encoding="utf-8")
    notebook = nbformat.read(executed, as_version=4)
    assert "widgets" not in notebook.metadata
    assert all(cell.outputs for cell in notebook.cells)


def asked_by(page: Page, notebook: Path) -> set[str]:
    """Opens a notebook's HTML without a network; what it has asked the network for."""
    run(notebook.parent, "nbconvert", "--to", "html", notebook.name)
    asked: set[str] = set()
    page.on("request", lambda request: asked.add(request.url))
    page.goto(notebook.with_suffix(".html").as_uri(), wait_until="load")
    return {url for url in asked if not url.startswith(("file:", "data:", "blob:"))}


def test_its_html_shows_everything_without_a_network(executed: Path, page: Page) -> None:
    page.context.set_offline(True)
    pages_own = asked_by(
        page, executed.with_name("in.ipynb")
    )  # nbconvert's template asks for MathJax; it does without
    assert asked_by(page, executed) == pages_own
    outputs = page.locator(".jp-Cell-outputWrapper")
    for index, source in enumerate(CELLS):
        assert outputs.nth(index).is_visible(), source
    assert "kept" in outputs.nth(2).inner_text()
    assert "SLOPE" in outputs.nth(3).inner_text()
    assert "SLOPE" in outputs.nth(4).inner_text()
    for index in (5, 6, 7):
        box = outputs.nth(index).locator("svg, img").first.bounding_box()
        assert box is not None, CELLS[index]
        assert box["height"] > 100, CELLS[index]
