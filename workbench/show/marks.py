"""Marks: how every plot, in a notebook or on a screen, marks each candidate. Draws nothing."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.ledger.study_kind import UNKNOWN
from workbench.show.cells import ENDED_EARLY, describe_status

Kind = Literal["kept", "discarded", "open", "waiting", "crashed", "ended"]
# By candidate number; None for a candidate that plots leave out.
Kinds = Sequence[Kind | None]
UNDECIDED: tuple[Kind, ...] = ("open", "waiting")

_KIND_BY_STATUS: Mapping[str, Kind | None] = {
    "queued": "open",
    "running": "open",
    "provisional": "open",
    "waiting": "waiting",
    "kept": "kept",
    "discarded": "discarded",
    ENDED_EARLY: "ended",
    "failed": "crashed",
    "revised": "discarded",
    # An arm of an ablation is not a step of the search. Once a person is asked about it, its
    # status is `waiting` or `kept`, and it is drawn like any other candidate.
    "ablated": None,
    UNKNOWN: "open",
}


def name_status(study: Study, history: CandidateHistory) -> str:
    """A candidate's status in the word of the tables."""
    author = history.decision.by if history.decision else ""
    return describe_status(study.kind.get_status(history), author)


class Marks:
    """How plots mark the candidates of a study, kept up to date while the study grows.

    Attributes:
        kinds: by candidate number; None for a candidate that plots leave out.
        barred: candidates that a person vetoed, and those that build on a vetoed change.
    """

    def __init__(self, study: Study) -> None:
        self.kinds: list[Kind | None] = []
        self.barred: set[int] = set()
        self._vetoed: set[int] = set()
        self.follow(study, range(len(study.candidates)))

    def follow(self, study: Study, numbers: Iterable[int]) -> set[int]:
        """Marks the candidates anew that some records are about.

        A veto also bars, and a pardon also frees, candidates that no record names.

        Returns:
            All candidates whose mark may differ: `numbers`, and those newly barred or freed.
        """
        changed = {*numbers}
        # Walking all lineages takes linear time, and hardly any record makes a difference.
        news = [self._note_veto(study.candidates[number]) for number in changed]
        if any(news):
            barred = study.lineage.find_barred()
            changed |= barred ^ self.barred
            self.barred = barred
        self.kinds += [None] * (len(study.candidates) - len(self.kinds))
        for number in changed:
            self.kinds[number] = self._classify(study, study.candidates[number])
        return changed

    def _note_veto(self, history: CandidateHistory) -> bool:
        """Notes whether a candidate is vetoed; True if that, or what it inherits, is new."""
        number = history.number
        was_vetoed = number in self._vetoed
        if history.is_vetoed:
            self._vetoed.add(number)
        else:
            self._vetoed.discard(number)
        is_carrier = history.is_vetoed or history.record.parent in self.barred
        return history.is_vetoed != was_vetoed or is_carrier != (number in self.barred)

    def _classify(self, study: Study, history: CandidateHistory) -> Kind | None:
        kind = _KIND_BY_STATUS[name_status(study, history)]
        # A kept change that builds on a vetoed one counts no more, although its own decision stays.
        if kind == "kept" and history.number in self.barred:
            return "discarded"
        return kind
