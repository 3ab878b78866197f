"""The role Proposer: its questions (Brief), its answers (Proposal) and their cost (Receipt).

Only values and the protocol. The implementations live in files of their own, and the loop computes
patches and budgets.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from threading import Event
from typing import Any, Literal, Protocol

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose.workspace import EmptyWorkspace, Workspace


@dataclass
class Receipt:
    """Cost of one question to a proposer, added up call by call.

    A call is added as soon as it ends, so that no paid call is lost, however the question ends.

    Attributes:
        usd: cost so far; calls without a known price count as 0.
        tokens: tokens of all kinds so far.
        calls: each request with its answer, as plain JSON values.
        in_flight: true while a call is under way.
        record: called with (usd, tokens, call) for each call that is added; it stores the call.
    """

    usd: float = 0.0
    tokens: int = 0
    calls: list[Mapping[str, Any]] = field(default_factory=list)
    in_flight: bool = False
    record: Callable[[float, int, Mapping[str, Any]], None] = lambda usd, tokens, call: None
    _messages: Sequence[Any] = ()

    def add(self, usd: float, tokens: int, call: Mapping[str, Any]) -> None:
        """Adds a call that has ended. In a study it is stored at once, before its proposal exists.

        Each call of a conversation repeats the messages of the call before it. So that a long
        conversation is stored once, the leading messages that equal those of the previous call are
        left out of `call["request"]["messages"]`, and `call["repeats"]` says how many they were.
        """
        request = call.get("request", {})
        messages: Sequence[Any] = request.get("messages", ())
        n_repeated = _count_equal(messages, self._messages)
        call = {
            **call,
            "request": {**request, "messages": messages[n_repeated:]},
            "repeats": n_repeated,
        }
        self._messages = messages
        self.usd += usd
        self.tokens += tokens
        self.calls.append(call)
        self.record(usd, tokens, call)


def _count_equal(messages: Sequence[Any], previous: Sequence[Any]) -> int:
    """How many messages at the beginning of two sequences are equal."""
    count = 0
    for new, old in zip(messages, previous, strict=False):
        if new != old:
            break
        count += 1
    return count


GlimpseKind = Literal["model", "thinking", "text", "input", "tool", "diff", "check"]


@dataclass(frozen=True)
class Glimpse:
    """A piece of a proposer's work, for people who watch.

    It is stored nowhere, and nothing depends on it.

    Attributes:
        kind: what `text` is. `model`: the name of the model that is asked. `thinking`, `text`,
            `input`: the next piece of what the model thinks, says, or passes to a tool. `tool`:
            what a tool does, in one line. `diff`: what an edit changed. `check`: the result of a
            smoke run.
        text: the piece itself.
        turn: with `model`, the number of the call within this proposal, from 1.
        tokens: with `model`, tokens used by the earlier calls of this proposal.
    """

    kind: GlimpseKind
    text: str
    turn: int = 0
    tokens: int = 0


def _no_program(number: int) -> Program:
    raise LookupError(f"this brief has no program of candidate {number}")


@dataclass(frozen=True, kw_only=True)
class Brief:
    """What a proposer is asked, and everything that it may use for its answer.

    Attributes:
        experiment: the problem.
        study: the journal folded up to now. It belongs to this proposer: it does not change while
            the proposer works.
        parent: number of the candidate to start from.
        program: the parent's program.
        inspirations: numbers of other candidates worth a look.
        number: how many proposals were asked for earlier in this study. Proposers derive their
            randomness from it.
        guidance: what people asked for, oldest first.
        banned: ideas that must not be tried again.
        idea: what a person wants tried in this very proposal; empty if there is none.
        programs: returns the program of a candidate, by number.
        logs: returns the end of what the newest trial of a candidate printed; empty if there is no
            log.
        workspace: logs, curves, and a place to try a program.
        max_proposals: how many proposals the answer may hold; fewer are fine.
        receipt: where the proposer adds what it pays for.
        spent_elsewhere: what other questions have cost since `study` was folded, as (usd, tokens).
        cancelled: set once the answer is no longer needed.
        say: prints one line for people, such as `overloaded; trying again in 8 s`.
        show: shows a glimpse of the work to people who watch.
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
    workspace: Workspace = field(default_factory=EmptyWorkspace)
    max_proposals: int = 1
    receipt: Receipt = field(default_factory=Receipt)
    spent_elsewhere: Callable[[], tuple[float, int]] = lambda: (0.0, 0)
    cancelled: Event = field(default_factory=Event)
    say: Callable[[str], None] = lambda line: None
    show: Callable[[Glimpse], None] = lambda glimpse: None

    @property
    def is_budget_used(self) -> bool:
        """True if the study's budget is used up, including the calls of this question.

        No further call may be made then.
        """
        options = self.study.options
        spent = self.study.costs
        other_usd, other_tokens = self.spent_elsewhere()
        usd = spent.usd + self.receipt.usd + other_usd
        tokens = spent.tokens + self.receipt.tokens + other_tokens
        is_money_used = bool(options.max_usd) and usd >= options.max_usd
        are_tokens_used = bool(options.max_tokens) and tokens >= options.max_tokens
        return is_money_used or are_tokens_used


