"""What a study has cost: every payment counts once."""

import pytest

from tests.ledger.some_records import ok_trial
from workbench.ledger.costs import Costs
from workbench.records import Called, Candidate, ProposalFailed


def answer(question: int | None, usd: float, tokens: int) -> Candidate:
    return Candidate(
        candidate=1,
        parent=0,
        program="p",
        author="agent",
        question=question,
        usd=usd,
        tokens=tokens,
    )


def test_a_call_that_is_a_record_of_its_own_is_not_counted_again_with_its_answer() -> None:
    costs = Costs()
    costs.add_call(Called(question=0, author="agent", usd=0.5, tokens=100))
    costs.add_answer(answer(0, 0.5, 100))
    assert (costs.usd, costs.tokens) == (0.5, 100)


def test_an_answer_without_a_numbered_question_is_all_that_is_known_of_its_cost() -> None:
    costs = Costs()
    costs.add_answer(answer(None, 0.5, 100))
    failed = ProposalFailed(author="agent", reason="no program", usd=0.25, tokens=50)
    costs.add_answer(failed)
    assert (costs.usd, costs.tokens) == (0.75, 150)
    assert costs.max_question_cost == (0.5, 100)


def test_the_parts_of_a_streamed_answer_add_up_to_the_cost_of_its_question() -> None:
    costs = Costs()
    costs.add_answer(answer(3, 0.5, 100))
    costs.add_answer(answer(4, 0.125, 700))
    costs.add_answer(answer(3, 0.25, 50))
    assert costs.max_question_cost == (0.75, 700), "the highest of each unit"
    assert costs.usd == 0.0


def test_trials_and_time_are_counted() -> None:
    costs = Costs()
    costs.add_trial(ok_trial(1))
    costs.add_time(2.0)
    costs.add_time(-5.0)
    assert (costs.n_trials, costs.active_seconds) == (1, pytest.approx(2.0))
