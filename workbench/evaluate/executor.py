"""The role Executor: run this trial, stream its metrics, kill it on demand."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from workbench.program import Program
from workbench.records import Trial


@dataclass(frozen=True)
class Incumbent:
    """The program that a candidate has to beat, with the number of its candidate."""

    candidate: int
    program: Program


@dataclass(frozen=True, kw_only=True)
class Task:
    """One trial to run.

    Attributes:
        experiment: the folder of the study's frozen copy of the experiment. digest: of its protected files, as it must be.
        data: the study's folder for what the evaluator's `prepare` makes; shared by its trials.
        folder: this trial's own folder (`trials/0007.0`), for its log and artifacts; it need not exist yet.
        settings: the evaluator's settings, `--set` applied. stages: the incumbent's values at the stages of the cascade, to which
            the trial is held; empty for one that is measured whole. incumbent: what the evaluator may run beside the program; None
            in a trial of the incumbent itself, in an audit, and wherever a step is run again. sandbox: `auto`, or a level by name.
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
    """New points of one series of a running trial: `(step, value)` pairs, finite.

    `self_reported` is true where the candidate's own output was read, false where the evaluator measured.
    """

    task: Task
    series: str
    points: tuple[tuple[float, float], ...]
    self_reported: bool = True


@dataclass(frozen=True)
class Ended:
    """A trial has ended, with the record to append."""

    task: Task
    trial: Trial


Event = Points | Ended


class Executor(Protocol):
    """Runs trials in its slots. `report` (given when it is made) is called from any thread with each Event, in order per trial.

    Every submitted task ends with exactly one Ended, whatever happens to it: its trial process dying is a `lost` trial, and
    `cancel` a `killed` one. After `close` no process of any trial is left.
    """

    slots: int
    sandbox: str

    def submit(self, task: Task) -> None:
        """Starts a trial in a free slot; raises RuntimeError when none is free."""

    def cancel(self, candidate: int, trial: int, reason: str) -> None:
        """Kills a running trial with its whole tree; without effect when it has ended already."""

    def close(self) -> None:
        """Kills what still runs and releases the slots."""


Report = Callable[[Event], None]
