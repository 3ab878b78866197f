"""What a proposer can look at and try out: logs and curves of the search's trials, and smoke runs.

Read from the study's folder and journal when it is asked for.
"""

import sys
from collections.abc import Iterable, Mapping
from functools import cached_property
from threading import Event

from workbench.errors import SandboxUnavailable
from workbench.evaluate.checker import Checker
from workbench.evaluate.evaluator import has_check
from workbench.experiment import Experiment
from workbench.ledger.curves import Curve
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.loop.duplicates import Duplicates
from workbench.loop.shell import Shell
from workbench.program import Program
from workbench.propose.workspace import CommandResult, SmokeResult


class StudyWorkspace:
    """Implements `Workspace` over a study; must be used from the thread of its journal.

    Trials of audits and ablations are left out: what they measure must not reach a proposer.
    """

    def __init__(self, experiment: Experiment, journal: Journal, study: Study) -> None:
        self._experiment = experiment
        self._journal = journal
        self._study = study
        self._has_baseline_passed = False
        self._duplicates = Duplicates(
            lambda number: journal.read_program(study.candidates[number].record.program)
        )

    def log(self, candidate: int, trial: int) -> str:
        """What the loop kept of a trial's output.

        Empty if there is none, or for an audit's trial.
        """
        file = self._journal.folder.trial(candidate, trial) / "log.txt"
        if not self._is_of_search(candidate, trial) or not file.is_file():
            return ""
        return file.read_text(encoding="utf-8", errors="replace")

    def curves(self, candidate: int, trial: int) -> Mapping[str, Curve]:
        if not self._is_of_search(candidate, trial):
            return {}
        return self._journal.read_curves(candidate, trial)

    def repeats(self, program: Program) -> str:
        return self._duplicates.problem(self._study, program)

    def check(self, program: Program, cancelled: Event, imports: bool = True) -> SmokeResult | None:
        """A smoke run in the sandbox of the study's trials.

        None without a sandbox, if the check itself fails, or if the baseline does not pass it:
        such a check would blame every program.

        Args:
            imports: run it even if the evaluator has no `check`, so that only the imports are
                tried.
        """
        if not imports and not self._has_check:
            return None
        checker = self._checker
        if checker is None or not self._baseline_passes(checker, cancelled):
            return None
        result = checker.run(program, cancelled)
        if result.fault:
            _say(f"a program is tried without a smoke run: {result.fault}")
            return None
        return SmokeResult(result.problem, result.output, result.seconds)

    def _baseline_passes(self, checker: Checker, cancelled: Event) -> bool:
        """Tried once. If the baseline does not pass, there are no more smoke runs in this loop."""
        if self._has_baseline_passed:
            return True
        baseline = self._journal.read_program(self._study.candidates[0].record.program)
        result = checker.run(baseline, cancelled)
        if cancelled.is_set():
            return False
        problem = result.problem or result.fault
        if problem:
            _say(
                "programs are tried without a smoke run, since the baseline does not pass it: "
                f"{problem}"
            )
            checker.close()
            self._checker = None
            return False
        self._has_baseline_passed = True
        return True

    @cached_property
    def _has_check(self) -> bool:
        return has_check(self._experiment)

    @cached_property
    def _checker(self) -> Checker | None:
        """What runs a program for a moment; None where that cannot be done.

        A program that prints its own score is a whole command, which cannot run for a moment only.
        """
        if self._experiment.self_reported:
            return None
        opened = self._study.opened
        try:
            return Checker(
                self._experiment, opened.experiment_digest, opened.settings, opened.options.sandbox
            )
        except SandboxUnavailable:  # the loop pauses and says so
            return None

    @property
    def has_shell(self) -> bool:
        return self._shell.is_open

    def run(
        self, program: Program, files: Iterable[tuple[str, str]], command: str, cancelled: Event
    ) -> CommandResult:
        """Runs a command in a sandbox at the level of the study's trials."""
        return self._shell.run(program, files, command, cancelled)

    @cached_property
    def _shell(self) -> Shell:
        return Shell(self._experiment, self._study.options.sandbox)

    def _is_of_search(self, candidate: int, trial: int) -> bool:
        return any(ended.trial == trial for ended in self._study.history(candidate).trials)


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
