"""Runs proposers in threads, so that nothing else of the loop waits for them.

Each thread has a strategy, a proposer, a journal and a view of the study that no other thread uses.
Answers and costs are reported to the loop, which alone writes records.
"""

import sys
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from queue import SimpleQueue
from typing import Any

from workbench.errors import ProposerFault, ProposerUnusable, WorkbenchError
from workbench.experiment import Experiment
from workbench.ledger.costs import Costs
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Call, Journal
from workbench.ledger.study import Study
from workbench.loop.glimpses import Glimpses
from workbench.loop.questions import Question
from workbench.loop.workspace import StudyWorkspace
from workbench.program import Program
from workbench.propose.proposer import (
    Brief,
    Exhausted,
    ParentExhausted,
    Proposal,
    Proposer,
    Receipt,
    Unusable,
    count_ahead,
)
from workbench.search.strategy import Ask, Strategy

CLOSE_SECONDS = 2.0
LOG_CHARS = 20_000


@dataclass(frozen=True)
class Paid:
    """A model call has ended.

    Attributes:
        question: the question that it was made for.
        usd: its cost.
        tokens: its tokens of any kind.
        call: request and answer; None for a cost that the proposer reports without a call.
    """

    question: Question
    usd: float
    tokens: int
    call: Call | None = None


@dataclass(frozen=True)
class Proposed:
    """A proposal with its parent.

    Attributes:
        proposal: what the proposer gave.
        parent: number of the candidate that it was made from.
        program: the parent's program.
    """

    proposal: Proposal
    parent: int
    program: Program


@dataclass(frozen=True)
class Answer:
    """One answer to a question: proposals, or why there is none.

    Attributes:
        question: the question, with as many `wanted` as are still open.
        proposals: what was proposed.
        has_more: True if the proposer yields its proposals and may yield more.
        is_last_of_many: True if it yielded some before, and this is the end.
        follows: as in the strategy's `Ask`.
        failure: why the proposal failed; empty if it did not, or if none is ready yet.
        fault: True if the proposer itself failed.
        final: True if there will never be another proposal.
        origin: what the proposer wants to recognise the failed attempt by.
        usd: cost since the question's previous answer. It has been reported already.
        tokens: tokens since the question's previous answer, likewise.
    """

    question: Question
    proposals: tuple[Proposed, ...] = ()
    has_more: bool = False
    is_last_of_many: bool = False
    follows: bool = False
    failure: str = ""
    fault: bool = False
    final: bool = False
    origin: Mapping[str, Any] = field(default_factory=dict)
    usd: float = 0.0
    tokens: int = 0


Report = Callable[[Paid | Answer], None]
Searchers = Callable[[], tuple[Strategy, Proposer]]


class Proposers:
    """A queue of questions with worker threads behind it.

    There are as many workers as questions were ever under way at once. Strategy and proposer are
    made in the worker's thread at its first question, so that loading Optuna or LibCST holds
    nothing up.

    Attributes:
        under_way: questions without a last answer.
        ahead: how many proposals per slot the proposer wants to make ahead; 0 until it is made.
    """

    def __init__(
        self,
        folder: StudyFolder,
        experiment: Experiment,
        make_searchers: Searchers,
        report: Report,
        spent: Costs,
    ) -> None:
        """Takes `report`, which the workers' threads call with each `Paid` and `Answer`."""
        self.folder = folder
        self.experiment = experiment
        self.make_searchers = make_searchers
        self.report = report
        self.total = SharedTotal(spent.usd, spent.tokens)
        self.questions: SimpleQueue[Question | None] = SimpleQueue()
        self.receipts: dict[int, Receipt] = {}
        self.cancelled = threading.Event()
        self.glimpses = Glimpses(folder)
        self.under_way: list[Question] = []
        self.ahead = 0
        self._threads: list[threading.Thread] = []

    def ask(self, question: Question) -> None:
        """Begins a question. Its answers are reported; `settle` must be called for each."""
        self.under_way.append(question)
        if len(self._threads) < len(self.under_way):
            name = f"proposer {len(self._threads)}"
            thread = threading.Thread(target=Worker(self).run, name=name, daemon=True)
            self._threads.append(thread)
            thread.start()
        self.questions.put(question)

    def settle(self, answer: Answer) -> None:
        """Takes note that the loop has recorded an answer.

        Its question is done, or has less to come.
        """
        numbers = [question.number for question in self.under_way]
        place = numbers.index(answer.question.number)
        if answer.has_more:
            n_open = answer.question.wanted - len(answer.proposals)
            self.under_way[place] = replace(answer.question, wanted=n_open)
        else:
            del self.under_way[place]

    def close(self) -> None:
        """Lets the threads end.

        An answer under way is not waited for, but a paid call is: it is closed, and what it cost so
        far is reported.
        """
        self.cancelled.set()
        for _ in self._threads:
            self.questions.put(None)
        # A receipt with calls and none in flight is a proposer between two calls.
        has_paid_work = any(
            receipt.in_flight or receipt.calls for receipt in list(self.receipts.values())
        )
        if has_paid_work:
            for thread in self._threads:
                thread.join(CLOSE_SECONDS)


