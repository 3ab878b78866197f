"""Export: one step of a study as a notebook that is complete in itself and says, run anywhere, whether it reproduces.

Only writes; what the notebook does when it runs is `workbench.steps.step`.
"""

import base64
import pprint
import re
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import workbench
from workbench import experiment as experiments
from workbench.errors import ExperimentError, UsageError
from workbench.experiment import Experiment
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.records import Decision, Trial
from workbench.show import layout
from workbench.show.plot import thinned
from workbench.show.visible import one_line, visible
from workbench.steps import place, step, verdict
from workbench.steps.literals import literal
from workbench.steps.spread import ENOUGH, borrowed

if TYPE_CHECKING:  # nbformat is imported where a notebook is written
    from nbformat import NotebookNode

MAX_BYTES = 4_000_000
MAX_SERIES, MAX_CURVE_POINTS = 6, 80
MAX_DIFF = 60_000
PARAMETERS = """\
# Set these with `papermill -p NAME VALUE`, or here.
seed = None  # type: int  None runs the recorded seeds; a number runs that one instead
trials = None  # type: int  how many trials; None runs {default}
sigmas = 3.0  # type: float  how many standard deviations of the recorded noise a score may miss by, where it is not exact
tolerance = None  # type: float  the largest miss in units of {metric}; instead of sigmas, and of exactness
max_seconds = None  # type: float  budget for all trials together; a recorded trial took {seconds}
sandbox = "auto"  # type: str  auto, or a level by name: bwrap, landlock, off (no isolation)"""
PREAMBLE = """\
# The embedded files. Each is compared with its digest below; nothing here is run in this kernel.
import base64

from workbench import Step

program, parent, experiment = {}, {}, {}"""


def export(folder: StudyFolder, candidate: int, path: Path | None = None) -> Path:
    """Writes a candidate as a notebook that needs nothing but the workbench to be run again; returns its path.

    The same step gives the same bytes. By default `STUDY-CANDIDATE.ipynb` in the current folder. A step exported before is
    overwritten, also an executed one; one that somebody edited is not, nor any other file.

    Raises:
        UsageError: the candidate has no trial that could be repeated, its files are too large, or the file cannot be written.
    """
    import nbformat

    target = place.find(path, default_name(folder, candidate))
    with Journal(folder) as journal:
        study = Study().fold(journal.entries())
        material = _Material(journal, study, study.history(candidate))
        notebook = _notebook(material)
    nbformat.validate(notebook)
    place.write(nbformat.writes(notebook) + "\n", target)  # type: ignore[no-untyped-call]
    return target


def default_name(folder: StudyFolder, candidate: int) -> str:
    """What the notebook of a step is called where nobody says it."""
    return f"{folder.name}-{candidate}.ipynb"


class _Material:
    """What goes into one notebook, read from the journal and the frozen experiment."""

    def __init__(self, journal: Journal, study: Study, history: CandidateHistory) -> None:
        self.study, self.history = study, history
        self.parent = (
            None if history.record.parent is None else study.history(history.record.parent)
        )
        self.program = journal.program(history.record.program)
        self.parent_program = (
            Program({}) if self.parent is None else journal.program(self.parent.record.program)
        )
        self.experiment = experiments.read(journal.folder.experiment)
        self.frozen: dict[str, str | bytes] = {
            path: _text_or_bytes(data) for path, data in self.experiment.protected().items()
        }
        self.frozen |= (
            self.experiment.program().files
        )  # the baseline, with which an evaluator may compare
        self.trials = [
            trial
            for trial in history.trials
            if trial.status == "ok" or trial.status in verdict.FAILURES
        ]
        self.lenders, self.lent = borrowed(study, history)
        self.curves = journal.curves(history.number, self.trials[0].trial) if self.trials else {}
        if not self.trials:
            raise UsageError(
                f"candidate {history.number} has no trial that ended in a score or a failure: there is nothing to run again yet"
            )
        size = sum(
            len(content)
            for files in (self.program.files, self.parent_program.files, self.frozen)
            for content in files.values()
        )
        if size > MAX_BYTES:
            raise UsageError(
                f"the files of {study.opened.experiment} are {size / 1e6:.0f} MB; a notebook embeds at most {MAX_BYTES / 1e6:.0f} MB"
            )

    @property
    def patch(self) -> Patch:
        return Patch() if self.parent is None else Patch.between(self.parent_program, self.program)

    def recorded(self) -> dict[str, Any]:
        opened, record = self.study.opened, self.history.record
        parent_trials = (
            []
            if self.parent is None
            else [trial for trial in self.parent.trials if trial.status == "ok"]
        )
        folder = self.experiment.folder
        return {
            "study": opened.name,
            "candidate": record.candidate,
            "parent": record.parent,
            "experiment": opened.experiment,
            "objective": asdict(opened.objective),
            "settings": dict(opened.settings),
            "command": list(_command(opened.source, self.experiment)),
            "editable": list(self.experiment.editable),
            "executable": {
                "program": sorted(self.program.executable),
                "parent": sorted(self.parent_program.executable),
                "experiment": [
                    path for path in self.frozen if (folder / path).stat().st_mode & 0o100
                ],
            },
            "program": record.program,
            "parent_program": None if self.parent is None else self.parent.record.program,
            "status": self.history.status,
            "trials": step.rows(self.trials),
            "parent_trials": step.rows(parent_trials),
            "spread": None if self.lent is None else self.lent._asdict(),
            "curves": self._curves(),
            "environment": {**opened.environment, "workbench": opened.version},
        }

    def _curves(self) -> dict[str, list[Any]]:
        chosen = sorted(self.curves.items())[:MAX_SERIES]
        return {
            name: [*map(list, thinned(curve, MAX_CURVE_POINTS)), curve.self_reported]
            for name, curve in chosen
        }


