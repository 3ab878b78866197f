"""Starters: the programs that a study tries before it asks its proposer.

They are read from files and folders, and nothing of them is run.

Source: the start population of Meta-Harness (arXiv 2603.28052, algorithm 1) and of FunSearch
(Nature 2024).
"""

import ast
import glob
from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from workbench.errors import UsageError
from workbench.experiment import Experiment
from workbench.program import Program
from workbench.syntax import find_syntax_problem, parse_tree

HYPOTHESIS_FILE = "hypothesis.txt"
MAX_HYPOTHESIS = 2000  # characters


def read(
    experiment: Experiment, baseline: Program, also: Sequence[str], root: Path
) -> dict[Program, str]:
    """Reads the starters in their order, the experiment's own first, each with its hypothesis.

    - A file is another version of the one editable file; where there are several, of the one with
      its name.
    - A folder holds whole files at their paths in the program. What it does not hold is as in the
      baseline.
    - The hypothesis is the folder's `hypothesis.txt`, else the first line of a docstring.

    Args:
        also: paths, or patterns such as `baselines/*.py`. They are relative to `root`; where
            nothing matches there, to the experiment's folder.

    Raises:
        UsageError: one of them cannot be a starter; the message names it.
    """
    hypotheses: dict[Program, str] = {}
    for pattern in (*experiment.also, *also):
        try:
            for place in _find_places(pattern, experiment, root):
                program, hypothesis = _read_starter(place, experiment, baseline)
                if program == baseline:
                    raise UsageError("it is the baseline itself; leave it out")
                if program in hypotheses:
                    raise UsageError("it is the same program as another one; leave it out")
                hypotheses[program] = hypothesis
        except UsageError as error:
            raise UsageError(f"also {pattern}: {error}") from None
    return hypotheses


def _find_places(pattern: str, experiment: Experiment, root: Path) -> list[Path]:
    """The files and folders that a path or a pattern names."""
    for base in (root, experiment.folder):
        place = base / Path(pattern).expanduser()
        # A name with brackets in it is a name first, and a pattern only where nothing has it.
        if place.exists():
            return [place]
        if matches := sorted(glob.glob(str(place))):
            return [Path(match) for match in matches]
    raise UsageError(f"no such file or folder, here or in {experiment.folder}")


def _read_starter(place: Path, experiment: Experiment, baseline: Program) -> tuple[Program, str]:
    """The program of a file or folder, and its hypothesis."""
    read_files = _read_folder if place.is_dir() else _read_file
    files = read_files(place, experiment)
    for path, text in files.items():
        if path.endswith(".py") and (problem := find_syntax_problem(text)):
            raise UsageError(f"as {path} it does not parse: {problem}")
    program = Program({**baseline.files, **files}, baseline.executable)
    return program, _read_hypothesis(place, files)


def _read_file(file: Path, experiment: Experiment) -> Mapping[str, str]:
    """The text of a file, under the path of the editable file that it replaces."""
    editable = experiment.editable
    paths = [path for path in editable if PurePosixPath(path).name == file.name]
    if len(editable) == 1:
        paths = list(editable)
    if len(paths) != 1:
        raise UsageError(
            f"which of {', '.join(editable)} does it replace? "
            "Give a folder with whole files at these paths"
        )
    path = paths[0]
    suffix = PurePosixPath(path).suffix
    if suffix != file.suffix:
        raise UsageError(f"it cannot replace {path}, which ends in {suffix or 'no suffix'}")
    return {path: Program.read(file.parent, [file.name]).files[file.name]}


def _read_folder(folder: Path, experiment: Experiment) -> Mapping[str, str]:
    """The whole files of a folder, by their paths in the program."""
    editable = ", ".join(experiment.editable)
    paths = _list_paths(folder)
    not_editable = [path for path in paths if path not in experiment.editable]
    if not_editable:
        raise UsageError(f"{', '.join(not_editable[:3])} may not be changed; editable: {editable}")
    if not paths:
        raise UsageError(
            f"the folder is empty; put whole files there, at their paths in the program: {editable}"
        )
    return Program.read(folder, paths).files


def _list_paths(folder: Path) -> list[str]:
    """Paths of the files below a folder; hidden folders, caches and the hypothesis are left out."""
    paths: list[str] = []
    for file in sorted(folder.rglob("*")):
        path = file.relative_to(folder)
        is_hidden = any(part.startswith((".", "__")) for part in path.parent.parts)
        if file.is_file() and not is_hidden and file != folder / HYPOTHESIS_FILE:
            paths.append(path.as_posix())
    return paths


def _read_hypothesis(place: Path, files: Mapping[str, str]) -> str:
    """What a person wrote about the starter, or else a text made of its name."""
    file = place / HYPOTHESIS_FILE
    if file.is_file():
        text = file.read_text(encoding="utf-8", errors="replace").strip()
    else:
        text = _read_docstring(files)
    if text:
        return text[:MAX_HYPOTHESIS]
    name = place.stem.replace("_", " ").replace("-", " ")
    return f"{name} (from {place.name})"


def _read_docstring(files: Mapping[str, str]) -> str:
    """The first line of the first docstring of a module; empty where no file has one."""
    for path, text in files.items():
        if path.endswith(".py"):
            docstring = ast.get_docstring(parse_tree(text)) or ""
            if docstring.strip():
                return docstring.strip().split("\n")[0]
    return ""
