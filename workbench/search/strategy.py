"""The role Strategy: which parent, and which examples, next?"""

from dataclasses import dataclass
from typing import Protocol

from workbench.ledger.study import Study


@dataclass(frozen=True)
class Ask:
    """The candidate to start from, and others worth showing to the proposer.

    `is_one_of_several`: the next question may be about another parent, so that a proposer with nothing more from this one is not done.
    `follows`: the parent is the incumbent because it is; a proposal that finds another incumbent is put onto that one.
    """

    parent: int
    inspirations: tuple[int, ...] = ()
    is_one_of_several: bool = False
    follows: bool = False


class Strategy(Protocol):
    """Made as `Implementation(experiment, options)`, for one study.

    It learns from the study that it is shown and keeps nothing else, so that a new one asks the same of the same study: chance
    comes from the study's seed and `question(study)`. It may remember what it has read (`archive.Turns`), never what it has asked.
    """

    name: str

    def ask(self, study: Study) -> Ask:
        """The next parent; called only when the baseline has a score."""


def question(study: Study) -> int:
    """How many proposals were asked for before this one, as in the proposer's brief."""
    return (
        len(study.candidates) - 1 + study.proposals_failed if study.asked is None else study.asked
    )


def incumbent_of(study: Study) -> int:
    """Raises ValueError before the baseline is kept: there is nothing to start from yet."""
    if study.incumbent is None:
        raise ValueError("the baseline has no score yet; ask again when it has")
    return study.incumbent
