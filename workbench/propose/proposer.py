"""The role Proposer: a new program and a hypothesis, given the study so far."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Literal, Protocol

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose.workspace import Bare, Workspace


@dataclass
class Receipt:
    """What one question to a proposer has cost so far, written call by call, so that no way in which it may end loses a paid one.

    Attributes:
        usd: 0 where a price is unknown. tokens: of all kinds. calls: what was asked and answered, as plain JSON values.
        in_flight: a call is under way. record: is told of each call as it is added, and stores it.
    """

    usd: float = 0.0
    tokens: int = 0
    calls: list[Mapping[str, Any]] = field(default_factory=list)
    in_flight: bool = False
    record: Callable[[float, int, Mapping[str, Any]], None] = lambda usd, tokens, call: None
    _messages: Sequence[Any] = ()

    def add(self, usd: float, tokens: int, call: Mapping[str, Any]) -> None:
        """Writes down a call that has ended; in a study it is stored at once, whatever comes of the proposal.

        Of `call["request"]["messages"]`, where it has them, the first that equal those of the call before are left out; `repeats` says
        how many.
        """
        request = call.get("request", {})
        messages: Sequence[Any] = request.get("messages", ())
        pairs = zip(messages, self._messages, strict=False)
        same = next(
            (place for place, (new, old) in enumerate(pairs) if new != old),
            min(len(messages), len(self._messages)),
        )
        call = {**call, "request": {**request, "messages": messages[same:]}, "repeats": same}
        self._messages = messages
        self.usd += usd
        self.tokens += tokens
        self.calls.append(call)
        self.record(usd, tokens, call)


ShownKind = Literal["model", "thinking", "text", "input", "tool", "diff", "check"]


@dataclass(frozen=True)
class Shown:
    """A glimpse of a proposer at work, for whoever watches. Nothing depends on it, and it is kept nowhere.

    Attributes:
        kind: `model`: the one of this name is asked. `thinking`, `text`, `input`: the next piece of what it thinks, says, or gives to a
            tool. `tool`: what is done, in a line. `diff`: what an edit changed. `check`: what a smoke run found.
        turn, tokens: with `model`: which call of this proposal it is, from 1, and what those before it took.
    """

    kind: ShownKind
    text: str
    turn: int = 0
    tokens: int = 0


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
        wanted: how many proposals are welcome at most; fewer are fine.
        receipt: where the proposer writes down what it pays for. elsewhere: what other questions took since `study` was folded, as (usd,
            tokens). cancelled: set when nobody waits for the answer any more.
        say: takes one line for a person to read, such as `overloaded; trying again in 8 s`.
        show: takes glimpses of the work, for people who watch.
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
    wanted: int = 1
    receipt: Receipt = field(default_factory=Receipt)
    elsewhere: Callable[[], tuple[float, int]] = lambda: (0.0, 0)
    cancelled: Event = field(default_factory=Event)
    say: Callable[[str], None] = lambda line: None
    show: Callable[[Shown], None] = lambda shown: None

    @property
    def is_spent(self) -> bool:
        """Whether a budget is used up, this question's calls counted: then no other call is made."""
        options, spent, own, (usd, tokens) = (
            self.study.options,
            self.study.spent,
            self.receipt,
            self.elsewhere(),
        )
        return bool(options.max_usd and spent.usd + own.usd + usd >= options.max_usd) or bool(
            options.max_tokens and spent.tokens + own.tokens + tokens >= options.max_tokens
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
    """Made as `Implementation(argument, experiment, options)`: `argument` is what follows the colon in `patches:DIR`.

    A class attribute `ahead` says how many proposals are made ahead per slot, and so how far the study that it is shown may be behind
    (`ahead_of`): 0 where it answers at once and learns from every candidate, 2 where it waits for a model; 1 without it. With 2, two of
    its instances work in two threads.
    """

    name: str

    def propose(self, brief: Brief) -> Proposal | Iterable[Proposal] | None:
        """The next proposal, or several, `brief.wanted` at most; None when there is none now but may be later.

        Runs in a thread of its own. May take long. Of a list all become candidates at once; where it takes long and costs, `yield` them:
        each is a candidate in the journal when it is yielded, and no end of the loop, nor an error that is raised later, loses it.

        Raises:
            Exhausted: there will be none any more. ParentExhausted: none from this parent.
            Unusable: this one came to nothing; ask again.
            ProposerFault: the proposer itself failed (connection, refusal); repeated, it pauses the study.
            ProposerUnusable: it cannot be asked before a person mends something; the study pauses at once.
        """


def ahead_of(proposer: Proposer) -> int:
    """How many proposals a proposer makes ahead, per slot."""
    return int(getattr(proposer, "ahead", 1))
