"""Workspace: what a proposer may look at beyond the study, and where it may try a program.

Only the protocol and its values; the loop implements it.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from threading import Event
from typing import Protocol

from workbench.ledger.curves import Curve
from workbench.program import Program


@dataclass(frozen=True)
class CommandResult:
    """What became of a command.

    Attributes:
        ending: how it ended, in words.
        output: what it printed.
    """

    ending: str
    output: str


@dataclass(frozen=True)
class SmokeResult:
    """What became of a smoke run.

    Attributes:
        problem: what is wrong with the program, in one line; empty if nothing is.
        output: the end of what it printed.
        seconds: wall-clock time.
    """

    problem: str = ""
    output: str = ""
    seconds: float = 0.0


class Workspace(Protocol):
    """What trials of the search left behind, and a place to try a program.

    Nothing of an audit is in it, and no data of the evaluator.
    """

    @property
    def has_shell(self) -> bool:
        """True if commands can be run."""

    def log(self, candidate: int, trial: int) -> str:
        """What a trial printed; empty without a log."""

    def curves(self, candidate: int, trial: int) -> Mapping[str, Curve]:
        """The series of a trial, by name."""

    def repeats(self, program: Program) -> str:
        """Says which candidate equals a program apart from comments or layout; else empty."""

    def check(self, program: Program, cancelled: Event, imports: bool = True) -> SmokeResult | None:
        """A short run before a trial is spent; None if the program cannot be run in advance.

        Args:
            program: the program.
            cancelled: ends the run once it is set.
            imports: if the experiment has no `check`, try whether the modules can be imported.
        """

    def run(
        self, program: Program, files: Iterable[tuple[str, str]], command: str, cancelled: Event
    ) -> CommandResult:
        """Runs a command in a sandbox; only if `has_shell`.

        Args:
            program: the sandbox holds a copy of it.
            files: path and text of other files, which the command may read.
            command: for `/bin/sh`.
            cancelled: ends the command once it is set.
        """


class EmptyWorkspace:
    """A workspace with nothing to look at and no place to run anything."""

    has_shell = False

    def log(self, candidate: int, trial: int) -> str:
        return ""

    def curves(self, candidate: int, trial: int) -> Mapping[str, Curve]:
        return {}

    def repeats(self, program: Program) -> str:
        return ""

    def check(self, program: Program, cancelled: Event, imports: bool = True) -> SmokeResult | None:
        return None

    def run(
        self, program: Program, files: Iterable[tuple[str, str]], command: str, cancelled: Event
    ) -> CommandResult:
        raise LookupError("this workspace has no shell")


# Studies of older versions contain experiments that import it by this name.
Bare = EmptyWorkspace
