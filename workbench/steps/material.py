"""What goes into an exported notebook, read from the journal and the frozen experiment."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

from workbench import experiment_file
from workbench.errors import ExperimentError, UsageError
from workbench.experiment import Experiment
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.recognise import experiments
from workbench.records import FAILURES
from workbench.show.plot import thin_out
from workbench.steps import record
from workbench.steps.spread import spread_of_relatives

MAX_BYTES = 4_000_000  # of all embedded files
MAX_SERIES = 6
MAX_CURVE_POINTS = 80


class Material:
    """What goes into one notebook, read from the journal and the frozen experiment.

    Attributes:
        study: the study.
        history: the candidate's.
        parent: the parent's history; None for the baseline.
        program: the candidate's program.
        parent_program: the parent's; empty for the baseline.
        experiment: as the study froze it.
        frozen: the experiment's files, by path, with the baseline's program.
        trials: those that ended in a score or a failure.
        lenders: candidates whose trials help to know the noise.
        lent: the spread that they lend.
        curves: of the first trial, by name.
    """

    def __init__(self, journal: Journal, study: Study, history: CandidateHistory) -> None:
        self.study = study
        self.history = history
        self.parent: CandidateHistory | None = None
        self.parent_program = Program({})
        if history.record.parent is not None:
            self.parent = study.history(history.record.parent)
            self.parent_program = journal.read_program(self.parent.record.program)
        self.program = journal.read_program(history.record.program)
        self.experiment = experiment_file.read(journal.folder.experiment)
        self.frozen = _frozen_files(self.experiment)
        self.trials = [
            trial for trial in history.trials if trial.status == "ok" or trial.status in FAILURES
        ]
        self._check()
        self.lenders, self.lent = spread_of_relatives(study, history)
        self.curves = journal.read_curves(history.number, self.trials[0].trial)

    def _check(self) -> None:
        """Raises UsageError if there is nothing to run again, or too much to embed."""
        if not self.trials:
            raise UsageError(
                f"candidate {self.history.number} has no trial that ended in a score or a failure: "
                "there is nothing to run again yet"
            )
        n_bytes = 0
        for files in (self.program.files, self.parent_program.files, self.frozen):
            n_bytes += sum(len(content) for content in files.values())
        if n_bytes > MAX_BYTES:
            raise UsageError(
                f"the files of {self.study.opened.experiment} are {n_bytes / 1e6:.0f} MB; "
                f"a notebook embeds at most {MAX_BYTES / 1e6:.0f} MB"
            )

    @property
    def patch(self) -> Patch:
        if self.parent is None:
            return Patch()
        return Patch.between(self.parent_program, self.program)

    def record(self) -> dict[str, Any]:
        """What the study recorded of the step, as plain values."""
        opened = self.study.opened
        candidate = self.history.record
        parent_trials = [] if self.parent is None else self.parent.scored
        return {
            "study": opened.name,
            "candidate": candidate.candidate,
            "parent": candidate.parent,
            "experiment": opened.experiment,
            "objective": asdict(opened.objective),
            "settings": dict(opened.settings),
            "command": list(_command(opened.source, self.experiment)),
            "editable": list(self.experiment.editable),
            "executable": {
                "program": sorted(self.program.executable),
                "parent": sorted(self.parent_program.executable),
                "experiment": self._executable_files(),
            },
            "program": candidate.program,
            "parent_program": None if self.parent is None else self.parent.record.program,
            "status": self.history.status,
            "trials": record.rows(self.trials),
            "parent_trials": record.rows(parent_trials),
            "spread": None if self.lent is None else self.lent._asdict(),
            "curves": self._short_curves(),
            "environment": {**opened.environment, "workbench": opened.version},
        }

    def _executable_files(self) -> list[str]:
        folder = self.experiment.folder
        return [path for path in self.frozen if (folder / path).stat().st_mode & 0o100]

    def _short_curves(self) -> dict[str, list[Any]]:
        curves = {}
        for name, curve in sorted(self.curves.items())[:MAX_SERIES]:
            steps, values = thin_out(curve, MAX_CURVE_POINTS)
            curves[name] = [list(steps), list(values), curve.self_reported]
        return curves


def _frozen_files(experiment: Experiment) -> dict[str, str | bytes]:
    """The experiment's files, with the baseline's program: an evaluator may compare with it."""
    files = {path: _decode(data) for path, data in experiment.read_protected().items()}
    files.update(experiment.program().files)
    return files


def _decode(data: bytes) -> str | bytes:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def _command(source: str, frozen: Experiment) -> tuple[str, ...]:
    """The command of a `claimed` experiment.

    A checkout that brings its own Python is asked where it lies, since the frozen copy lacks that.
    """
    if frozen.shape != "claimed":
        return ()
    try:
        return experiments.read_folder(Path(source)).command
    except (ExperimentError, OSError):
        return frozen.command
