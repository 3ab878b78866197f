"""Step: what an exported notebook runs. It writes the embedded files to a folder of their own and has them tried there.

Candidate code runs in the sandbox of a trial process, as it did in the study, never in the kernel: a candidate that calls
`sys.exit(0)` must not make a notebook pass.
"""

import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import workbench
from workbench import experiment as experiments
from workbench import machine
from workbench.errors import UsageError
from workbench.evaluate.executor import Points
from workbench.evaluate.once import run_once
from workbench.experiment import Experiment, Objective
from workbench.ledger.journal import Curve
from workbench.program import Patch, Program
from workbench.records import Trial
from workbench.show import layout
from workbench.show.tables import DiffView
from workbench.show.visible import one_line
from workbench.steps import verdict
from workbench.steps.spread import Spread
from workbench.steps.verdict import Recorded, Verdict

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure

MIME = "application/vnd.autoresearch.step+json"
Files = Mapping[str, str | bytes]


class NotReproduced(AssertionError):
    """The step did not reproduce; the message says by how much it missed."""


class FilesEdited(AssertionError):
    """A file in the notebook is not what was exported; the message names it."""


@dataclass(frozen=True)
class Step:
    """One candidate of a study, in full: its files, those of its parent, and what was recorded of it.

    `experiment` are the files of the experiment as the study froze it, the baseline's program among them; notebooks of earlier versions
    lack that program, and the candidate's stands in its place.
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
        found = digests(self.program, self.parent, self.experiment)
        if wrong := sorted(
            path for path in {*found, *sha256} if found.get(path) != sha256.get(path)
        ):
            raise FilesEdited(
                f"not as exported: {', '.join(wrong)}; export the step again, or take this cell out to try your own edit"
            )
        for name, program, digest in (
            ("program", self._program("program"), self.recorded["program"]),
            ("parent", self._program("parent"), self.recorded["parent_program"]),
        ):
            if program.files and program.digest != digest:
                raise FilesEdited(
                    f"the {name} is not the recorded one ({program.digest[:12]} instead of {str(digest)[:12]})"
                )
        print(f"{len(found)} files as exported")

    def diff(self) -> DiffView:
        """What the candidate changes in its parent's program."""
        return DiffView(Patch.between(self._program("parent"), self._program("program")))

    def environment(self) -> "EnvironmentView":
        """Where the step was recorded, against where it runs now."""
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
            seed: run this one instead of the recorded seeds. trials: how many; by default 1 where that is exact, else 2.
            max_seconds: for all trials together; what does not end in time has not reproduced.
            sandbox: `auto`, or a level by name as in `--sandbox`.
        """
        known, environment = self.known, current_environment()
        end = None if max_seconds is None else time.monotonic() + max_seconds
        curves: dict[str, Curve] = {}
        with self._folder() as folder:
            place = _Place(self._read(folder), folder.parent, sandbox, end)
            ran = [
                place.run(self._program("program"), number, curves)
                for number in self._seeds(seed, trials)
            ]
            parent: list[Trial] = []
            if self.parent and verdict.needs_parent(known, ran, environment):
                parent = [place.run(self._program("parent"), trial.seed) for trial in ran]
        return Attempt(self, tuple(ran), tuple(parent), environment, curves)

    @property
    def known(self) -> Recorded:
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
        known = self.known
        usable = known.failing or tuple(trial for trial in known.trials if trial.status == "ok")
        default = 1 if known.failing or all(trial.exact for trial in usable) else 2
        return [trial.seed for trial in usable][: trials or default]

    def _program(self, which: str) -> Program:
        files = self.program if which == "program" else self.parent
        return Program(files, frozenset(self.recorded["executable"][which]))

    @contextmanager
    def _folder(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="autoresearch-step-") as made:
            folder = Path(made) / str(self.recorded["experiment"])
            folder.mkdir()
            for path in self.recorded[
                "editable"
            ]:  # what the candidate took out is still a file of the experiment
                (folder / path).parent.mkdir(parents=True, exist_ok=True)
                (folder / path).touch()
            self._program("program").write(folder)
            for path, content in self.experiment.items():
                file = folder / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_bytes(content.encode("utf-8") if isinstance(content, str) else content)
                file.chmod(0o755 if path in self.recorded["executable"]["experiment"] else 0o644)
            yield folder

    def _read(self, folder: Path) -> Experiment:
        """The experiment as it was frozen, with the recorded settings."""
        experiment = experiments.read(folder)
        settings = {key: str(value) for key, value in self.recorded["settings"].items()}
        if command := tuple(self.recorded["command"]):
            is_elsewhere = Path(command[0]).is_absolute() and not Path(command[0]).exists()
            experiment = replace(
                experiment, command=("python", *command[1:]) if is_elsewhere else command
            )
        return experiment.with_settings(settings)


@dataclass(frozen=True)
class _Place:
    """Where trials run, one after another."""

    experiment: Experiment
    folder: Path
    sandbox: str
    end: float | None

    def run(self, program: Program, seed: int, curves: dict[str, Curve] | None = None) -> Trial:
        experiment = self.experiment
        if self.end is not None:
            left = self.end - time.monotonic()
            if left < 1:
                return Trial(
                    candidate=0,
                    trial=0,
                    seed=seed,
                    status="killed",
                    reason="max_seconds are over",
                    fault="person",
                )
            limits = replace(
                experiment.limits, wall_seconds=min(experiment.limits.wall_seconds, left)
            )
            experiment = replace(experiment, limits=limits)
        run = self.folder / "run"  # the prepared data in it serves all trials
        shutil.rmtree(run / "trial", ignore_errors=True)
        collect = _collector(curves) if curves is not None and not curves else None
        trial = run_once(
            experiment, program, seed, sandbox=self.sandbox, folder=run, on_points=collect
        )
        if trial.status == "timeout" and experiment.limits != self.experiment.limits:
            return replace(trial, status="killed", reason="max_seconds are over", fault="person")
        return trial


def _collector(curves: dict[str, Curve]) -> Callable[[Points], None]:
    def collect(points: Points) -> None:
        old = curves.get(points.series, Curve((), (), points.self_reported))
        steps, values = zip(*points.points, strict=True) if points.points else ((), ())
        curves[points.series] = Curve(
            (*old.steps, *steps), (*old.values, *values), points.self_reported
        )

    return collect


@dataclass(frozen=True)
class Attempt:
    """The trials that were run here, to be judged against the recorded ones."""

    step: Step
    trials: tuple[Trial, ...]
    parent: tuple[Trial, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    series: Mapping[str, Curve] = field(default_factory=dict)

    def curves(self) -> "Figure":
        """The curves of the first trial here, beside the recorded ones."""
        from workbench.show import figures

        kept = {name: Curve(*series) for name, series in self.step.recorded["curves"].items()}
        return figures.curves({"here": self.series, "recorded": kept})

    def judge(self, *, sigmas: float = 3.0, tolerance: float | None = None) -> Verdict:
        """The verdict, as a value."""
        return verdict.judge(
            self.step.known, self.trials, self.parent, self.environment, sigmas, tolerance
        )

    def check(self, *, sigmas: float = 3.0, tolerance: float | None = None) -> None:
        """Shows the verdict, with the result as `application/vnd.autoresearch.step+json` for who reads the notebook back.

        Args:
            sigmas: how many standard deviations of the recorded noise the score may miss by, where it is not exact.
            tolerance: the largest miss instead, in units of the score.

        Raises:
            NotReproduced: the message says by how much it missed.
        """
        from IPython.display import display

        found = self.judge(sigmas=sigmas, tolerance=tolerance)
        result = {
            "study": self.step.recorded["study"],
            "candidate": self.step.recorded["candidate"],
            **asdict(found),
        }
        result |= {
            "trials": [_row(trial) for trial in self.trials],
            "parent_trials": [_row(trial) for trial in self.parent],
        }
        result["environment"] = dict(self.environment)
        display(
            {MIME: result, "text/plain": self._text(found), "text/html": self._html(found)},
            raw=True,
        )  # type: ignore[no-untyped-call]
        if not found.reproduced:
            raise NotReproduced(found.line)

    def _facts(self, found: Verdict) -> list[tuple[str, str]]:
        how = {
            "exact": "the same seeds give the same score, bit for bit",
            "spread": "the score, within the noise of the recorded trials",
            "effect": "the gain over the parent, since something that matters differs",
            "failure": "the candidate was recorded as failed",
        }
        facts = [("judged", how[found.mode]), *(("differs", text) for text in found.differences)]
        for who, trials in (("candidate", self.trials), ("parent", self.parent)):
            for trial in trials:
                score = trial.status if trial.score is None else layout.number(trial.score)
                level = (
                    "sandbox off: WITHOUT isolation"
                    if trial.sandbox == "off"
                    else f"sandbox {trial.sandbox or 'unknown'}"
                )
                facts.append(
                    (
                        who,
                        f"seed {trial.seed}: {score}, {layout.duration(trial.seconds)}, {level}, device {trial.device or 'unknown'}",
                    )
                )
        return facts

    def _text(self, found: Verdict) -> str:
        return layout.facts_text(found.line, self._facts(found))

    def _html(self, found: Verdict) -> str:
        return layout.page(layout.facts_html(found.line, self._facts(found)))


class EnvironmentView:
    """What was recorded beside what is here; what differs is marked in words."""

    def __init__(self, recorded: Mapping[str, str], here: Mapping[str, str]) -> None:
        self.data = {"recorded": dict(recorded), "here": dict(here)}

    def _rows(self) -> list[dict[str, str]]:
        then, now = self.data["recorded"], self.data["here"]
        names = [*then, *(name for name in now if name not in then)]
        return [
            {
                "name": n,
                "then": then.get(n, "-"),
                "now": now.get(n, "-"),
                "same": "" if then.get(n) == now.get(n) else "differs",
            }
            for n in names
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
    return {**machine.environment(), "workbench": workbench.__version__}


def digests(
    program: Mapping[str, str], parent: Mapping[str, str], experiment: Files
) -> dict[str, str]:
    """SHA-256 of every embedded file, by its place: `program/train.py`, `parent/train.py`, `experiment/evaluate.py`."""
    found = {}
    for place, files in (("program", program), ("parent", parent), ("experiment", experiment)):
        for path, content in files.items():
            data = content.encode("utf-8", "surrogatepass") if isinstance(content, str) else content
            found[f"{place}/{path}"] = hashlib.sha256(data).hexdigest()
    return found


def rows(trials: Iterable[Trial]) -> list[dict[str, Any]]:
    """Trials as an exported notebook holds them: what a verdict and a reader need, and nothing that is empty."""
    return [_row(trial) for trial in trials]


def _row(trial: Trial) -> dict[str, Any]:
    names = (
        "seed",
        "status",
        "score",
        "exact",
        "self_reported",
        "reason",
        "seconds",
        "sandbox",
        "device",
        "data",
        "evaluator",
    )
    found = {name: getattr(trial, name) for name in names}
    empty = [
        name for name, value in found.items() if value in (None, "") or value is False
    ]  # a score of 0.0 is not
    return {
        name: value
        for name, value in found.items()
        if name in ("seed", "status") or name not in empty
    }
