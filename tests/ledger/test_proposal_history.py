"""How proposals and questions are counted."""

from workbench.ledger.proposal_history import ProposalHistory
from workbench.records import Candidate, ProposalFailed


def candidate(number: int, question: int | None = None, author: str = "tuner") -> Candidate:
    return Candidate(candidate=number, parent=0, program="p", author=author, question=question)


def failure(question: int | None = None, *, final: bool = False) -> ProposalFailed:
    return ProposalFailed(
        author="tuner", reason="no", final=final, origin={"knob": "width"}, question=question
    )


def test_only_what_a_proposer_made_counts_as_made() -> None:
    proposals = ProposalHistory()
    for number, author in enumerate(("start", "tuner", "person:ada", "start", "agent")):
        proposals.add_candidate(candidate(number, author=author))
    assert proposals.n_made == 2


def test_without_numbers_a_question_is_counted_by_the_answers_before_it() -> None:
    proposals = ProposalHistory()
    proposals.add_candidate(candidate(0))
    assert proposals.add_candidate(candidate(1)) == 0
    proposals.add_failure(failure(), n_candidates=2)
    assert proposals.add_candidate(candidate(2)) == 2
    assert proposals.next_question == 3


def test_the_next_question_is_above_all_numbers_that_are_known() -> None:
    proposals = ProposalHistory()
    assert proposals.add_candidate(candidate(1, question=7)) == 7
    assert proposals.next_question == 8
    proposals.add_call(11)
    assert proposals.next_question == 12
    proposals.add_failure(failure(question=3), n_candidates=2)
    assert proposals.next_question == 12


def test_a_final_failure_exhausts_the_proposer_until_a_person_resumes() -> None:
    proposals = ProposalHistory()
    proposals.add_failure(failure(), n_candidates=1)
    assert (proposals.exhausted, proposals.last_failure) == (None, "no")
    proposals.add_failure(failure(final=True), n_candidates=1)
    assert (proposals.exhausted, proposals.failed_origins) == ("no", [{"knob": "width"}] * 2)
    proposals.allow_more()
    assert proposals.exhausted is None
