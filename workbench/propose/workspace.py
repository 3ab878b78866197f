"""Workspace: what the loop lets a proposer look at beyond the records of the study and its programs."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Protocol

from workbench.ledger.journal import Curve
from workbench.program import Program


@dataclass(frozen=True)
class Ran:
    """What became of a command: how it ended, in words, and what it printed."""

    ending: str
    output: str


@dataclass(frozen=True)
class Checked:
    """What a smoke run of a program found: a `problem` in one line, empty for none; the end of what was printed; wall-clock seconds."""

    problem: str = ""
    output: str = ""
    seconds: float = 0.0


class Workspace(Protocol):
    """What trials of the search left behind, and a place to try a program. Nothing of an audit, and no data of the evaluator.

    `has_shell`: commands can be run.
    """

    @property
    def has_shell(self) -> bool: ...

    def log(self, candidate: int, trial: int) -> str:
        """What a trial printed; empty where nothing is left."""

    def curves(self, candidate: int, trial: int) -> Mapping[str, Curve]:
        """The series of a trial, by name."""

    def repeats(self, program: Program) -> str:
        """Which candidate a program repeats but for comments or layout, in words; empty for none."""

    def check(self, program: Program, cancelled: Event, imports: bool = True) -> Checked | None:
        """A short run of a program before a trial is spent on it; None where nothing can be said of it beforehand.

        Args:
            imports: where the experiment has no `check` of its own, whether the modules can be imported is looked at instead.
        """

    def run(
        self, program: Program, files: Iterable[tuple[str, str]], command: str, cancelled: Event
    ) -> Ran:
        """Runs a command in a sandbox with a copy of a program, and other files (path, text) to read; only where there is a shell."""


class Bare:
    """A workspace in which nothing is left and nothing can be run."""

    has_shell = False

    def log(self, candidate: int, trial: int) -> str:
        return ""

    def curves(self, candidate: int, trial: int) -> Mapping[str, Curve]:
        return {}

    def repeats(self, program: Program) -> str:
        return ""

    def check(self, program: Program, cancelled: Event, imports: bool = True) -> Checked | None:
        return None

    def run(
        self, program: Program, files: Iterable[tuple[str, str]], command: str, cancelled: Event
    ) -> Ran:
        raise LookupError("there is no shell in this workspace")
