"""Asking: a proposer at work in a thread of its own, with its own view of the study, so that nothing waits for it."""

import sys
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any

from workbench.errors import ProposerFault, ProposerUnusable, WorkbenchError
from workbench.experiment import Experiment
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.loop.workspace import StudyWorkspace
from workbench.program import Program
from workbench.propose.proposer import Brief, Exhausted, ParentExhausted, Proposal, Proposer, Receipt, Unusable
from workbench.search.strategy import Ask, Strategy

CLOSE_SECONDS = 2.0
LOG_CHARS = 20_000


@dataclass(frozen=True)
class Answered:
    """What came of one question: a proposal with its parent, or why there is none (`final`: never again).

    `idea` is the request for one idea that this was the answer to; `usd`, `tokens` and `calls` are what it cost, whatever came of it.
    """

    parent: int = 0
    program: Program | None = None
    proposal: Proposal | None = None
    failure: str = ""
    fault: bool = False
    final: bool = False
    origin: dict[str, Any] = field(default_factory=dict)
    idea: str = ""
    usd: float = 0.0
    tokens: int = 0
    calls: tuple[Mapping[str, Any], ...] = ()


class Asking:
    """One question at a time to strategy and proposer; `report` is called from the thread with each Answered.

    Both are made in the thread at the first question: loading Optuna or LibCST holds nobody up.
    """

    def __init__(
        self,
        folder: StudyFolder,
        experiment: Experiment,
        make: Callable[[], tuple[Strategy, Proposer]],
        report: Callable[[Answered], None],
    ) -> None:
        self._folder, self._experiment, self._make, self._report = folder, experiment, make, report
        self._questions: SimpleQueue[int | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="proposer", daemon=True)
        self._started = False
        self._cancelled = threading.Event()
        self._receipt = Receipt()
        self.busy = False

    def ask(self, number: int) -> None:
        """Begins the question with this number; its answer is reported. Only when not `busy`."""
        if not self._started:
            self._started = True
            self._thread.start()
        self.busy = True
        self._questions.put(number)

    def close(self) -> None:
        """Lets the thread end. An answer under way is not waited for; a paid call is closed, and what it took so far reported."""
        self._cancelled.set()
        self._questions.put(None)
        if self._receipt.in_flight or self._receipt.calls:  # between two calls of one proposal as well
            self._thread.join(CLOSE_SECONDS)

    def _work(self) -> None:
        try:
            strategy, proposer = self._make()
        except Exception as error:
            while self._questions.get() is not None:
                self._report(Answered(failure=_one_line(error), fault=True, final=isinstance(error, WorkbenchError)))
            return
        with Journal(self._folder) as journal:
            study = Study()
            workspace = StudyWorkspace(self._experiment, journal, study)
            while (number := self._questions.get()) is not None:
                study.fold(journal.entries(study.last_id))
                request, idea = next(iter(study.ideas.items()), ("", ""))
                self._receipt = receipt = Receipt()
                answer = self._answer(strategy, proposer, study, journal, workspace, number, idea)
                proposal = answer.proposal
                usd, tokens = (proposal.usd, proposal.tokens) if proposal else (0.0, 0)
                answer = replace(answer, usd=receipt.usd + usd, tokens=receipt.tokens + tokens, calls=tuple(receipt.calls))
                self._report(replace(answer, idea=request) if answer.proposal or answer.failure else answer)

    def _answer(
        self, strategy: Strategy, proposer: Proposer, study: Study, journal: Journal, workspace: StudyWorkspace, number: int, idea: str
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
                number=number,
                guidance=tuple(study.guidance),
                banned=tuple(study.banned),
                idea=idea,
                programs=lambda candidate: journal.program(study.candidates[candidate].record.program),
                logs=lambda candidate: _newest_log(study, workspace, candidate),
                workspace=workspace,
                receipt=self._receipt,
                cancelled=self._cancelled,
                say=_say,
            )
            proposal = proposer.propose(brief)
            if proposal is None:
                return Answered()
            parent = ask.parent if proposal.parent is None else proposal.parent
            program = journal.program(study.candidates[parent].record.program)
            return Answered(parent=parent, program=program, proposal=proposal)
        except ParentExhausted as error:
            return Answered(failure=str(error), final=not ask.is_one_of_several)
        except Exhausted as error:
            return Answered(failure=str(error) or "the proposer has nothing more", final=True)
        except Unusable as error:
            return Answered(failure=str(error), origin=error.origin)
        except ProposerFault as error:
            return Answered(failure=str(error), fault=True, final=isinstance(error, ProposerUnusable))
        except Exception as error:  # a proposer is a plug-in: its mistakes are recorded, not fatal
            return Answered(failure=_one_line(error), fault=True)


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
