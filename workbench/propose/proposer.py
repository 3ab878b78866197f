"""The role Proposer: a new program and a hypothesis, given the study so far."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Protocol

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose.workspace import Bare, Workspace


@dataclass
class Receipt:
    """What one question to a proposer has cost so far, written call by call, so that no way in which it may end loses a paid one.

    Attributes:
        usd: 0 where a price is unknown. tokens: of all kinds. calls: what was asked and answered, as plain JSON values.
        in_flight: a call is under way.
    """

    usd: float = 0.0
    tokens: int = 0
    calls: list[Mapping[str, Any]] = field(default_factory=list)
    in_flight: bool = False


def _no_program(number: int) -> Program:
    raise LookupError(f"this brief has no program of candidate {number}")


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What a proposer is asked.

    Attributes:
        study: the journal folded up to now; the proposer's own, nobody else changes it while it works.
        parent: number of the candidate to start from; program: its program. inspirations: others worth a look.
        number: how many proposals were asked for before in this study, this one's chance is derived from it.
        guidance: what people asked for, oldest first. banned: ideas not to try again.
        idea: what a person asked to be tried in this very proposal; empty where nobody did.
        programs: the program of a candidate. logs: what the newest trial of a candidate printed; empty where nothing is left.
        workspace: what else it may look at.
        receipt: where the proposer writes down what it pays for. cancelled: set when nobody waits for the answer any more.
        say: takes one line for a person to read, such as `overloaded; trying again in 8 s`.
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
    programs: Callable[[int], Program] = _no_program
    logs: Callable[[int], str] = lambda number: ""
    workspace: Workspace = field(default_factory=Bare)
    receipt: Receipt = field(default_factory=Receipt)
    cancelled: Event = field(default_factory=Event)
    say: Callable[[str], None] = lambda line: None

    @property
    def is_spent(self) -> bool:
        """Whether a budget is used up, this question's calls counted: then no other call is made."""
        options, spent, own = self.study.options, self.study.spent, self.receipt
        return bool(options.max_usd and spent.usd + own.usd >= options.max_usd) or bool(
            options.max_tokens and spent.tokens + own.tokens >= options.max_tokens
        )


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A program with the reason for it; the loop computes the patch.

    `origin` is what the proposer wants to find again in `Candidate.origin` (plain JSON values). `parent` overrides the
    brief's where the program was made from another candidate. `usd` and `tokens` are what the brief's receipt does not say.
    `repeats`: that it may be an earlier candidate but for comments is on purpose.
    """

    program: Program
    hypothesis: str
    origin: Mapping[str, Any] = field(default_factory=dict)
    parent: int | None = None
    author: str = ""
    usd: float = 0.0
    tokens: int = 0
    repeats: bool = False


class Exhausted(Exception):
    """The proposer has nothing more to propose in this study, ever; the message says why."""


class ParentExhausted(Exhausted):
    """It has nothing more to propose from this parent; final only where the strategy has no other one."""


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
            Exhausted: there will be none any more. ParentExhausted: none from this parent.
            Unusable: this one came to nothing; ask again.
            ProposerFault: the proposer itself failed (connection, refusal); repeated, it pauses the study.
            ProposerUnusable: it cannot be asked before a person mends something; the study pauses at once.
        """
