"""Asking: proposers at work in threads of their own, each with its own view of the study, so that nothing waits for them."""

import sys
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any

from workbench.errors import ProposerFault, ProposerUnusable, WorkbenchError
from workbench.experiment import Experiment
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Call, Journal
from workbench.ledger.study import Spent, Study
from workbench.loop.questions import Question
from workbench.loop.showing import Showing
from workbench.loop.workspace import StudyWorkspace
from workbench.program import Program
from workbench.propose.proposer import Brief, Exhausted, ParentExhausted, Proposal, Proposer, Receipt, Unusable, ahead_of
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

    `follows`: as in the strategy's `Ask`. `usd` and `tokens` are what it cost in all, whatever came of it, and have been reported.
    """

    question: Question
    made: tuple[Made, ...] = ()
    follows: bool = False
    failure: str = ""
    fault: bool = False
    final: bool = False
    origin: Mapping[str, Any] = field(default_factory=dict)
    usd: float = 0.0
    tokens: int = 0


class Asking:
    """Strategy and proposer behind a queue of questions; `report` is called from their threads with each Paid and each Answered.

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
        """Begins a question; its answer is reported, and ends with `done`."""
        self.under_way.append(question)
        if len(self._threads) < len(self.under_way):
            self._threads.append(threading.Thread(target=self._work, name=f"proposer {len(self._threads)}", daemon=True))
            self._threads[-1].start()
        self._questions.put(question)

    def done(self, question: Question) -> None:
        """The answer to a question has been taken in."""
        self.under_way.remove(question)

    def close(self) -> None:
        """Lets the threads end. An answer under way is not waited for; a paid call is closed, and what it took so far reported."""
        self._cancelled.set()
        for _ in self._threads:
            self._questions.put(None)
        if any(receipt.in_flight or receipt.calls for receipt in list(self._receipts.values())):  # also between two calls of a proposal
            for thread in self._threads:
                thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        try:
            strategy, proposer = self._make()
        except Exception as error:
            while (question := self._questions.get()) is not None:
                self._report(Answered(question, failure=_one_line(error), fault=True, final=isinstance(error, WorkbenchError)))
            return
        self.ahead = ahead_of(proposer)
        with Journal(self._folder) as journal:
            study = Study()
            workspace = StudyWorkspace(self._experiment, journal, study)
            while (question := self._questions.get()) is not None:
                receipt = self._receipts[question.number] = Receipt(record=self._recorder(question))
                try:
                    study.fold(entry for entry in journal.entries(study.last_id) if entry.id <= question.last_id)
                    study.asked = question.number
                    answered = self._answer(strategy, proposer, study, journal, workspace, question, receipt)
                except Exception as error:  # such as a disk that cannot be read: every question is answered, or the study would wait
                    answered = Answered(question, failure=_one_line(error), fault=True)
                self._showing.end(question.number)
                self._report(self._settled(answered, receipt))
                del self._receipts[question.number]

    def _recorder(self, question: Question) -> Callable[[float, int, Call], None]:
        def record(usd: float, tokens: int, call: Call) -> None:
            self._purse.take(usd, tokens)
            self._report(Paid(question, usd, tokens, call))

        return record

    def _settled(self, answered: Answered, receipt: Receipt) -> Answered:
        """The answer with all that it cost; what no call has told of is reported first."""
        usd = sum(made.proposal.usd for made in answered.made)
        tokens = sum(made.proposal.tokens for made in answered.made)
        if usd or tokens:
            self._purse.take(usd, tokens)
            self._report(Paid(answered.question, usd, tokens))
        return replace(answered, usd=receipt.usd + usd, tokens=receipt.tokens + tokens)

    def _answer(
        self,
        strategy: Strategy,
        proposer: Proposer,
        study: Study,
        journal: Journal,
        workspace: StudyWorkspace,
        question: Question,
        receipt: Receipt,
    ) -> Answered:
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
                programs=lambda candidate: journal.program(study.candidates[candidate].record.program),
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
            proposals: Sequence[Proposal] = () if given is None else (given,) if isinstance(given, Proposal) else given
            parents = [ask.parent if proposal.parent is None else proposal.parent for proposal in proposals]
            made = [Made(one, parent, brief.programs(parent)) for one, parent in zip(proposals, parents, strict=True)]
            return Answered(question, tuple(made), follows=ask.follows)
        except ParentExhausted as error:
            return Answered(question, failure=str(error), final=not ask.is_one_of_several)
        except Exhausted as error:
            return Answered(question, failure=str(error) or "the proposer has nothing more", final=True)
        except Unusable as error:
            return Answered(question, failure=str(error), origin=error.origin)
        except ProposerFault as error:
            return Answered(question, failure=str(error), fault=True, final=isinstance(error, ProposerUnusable))
        except Exception as error:  # a proposer is a plug-in: its mistakes are recorded, not fatal
            return Answered(question, failure=_one_line(error), fault=True)


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
            return max(0.0, self._usd - spent.usd - receipt.usd), max(0, self._tokens - spent.tokens - receipt.tokens)


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
