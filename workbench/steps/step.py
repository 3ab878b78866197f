"""What an exported notebook runs: writes the embedded files to a folder and has them tried there.

Candidate code runs in the sandbox of a trial process, as it did in the study, and never in the
kernel: a candidate that calls `sys.exit(0)` must not make a notebook pass.
"""

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import workbench
from workbench import experiment_file, machine
from workbench.errors import UsageError
from workbench.evaluate.executor import Points
from workbench.evaluate.single_trial import run_trial
from workbench.experiment import Experiment, Objective
from workbench.ledger.curves import Curve
from workbench.program import Patch, Program
from workbench.records import Trial
from workbench.show import layout
from workbench.show.tables import DiffView
from workbench.show.visible import one_line
from workbench.steps import verdict
from workbench.steps.record import Files, digests, row
from workbench.steps.spread import Spread
from workbench.steps.verdict import Recorded, Verdict

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure

MIME = "application/vnd.autoresearch.step+json"


class NotReproduced(AssertionError):
    """The step did not reproduce; the message says by how much it missed."""


class FilesEdited(AssertionError):
    """A file in the notebook is not what was exported; the message names it."""


@dataclass(frozen=True)
class Step:
    """One candidate of a study, in full.

    Attributes:
        recorded: what the study recorded of it.
        program: the candidate's files, by path.
        parent: its parent's files; empty for the baseline.
        experiment: the experiment's files as the study froze them, with the baseline's program.
            Notebooks of earlier versions lack that program; then the candidate's is used in its
            place.
    """

    recorded: Mapping[str, Any]
    program: Mapping[str, str]
    parent: Mapping[str, str]
    experiment: Files

    def check_files(self, sha256: Mapping[str, str]) -> None:
        """Compares every embedded file with the digest that it was exported with.

        Raises:
            FilesEdited: one was edited, added or taken out; the message says which.
        """
        here = digests(self.program, self.parent, self.experiment)
        edited = [path for path in {*here, *sha256} if here.get(path) != sha256.get(path)]
        if edited:
            raise FilesEdited(
                f"not as exported: {', '.join(sorted(edited))}; "
                "export the step again, or take this cell out to try your own edit"
            )
        self._check_program("program", self.recorded["program"])
        self._check_program("parent", self.recorded["parent_program"])
        print(f"{len(here)} files as exported")

    def _check_program(self, which: str, digest: str | None) -> None:
        program = self._program(which)
        if program.files and program.digest != digest:
            raise FilesEdited(
                f"the {which} is not the recorded one "
                f"({program.digest[:12]} instead of {str(digest)[:12]})"
            )

    def diff(self) -> DiffView:
        """What the candidate changes in its parent's program."""
        return DiffView(Patch.between(self._program("parent"), self._program("program")))

    def environment(self) -> "EnvironmentView":
        """Where the step was recorded, beside where it runs now."""
        return EnvironmentView(dict(self.recorded["environment"]), current_environment())

    def run(
        self,
        *,
        seed: int | None = None,
        trials: int | None = None,
        max_seconds: float | None = None,
        sandbox: str = "auto",
    ) -> "Attempt":
        """Runs the candidate, and its parent where only the effect can be judged.

        Args:
            seed: run this seed instead of the recorded ones.
            trials: how many; by default 1 if the recorded ones are exact, else 2.
            max_seconds: for all trials together. A step that does not end in time has not
                reproduced.
            sandbox: `auto`, or a level by name as in `--sandbox`.
        """
        environment = current_environment()
        end = None if max_seconds is None else time.monotonic() + max_seconds
        curves: dict[str, Curve] = {}
        with self._write_folder() as folder:
            bench = _Bench(self._read_experiment(folder), folder.parent, sandbox, end)
            program = self._program("program")
            results = [bench.run(program, number, curves) for number in self._seeds(seed, trials)]
            parent_results: list[Trial] = []
            if self.parent and verdict.needs_parent(self.summary, results, environment):
                parent = self._program("parent")
                parent_results = [bench.run(parent, trial.seed) for trial in results]
        return Attempt(self, tuple(results), tuple(parent_results), environment, curves)

    @property
    def summary(self) -> Recorded:
        """What a verdict needs of the record."""
        spread = self.recorded["spread"]
        return Recorded(
            objective=Objective(**self.recorded["objective"]),
            trials=self._trials("trials"),
            parent=self._trials("parent_trials"),
            spread=Spread(**spread) if spread else None,
            environment=self.recorded["environment"],
        )

    def _trials(self, name: str) -> tuple[Trial, ...]:
        number = self.recorded["candidate" if name == "trials" else "parent"]
        return tuple(
            Trial(candidate=number, trial=index, **row)
            for index, row in enumerate(self.recorded[name])
        )

    def _seeds(self, seed: int | None, trials: int | None) -> list[int]:
        if trials is not None and trials < 1:
            raise UsageError(f"trials = {trials}; run at least 1")
        if seed is not None:
            return [seed + index for index in range(trials or 1)]
        failing = self.summary.failing
        usable = failing or tuple(trial for trial in self.summary.trials if trial.status == "ok")
        is_repeatable = bool(failing) or all(trial.exact for trial in usable)
        default = 1 if is_repeatable else 2
        return [trial.seed for trial in usable][: trials or default]

    def _program(self, which: str) -> Program:
        files = self.program if which == "program" else self.parent
        return Program(files, frozenset(self.recorded["executable"][which]))

    @contextmanager
    def _write_folder(self) -> Iterator[Path]:
        """A temporary folder with the experiment and the candidate's program."""
        with tempfile.TemporaryDirectory(prefix="autoresearch-step-") as parent:
            folder = Path(parent) / str(self.recorded["experiment"])
            folder.mkdir()
            # A file that the candidate deleted is still an editable file of the experiment.
            for path in self.recorded["editable"]:
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).touch()
            self._program("program").write(folder)
            for path, content in self.experiment.items():
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
                file.chmod(0o755 if path in self.recorded["executable"]["experiment"] else 0o644)
            yield folder

    def _read_experiment(self, folder: Path) -> Experiment:
        """The experiment as it was frozen, with the recorded settings."""
        experiment = experiment_file.read(folder)
        settings = {key: str(value) for key, value in self.recorded["settings"].items()}
        command = tuple(self.recorded["command"])
        if command:
            interpreter = Path(command[0])
            # recorded on another machine
            if interpreter.is_absolute() and not interpreter.exists():
                command = ("python", *command[1:])
            experiment = replace(experiment, command=command)
        return experiment.with_settings(settings)


