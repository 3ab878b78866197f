"""The role Proposer: a new program and a hypothesis, given the study so far."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.program import Program


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What a proposer is asked.

    Attributes:
        study: the journal folded up to now; the proposer's own, nobody else changes it while it works.
        parent: number of the candidate to start from; program: its program. inspirations: others worth a look.
        number: how many proposals were asked for before in this study, this one's chance is derived from it.
        guidance: what people asked for, oldest first. banned: ideas not to try again.
        idea: what a person asked to be tried in this very proposal; empty where nobody did.
    """

    experiment: Experiment
    study: Study
    parent: int
    program: Program
    inspirations: tuple[int, ...] = ()
    number: int = 0
    guidance: tuple[str, ...] = ()
    banned: tuple[str, ...] = ()
    idea: str = ""


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A program with the reason for it; the loop computes the patch.

    `origin` is what the proposer wants to find again in `Candidate.origin` (plain JSON values). `parent` overrides the
    brief's where the program was made from another candidate.
    """

    program: Program
    hypothesis: str
    origin: Mapping[str, Any] = field(default_factory=dict)
    parent: int | None = None
    author: str = ""
    usd: float = 0.0
    tokens: int = 0


class Exhausted(Exception):
    """The proposer has nothing more to propose in this study, ever; the message says why."""


class Unusable(Exception):
    """What was proposed cannot become a candidate (it does not parse, it changes nothing); the message says why."""

    def __init__(self, reason: str, origin: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.origin = dict(origin or {})


class Proposer(Protocol):
    """Made as `Implementation(argument, experiment, options)`: `argument` is what follows the colon in `patches:DIR`."""

    name: str

    def propose(self, brief: Brief) -> Proposal | None:
        """The next proposal; None when there is none now but may be later (a folder without a new entry).

        Runs in a thread of its own. May take long.

        Raises:
            Exhausted: there will be none any more.
            Unusable: this one came to nothing; ask again.
            ProposerFault: the proposer itself failed (connection, key); repeated, it pauses the study.
        """
