"""Place: where an exported notebook may be written. What somebody has added to one, or edited in it, is never overwritten."""

import ast
import hashlib
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

from workbench.errors import UsageError
from workbench.syntax import tree_of

if TYPE_CHECKING:  # nbformat is imported where a notebook is read or written
    from nbformat import NotebookNode

OWN = "autoresearch"  # in a notebook's metadata: it is an exported step
CELLS = "cells"  # in that: the digest of its cells
REMEDY = "delete it or choose another name"


def find(path: Path | None, name: str) -> Path:
    """The file to write; in the current folder by default, and called `name` where the path is a folder.

    Raises:
        UsageError: it is no notebook's name, its folder is not there or may not be written, or it holds something else than an
            exported step as it was exported, executed or not.
    """
    target = Path.cwd() / (path or name)
    try:
        target = target / name if target.is_dir() else target
        if target.suffix != ".ipynb":
            raise UsageError(f"not a notebook's name: {target.name}; it ends in .ipynb")
        if not target.parent.is_dir():
            raise UsageError(
                f"cannot write {target}: there is no folder {target.parent}; make it, or choose another place"
            )
        with tempfile.TemporaryFile(dir=target.parent):
            pass
        if target.exists():
            _check_untouched(target)
    except OSError as error:
        raise _refused(target, error) from None
    return target


def write(text: str, target: Path) -> None:
    """Writes a notebook. Raises UsageError where that is not possible."""
    try:
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise _refused(target, error) from None


def digest(notebook: "NotebookNode") -> str:
    """SHA-256 of the cells' sources in their order; without empty cells and papermill's own, which running a notebook leaves behind."""
    cells = [
        (cell.cell_type, cell.source.strip())
        for cell in notebook.cells
        if cell.source.strip() and not _is_papermill(cell)
    ]
    return hashlib.sha256(json.dumps(cells).encode("ascii")).hexdigest()


def _refused(target: Path, error: OSError) -> UsageError:
    return UsageError(f"cannot write {target}: {error.strerror}; choose another place")


def _check_untouched(target: Path) -> None:
    import nbformat

    try:
        notebook = nbformat.read(target, 4)  # type: ignore[no-untyped-call]
    except OSError:
        raise
    except Exception as error:
        raise UsageError(
            f"{target} is there already and is no notebook ({error}); choose another name"
        ) from None
    about = notebook.metadata.get(OWN)
    if about is None:
        raise UsageError(f"{target} is there already and is no exported step; choose another name")
    if CELLS not in about:
        raise UsageError(
            f"{target} was exported by an earlier version, so it cannot be told whether it was edited since; {REMEDY}"
        )
    if digest(notebook) != about[CELLS]:
        raise UsageError(
            f"{target} was edited since it was exported (cells changed, added or taken out); {REMEDY}"
        )


def _is_papermill(cell: "NotebookNode") -> bool:
    """Whether papermill added a cell, and nobody made it anything else: the parameters of a run, or a mark of where it failed."""
    tags = cell.metadata.get("tags", [])
    if "papermill-error-cell-tag" in tags:
        return (
            cell.source.startswith("<span ")
            and cell.source.rstrip().endswith("</span>")
            and "\n" not in cell.source.strip()
        )
    return "injected-parameters" in tags and _only_assigns(cell.source)


def _only_assigns(source: str) -> bool:
    try:
        for statement in tree_of(source).body:
            if not isinstance(statement, ast.Assign):
                return False
            ast.literal_eval(statement.value)
    except (SyntaxError, ValueError, TypeError, MemoryError, RecursionError):
        return False
    return True