class Worker:
    """One thread: its strategy and proposer, its journal, and its view of the study."""

    def __init__(self, proposers: Proposers) -> None:
        self._proposers = proposers
        self._current: Question | None = None

    def run(self) -> None:
        """Answers questions until there are no more."""
        try:
            self._answer_all()
        except Exception as error:
            # The study would wait for ever for a question that no one answers, so all of them fail.
            is_final = isinstance(error, WorkbenchError)
            failure = _one_line(error)
            current = [] if self._current is None else [self._current]
            for question in chain(current, iter(self._proposers.questions.get, None)):
                self._proposers.report(
                    Answer(question, failure=failure, fault=True, final=is_final)
                )

    def _answer_all(self) -> None:
        self._strategy, self._proposer = self._proposers.make_searchers()
        self._proposers.ahead = count_ahead(self._proposer)
        with Journal(self._proposers.folder) as journal:
            self._journal = journal
            self._study = Study()
            self._workspace = StudyWorkspace(self._proposers.experiment, journal, self._study)
            while (question := self._proposers.questions.get()) is not None:
                self._current = question
                self._answer(question)
                self._current = None

    def _answer(self, question: Question) -> None:
        """Reports every answer to one question; an error is the last of them."""
        receipt = Receipt(record=self._recorder(question))
        self._proposers.receipts[question.number] = receipt
        meter = CostMeter(receipt)
        try:
            self._read_up_to(question.last_id)
            self._study.proposals.question_number = question.number
            for answer in self._propose(question, receipt):
                if not answer.has_more:
                    self._proposers.glimpses.end(question.number)
                self._proposers.report(self._add_costs(answer, meter))
        except Exception as error:  # for instance a disk that cannot be read
            self._proposers.glimpses.end(question.number)
            failed = Answer(question, failure=_one_line(error), fault=True)
            self._proposers.report(self._add_costs(failed, meter))
        del self._proposers.receipts[question.number]

    def _read_up_to(self, last_id: int) -> None:
        """Brings the view to the journal entry that the question was asked at, and no further.

        What a proposer sees then does not depend on when its thread gets to run.
        """
        entries = self._journal.read_entries(self._study.last_id)
        self._study.fold(entry for entry in entries if entry.id <= last_id)

    def _recorder(self, question: Question) -> Callable[[float, int, Call], None]:
        def record(usd: float, tokens: int, call: Call) -> None:
            self._proposers.total.add(usd, tokens)
            self._proposers.report(Paid(question, usd, tokens, call))

        return record

    def _add_costs(self, answer: Answer, meter: "CostMeter") -> Answer:
        """The answer with all that it cost; costs that no call has reported are reported first."""
        usd = sum(proposed.proposal.usd for proposed in answer.proposals)
        tokens = sum(proposed.proposal.tokens for proposed in answer.proposals)
        if usd or tokens:
            self._proposers.total.add(usd, tokens)
            self._proposers.report(Paid(answer.question, usd, tokens))
        usd_of_calls, tokens_of_calls = meter.read()
        return replace(answer, usd=usd_of_calls + usd, tokens=tokens_of_calls + tokens)

    def _propose(self, question: Question, receipt: Receipt) -> Iterator[Answer]:
        """Asks strategy and proposer; the last answer has no more to come."""
        ask = Ask(parent=0)
        try:
            ask = self._strategy.ask(self._study)
            brief = self._brief(question, ask, receipt)
            yield from _answers(question, ask, brief, self._proposer.propose(brief))
        except ParentExhausted as error:
            yield Answer(question, failure=str(error), final=not ask.is_one_of_several)
        except Exhausted as error:
            failure = str(error) or "the proposer has nothing more"
            yield Answer(question, failure=failure, final=True)
        except Unusable as error:
            yield Answer(question, failure=str(error), origin=error.origin)
        except ProposerFault as error:
            is_final = isinstance(error, ProposerUnusable)
            yield Answer(question, failure=str(error), fault=True, final=is_final)
        except Exception as error:  # a proposer is a plug-in: its mistakes are recorded, not fatal
            yield Answer(question, failure=_one_line(error), fault=True)

    def _brief(self, question: Question, ask: Ask, receipt: Receipt) -> Brief:
        study = self._study
        return Brief(
            experiment=self._proposers.experiment,
            study=study,
            parent=ask.parent,
            program=self._program(ask.parent),
            inspirations=ask.inspirations,
            number=question.number,
            guidance=tuple(study.people.guidance),
            banned=tuple(study.people.bans),
            idea=question.idea,
            programs=self._program,
            logs=self._newest_log,
            workspace=self._workspace,
            max_proposals=question.wanted,
            receipt=receipt,
            spent_elsewhere=lambda: self._proposers.total.beyond(study.costs, receipt),
            cancelled=self._proposers.cancelled,
            say=_say,
            show=self._proposers.glimpses.of(question.number),
        )

    def _program(self, candidate: int) -> Program:
        return self._journal.read_program(self._study.candidates[candidate].record.program)

    def _newest_log(self, candidate: int) -> str:
        """The end of what the candidate's newest trial printed; empty without a log."""
        trials = self._study.candidates[candidate].trials
        if not trials:
            return ""
        return self._workspace.log(candidate, trials[-1].trial)[-LOG_CHARS:]


