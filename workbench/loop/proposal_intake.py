"""Asks the proposer, and records what comes of it: calls, candidates, and failures."""

import time
from collections.abc import Callable

from workbench import registry
from workbench.experiment import Experiment
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Pen
from workbench.ledger.study import Study
from workbench.loop import candidates, questions
from workbench.loop.duplicates import Duplicates
from workbench.loop.proposals import MAX_REASON, to_records
from workbench.loop.proposers import Answer, Paid, Proposers
from workbench.loop.questions import Question
from workbench.program import Program
from workbench.propose.proposer import Proposer
from workbench.records import Called
from workbench.search.strategy import Strategy

RETRY_SECONDS = 0.5  # before a proposer that had nothing is asked again
FAULT_SECONDS = 0.5  # before a proposer that failed is asked again; doubles with each fault
MAX_FAULT_SECONDS = 60.0
MAX_FAULTS_IN_A_ROW = 5
MAX_FAILURES_IN_A_ROW = 25


class ProposalIntake:
    """The loop's side of the proposers.

    When to ask them, and how their answers enter the journal.
    """

    def __init__(
        self,
        folder: StudyFolder,
        experiment: Experiment,
        study: Study,
        pen: Pen,
        report: Callable[[Paid | Answer], None],
    ) -> None:
        """Takes `report`, which the proposers' threads call with each `Paid` and `Answer`."""
        self._experiment = experiment
        self._study = study
        self._pen = pen
        self._proposers = Proposers(folder, experiment, self._make_searchers, report, study.costs)
        self._duplicates = Duplicates(self._program)
        # By question: journal ids of its calls, to which the candidates of its answer refer.
        self._call_ids: dict[int, list[int]] = {}
        self._ask_again_at = 0.0

    @property
    def under_way(self) -> list[Question]:
        """Questions without a last answer."""
        return self._proposers.under_way

    def _make_searchers(self) -> tuple[Strategy, Proposer]:
        """A strategy and a proposer; called in the thread that uses them."""
        options = self._study.opened.options
        argument = options.proposer.partition(":")[2]
        make_proposer = registry.find("proposers", options.proposer)
        proposer: Proposer = make_proposer(argument, self._experiment, options)
        make_strategy = registry.find("strategies", options.strategy)
        strategy: Strategy = make_strategy(self._experiment, options)
        return strategy, proposer

    def _program(self, number: int) -> Program:
        return self._pen.read_program(self._study.candidates[number].record.program)

    def record_starters(self) -> None:
        """Makes candidates of the programs given with `--also` that are none yet."""
        records = candidates.make_starters(self._study, self._duplicates, self._pen.read_program)
        if records:
            self._study.fold(self._pen.append(*records))

    def ask(self, n_slots: int) -> None:
        """Asks as many questions as there is room for, so that no slot waits for a proposal."""
        while time.monotonic() >= self._ask_again_at:
            ahead = self._study.options.ahead
            if ahead is None:
                ahead = self._proposers.ahead
            at_a_time = max(1, self._proposers.ahead)
            question = questions.next_question(
                self._study, self.under_way, n_slots, ahead, at_a_time
            )
            if question is None:
                return
            self._proposers.ask(question)

    def record_call(self, paid: Paid) -> None:
        """Records what a call cost as soon as it has ended, whatever comes of the proposal."""
        author = self._study.options.proposer.partition(":")[0]
        number = paid.question.number
        record = Called(question=number, author=author, usd=paid.usd, tokens=paid.tokens)
        calls = () if paid.call is None else (paid.call,)
        self._study.fold(self._pen.append(record, calls=calls))
        if paid.call is not None:
            self._call_ids.setdefault(number, []).append(self._study.last_id)

    def record_answer(self, answer: Answer) -> str:
        """Records the candidates of an answer, or why there are none.

        Returns:
            Why the study has to pause; empty if it can go on.
        """
        self._proposers.settle(answer)
        number = answer.question.number
        call_ids = self._call_ids.get(number, [])
        if not answer.has_more:
            self._call_ids.pop(number, None)
        records, programs = to_records(self._study, self._experiment, self._duplicates, answer)
        if records:
            entries = self._pen.append(*records, programs=tuple(programs), called=call_ids)
            self._study.fold(entries)
        elif not answer.is_last_of_many:  # nothing now, perhaps later
            self._ask_again_at = time.monotonic() + RETRY_SECONDS
        return self._trouble(answer) if records and not programs else ""

    def _trouble(self, answer: Answer) -> str:
        """Why a failed answer has to pause the study.

        If it does not, a fault makes the next one wait.
        """
        problem = (answer.failure or self._study.proposals.last_failure)[:MAX_REASON]
        n_faults = self._study.health.proposer_faults
        n_failures = self._study.health.failed_proposals
        if answer.final and answer.fault:
            return f"the proposer cannot be used: {problem}"
        if n_faults >= MAX_FAULTS_IN_A_ROW or n_failures >= MAX_FAILURES_IN_A_ROW:
            return f"{n_failures} proposals failed in a row; the last: {problem}"
        if answer.fault:
            wait = min(MAX_FAULT_SECONDS, FAULT_SECONDS * 2.0**n_faults)
            self._ask_again_at = time.monotonic() + wait
        return ""

    def close(self) -> None:
        """Lets the proposers end; what a paid call cost so far is still reported."""
        self._proposers.close()
