"""The workspace of a proposer: what trials of the search left in the study's folder and journal, read when it is asked for."""

import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from threading import Event

from workbench.errors import SandboxUnavailable
from workbench.evaluate.checker import Checker
from workbench.evaluate.evaluator import has_check
from workbench.experiment import Experiment
from workbench.ledger.journal import Curve, Journal
from workbench.ledger.study import Study
from workbench.loop.duplicates import Duplicates
from workbench.loop.shell import Shell
from workbench.program import Program
from workbench.propose.workspace import Checked, Ran


class StudyWorkspace:
    """Implements Workspace over a study; use it from the thread of its journal. Trials of audits are not in it."""

    def __init__(self, experiment: Experiment, journal: Journal, study: Study) -> None:
        self._experiment, self._journal, self._study = experiment, journal, study
        self._is_checked = False  # the baseline has passed
        self._duplicates = Duplicates(
            lambda number: journal.program(study.candidates[number].record.program)
        )

    def log(self, candidate: int, trial: int) -> str:
        """All that the loop kept of what a trial printed; empty where nothing is left, or the trial is none of the search."""
        file = self._journal.folder.trial(candidate, trial) / "log.txt"
        return (
            file.read_text(encoding="utf-8", errors="replace")
            if self._has(candidate, trial) and file.is_file()
            else ""
        )

    def curves(self, candidate: int, trial: int) -> Mapping[str, Curve]:
        return self._journal.curves(candidate, trial) if self._has(candidate, trial) else {}

    def repeats(self, program: Program) -> str:
        return self._duplicates.problem(self._study, program)

    def check(self, program: Program, cancelled: Event, imports: bool = True) -> Checked | None:
        """A smoke run at the level of the study's trials.

        None where there is no sandbox, the check itself fails, or the baseline does not pass it: then it would blame every program.
        """
        if (
            not (imports or self._has_check)
            or self._checker is None
            or not self._baseline_passes(self._checker, cancelled)
        ):
            return None
        found = self._checker.run(program, cancelled)
        if found.fault:
            _say(f"a program is tried without a smoke run: {found.fault}")
            return None
        return Checked(found.problem, found.output, found.seconds)

    def _baseline_passes(self, checker: Checker, cancelled: Event) -> bool:
        """Looked at once; where it does not, there are no more smoke runs in this loop."""
        if not self._is_checked:
            found = checker.run(
                self._journal.program(self._study.candidates[0].record.program), cancelled
            )
            if cancelled.is_set():
                return False
            if problem := found.problem or found.fault:
                _say(
                    f"programs are tried without a smoke run, since the baseline does not pass it: {problem}"
                )
                checker.close()
                self._checker = None
                return False
            self._is_checked = True
        return True

    @cached_property
    def _has_check(self) -> bool:
        return has_check(self._experiment)

    @cached_property
    def _checker(self) -> Checker | None:
        """None where a program cannot be run a moment: a command that prints its own score is the whole of it."""
        if self._experiment.self_reported:
            return None
        opened = self._study.opened
        try:
            return Checker(
                self._experiment, opened.experiment_digest, opened.settings, opened.options.sandbox
            )
        except SandboxUnavailable:  # the loop pauses for it, and says so
            return None

    @property
    def has_shell(self) -> bool:
        return self._shell.is_open

    def run(
        self, program: Program, files: Iterable[tuple[str, str]], command: str, cancelled: Event
    ) -> Ran:
        """Runs a command in a sandbox of the level of the study's trials."""
        return self._shell.run(program, files, command, cancelled)

    @cached_property
    def _shell(self) -> Shell:
        return Shell(self._experiment, self._study.options.sandbox)

    def _has(self, candidate: int, trial: int) -> bool:
        return any(ended.trial == trial for ended in self._study.history(candidate).trials)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
