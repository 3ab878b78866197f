"""Lineage: which candidates were made from which, and which changes a program still contains.

Every question about descent and vetoes is answered here, from the candidates' own records.
"""

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from workbench.ledger.candidate import CandidateHistory
from workbench.records import Candidate

NO_CANDIDATES: frozenset[int] = frozenset()


@dataclass
class Lineage:
    """The family tree of a study's candidates.

    A parent always has a smaller number than its child. This also holds after a rebase, because a
    candidate is only moved onto an older incumbent. So each walk up the tree ends at the baseline.

    Attributes:
        candidates: all candidates by number; the same list as the study's.
        rebased: numbers of candidates that were moved onto another parent, in that order.
    """

    candidates: list[CandidateHistory]
    rebased: list[int] = field(default_factory=list)

    def list_forebears(self, number: int) -> list[int]:
        """Returns the parent, its parent and so on to the baseline: the nearest first."""
        return [record.candidate for record, _ in self._walk(number)][1:]

    def descends(self, number: int, ancestor: int) -> bool:
        """True if a candidate contains another one's change, or is that candidate.

        It does not if an ablation has taken the change out on the way.
        """
        for record, is_included in self._walk(number):
            if record.candidate <= ancestor:
                return record.candidate == ancestor and is_included
        return False

    def descends_from_any(self, number: int, ancestors: Collection[int]) -> bool:
        """True if `descends` holds for at least one of the ancestors; one walk for all of them."""
        if not ancestors:
            return False
        oldest = min(ancestors)
        for record, is_included in self._walk(number):
            if record.candidate < oldest:
                return False
            if is_included and record.candidate in ancestors:
                return True
        return False

    def list_descendants(self, number: int, among: Iterable[int]) -> list[int]:
        """Returns those of the candidates `among` that contain the change of `number`, sorted."""
        return sorted(other for other in among if other != number and self.descends(other, number))

    def list_changes(self, number: int) -> list[int]:
        """Returns the candidates whose changes make up a program, oldest first.

        The baseline and ablations are not changes; nor is a change that an ablation took out.
        """
        changes = [
            record.candidate
            for record, is_included in self._walk(number)
            if is_included and record.without is None and record.parent is not None
        ]
        return changes[::-1]

    def list_vetoes(self, number: int) -> list[int]:
        """Returns the vetoed candidates whose change a program contains, oldest first."""
        vetoed = [
            record.candidate
            for record, is_included in self._walk(number)
            if is_included and self.candidates[record.candidate].is_vetoed
        ]
        return vetoed[::-1]

    def find_barred(self) -> set[int]:
        """Returns all candidates that contain a vetoed change, the vetoed ones included.

        This takes linear time: each candidate adds to what its parent inherited.
        """
        vetoes: list[frozenset[int]] = []  # by candidate number; parents come before children
        for history in self.candidates:
            record = history.record
            vetoed = NO_CANDIDATES if record.parent is None else vetoes[record.parent]
            if history.is_vetoed:
                vetoed = vetoed | {record.candidate}
            if record.without is not None:
                vetoed = vetoed - {record.without}
            vetoes.append(vetoed)
        return {number for number, vetoed in enumerate(vetoes) if vetoed}

    def can_be_tried(self, number: int) -> bool:
        """True if a vetoed candidate could still be tried, should the veto be taken back.

        That is so if no trial has settled it yet and no other vetoed change is part of it.
        """
        history = self.candidates[number]
        is_settled = (
            history.score is not None
            or history.failure is not None
            or history.ended_early is not None
        )
        return not is_settled and self.list_vetoes(number) == [number]

    def _walk(self, number: int) -> Iterator[tuple[Candidate, bool]]:
        """Yields a candidate and its forebears, each with whether its change is still included."""
        removed = set[int]()
        record = self.candidates[number].record
        while True:
            yield record, record.candidate not in removed
            # An ablation removes the change of an older candidate, which comes later in this walk.
            if record.without is not None:
                removed.add(record.without)
            if record.parent is None:
                return
            record = self.candidates[record.parent].record