@dataclass(frozen=True)
class _Bench:
    """Runs trials one after another in one folder.

    Attributes:
        experiment: with the recorded settings.
        folder: where the trials' files lie.
        sandbox: level of the sandbox, or `auto`.
        end: time (`time.monotonic`) at which all trials must have ended; None for no limit.
    """

    experiment: Experiment
    folder: Path
    sandbox: str
    end: float | None

    def run(self, program: Program, seed: int, curves: dict[str, Curve] | None = None) -> Trial:
        """Runs one trial; the first one fills `curves`."""
        experiment = self.experiment
        if self.end is not None:
            n_left = self.end - time.monotonic()
            if n_left < 1:
                return Trial(candidate=0, trial=0, seed=seed, **_OUT_OF_TIME)
            wall_seconds = min(experiment.limits.wall_seconds, n_left)
            limits = replace(experiment.limits, wall_seconds=wall_seconds)
            experiment = replace(experiment, limits=limits)
        run = self.folder / "run"  # holds the prepared data, which all trials share
        shutil.rmtree(run / "trial", ignore_errors=True)
        collect = _collector(curves) if curves is not None and not curves else None
        trial = run_trial(
            experiment, program, seed, sandbox=self.sandbox, folder=run, on_points=collect
        )
        had_less_time = experiment.limits != self.experiment.limits
        if trial.status == "timeout" and had_less_time:
            return replace(trial, **_OUT_OF_TIME)
        return trial


# A trial that the reader's budget ended says nothing about the program.
_OUT_OF_TIME: Any = {"status": "killed", "reason": "max_seconds are over", "fault": "person"}


def _collector(curves: dict[str, Curve]) -> Callable[[Points], None]:
    def collect(points: Points) -> None:
        curve = curves.get(points.series, Curve((), (), points.self_reported))
        steps = [*curve.steps, *(step for step, _ in points.points)]
        values = [*curve.values, *(value for _, value in points.points)]
        curves[points.series] = Curve(tuple(steps), tuple(values), points.self_reported)

    return collect


