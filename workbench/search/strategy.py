"""The role Strategy: which parent, and which examples, next?"""

from dataclasses import dataclass
from typing import Protocol

from workbench.ledger.study import Study


@dataclass(frozen=True)
class Ask:
    """The candidate to start from, and others worth showing to the proposer."""

    parent: int
    inspirations: tuple[int, ...] = ()


class Strategy(Protocol):
    """Made as `Implementation(options)`. It learns from the study that it is shown, so that a resumed one asks the same."""

    name: str

    def ask(self, study: Study) -> Ask:
        """The next parent; called only when the baseline has a score."""
