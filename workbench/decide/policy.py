"""The role Policy: keep, discard, defer, or first run more trials?"""

from dataclasses import dataclass
from typing import Protocol

from workbench.ledger.study import Study
from workbench.records import Decision


@dataclass(frozen=True)
class Wanted:
    """Trials that a policy needs before it can say: `(candidate, seed index)` pairs, the most useful first.

    Seed index k is the same seed for every candidate of a study (`Study.seed(k)`), which is what pairs them.
    """

    trials: tuple[tuple[int, int], ...]


class Policy(Protocol):
    """Made as `Implementation(experiment, options)`. A pure function of the study: asked again, it says the same."""

    name: str

    def opening(self, study: Study) -> Wanted:
        """Trials of the baseline that the study needs before it judges anything (its own spread)."""

    def judge(self, study: Study, candidate: int) -> Decision | Wanted:
        """A decision, or the trials that are missing for one. Called when no trial of the candidate is running."""


def incumbent_of(study: Study) -> int:
    """The incumbent's number; raises ValueError before the baseline is kept, when there is nothing to judge against."""
    if study.incumbent is None:
        raise ValueError("the baseline has no score yet; there is nothing to compare with")
    return study.incumbent
