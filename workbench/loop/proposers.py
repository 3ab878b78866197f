"""Asking: proposers at work in threads of their own, each with its own view of the study, so that nothing waits for them."""

import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice
from queue import SimpleQueue
from typing import Any

from workbench.errors import ProposerFault, ProposerUnusable, WorkbenchError
from workbench.experiment import Experiment
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Call, Journal
from workbench.ledger.study import Spent, Study
from workbench.loop.glimpses import Showing
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
    ahead_of,
)
from workbench.search.strategy import Ask, Strategy

CLOSE_SECONDS = 2.0
LOG_CHARS = 20_000


@dataclass(frozen=True)
class Paid:
    """A call for a question has ended; without a `call`, what its proposer says that it cost besides."""

    question: Question
    usd: float
    tokens: int
    call: Call | None = None


@dataclass(frozen=True)
class Made:
    """A proposal, the candidate that it was made from, and that one's program."""

    proposal: Proposal
    parent: int
    program: Program


@dataclass(frozen=True)
class Answered:
    """What came of one question: proposals, or why there is none (`final`: never again).

    Attributes:
        question: with as many `wanted` as were not handed over before.
        goes_on: more may come, since the proposer gives them one by one. went_on: they have come, and this is the end of it.
        follows: as in the strategy's `Ask`.
        usd, tokens: what it cost since its answer before, whatever came of it; that has been reported.
    """

    question: Question
    made: tuple[Made, ...] = ()
    goes_on: bool = False
    went_on: bool = False
    follows: bool = False
    failure: str = ""
    fault: bool = False
    final: bool = False
    origin: Mapping[str, Any] = field(default_factory=dict)
    usd: float = 0.0
    tokens: int = 0


