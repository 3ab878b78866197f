"""A notebook cell as a study's program.

How the cell becomes an experiment, and what it reads with another candidate's program in it.
"""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from workbench.errors import UsageError
from workbench.ledger.folder import StudyFolder
from workbench.program import Program
from workbench.recognise import scaffold
from workbench.recognise.scaffold import Scoring, Setup
from workbench.recognise.setup import read_limits
from workbench.syntax import parse_tree

PROGRAM = "cell.py"
WHOLE = "cell.txt"  # the cell as it was typed, kept beside the experiment
Started = TypeVar("Started")


def begin(
    magic: str,
    code: str,
    name: str,
    scoring: Scoring,
    time_limit: str | None,
    start: Callable[[Path], Started],
) -> Started:
    """Makes an experiment of a cell and starts a study of it, which keeps a copy.

    Args:
        magic: the cell's first line, as it was typed.
        code: what follows it.
        name: of the experiment.
        scoring: where its score is.
        time_limit: of a trial, as in `10m`.
        start: starts a study of the folder that it is given; the folder is removed afterwards.

    Raises:
        UsageError: the cell cannot be a program.
    """
    setup = scaffold.AS_A_CELL if time_limit is None else Setup(limits=read_limits(time_limit))
    with tempfile.TemporaryDirectory(prefix="workbench-cell-") as root:
        folder = Path(root) / name
        scaffold.write(code, folder, name, scoring, PROGRAM, setup)
        (folder / WHOLE).write_text(f"{magic}\n{code}", encoding="utf-8")
        return start(folder)


def is_cell(study: StudyFolder) -> bool:
    """Whether a study began with a notebook cell."""
    return (study.experiment / WHOLE).is_file()


def text(study: StudyFolder, program: Program) -> tuple[str, str]:
    """The whole cell as it was typed, and with this program in it.

    A scoring function comes below the program.

    Raises:
        UsageError: the study did not begin with a cell.
    """
    if not is_cell(study):
        raise UsageError(f"{study.name} did not begin with a cell")
    original = (study.experiment / WHOLE).read_text(encoding="utf-8")
    magic = original.partition("\n")[0]
    parts = [program.files[PROGRAM].rstrip("\n")]
    scoring_file = study.experiment / "scoring.py"
    if scoring_file.is_file():
        scoring = scoring_file.read_text(encoding="utf-8")
        first, last = scaffold.span(parse_tree(scoring).body[-1])
        parts.append("\n".join(scoring.split("\n")[first:last]))
    body = "\n\n\n".join(parts)
    return original, f"{magic}\n{body}\n"
