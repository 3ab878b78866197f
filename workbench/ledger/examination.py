"""Examination: an audit or an ablation that a person asked for, as its adoption fixed it; what it is about changes no more."""

from dataclasses import dataclass
from typing import Literal

from workbench.records import Adopted

FIRST_INDEX = 1_000_000  # no search comes near: its seeds are counted from 0
MAX_TRIALS = 1_000


@dataclass(frozen=True)
class Change:
    """A change that an ablation takes out: `candidate` is the program without it; None where none can be made, and `why`."""

    without: int
    candidate: int | None
    why: str = ""


@dataclass(frozen=True)
class Examination:
    """What was asked for.

    Attributes:
        number: 0, 1, ... in the order of adoption; each examination has seeds of its own.
        candidate: the program that is examined. against: what an audit compares it with.
        trials: how many each program gets. changes: what an ablation takes out.
    """

    request: str
    verb: Literal["audit", "ablate"]
    number: int
    candidate: int
    trials: int
    against: int = 0
    changes: tuple[Change, ...] = ()

    @classmethod
    def adopted(cls, record: Adopted) -> "Examination":
        """As the loop wrote it into the adoption."""
        body = record.body
        verb: Literal["audit", "ablate"] = "audit" if record.verb == "audit" else "ablate"
        changes = tuple(Change(**change) for change in body.get("changes", ()))
        return cls(
            record.request,
            verb,
            int(body["number"]),
            int(body["candidate"]),
            int(body["trials"]),
            changes=changes,
        )

    @property
    def indices(self) -> range:
        """Of its seeds (`Study.seed`), the same for all its programs; no decision of the search ever has one of them."""
        first = FIRST_INDEX + self.number * MAX_TRIALS
        return range(first, first + self.trials)

    @property
    def programs(self) -> tuple[int, ...]:
        """The candidates that are run, the examined one first."""
        others = (
            (self.against,)
            if self.verb == "audit"
            else [change.candidate for change in self.changes]
        )
        return (self.candidate, *(number for number in others if number is not None))
