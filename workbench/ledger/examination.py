"""Examinations: the audits and ablations that people asked for, and their results.

The loop fixes what is examined when it adopts such a request. After that nothing about it changes.
"""

from dataclasses import dataclass, field

from workbench.records import Ablation, Audit
from workbench.requests import AdoptedExamination

FIRST_INDEX = 1_000_000  # searches count their seeds from 0 and never come near
MAX_TRIALS = 1_000
BASELINE = 0


@dataclass(frozen=True, kw_only=True)
class Examination(AdoptedExamination):
    """An audit or an ablation of one candidate.

    Attributes:
        request: id of the request.
    """

    request: str

    @property
    def indices(self) -> range:
        """Indices of its seeds (`Study.seed`), the same for all its programs.

        No decision of the search ever uses one of them.
        """
        first = FIRST_INDEX + self.number * MAX_TRIALS
        return range(first, first + self.trials)

    @property
    def programs(self) -> tuple[int, ...]:
        """Numbers of the candidates that are run, the examined one first."""
        if self.verb == "audit":
            return (self.candidate, BASELINE)
        others = [change.candidate for change in self.changes if change.candidate is not None]
        return (self.candidate, *others)


@dataclass
class Examinations:
    """All examinations of a study.

    Attributes:
        n_asked: how many were asked for.
        pending: those that have no result yet, oldest first.
        audits: results of audits, oldest first.
        ablations: results of ablations, oldest first.
    """

    n_asked: int = 0
    pending: list[Examination] = field(default_factory=list)
    audits: list[Audit] = field(default_factory=list)
    ablations: list[Ablation] = field(default_factory=list)

    def begin(self, request_id: str, adopted: AdoptedExamination) -> None:
        self.n_asked += 1
        self.pending.append(Examination(request=request_id, **vars(adopted)))

    def add_audit(self, record: Audit) -> None:
        self.audits.append(record)
        self._close(record.request)

    def add_ablation(self, record: Ablation) -> None:
        self.ablations.append(record)
        self._close(record.request)

    def cancel(self) -> None:
        """The study was stopped, so what is pending gets no result."""
        self.pending.clear()

    def _close(self, request_id: str) -> None:
        self.pending = [pending for pending in self.pending if pending.request != request_id]