@dataclass(frozen=True, kw_only=True)
class Proposal:
    """A program and the reason for it. The loop computes the patch.

    Attributes:
        program: the whole program that is proposed.
        hypothesis: why it should be better, for people and later proposers.
        origin: plain JSON values that the proposer wants to read back later from
            `Candidate.origin`.
        parent: the candidate that the program was made from, if it is not the brief's parent.
        author: who proposed it, if that is not the proposer itself.
        usd: cost that is not on the brief's receipt.
        tokens: tokens that are not on the brief's receipt.
        repeats: run it even if it equals an earlier candidate apart from comments.
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
    """The proposer will never have another proposal in this study; the message says why."""


class ParentExhausted(Exhausted):
    """The proposer has no other proposal from this parent.

    It is final only if the strategy has no other parent.
    """


class Unusable(Exception):
    """A proposal that cannot become a candidate; the message says why.

    It does not parse, for example, or it changes nothing.
    """

    def __init__(self, reason: str, origin: Mapping[str, Any] | None = None) -> None:
        super().__init__(reason)
        self.origin = dict(origin or {})


class Proposer(Protocol):
    """Proposes programs. It is made as `Implementation(argument, experiment, options)`.

    `argument` is what follows the colon in `patches:DIR`.

    An implementation may have a class attribute `ahead`: how many proposals per slot are made ahead
    of the trials. A proposal made ahead has not seen the newest scores. So `ahead` is 0 for a
    proposer that answers at once and learns from every candidate, and 2 for one that waits for a
    model. Without the attribute it is 1. With 2, two instances of the proposer work in two threads.

    It answers for itself before a study exists by class methods. All of them are optional:

        check(argument: str, options: Options, root: Path) -> str
            Returns the argument that the study records; a path in it becomes absolute, by `root`.
            Raises UsageError for an argument, or for options, that cannot be. A proposer without
            this method takes no argument.
        estimate(experiment: Experiment, program: Program, options: Options) -> str
            One line about what the proposals of the new study will cost; empty where they cost
            nothing. `program` is the baseline.
        alias_from_program(argument: str, files: Mapping[str, str]) -> str | None
            What an alias for a kept program means (see `registry.save_alias`), where the files of
            that program describe this proposer; else None.
    """

    name: str

    def propose(self, brief: Brief) -> Proposal | Iterable[Proposal] | None:
        """The next proposal, or several (at most `brief.max_proposals`).

        None if there is none now but may be later.

        It runs in its own thread and may take long. All proposals of a list become candidates at
        once. A proposer that is slow or expensive should `yield` its proposals instead. Each one is
        in the journal as soon as it is yielded, so neither a later error nor the end of the loop
        can lose it.

        Raises:
            Exhausted: there will never be another proposal.
            ParentExhausted: there is none from this parent.
            Unusable: this proposal cannot be used; the proposer may be asked again.
            ProposerFault: the proposer itself failed (connection, refusal). Repeated faults pause
                the study.
            ProposerUnusable: it cannot be asked before a person fixes something; the study pauses
                at once.
        """


def count_ahead(proposer: Proposer) -> int:
    """How many proposals per slot the proposer makes ahead of the trials."""
    return int(getattr(proposer, "ahead", 1))
