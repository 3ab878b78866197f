"""CandidateHandle: one candidate of a study as Python shows it, always as the journal says now. Reads only."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from workbench.ledger import imported
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.journal import Curve, Journal
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.records import Decision
from workbench.show import views

if TYPE_CHECKING:  # the type of what is imported only where it is used
    from workbench.show.tables import ShowView


class CandidateHandle:
    """What `study[7]` is. `now` folds what the journal has new, and gives the study."""

    def __init__(self, journal: Journal, now: Callable[[], Study], number: int) -> None:
        self._journal, self._now, self.number = journal, now, number

    @property
    def history(self) -> CandidateHistory:
        """All that the journal says of it."""
        return self._now().history(self.number)

    @property
    def program(self) -> Program:
        imported.refuse_program(self._now(), "this")
        return self._journal.program(self.history.record.program)

    @property
    def patch(self) -> Patch:
        """What it changes in its parent; empty for the baseline."""
        imported.refuse_program(self._now(), "this")
        return views.patch(self._now(), self._journal, self.number)

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
        return {} if last is None else self._journal.curves(self.number, last)

    def show(self) -> "ShowView":
        """The candidate with its diff and hunks; the fields are those of `views.show`."""
        from workbench.show.tables import ShowView

        return ShowView(views.show(self._now(), self._journal, self.number))

    def __repr__(self) -> str:
        return str(self.show())

    def _repr_html_(self) -> str:
        return self.show()._repr_html_()
