"""ProposalHistory: what proposers were asked in a study, and what came of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.records import Candidate, ProposalFailed


@dataclass
class ProposalHistory:
    """Counts of proposals, the failed ones, and the numbering of questions.

    Attributes:
        n_made: candidates that a proposer made; these are what the budget counts.
        n_failed: questions that brought no usable program.
        failed_origins: what proposers noted about failed attempts, to recognise them.
        last_failure: why the last failed proposal failed.
        exhausted: why the proposer has nothing more to propose; None while it may have.
        next_question: a number above those of all questions, candidates and failed proposals.
        question_number: number of the question in the view that a proposer sees, else None.
    """

    n_made: int = 0
    n_failed: int = 0
    failed_origins: list[Mapping[str, Any]] = field(default_factory=list)
    last_failure: str = ""
    exhausted: str | None = None
    next_question: int = 0
    question_number: int | None = None

    def add_candidate(self, record: Candidate) -> int:
        """Counts a candidate, and returns the number of the question that it answers.

        In early studies questions have no numbers; there it is how many answers came before it.
        """
        n_answers = record.candidate - 1 + self.n_failed
        self._reserve_number(record.question, n_answers + 1)
        self.n_made += record.is_proposal
        return n_answers if record.question is None else record.question

    def add_failure(self, record: ProposalFailed, n_candidates: int) -> None:
        """Counts a failed proposal in a study with so many candidates, the baseline included."""
        self._reserve_number(record.question, n_candidates + self.n_failed)
        self.n_failed += 1
        self.last_failure = record.reason
        if record.origin:
            self.failed_origins.append(record.origin)
        if record.final:
            self.exhausted = record.reason

    def add_call(self, question: int) -> None:
        """Takes note of a question that a model was called for, whatever comes of it."""
        self.next_question = max(self.next_question, question + 1)

    def allow_more(self) -> None:
        """A person resumes the study, so the proposer is asked again."""
        self.exhausted = None

    def _reserve_number(self, question: int | None, n_answers: int) -> None:
        """Keeps `next_question` above this question and above the number of answers so far."""
        self.next_question = max(self.next_question, n_answers)
        if question is not None:
            self.next_question = max(self.next_question, question + 1)