def _command(source: str, frozen: Experiment) -> tuple[str, ...]:
    """The command of a `claimed` experiment; a checkout's own interpreter is known only where the checkout lies."""
    if frozen.shape != "claimed":
        return ()
    try:
        return experiments.read(Path(source)).command
    except (ExperimentError, OSError):
        return frozen.command


def _text_or_bytes(data: bytes) -> str | bytes:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _notebook(material: _Material) -> "NotebookNode":
    from nbformat import v4

    recorded = material.recorded()
    cells = [
        ("about", "markdown", _about(material), ()),
        ("parameters", "code", _parameters(material, recorded), ("parameters",)),
        ("files", "code", PREAMBLE, ()),
    ]
    cells += [
        (f"program-{n}", "code", text, ("file",))
        for n, text in enumerate(_assignments("program", material.program.files))
    ]
    cells.append(("parent", "code", _parent(material), ("file",)))
    cells += [
        (f"experiment-{n}", "code", text, ("file",))
        for n, text in enumerate(_assignments("experiment", material.frozen))
    ]
    known = step.digests(material.program.files, material.parent_program.files, material.frozen)
    cells += [
        (
            "recorded",
            "code",
            f"# What the study recorded.\nrecorded = {_pretty(recorded)}\nstep = Step(recorded, program, parent, experiment)",
            (),
        ),
        ("integrity", "code", f"step.check_files({_pretty(known)})", ("integrity",)),
        ("diff", "code", "step.diff()", ()),
        ("environment", "code", "step.environment()", ()),
        (
            "run",
            "code",
            "attempt = step.run(seed=seed, trials=trials, max_seconds=max_seconds, sandbox=sandbox)",
            (),
        ),
        ("curves", "code", "attempt.curves()", ()),
        ("verdict", "code", "attempt.check(sigmas=sigmas, tolerance=tolerance)", ("verdict",)),
    ]
    made = []
    for name, kind, source, tags in cells:
        tagged = {"tags": list(tags)} if tags else {}
        make = v4.new_markdown_cell if kind == "markdown" else v4.new_code_cell
        made.append(make(source, id=name, metadata=tagged))  # type: ignore[no-untyped-call]
    about = {
        "study": recorded["study"],
        "candidate": recorded["candidate"],
        "program": recorded["program"],
        "version": workbench.__version__,
    }
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    metadata = {"kernelspec": kernel, "language_info": {"name": "python"}, place.OWN: about}
    notebook: NotebookNode = v4.new_notebook(cells=made, metadata=metadata)  # type: ignore[no-untyped-call]
    notebook.metadata[place.OWN][place.CELLS] = place.digest(notebook)
    return notebook


def _assignments(name: str, files: Mapping[str, str | bytes]) -> list[str]:
    return [_assignment(name, path, content) for path, content in files.items()]


def _assignment(name: str, path: str, content: str | bytes) -> str:
    if isinstance(content, str):
        return literal(f"{name}[{path!r}] = ", content)
    return f'{name}[{path!r}] = base64.b64decode("""\n{base64.encodebytes(content).decode()}""")'


def _parent(material: _Material) -> str:
    """The parent's program, as what differs from the candidate's."""
    if material.parent is None:
        return "# The baseline has no parent."
    mine, theirs = material.program.files, material.parent_program.files
    parts = [
        f"# The program of the parent, candidate {material.parent.number}.\nparent.update(program)"
    ]
    parts += [f"del parent[{path!r}]" for path in mine if path not in theirs]
    parts += [
        _assignment("parent", path, text) for path, text in theirs.items() if mine.get(path) != text
    ]
    return "\n".join(parts)


