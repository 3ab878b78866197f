"""Decides where an exported notebook may be written; never overwrites what a person edited."""

import ast
import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UsageError
from workbench.syntax import parse_tree

if TYPE_CHECKING:  # nbformat is imported where a notebook is read or written
    from nbformat import NotebookNode

KEY = "autoresearch"  # in a notebook's metadata; marks it as an exported step
CELLS = "cells"  # below that key: the digest of its cells
REMEDY = "delete it or choose another name"


def find(path: Path | None, name: str) -> Path:
    """The file to write: by default in the current folder, and `name` if the path is a folder.

    Raises:
        UsageError: the name does not end in .ipynb, its folder is missing or read-only, or the file
        holds
            anything but an unedited exported step, executed or not.
    """
    target = Path.cwd() / (path or name)
    try:
        target = target / name if target.is_dir() else target
        if target.suffix != ".ipynb":
            raise UsageError(f"not a notebook's name: {target.name}; it must end in .ipynb")
        if not target.parent.is_dir():
            raise UsageError(
                f"cannot write {target}: the folder {target.parent} does not exist; "
                "make it, or choose another place"
            )
        with tempfile.TemporaryFile(dir=target.parent):
            pass
        if target.exists():
            _check_untouched(target)
    except OSError as error:
        raise _write_error(target, error) from None
    return target


def write(text: str, target: Path) -> None:
    """Writes a notebook.

    Raises:
        UsageError: the file cannot be written.
    """
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _write_error(target, error) from None


def digest(notebook: "NotebookNode") -> str:
    """SHA-256 of the cells' sources in their order.

    Leaves out empty cells and those that papermill adds, since running a notebook is not editing
    it.
    """
    cells = [
        (cell.cell_type, cell.source.strip())
        for cell in notebook.cells
        if cell.source.strip() and not _is_papermill(cell)
    ]
    return hashlib.sha256(json.dumps(cells).encode("ascii")).hexdigest()


def _write_error(target: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {target}: {error.strerror}; choose another place")


def _check_untouched(target: Path) -> None:
    import nbformat

    try:
        notebook = nbformat.read(target, 4)  # type: ignore[no-untyped-call]
    except OSError:
        raise
    except Exception as error:
        raise UsageError(
            f"{target} exists and is not a notebook ({error}); choose another name"
        ) from None
    about = notebook.metadata.get(KEY)
    if about is None:
        raise UsageError(f"{target} exists and is not an exported step; choose another name")
    if CELLS not in about:
        raise UsageError(
            f"{target} was exported by an earlier version, so it cannot be told "
            f"whether it was edited since; {REMEDY}"
        )
    if digest(notebook) != about[CELLS]:
        raise UsageError(
            f"{target} was edited since it was exported "
            f"(cells changed, added or taken out); {REMEDY}"
        )


def _is_papermill(cell: "NotebookNode") -> bool:
    """Whether papermill added a cell and no one has changed it since.

    Papermill adds the parameters of a run, and a mark where it failed.
    """
    tags = cell.metadata.get("tags", [])
    if "papermill-error-cell-tag" in tags:
        source = cell.source.strip()
        is_one_line = "\n" not in source
        return is_one_line and cell.source.startswith("<span ") and source.endswith("</span>")
    return "injected-parameters" in tags and _only_assigns(cell.source)


def _only_assigns(source: str) -> bool:
    try:
        for statement in parse_tree(source).body:
            if not isinstance(statement, ast.Assign):
                return False
            ast.literal_eval(statement.value)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return False
    return True
