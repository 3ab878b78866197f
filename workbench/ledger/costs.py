"""Costs: what a study has spent so far, in money, tokens, trials and time.

Each payment counts once. Budgets are compared with it elsewhere (`loop/limits.py`).
"""

from dataclasses import dataclass, field
from typing import NamedTuple

from workbench.records import Called, Candidate, ProposalFailed, Trial


class QuestionCost(NamedTuple):
    """What one question to a proposer cost."""

    usd: float = 0.0
    tokens: int = 0


@dataclass
class Costs:
    """What proposals and trials have cost together.

    Attributes:
        usd: what was paid for model calls.
        tokens: what model calls took, in tokens of any kind.
        n_trials: how many trials have ended.
        cpu_seconds: CPU time of these trials.
        active_seconds: how long a loop was at work; pauses are left out.
        max_question_cost: the highest cost of a question so far, for each unit by itself.
    """

    usd: float = 0.0
    tokens: int = 0
    n_trials: int = 0
    cpu_seconds: float = 0.0
    active_seconds: float = 0.0
    max_question_cost: QuestionCost = field(default_factory=QuestionCost)
    _by_question: dict[int, QuestionCost] = field(default_factory=dict)

    def add_call(self, record: Called) -> None:
        """Adds the cost of a model call that was recorded by itself."""
        self._spend(record)

    def add_answer(self, record: Candidate | ProposalFailed) -> None:
        """Adds the cost of one record of an answer, unless its model calls were counted already.

        When one answer holds several candidates, the first carries the whole cost. When they are
        streamed, each carries what was paid since the previous one. So the sum over the records
        of a question is what the question cost.
        """
        cost = QuestionCost(record.usd, record.tokens)
        if record.question is None:
            # In early studies model calls are not recorded, so the answer is all that counts.
            self._spend(record)
        else:
            # The calls of a numbered question have `Called` records, which are counted there.
            # Here the parts are only added up, to know what a question may cost.
            earlier = self._by_question.get(record.question, QuestionCost())
            cost = QuestionCost(earlier.usd + cost.usd, earlier.tokens + cost.tokens)
            self._by_question[record.question] = cost
        highest = self.max_question_cost
        self.max_question_cost = QuestionCost(
            max(highest.usd, cost.usd), max(highest.tokens, cost.tokens)
        )

    def add_trial(self, record: Trial) -> None:
        self.n_trials += 1
        self.cpu_seconds += record.cpu_seconds

    def add_time(self, seconds: float) -> None:
        """Adds the time between two entries; a clock that was set back does not count."""
        self.active_seconds += max(0.0, seconds)

    def _spend(self, record: Candidate | ProposalFailed | Called) -> None:
        self.usd += record.usd
        self.tokens += record.tokens