@dataclass(frozen=True)
class Attempt:
    """The trials that were run here, to be judged against the recorded ones.

    Attributes:
        step: the step that was run.
        trials: the candidate's trials.
        parent: the parent's trials, if only the effect can be judged.
        environment: versions and machine here.
        series: curves of the first trial, by name.
    """

    step: Step
    trials: tuple[Trial, ...]
    parent: tuple[Trial, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    series: Mapping[str, Curve] = field(default_factory=dict)

    def curves(self) -> "Figure":
        """The curves of the first trial here, beside the recorded ones."""
        from workbench.show import figures

        recorded = {name: Curve(*series) for name, series in self.step.recorded["curves"].items()}
        return figures.draw_curves({"here": self.series, "recorded": recorded})

    def judge(self, *, sigmas: float = 3.0, tolerance: float | None = None) -> Verdict:
        """The verdict, as a value."""
        return verdict.judge(
            self.step.summary, self.trials, self.parent, self.environment, sigmas, tolerance
        )

    def check(self, *, sigmas: float = 3.0, tolerance: float | None = None) -> None:
        """Shows the verdict.

        The output also holds it as `application/vnd.autoresearch.step+json`, for programs that read
        the executed notebook.

        Args:
            sigmas: how many standard deviations of the recorded noise a score that is not exact may
                miss by.
            tolerance: the largest miss, in units of the score; replaces `sigmas`.

        Raises:
            NotReproduced: the message says by how much it missed.
        """
        from IPython.display import display

        judged = self.judge(sigmas=sigmas, tolerance=tolerance)
        facts = self._facts(judged)
        output = {
            MIME: self._result(judged),
            "text/plain": layout.facts_text(judged.line, facts),
            "text/html": layout.page(layout.facts_html(judged.line, facts)),
        }
        display(output, raw=True)  # type: ignore[no-untyped-call]
        if not judged.reproduced:
            raise NotReproduced(judged.line)

    def _result(self, judged: Verdict) -> dict[str, Any]:
        return {
            "study": self.step.recorded["study"],
            "candidate": self.step.recorded["candidate"],
            **asdict(judged),
            "trials": [row(trial) for trial in self.trials],
            "parent_trials": [row(trial) for trial in self.parent],
            "environment": dict(self.environment),
        }

    def _facts(self, judged: Verdict) -> list[tuple[str, str]]:
        facts = [("judged", _HOW_JUDGED[judged.mode])]
        facts += [("differs", phrase) for phrase in judged.differences]
        facts += [("candidate", _describe_trial(trial)) for trial in self.trials]
        facts += [("parent", _describe_trial(trial)) for trial in self.parent]
        return facts


_HOW_JUDGED = {
    "exact": "the same seeds give the same score, bit for bit",
    "spread": "the score, within the noise of the recorded trials",
    "effect": "the gain over the parent, since something that matters differs",
    "failure": "the candidate was recorded as failed",
}


def _describe_trial(trial: Trial) -> str:
    score = trial.status if trial.score is None else layout.number(trial.score)
    level = f"sandbox {trial.sandbox or 'unknown'}"
    if trial.sandbox == "off":
        level = "sandbox off: WITHOUT isolation"
    duration = layout.duration(trial.seconds)
    return f"seed {trial.seed}: {score}, {duration}, {level}, device {trial.device or 'unknown'}"


class EnvironmentView:
    """The recorded environment beside the one here; differences are marked in words."""

    def __init__(self, recorded: Mapping[str, str], here: Mapping[str, str]) -> None:
        self.data = {"recorded": dict(recorded), "here": dict(here)}

    def _rows(self) -> list[dict[str, str]]:
        then = self.data["recorded"]
        now = self.data["here"]
        return [
            {
                "name": name,
                "then": then.get(name, "-"),
                "now": now.get(name, "-"),
                "same": "" if then.get(name) == now.get(name) else "differs",
            }
            for name in dict.fromkeys([*then, *now])
        ]

    def __repr__(self) -> str:
        return layout.text_table(_ENVIRONMENT, self._rows())

    def _repr_html_(self) -> str:
        return layout.page(layout.html_table(_ENVIRONMENT, self._rows()))


_ENVIRONMENT = [
    layout.Column("", lambda row: one_line(row["name"])),
    layout.Column("recorded", lambda row: one_line(row["then"])),
    layout.Column("here", lambda row: one_line(row["now"])),
    layout.Column("differs", lambda row: row["same"]),
]


def current_environment() -> dict[str, str]:
    """Versions and machine, as a study records them, with the workbench's own version."""
    return {**machine.describe_environment(), "workbench": workbench.__version__}
