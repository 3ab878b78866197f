"""CandidateHandle: one candidate of a study as Python, as the journal says now. Reads only."""

from collections.abc import Callable, Collection

from workbench.errors import UsageError
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.curves import Curve
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.records import Decision
from workbench.show import views
from workbench.show.tables import ShowView


class CandidateHandle:
    """What `study[7]` is.

    Args:
        journal: the study's journal.
        read_study: gives the study as the journal says now.
        number: the candidate.
    """

    def __init__(self, journal: Journal, read_study: Callable[[], Study], number: int) -> None:
        self._journal = journal
        self._read_study = read_study
        self.number = number

    @property
    def history(self) -> CandidateHistory:
        """All that the journal says of it."""
        return self._read_study().history(self.number)

    @property
    def digest(self) -> str:
        """Digest of its program; a request names it, so that it is about what you look at now."""
        return self.history.record.program

    @property
    def program(self) -> Program:
        self._read_study().kind.require_programs("this")
        return self._journal.read_program(self.digest)

    @property
    def patch(self) -> Patch:
        """What it changes in its parent; empty for the baseline."""
        self._read_study().kind.require_programs("this")
        return views.patch(self._read_study(), self._journal, self.number)

    def split_hunks(self, kept: Collection[int]) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The hunks to keep, and all others, which are rejected; both sorted.

        Raises:
            UsageError: `kept` is empty, or has a hunk that does not exist.
        """
        if self.parent is None:
            raise UsageError("the baseline has no hunks")
        if not kept:
            raise UsageError("no hunk named; to keep none of them, reject the candidate")
        patch = self.patch
        parent = self._read_study().history(self.parent).record.program
        patch.apply(self._journal.read_program(parent), kept)  # the error lists the hunks
        rejected = sorted({hunk.id for hunk in patch.hunks} - set(kept))
        return tuple(sorted(set(kept))), tuple(rejected)

    @property
    def parent(self) -> int | None:
        return self.history.record.parent

    @property
    def hypothesis(self) -> str:
        return self.history.record.hypothesis

    @property
    def score(self) -> float | None:
        return self.history.score

    @property
    def status(self) -> str:
        return self.history.status

    @property
    def decision(self) -> Decision | None:
        return self.history.decision

    @property
    def curves(self) -> dict[str, Curve]:
        """The series of its last trial, by name."""
        last = views.last_trial(self.history)
        return {} if last is None else self._journal.read_curves(self.number, last)

    def show(self) -> ShowView:
        """The candidate with its diff and hunks; the fields are those of `views.show`."""
        return ShowView(views.show(self._read_study(), self._journal, self.number))

    def __repr__(self) -> str:
        return str(self.show())

    def _repr_html_(self) -> str:
        return self.show()._repr_html_()
