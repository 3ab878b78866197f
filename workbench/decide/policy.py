"""The role Policy: keep a candidate, discard it, defer it to a person, or run more trials first?"""

from dataclasses import dataclass
from typing import Protocol

from workbench.ledger.study import Study
from workbench.records import Decision


@dataclass(frozen=True)
class Wanted:
    """Trials that a policy needs before it can decide.

    Attributes:
        trials: pairs of a candidate's number and a seed index, the most useful first. Seed index k
            is the same seed for every candidate of a study (`Study.seed(k)`), so that trials can be
            paired.
    """

    trials: tuple[tuple[int, int], ...]


class Policy(Protocol):
    """Constructed as `Implementation(experiment, options)`.

    A pure function of the study: asked twice about the same study, it gives the same answer.
    """

    name: str

    def opening(self, study: Study) -> Wanted:
        """Trials of the baseline that are needed first, to know its spread."""

    def judge(self, study: Study, candidate: int) -> Decision | Wanted:
        """A decision, or the trials that are missing for one.

        Called when no trial of the candidate is running.
        """
