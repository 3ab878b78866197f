"""Turns: what a search learns from a study, in the order of the journal.

So an archive that is built from turns is a function of the journal, whoever builds it and when.
"""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from workbench.ledger.candidate import CandidateHistory
from workbench.records import Plateau

TurnKind = Literal["scored", "barred", "forked", "plateau"]


class Turn(NamedTuple):
    """One thing that happened to the candidates that a search may start from.

    Attributes:
        kind: what happened. `scored`: the candidate was decided, kept or not. `barred`: a person
            vetoed it, or kept only some of its hunks. `forked`: a person wants the search to go on
            from it. `plateau`: a plateau was noticed, and this was the newest candidate.
        candidate: its number.
        n_scored: how many ok trials it had then; its score at this turn is the mean of these.
    """

    kind: TurnKind
    candidate: int
    n_scored: int = 0


@dataclass
class SearchProgress:
    """How far the search has come.

    Attributes:
        turns: what a search learns from, in order.
        n_since_keep: how many candidates were decided, and not kept, since the last keep.
        plateau: the plateau that was noticed since the last keep, if there is one.
    """

    turns: list[Turn] = field(default_factory=list)
    n_since_keep: int = 0
    plateau: Plateau | None = None

    def add_decision(self, history: CandidateHistory, *, was_open: bool) -> None:
        """Takes in a decision that has settled a candidate.

        Args:
            history: the candidate, which already holds the decision.
            was_open: whether this was the first decision that settled it.
        """
        self.n_since_keep += was_open
        if history.is_vetoed:
            self.turns.append(Turn("barred", history.number))
        elif history.scored and history.failure is None:
            self.turns.append(Turn("scored", history.number, len(history.scored)))

    def add_keep(self) -> None:
        """Something was kept, which ends a plateau."""
        self.n_since_keep = 0
        self.plateau = None

    def add_plateau(self, record: Plateau, newest: int) -> None:
        self.plateau = record
        self.turns.append(Turn("plateau", newest))

    def add_fork(self, history: CandidateHistory) -> None:
        self.turns.append(Turn("forked", history.number, len(history.scored)))
