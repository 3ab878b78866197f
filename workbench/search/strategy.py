"""The role Strategy: which candidate to start from next, and which others to show."""

from dataclasses import dataclass
from typing import Protocol

from workbench.ledger.study import Study


@dataclass(frozen=True)
class Ask:
    """What the proposer is asked to start from.

    Attributes:
        parent: number of the candidate to start from.
        inspirations: other candidates worth showing to the proposer.
        is_one_of_several: True if the next question may be about another parent, so that a proposer
            with nothing more to say about this one is not finished.
        follows: True if the parent was chosen because it is the incumbent. If the incumbent has
            changed by the time the proposal is tried, the proposal is rebased onto the new one.
    """

    parent: int
    inspirations: tuple[int, ...] = ()
    is_one_of_several: bool = False
    follows: bool = False


class Strategy(Protocol):
    """Constructed as `Implementation(experiment, options)`, for one study.

    A strategy is a function of the study: a new instance asks the same of the same study.
    Randomness comes from the study's seed and `question_number(study)`. A strategy may cache what
    it has read of the journal (`archive.Turns`), but never what it has asked.
    """

    name: str

    def ask(self, study: Study) -> Ask:
        """The next parent. Called only once the baseline has a score."""


def question_number(study: Study) -> int:
    """How many proposals were asked for before this one, as in the proposer's brief."""
    if study.proposals.question_number is not None:
        return study.proposals.question_number
    return len(study.candidates) - 1 + study.proposals.n_failed
