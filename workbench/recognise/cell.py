"""A notebook cell as a study's program: how it becomes an experiment, and what the cell reads with another candidate's program in it."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from workbench.errors import UsageError
from workbench.ledger.folder import StudyFolder
from workbench.program import Program
from workbench.recognise import scaffold
from workbench.recognise.scaffold import Scoring, Setup
from workbench.recognise.setup import time_limited
from workbench.syntax import tree_of

PROGRAM, WHOLE = "cell.py", "cell.txt"
Made = TypeVar("Made")


def begin(
    magic: str,
    code: str,
    name: str,
    scoring: Scoring,
    time_limit: str | None,
    start: Callable[[Path], Made],
) -> Made:
    """Makes an experiment of a cell and starts on it; the study keeps a copy, the folder goes.

    Args:
        magic: the cell's first line, as it was typed. code: what follows it. time_limit: of a trial, as in `10m`.

    Raises:
        UsageError: the cell cannot be a program.
    """
    setup = scaffold.AS_A_CELL if time_limit is None else Setup(limits=time_limited(time_limit))
    with tempfile.TemporaryDirectory(prefix="workbench-cell-") as root:
        folder = Path(root) / name
        scaffold.write(code, folder, name, scoring, PROGRAM, setup)
        (folder / WHOLE).write_text(f"{magic}\n{code}", encoding="utf-8")
        return start(folder)


def is_cell(study: StudyFolder) -> bool:
    """Whether a study began with a notebook cell."""
    return (study.experiment / WHOLE).is_file()


def text(study: StudyFolder, program: Program) -> tuple[str, str]:
    """The whole cell as it was, and with this program in it; a scoring function stands below the program.

    Raises:
        UsageError: the study did not begin with a cell.
    """
    if not is_cell(study):
        raise UsageError(f"{study.name} did not begin with a cell")
    whole = (study.experiment / WHOLE).read_text(encoding="utf-8")
    magic, parts = whole.partition("\n")[0], [program.files[PROGRAM].rstrip("\n")]
    if (study.experiment / "scoring.py").is_file():
        scoring = (study.experiment / "scoring.py").read_text(encoding="utf-8")
        first, last = scaffold.span(tree_of(scoring).body[-1])
        parts.append("\n".join(scoring.split("\n")[first:last]))
    return whole, "\n".join([magic, "\n\n\n".join(parts), ""])