def _parameters(material: _Material, recorded: Mapping[str, Any]) -> str:
    trials: list[Trial] = material.trials
    is_one = any(trial.status != "ok" for trial in trials) or all(trial.exact for trial in trials)
    return PARAMETERS.format(
        default="one (it is exact, or a failure)" if is_one else "two",
        metric=one_line(str(recorded["objective"]["name"])),
        seconds=layout.duration(max(trial.seconds for trial in trials)),
    )


def _about(material: _Material) -> str:
    record, opened = material.history.record, material.study.opened
    parent = "" if record.parent is None else f", made from candidate {record.parent}"
    parts = [
        f"# {_markdown(opened.name)}, candidate {record.candidate}",
        f"> {_markdown(record.hypothesis or 'no hypothesis')}",
    ]
    parts.append(
        f"By {_markdown(record.author)}{parent}. Experiment: {_markdown(opened.experiment)}."
    )
    decisions: list[Decision | None] = [*material.history.decisions] or [None]
    parts += [_decision(decision, is_last=decision is decisions[-1]) for decision in decisions]
    parts.append(_trial_table(material))
    parts += _noise(material)
    diff = visible(material.patch.unified())
    if diff:
        cut = "" if len(diff) <= MAX_DIFF else f"\n… {len(diff) - MAX_DIFF:,} more characters"
        fence = "`" * max([3, *(len(run) + 1 for run in re.findall(r"`+", diff))])
        parts.append(f"{fence}diff\n{diff[:MAX_DIFF].rstrip()}{cut}\n{fence}")
    parts.append(
        "This notebook holds the whole step. Run it anywhere with the workbench installed, for example with "
        "`papermill THIS.ipynb out.ipynb`: it tries the program again in a sandbox and fails when the result does not reproduce."
    )
    return "\n\n".join(parts)


def _decision(decision: Decision | None, is_last: bool) -> str:
    if decision is None:
        return "**Not decided** when this was exported."
    evidence, effect = decision.evidence, ""
    if evidence.effect is not None:
        bounds = (
            ""
            if evidence.low is None or evidence.high is None
            else f" [{evidence.low:+.4g}, {evidence.high:+.4g}]"
        )
        effect = f" Effect {evidence.effect:+.4g}{bounds} (a gain; above 0 is better), from {evidence.trials} trials."
    why = _markdown(decision.why or "-").rstrip(".")
    return f"**{'Decision' if is_last else 'Before'}: {_markdown(decision.verdict)}** by {_markdown(decision.by)}: {why}.{effect}"


def _trial_table(material: _Material) -> str:
    name = _markdown(material.study.opened.objective.name)
    own = " (self-reported)" if any(trial.self_reported for trial in material.trials) else ""
    lines = [
        f"| trial | seed | {name}{own} | sandbox | device |",
        "| --- | --- | --- | --- | --- |",
    ]
    for trial in material.trials:
        score = trial.status if trial.score is None else layout.number(trial.score)
        reason = f": {_markdown(trial.reason)}" if trial.reason else ""
        sandbox = (
            "off: WITHOUT isolation" if trial.sandbox == "off" else _markdown(trial.sandbox or "-")
        )
        lines.append(
            f"| {trial.trial} | {trial.seed} | {score}{reason} | {sandbox} | {_markdown(trial.device or '-')} |"
        )
    return "\n".join(lines)


def _noise(material: _Material) -> list[str]:
    """Where the trials are too few to say what a result may miss by: what says it."""
    n = len(material.history.scored)
    if not 0 < n <= ENOUGH or material.study.opened.objective.noise == "none":
        return []
    if material.lent:
        from_whom = ", ".join(f"candidate {number}" for number in material.lenders) or "its units"
        source = f"what the score may miss by comes from {from_whom} as well"
    else:
        source = (
            "what the score may miss by is wide"
            if n > 1
            else f"the score may miss by {verdict.FLOOR:.0%}, or by `min_effect`"
        )
    return [
        f"Its {n} trial{'s' if n > 1 else ''} hardly tell its noise: where the same seed gives another score, {source}."
    ]


def _markdown(text: str) -> str:
    """Text of a candidate or a model on one line of markdown: no tags, links, pictures or formatting."""
    plain = (
        one_line(text)
        .replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace("|", "&#124;")
        .replace("$", "&#36;")
    )
    plain = re.sub(r"([\\`*_\[\]!~])", r"\\\1", plain.replace("://", "&#58;//"))
    return re.sub(
        r"^(\d*)([-+#>=.)])", r"\1\\\2", plain
    )  # what would begin a list, a heading or a quotation


def _pretty(value: Any) -> str:
    return pprint.pformat(value, width=130, sort_dicts=False, compact=True)
