"""An exported notebook never takes the place of what somebody wrote, and a place that cannot be written is said in one line."""

from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from workbench.errors import UsageError
from workbench.steps import place

NAME = "toy-1-1.ipynb"


def exported(target: Path) -> NotebookNode:
    """A small notebook as export writes one, on disk too."""
    cells = [
        new_markdown_cell("# toy", id="about"),
        new_code_cell("seed = None", id="parameters", metadata={"tags": ["parameters"]}),
    ]
    book = new_notebook(
        cells=[*cells, new_code_cell("attempt.check()", id="verdict")],
        metadata={place.KEY: {"study": "toy-1"}},
    )
    book.metadata[place.KEY][place.CELLS] = place.digest(book)
    nbformat.write(book, target)
    return book


def run_by_hand(book: NotebookNode) -> None:
    book.cells[2].execution_count = 7
    book.cells[2].outputs = [nbformat.v4.new_output("stream", text="said")]
    book.cells[1].metadata["collapsed"] = True
    book.metadata["kernelspec"] = {"name": "other", "display_name": "Other"}
    book.cells.append(new_code_cell(""))  # what running the last cell leaves behind


def run_by_papermill(book: NotebookNode) -> None:
    injected = new_code_cell(
        "# Parameters\nseed = 5\nsigmas = -2.5\n", metadata={"tags": ["injected-parameters"]}
    )
    marks = [
        new_markdown_cell(
            f'<span id="{n}">An exception</span>', metadata={"tags": ["papermill-error-cell-tag"]}
        )
        for n in (1, 2)
    ]
    book.cells = [marks[0], *book.cells[:2], injected, marks[1], *book.cells[2:]]


@pytest.mark.parametrize("run", [lambda book: None, run_by_hand, run_by_papermill])
def test_an_exported_step_may_be_written_again_executed_or_not(
    tmp_path: Path, run: Callable[[NotebookNode], None]
) -> None:
    book = exported(tmp_path / NAME)
    run(book)
    nbformat.write(book, tmp_path / NAME)
    assert place.find(tmp_path, NAME) == tmp_path / NAME


def add(book: NotebookNode) -> None:
    book.cells.append(new_code_cell("attempt.trials  # my own look"))


def add_text(book: NotebookNode) -> None:
    book.cells.insert(1, new_markdown_cell("What I found: nothing."))


def edit(book: NotebookNode) -> None:
    book.cells[1].source = "seed = 7"


def take_out(book: NotebookNode) -> None:
    del book.cells[2]


def swap(book: NotebookNode) -> None:
    book.cells[1:] = book.cells[:0:-1]


def turn_into_text(book: NotebookNode) -> None:
    book.cells[2] = new_markdown_cell(book.cells[2].source)


def add_under_papermill_s_tag(book: NotebookNode) -> None:
    run_by_papermill(book)
    book.cells[3].source += "print(attempt)"


def add_under_papermill_s_mark(book: NotebookNode) -> None:
    run_by_papermill(book)
    book.cells[0].source += "\nIt was the disk."


CHANGES = [
    add,
    add_text,
    edit,
    take_out,
    swap,
    turn_into_text,
    add_under_papermill_s_tag,
    add_under_papermill_s_mark,
]


@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_made_of_an_exported_step_is_not_written_over(
    tmp_path: Path, change: Callable[[NotebookNode], None]
) -> None:
    book = exported(tmp_path / NAME)
    change(book)
    nbformat.write(book, tmp_path / NAME)
    with pytest.raises(
        UsageError,
        match=r"toy-1-1\.ipynb was edited since it was exported .*; delete it or choose another name$",
    ):
        place.find(tmp_path, NAME)


def test_a_step_of_an_earlier_version_is_not_written_over_since_edits_do_not_show(
    tmp_path: Path,
) -> None:
    book = exported(tmp_path / NAME)
    del book.metadata[place.KEY][place.CELLS]
    nbformat.write(book, tmp_path / NAME)
    with pytest.raises(
        UsageError, match=r"by an earlier version, .*; delete it or choose another name"
    ):
        place.find(tmp_path / NAME, NAME)


def test_what_is_no_exported_step_is_not_written_over(tmp_path: Path) -> None:
    nbformat.write(new_notebook(), tmp_path / "mine.ipynb")
    (tmp_path / "text.ipynb").write_text("my notes")
    for name, said in (
        ("mine.ipynb", "not an exported step"),
        ("text.ipynb", "is not a notebook"),
        ("notes.txt", r"must end in \.ipynb"),
    ):
        with pytest.raises(UsageError, match=said):
            place.find(tmp_path / name, NAME)
    assert (tmp_path / "text.ipynb").read_text() == "my notes"


def test_a_place_that_cannot_be_written_is_said_in_one_line_and_no_folder_is_made(
    tmp_path: Path,
) -> None:
    (tmp_path / "fit.py").write_text("")
    for path, said in (
        (
            tmp_path / "no" / "such" / "a.ipynb",
            f"the folder {tmp_path}/no/such does not exist; make it",
        ),
        (tmp_path / "fit.py" / "a.ipynb", f"the folder {tmp_path}/fit.py does not exist; make it"),
        (Path("/proc/a.ipynb"), "cannot write /proc/a.ipynb: "),
        (tmp_path / ("x" * 300 + ".ipynb"), "File name too long; choose another place"),
    ):
        with pytest.raises(UsageError) as raised:
            place.find(path, NAME)
        assert said in str(raised.value)
        assert "\n" not in str(raised.value)
    assert [file.name for file in tmp_path.iterdir()] == ["fit.py"]


def test_writing_that_fails_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.ipynb").mkdir()
    with pytest.raises(
        UsageError, match=r"cannot write .*a\.ipynb: Is a directory; choose another place"
    ):
        place.write("{}", tmp_path / "a.ipynb")
