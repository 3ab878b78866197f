"""Keeps: which candidates are kept, and which of them the next candidate has to beat."""

from dataclasses import dataclass, field

from workbench.experiment import Objective
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.lineage import Lineage


@dataclass
class Keeps:
    """The kept candidates of a study, and its incumbent.

    Attributes:
        lineage: the family tree of the study's candidates.
        numbers: kept candidates in the order of keeping, without those that were vetoed later.
        incumbent: the kept candidate to beat; None until the baseline is kept.
    """

    lineage: Lineage
    numbers: list[int] = field(default_factory=list)
    incumbent: int | None = None

    def keep(self, number: int, against: int | None, objective: Objective) -> None:
        """Adds a candidate that beat another one, if its decision names one."""
        self.numbers.append(number)
        # While a candidate waits for a person, a better one may become the incumbent. If it is kept
        # after that, the better one stays the incumbent.
        if self.incumbent is None or against == self.incumbent:
            self.incumbent = number
            return
        candidates = self.lineage.candidates
        if _is_better(candidates[number], candidates[self.incumbent], objective):
            self.incumbent = number

    def take_back(self, number: int, objective: Objective) -> None:
        """Removes a kept candidate that was vetoed, and all that contain its change."""
        self.numbers = [kept for kept in self.numbers if not self.lineage.descends(kept, number)]
        # After a fork the incumbent need not be the best, so it stays unless the veto removed it.
        if self.incumbent is not None and self.incumbent not in self.numbers:
            best = self.find_best(objective)
            self.incumbent = None if best is None else best.number

    def find_best(self, objective: Objective) -> CandidateHistory | None:
        """Returns the one with the best mean score; of equal ones, the one kept last."""
        best: CandidateHistory | None = None
        for number in self.numbers:
            history = self.lineage.candidates[number]
            if best is None or not _is_better(best, history, objective):
                best = history
        return None if best is None or best.score is None else best


def _is_better(history: CandidateHistory, other: CandidateHistory, objective: Objective) -> bool:
    """True if a candidate's score beats the other's. Any score beats none."""
    score = history.score
    other_score = other.score
    if score is None:
        return False
    return other_score is None or objective.is_better(score, other_score)
