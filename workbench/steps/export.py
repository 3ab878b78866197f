"""Writes one step of a study as a notebook that is complete in itself.

Run anywhere, the notebook says whether the step reproduces. This module only writes; what the
notebook does when it runs is in `workbench.steps.step`.
"""

import pprint
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import workbench
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.records import Trial
from workbench.show import layout
from workbench.show.visible import one_line
from workbench.steps import about, place, record
from workbench.steps.literals import assign_file
from workbench.steps.material import Material

if TYPE_CHECKING:  # nbformat is imported where a notebook is written
    from nbformat import NotebookNode

# The cell that papermill replaces with its parameters.
PARAMETERS = """\
# Set these with `papermill -p NAME VALUE`, or here.
seed = None  # type: int  None runs the recorded seeds; a number runs that one instead
trials = None  # type: int  how many trials; None runs {default}
sigmas = 3.0  # type: float  how many standard deviations of the recorded noise a score may \
miss by, where it is not exact
tolerance = None  # type: float  the largest miss in units of {metric}; instead of sigmas, \
and of exactness
max_seconds = None  # type: float  budget for all trials together; a recorded trial took {seconds}
sandbox = "auto"  # type: str  auto, or a level by name: bwrap, landlock, off (no isolation)"""
PREAMBLE = """\
# The embedded files. Each is compared with its digest below; nothing here is run in this kernel.
import base64

from workbench import Step

program, parent, experiment = {}, {}, {}"""
MAKE_STEP = """\
# What the study recorded.
recorded = {recorded}
step = Step(recorded, program, parent, experiment)"""
RUN = "attempt = step.run(seed=seed, trials=trials, max_seconds=max_seconds, sandbox=sandbox)"
CHECK = "attempt.check(sigmas=sigmas, tolerance=tolerance)"

Cell = tuple[str, str, str, tuple[str, ...]]  # id, kind, source, tags


def export(folder: StudyFolder, candidate: int, path: Path | None = None) -> Path:
    """Writes a candidate as a notebook that needs only the workbench; returns its path.

    The same step gives the same bytes. An earlier export is overwritten, also an executed one; an
    edited one is not, nor is any other file.

    Args:
        path: by default `STUDY-CANDIDATE.ipynb` in the current folder.

    Raises:
        UsageError: the candidate has no trial that could be repeated, its files are too large, or
        the
            notebook cannot be written.
    """
    import nbformat

    target = place.find(path, default_name(folder, candidate))
    with Journal(folder) as journal:
        study = Study().fold(journal.read_entries())
        material = Material(journal, study, study.history(candidate))
        notebook = _notebook(material)
    nbformat.validate(notebook)
    place.write(nbformat.writes(notebook) + "\n", target)  # type: ignore[no-untyped-call]
    return target


def default_name(folder: StudyFolder, candidate: int) -> str:
    """File name of a step's notebook."""
    return f"{folder.name}-{candidate}.ipynb"


def _notebook(material: Material) -> "NotebookNode":
    from nbformat import v4

    recorded = material.record()
    cells = []
    for name, kind, source, tags in _cells(material, recorded):
        make = v4.new_markdown_cell if kind == "markdown" else v4.new_code_cell
        metadata = {"tags": list(tags)} if tags else {}
        cells.append(make(source, id=name, metadata=metadata))  # type: ignore[no-untyped-call]
    origin = {
        "study": recorded["study"],
        "candidate": recorded["candidate"],
        "program": recorded["program"],
        "version": workbench.__version__,
    }
    notebook_metadata: dict[str, Any] = {
        "kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"},
        "language_info": {"name": "python"},
        place.KEY: origin,
    }
    notebook: NotebookNode = v4.new_notebook(cells=cells, metadata=notebook_metadata)  # type: ignore[no-untyped-call]
    notebook.metadata[place.KEY][place.CELLS] = place.digest(notebook)
    return notebook


def _cells(material: Material, recorded: Mapping[str, Any]) -> list[Cell]:
    """The notebook's cells in their order."""
    cells: list[Cell] = [
        ("about", "markdown", about.describe(material), ()),
        ("parameters", "code", _parameters(material, recorded), ("parameters",)),
        ("files", "code", PREAMBLE, ()),
    ]
    for number, (path, text) in enumerate(material.program.files.items()):
        source = assign_file("program", path, text)
        cells.append((f"program-{number}", "code", source, ("file",)))
    cells.append(("parent", "code", _parent(material), ("file",)))
    for number, (path, content) in enumerate(material.frozen.items()):
        source = assign_file("experiment", path, content)
        cells.append((f"experiment-{number}", "code", source, ("file",)))
    sha256 = record.digests(material.program.files, material.parent_program.files, material.frozen)
    return [
        *cells,
        ("recorded", "code", MAKE_STEP.format(recorded=_pretty(recorded)), ()),
        ("integrity", "code", f"step.check_files({_pretty(sha256)})", ("integrity",)),
        ("diff", "code", "step.diff()", ()),
        ("environment", "code", "step.environment()", ()),
        ("run", "code", RUN, ()),
        ("curves", "code", "attempt.curves()", ()),
        ("verdict", "code", CHECK, ("verdict",)),
    ]


def _parent(material: Material) -> str:
    """Source that makes the parent's program from the candidate's; no text is stored twice."""
    if material.parent is None:
        return "# The baseline has no parent."
    files = material.program.files
    parent_files = material.parent_program.files
    parts = [
        f"# The program of the parent, candidate {material.parent.number}.\nparent.update(program)"
    ]
    parts += [f"del parent[{path!r}]" for path in files if path not in parent_files]
    for path, text in parent_files.items():
        if files.get(path) != text:
            parts.append(assign_file("parent", path, text))
    return "\n".join(parts)


def _parameters(material: Material, recorded: Mapping[str, Any]) -> str:
    trials: list[Trial] = material.trials
    has_failure = any(trial.status != "ok" for trial in trials)
    one_is_enough = has_failure or all(trial.exact for trial in trials)
    return PARAMETERS.format(
        default="one (it is exact, or a failure)" if one_is_enough else "two",
        metric=one_line(str(recorded["objective"]["name"])),
        seconds=layout.duration(max(trial.seconds for trial in trials)),
    )


def _pretty(value: Any) -> str:
    return pprint.pformat(value, width=130, sort_dicts=False, compact=True)
