"""Statuses: how many candidates have each status, and which are open or running.

They are updated candidate by candidate, so that no one has to count again.
"""

from dataclasses import dataclass, field

from workbench.ledger.candidate import OPEN, STATUSES, CandidateHistory, CandidateStatus


@dataclass
class Statuses:
    """The statuses of all candidates.

    Attributes:
        counts: how many candidates have each status.
        open: numbers of the candidates that are not decided.
        running: numbers of the candidates with a trial that has not ended.
    """

    counts: dict[CandidateStatus, int] = field(default_factory=lambda: dict.fromkeys(STATUSES, 0))
    open: set[int] = field(default_factory=set)
    running: set[int] = field(default_factory=set)
    _by_number: dict[int, CandidateStatus] = field(default_factory=dict)

    def update(self, history: CandidateHistory) -> None:
        """Takes in a candidate, or a change of it."""
        number = history.number
        status = history.status
        if number in self._by_number:
            self.counts[self._by_number[number]] -= 1
        self.counts[status] += 1
        self._by_number[number] = status
        _set_member(self.open, number, status in OPEN)
        _set_member(self.running, number, bool(history.running))


def _set_member(numbers: set[int], number: int, is_member: bool) -> None:
    if is_member:
        numbers.add(number)
    else:
        numbers.discard(number)
