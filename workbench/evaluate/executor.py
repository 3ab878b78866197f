"""The role Executor: runs trials, streams their metrics, and kills a trial on demand.

It also defines what goes in and comes out: a Task, and the events of a trial.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from workbench.program import Program
from workbench.records import Trial


@dataclass(frozen=True)
class Incumbent:
    """The program that a candidate has to beat.

    Attributes:
        candidate: its number.
        program: its files.
    """

    candidate: int
    program: Program


@dataclass(frozen=True, kw_only=True)
class Task:
    """One trial to run.

    Attributes:
        candidate: number of the candidate.
        trial: number of the trial among the candidate's.
        seed: seed of the evaluator.
        program: the candidate's files.
        experiment: folder of the study's frozen copy of the experiment.
        digest: what the digest of the experiment's protected files has to be.
        data: the study's folder for what the evaluator's `prepare` makes; its trials share it.
        folder: this trial's own folder (`trials/0007.0`), for its log and artifacts; it need not
            exist yet.
        settings: the evaluator's settings, after `--set`.
        stages: the incumbent's values at the stages of the cascade, which this trial has to reach;
            empty for a trial that runs whole.
        incumbent: what the evaluator may run beside the program. None in a trial of the incumbent
            itself, in an audit, and wherever a step is run again.
        sandbox: `auto`, or a level by name.
    """

    candidate: int
    trial: int
    seed: int
    program: Program
    experiment: Path
    digest: str
    data: Path
    folder: Path
    settings: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    stages: Mapping[str, float] = field(default_factory=dict)
    incumbent: Incumbent | None = None
    sandbox: str = "auto"


@dataclass(frozen=True)
class Points:
    """New points of one series of a running trial.

    Attributes:
        task: the trial's task.
        series: name of the series.
        points: `(step, value)` pairs of finite numbers.
        self_reported: true for what the candidate printed, false for what the evaluator measured.
    """

    task: Task
    series: str
    points: tuple[tuple[float, float], ...]
    self_reported: bool = True


@dataclass(frozen=True)
class Ended:
    """The end of a trial.

    Attributes:
        task: the trial's task.
        trial: the record to append to the journal.
    """

    task: Task
    trial: Trial


Event = Points | Ended


class Executor(Protocol):
    """Runs trials in its slots.

    It is made with a `report`, which it calls from any thread with each Event, in order per trial.
    Every submitted task ends with exactly one Ended, whatever happens: when its trial process dies,
    the trial is `lost`, and after `cancel` it is `killed`. After `close` no process of any trial is
    left.

    Attributes:
        slots: how many trials run at a time.
        sandbox: level that `auto` means here.
    """

    slots: int
    sandbox: str

    def submit(self, task: Task) -> None:
        """Starts a trial in a free slot; raises RuntimeError when none is free."""

    def cancel(self, candidate: int, trial: int, reason: str) -> None:
        """Kills a running trial with all its processes; does nothing when it has ended."""

    def close(self) -> None:
        """Kills what still runs and releases the slots."""


Report = Callable[[Event], None]
