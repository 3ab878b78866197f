"""Starters: the programs beside the baseline that a study tries before its proposer is asked, read from files and folders.

Source: the start population of Meta-Harness (arXiv 2603.28052, algorithm 1) and of FunSearch (Nature 2024).
"""

import ast
import glob
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

from workbench.errors import UsageError
from workbench.experiment import Experiment
from workbench.program import Program
from workbench.syntax import syntax_problem, tree_of

NOTE = "hypothesis.txt"
MAX_HYPOTHESIS = 2000


def read(
    experiment: Experiment, baseline: Program, also: Sequence[str], root: Path
) -> dict[Program, str]:
    """The programs in their order, the experiment's own first, each with its hypothesis.

    A file stands for the one editable file, or, of several, for the one of its name. A folder holds whole files at their paths in the
    program; what it lacks is as in the baseline. The hypothesis is the folder's `hypothesis.txt`, else the first line of a docstring.

    Args:
        also: paths, or patterns as `baselines/*.py`, relative to `root`, else to the experiment's folder.

    Raises:
        UsageError: one cannot be such a program; the message names it.
    """
    found: dict[Program, str] = {}
    for given, place in [
        (one, place)
        for one in (*experiment.also, *also)
        for place in _places(one, experiment, root)
    ]:
        program, hypothesis = _program(given, place, experiment, baseline)
        if program == baseline:
            raise UsageError(f"also {given}: it is the baseline itself; leave it out")
        if program in found:
            raise UsageError(f"also {given}: it is the same program as another one; leave it out")
        found[program] = hypothesis
    return found


def _places(given: str, experiment: Experiment, root: Path) -> list[Path]:
    for base in (root, experiment.folder):
        place = base / Path(given).expanduser()
        if (
            found := [place]
            if place.exists()
            else [Path(name) for name in sorted(glob.glob(str(place)))]
        ):
            return found
    raise UsageError(f"also {given}: no such file or folder, here or in {experiment.folder}")


def _program(
    given: str, place: Path, experiment: Experiment, baseline: Program
) -> tuple[Program, str]:
    try:
        files = _overlay(place, experiment) if place.is_dir() else _single(place, experiment)
    except UsageError as error:
        raise UsageError(f"also {given}: {error}") from None
    for path, text in files.items():
        if path.endswith(".py") and (problem := syntax_problem(text)):
            raise UsageError(f"also {given}: as {path} it does not parse: {problem}")
    note = place / NOTE
    told = (
        note.read_text(encoding="utf-8", errors="replace").strip()
        if note.is_file()
        else _docstring(files)
    )
    name = place.stem.replace("_", " ").replace("-", " ")
    return Program({**baseline.files, **files}, baseline.executable), told[
        :MAX_HYPOTHESIS
    ] or f"{name} (from {place.name})"


def _single(place: Path, experiment: Experiment) -> dict[str, str]:
    paths = [
        path
        for path in experiment.editable
        if len(experiment.editable) == 1 or PurePosixPath(path).name == place.name
    ]
    if len(paths) != 1:
        raise UsageError(
            f"which of {', '.join(experiment.editable)} does it stand for? Give a folder with whole files at these paths"
        )
    if PurePosixPath(paths[0]).suffix != place.suffix:
        raise UsageError(
            f"it is no other form of {paths[0]}, which ends in {PurePosixPath(paths[0]).suffix or 'no suffix'}"
        )
    return {paths[0]: Program.read(place.parent, [place.name]).files[place.name]}


def _overlay(place: Path, experiment: Experiment) -> dict[str, str]:
    paths = [
        file.relative_to(place).as_posix()
        for file in sorted(place.rglob("*"))
        if file.is_file() and file != place / NOTE
    ]
    paths = [
        path
        for path in paths
        if not any(part.startswith((".", "__")) for part in PurePosixPath(path).parent.parts)
    ]
    if strangers := [path for path in paths if path not in experiment.editable]:
        raise UsageError(
            f"{', '.join(strangers[:3])} may not be changed; editable: {', '.join(experiment.editable)}"
        )
    if not paths:
        raise UsageError(
            f"the folder is empty; put whole files there, at their paths in the program: {', '.join(experiment.editable)}"
        )
    return dict(Program.read(place, paths).files)


def _docstring(files: dict[str, str]) -> str:
    told = (
        ast.get_docstring(tree_of(text)) or ""
        for path, text in files.items()
        if path.endswith(".py")
    )
    return next((text.strip().split("\n")[0] for text in told if text.strip()), "")