def _answers(
    question: Question,
    ask: Ask,
    brief: Brief,
    proposals: Proposal | Iterable[Proposal] | None,
) -> Iterator[Answer]:
    """The answers in what a proposer returned: one proposal, a list, None, or a stream."""
    if proposals is None:
        yield Answer(question, follows=ask.follows)
    elif isinstance(proposals, Proposal):
        yield Answer(question, (_with_parent(proposals, brief),), follows=ask.follows)
    elif isinstance(proposals, Sequence):
        together = tuple(_with_parent(proposal, brief) for proposal in proposals)
        yield Answer(question, together, follows=ask.follows)
    else:
        still_open = question
        for proposal in islice(proposals, question.wanted):
            proposed = (_with_parent(proposal, brief),)
            yield Answer(still_open, proposed, has_more=True, follows=ask.follows)
            still_open = replace(still_open, wanted=still_open.wanted - 1)
        yield Answer(still_open, is_last_of_many=still_open != question)


def _with_parent(proposal: Proposal, brief: Brief) -> Proposed:
    parent = brief.parent if proposal.parent is None else proposal.parent
    return Proposed(proposal, parent, brief.programs(parent))


class CostMeter:
    """Reads what the calls of a question have cost, answer by answer."""

    def __init__(self, receipt: Receipt) -> None:
        self._receipt = receipt
        self._usd = 0.0
        self._tokens = 0

    def read(self) -> tuple[float, int]:
        """Cost since the last reading, as (usd, tokens)."""
        usd = self._receipt.usd - self._usd
        tokens = self._receipt.tokens - self._tokens
        self._usd = self._receipt.usd
        self._tokens = self._receipt.tokens
        return usd, tokens


class SharedTotal:
    """What the study has cost, including calls that the journal will record in a moment.

    All threads add to it, so that a budget holds although none of them sees the others' calls.
    """

    def __init__(self, usd: float, tokens: int) -> None:
        self._usd = usd
        self._tokens = tokens
        self._lock = threading.Lock()

    def add(self, usd: float, tokens: int) -> None:
        with self._lock:
            self._usd += usd
            self._tokens += tokens

    def beyond(self, costs: Costs, receipt: Receipt) -> tuple[float, int]:
        """What was spent beyond a view of the study and a receipt, as (usd, tokens)."""
        with self._lock:
            usd = self._usd - costs.usd - receipt.usd
            tokens = self._tokens - costs.tokens - receipt.tokens
        return max(0.0, usd), max(0, tokens)


def _say(line: str) -> None:
    """Prints a proposer's message where the loop's log is read."""
    print(line, file=sys.stderr, flush=True)


def _one_line(error: BaseException) -> str:
    lines = str(error).strip().splitlines()
    head = lines[0] if lines else ""
    return head if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {head}"
