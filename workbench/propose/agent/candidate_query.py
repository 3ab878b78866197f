"""Candidate query: which candidates of a history fit some conditions."""

from collections.abc import Iterable
from dataclasses import dataclass

from workbench.experiment import Goal
from workbench.ledger.candidate import CandidateHistory
from workbench.propose.agent.history_files import HistoryFiles


@dataclass(frozen=True, kw_only=True)
class CandidateQuery:
    """Conditions that a candidate must all fit; what is left out does not matter.

    Attributes:
        status: its status.
        author: who proposed it, without the name of a person.
        text: what its line in `candidates.tsv` contains, in upper or lower case.
        min_score: the least score. A candidate without a score does not fit.
        max_score: the largest score. A candidate without a score does not fit.
    """

    status: str = ""
    author: str = ""
    text: str = ""
    min_score: float | None = None
    max_score: float | None = None

    def select(self, files: HistoryFiles) -> list[CandidateHistory]:
        """The candidates that fit, the newest first."""
        newest_first = reversed(files.candidates)
        return [history for history in newest_first if self._fits(history, files)]

    def _fits(self, history: CandidateHistory, files: HistoryFiles) -> bool:
        score = history.score
        if self.min_score is not None and (score is None or score < self.min_score):
            return False
        if self.max_score is not None and (score is None or score > self.max_score):
            return False
        if self.status and history.status != self.status:
            return False
        if self.author and history.record.author.partition(":")[0] != self.author:
            return False
        return not self.text or self.text.lower() in files.write_row(history).lower()


def sort_by_score(histories: Iterable[CandidateHistory], goal: Goal) -> list[CandidateHistory]:
    """The candidates that have a score, the best first."""
    sign = 1 if goal == "minimize" else -1
    scored = [history for history in histories if history.score is not None]
    return sorted(scored, key=lambda history: sign * (history.score or 0.0))