class Asking:
    """Strategy and proposer behind a queue of questions; `report` is called from their threads with each Paid and each Answered.

    What a proposer yields is reported as it comes; a list of proposals, at once.

    Both are made in a thread at its first question: loading Optuna or LibCST holds nobody up. A proposer that is asked two questions at
    a time has two threads, each with a strategy, a proposer, a journal and a study of its own.
    """

    def __init__(
        self,
        folder: StudyFolder,
        experiment: Experiment,
        make: Callable[[], tuple[Strategy, Proposer]],
        report: Callable[[Paid | Answered], None],
        spent: Spent,
    ) -> None:
        self._folder, self._experiment, self._make, self._report = folder, experiment, make, report
        self._purse = _Purse(spent.usd, spent.tokens)
        self._questions: SimpleQueue[Question | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._receipts: dict[int, Receipt] = {}
        self._cancelled = threading.Event()
        self._showing = Showing(folder)
        self.under_way: list[Question] = []
        self.ahead = 0  # until a proposer is made and says how many it makes

    def ask(self, question: Question) -> None:
        """Begins a question; its answers are reported, and `taken` is called for each."""
        self.under_way.append(question)
        if len(self._threads) < len(self.under_way):
            self._threads.append(
                threading.Thread(
                    target=self._work, name=f"proposer {len(self._threads)}", daemon=True
                )
            )
            self._threads[-1].start()
        self._questions.put(question)

    def taken(self, answered: Answered) -> None:
        """An answer has been taken in: its question is done, or fewer proposals may come of it from now on."""
        question = answered.question
        left = (
            [replace(question, wanted=question.wanted - len(answered.made))]
            if answered.goes_on
            else []
        )
        place = next(
            place for place, one in enumerate(self.under_way) if one.number == question.number
        )
        self.under_way[place : place + 1] = left

    def close(self) -> None:
        """Lets the threads end. An answer under way is not waited for; a paid call is closed, and what it took so far reported."""
        self._cancelled.set()
        for _ in self._threads:
            self._questions.put(None)
        if any(
            receipt.in_flight or receipt.calls for receipt in list(self._receipts.values())
        ):  # also between two calls of a proposal
            for thread in self._threads:
                thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        at_work: list[Question] = []
        try:
            self._answer_all(at_work)
        except Exception as error:  # every question is answered, or the study would wait
            for question in chain(at_work, iter(self._questions.get, None)):
                self._report(
                    Answered(
                        question,
                        failure=_one_line(error),
                        fault=True,
                        final=isinstance(error, WorkbenchError),
                    )
                )

    def _answer_all(self, at_work: list[Question]) -> None:
        """Answers questions until there will be none any more; `at_work` holds the one that is being answered."""
        strategy, proposer = self._make()
        self.ahead = ahead_of(proposer)
        with Journal(self._folder) as journal:
            study = Study()
            workspace = StudyWorkspace(self._experiment, journal, study)
            while (question := self._questions.get()) is not None:
                at_work.append(question)
                receipt = self._receipts[question.number] = Receipt(record=self._recorder(question))
                bill = _Bill(receipt)
                try:
                    study.fold(
                        entry
                        for entry in journal.entries(study.last_id)
                        if entry.id <= question.last_id
                    )
                    study.asked = question.number
                    for answered in self._answers(
                        strategy, proposer, study, journal, workspace, question, receipt
                    ):
                        if not answered.goes_on:
                            self._showing.end(question.number)
                        self._report(self._settled(answered, bill))
                except Exception as error:  # such as a disk that cannot be read
                    self._showing.end(question.number)
                    self._report(
                        self._settled(
                            Answered(question, failure=_one_line(error), fault=True), bill
                        )
                    )
                at_work.clear()
                del self._receipts[question.number]

    def _recorder(self, question: Question) -> Callable[[float, int, Call], None]:
        def record(usd: float, tokens: int, call: Call) -> None:
            self._purse.take(usd, tokens)
            self._report(Paid(question, usd, tokens, call))

        return record

    def _settled(self, answered: Answered, bill: "_Bill") -> Answered:
        """The answer with all that it cost; what no call has told of is reported first."""
        usd = sum(made.proposal.usd for made in answered.made)
        tokens = sum(made.proposal.tokens for made in answered.made)
        if usd or tokens:
            self._purse.take(usd, tokens)
            self._report(Paid(answered.question, usd, tokens))
        called_usd, called_tokens = bill.since()
        return replace(answered, usd=called_usd + usd, tokens=called_tokens + tokens)

    def _answers(
        self,
        strategy: Strategy,
        proposer: Proposer,
        study: Study,
        journal: Journal,
        workspace: StudyWorkspace,
        question: Question,
        receipt: Receipt,
    ) -> Iterator[Answered]:
        """All that comes of a question; the last of it does not go on."""
        ask = Ask(parent=0)
        try:
            ask = strategy.ask(study)
            brief = Brief(
                experiment=self._experiment,
                study=study,
                parent=ask.parent,
                program=journal.program(study.candidates[ask.parent].record.program),
                inspirations=ask.inspirations,
                number=question.number,
                guidance=tuple(study.guidance),
                banned=tuple(study.banned),
                idea=question.idea,
                programs=lambda candidate: journal.program(
                    study.candidates[candidate].record.program
                ),
                logs=lambda candidate: _newest_log(study, workspace, candidate),
                workspace=workspace,
                wanted=question.wanted,
                receipt=receipt,
                elsewhere=lambda: self._purse.beyond(study.spent, receipt),
                cancelled=self._cancelled,
                say=_say,
                show=self._showing.of(question.number),
            )
            given = proposer.propose(brief)
            if given is None or isinstance(given, Proposal | Sequence):
                proposals = (
                    () if given is None else (given,) if isinstance(given, Proposal) else given
                )
                yield Answered(
                    question, tuple(_made(one, brief) for one in proposals), follows=ask.follows
                )
                return
            left = question
            for proposal in islice(given, question.wanted):
                yield Answered(left, (_made(proposal, brief),), goes_on=True, follows=ask.follows)
                left = replace(left, wanted=left.wanted - 1)
            yield Answered(left, went_on=left != question)
        except ParentExhausted as error:
            yield Answered(question, failure=str(error), final=not ask.is_one_of_several)
        except Exhausted as error:
            yield Answered(
                question, failure=str(error) or "the proposer has nothing more", final=True
            )
        except Unusable as error:
            yield Answered(question, failure=str(error), origin=error.origin)
        except ProposerFault as error:
            yield Answered(
                question, failure=str(error), fault=True, final=isinstance(error, ProposerUnusable)
            )
        except Exception as error:  # a proposer is a plug-in: its mistakes are recorded, not fatal
            yield Answered(question, failure=_one_line(error), fault=True)


def _made(proposal: Proposal, brief: Brief) -> Made:
    parent = brief.parent if proposal.parent is None else proposal.parent
    return Made(proposal, parent, brief.programs(parent))


class _Bill:
    """What the calls of a question cost, answer by answer."""

    def __init__(self, receipt: Receipt) -> None:
        self._receipt, self._usd, self._tokens = receipt, 0.0, 0

    def since(self) -> tuple[float, int]:
        """What the receipt says beyond what it said the time before, as (usd, tokens)."""
        usd, tokens = self._receipt.usd - self._usd, self._receipt.tokens - self._tokens
        self._usd, self._tokens = self._receipt.usd, self._receipt.tokens
        return usd, tokens


class _Purse:
    """What the study has cost, with what the journal will say of it in a moment; all threads pay into one."""

    def __init__(self, usd: float, tokens: int) -> None:
        self._usd, self._tokens, self._lock = usd, tokens, threading.Lock()

    def take(self, usd: float, tokens: int) -> None:
        with self._lock:
            self._usd, self._tokens = self._usd + usd, self._tokens + tokens

    def beyond(self, spent: Spent, receipt: Receipt) -> tuple[float, int]:
        """What was taken beyond what a view of the study and a receipt say, as (usd, tokens)."""
        with self._lock:
            return max(0.0, self._usd - spent.usd - receipt.usd), max(
                0, self._tokens - spent.tokens - receipt.tokens
            )


def _newest_log(study: Study, workspace: StudyWorkspace, candidate: int) -> str:
    """The end of what the newest trial of a candidate printed; empty where it left no log."""
    trials = study.candidates[candidate].trials
    return workspace.log(candidate, trials[-1].trial)[-LOG_CHARS:] if trials else ""


def _say(line: str) -> None:
    """A proposer's word to whoever reads the loop's log."""
    print(line, file=sys.stderr, flush=True)


def _one_line(error: BaseException) -> str:
    text = str(error).strip().splitlines()
    head = text[0] if text else ""
    return head if isinstance(error, WorkbenchError) else f"{type(error).__name__}: {head}"
