"""The workspace of a proposer: what trials of the search left in the study's folder and journal, read when it is asked for."""

from collections.abc import Iterable, Mapping
from functools import cached_property
from threading import Event

from workbench.experiment import Experiment
from workbench.ledger.journal import Curve, Journal
from workbench.ledger.study import Study
from workbench.loop.duplicates import Duplicates
from workbench.loop.shell import Shell
from workbench.program import Program
from workbench.propose.workspace import Ran


class StudyWorkspace:
    """Implements Workspace over a study; use it from the thread of its journal. Trials of audits are not in it."""

    def __init__(self, experiment: Experiment, journal: Journal, study: Study) -> None:
        self._experiment, self._journal, self._study = experiment, journal, study
        self._duplicates = Duplicates(lambda number: journal.program(study.candidates[number].record.program))

    def log(self, candidate: int, trial: int) -> str:
        """All that the loop kept of what a trial printed; empty where nothing is left, or the trial is none of the search."""
        file = self._journal.folder.trial(candidate, trial) / "log.txt"
        return file.read_text(encoding="utf-8", errors="replace") if self._has(candidate, trial) and file.is_file() else ""

    def curves(self, candidate: int, trial: int) -> Mapping[str, Curve]:
        return self._journal.curves(candidate, trial) if self._has(candidate, trial) else {}

    def repeats(self, program: Program) -> str:
        return self._duplicates.problem(self._study, program)

    @property
    def has_shell(self) -> bool:
        return self._shell.is_open

    def run(self, program: Program, files: Iterable[tuple[str, str]], command: str, cancelled: Event) -> Ran:
        """Runs a command in a sandbox of the level of the study's trials."""
        return self._shell.run(program, files, command, cancelled)

    @cached_property
    def _shell(self) -> Shell:
        return Shell(self._experiment, self._study.options.sandbox)

    def _has(self, candidate: int, trial: int) -> bool:
        return any(ended.trial == trial for ended in self._study.history(candidate).trials)
