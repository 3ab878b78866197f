"""Proposals made ahead.

How many, two questions at a time, and budgets, ideas and reviews that hold all the same.
"""

import threading
from dataclasses import replace
from pathlib import Path

import pytest

from tests.loop.toy import Toy, with_rate
from tests.waiting import until
from workbench.ledger.study import Study
from workbench.loop import questions
from workbench.loop.questions import Question
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal
from workbench.records import Candidate, Decision, Options, Record, Trial
from workbench.search.strategy import question_number
from workbench.testing import experiment_for_tests, fold, opening


def decided(tmp_path: Path, *open_candidates: Record, **options: object) -> Study:
    """A study with a kept baseline and a discarded candidate 1, then these records."""
    first = Trial(candidate=0, trial=0, seed=1, status="ok", score=1.0)
    one = Candidate(candidate=1, parent=0, program="1" * 64, author="tester")
    keep, discard = (
        Decision(candidate=0, verdict="keep", by="loop"),
        Decision(candidate=1, verdict="discard", by="tester"),
    )
    opened = opening(experiment_for_tests(tmp_path), Options(**options))  # type: ignore[arg-type]
    return fold([*opened, first, keep, one, discard, *open_candidates])


def queued(number: int) -> Candidate:
    return Candidate(candidate=number, parent=0, program=f"{number:064}", author="tester")


@pytest.mark.parametrize(
    ("n_open", "n_under_way", "slots", "ahead", "asks"),
    [
        (0, 0, 1, 0, True), (1, 0, 1, 0, False), (0, 1, 1, 0, False), (1, 0, 2, 0, True), (2, 0, 2, 0, False),
        (1, 0, 1, 1, True), (2, 0, 1, 1, False), (1, 1, 1, 1, False),
        (1, 1, 1, 2, True), (2, 1, 1, 2, False), (0, 2, 1, 2, False), (9, 1, 4, 2, True), (11, 1, 4, 2, False),
    ],
)  # fmt: skip
def test_a_question_is_asked_while_fewer_candidates_are_under_way_than_slots_and_those_ahead(
    tmp_path: Path, n_open: int, n_under_way: int, slots: int, ahead: int, asks: bool
) -> None:
    study = decided(tmp_path, *map(queued, range(2, 2 + n_open)))
    under_way = [Question(number=1 + n_open + place, last_id=1) for place in range(n_under_way)]
    question = questions.next_question(study, under_way, slots, ahead, at_a_time=2)
    assert (question is not None) == asks
    if question is not None:
        assert (question.number, question.last_id) == (1 + n_open + n_under_way, study.last_id)


def test_no_number_comes_twice_where_the_later_of_two_questions_is_answered_first(
    tmp_path: Path,
) -> None:
    study = decided(tmp_path, replace(queued(2), question=2))
    question = questions.next_question(study, [Question(number=1, last_id=1)], 4, 2, 2)
    assert question is not None
    assert question.number == 3


def test_what_waits_for_a_person_leaves_its_place_to_others(tmp_path: Path) -> None:
    waits = Decision(candidate=2, verdict="defer", by="review", before_run=True)
    study = decided(tmp_path, queued(2), waits, max_waiting=2)
    assert questions.next_question(study, [], 1, 0, 1) is not None
    assert questions.next_question(study, [Question(number=2, last_id=1)], 4, 0, 2) is None, (
        "with that one there would be max_waiting"
    )


def test_a_round_asks_for_no_more_than_the_budget_has_left(tmp_path: Path) -> None:
    study = decided(tmp_path, round=3, candidates=6)
    first = questions.next_question(study, [], 4, 1, 2)
    assert first is not None
    second = questions.next_question(study, [first], 4, 1, 2)
    assert second is not None
    assert (first.wanted, second.wanted) == (3, 2)
    assert questions.next_question(study, [first, second], 4, 1, 3) is None


def more(brief: Brief) -> Proposal:
    """A rate that no other question gives, and a better one than those before it."""
    return Proposal(program=with_rate(brief.program, 1 + brief.number), hypothesis="more")


def test_two_questions_are_asked_at_a_time_of_two_proposers_in_two_threads(toy: Toy) -> None:
    toy.ahead, both, threads = 2, threading.Barrier(2), set()

    def propose(brief: Brief) -> Proposal:
        if brief.number in (1, 2):
            both.wait(60)
            threads.add((brief.number, threading.current_thread().name))
        return more(brief)

    toy.propose = propose
    toy.create(candidates=5)
    study = toy.run()
    assert sorted(threads) in (
        [(1, "proposer 0"), (2, "proposer 1")],
        [(1, "proposer 1"), (2, "proposer 0")],
    )
    assert (study.state, study.proposals.n_made) == ("finished", 5)
    assert sorted(history.question for history in study.candidates[1:]) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(("ahead", "n_undecided"), [(0, {0}), (1, {0, 1})])
def test_without_any_ahead_a_proposer_knows_what_became_of_every_candidate(
    toy: Toy, ahead: int, n_undecided: set[int]
) -> None:
    seen = set()

    def propose(brief: Brief) -> Proposal:
        seen.add(len(brief.study.open))
        return more(brief)

    toy.propose = propose
    toy.create(candidates=6, ahead=ahead)
    assert toy.run().proposals.n_made == 6
    assert seen == n_undecided


def test_what_a_proposer_sees_ends_where_it_was_asked_however_late_its_thread_comes_to_it(
    toy: Toy,
) -> None:
    """With one ahead, question n is asked when candidate n is handed to the executor, which has its score at once."""
    toy.propose = lambda brief: (seen.append(brief.study.counts["running"]), more(brief))[1]
    seen: list[int] = []
    toy.create(candidates=5)
    toy.run()
    assert seen == [0, 1, 1, 1, 1]


def test_two_questions_pass_a_budget_no_further_than_one(toy: Toy) -> None:
    toy.ahead, asked = 2, []

    def propose(brief: Brief) -> Proposal:
        asked.append(brief.number)
        brief.receipt.add(1.0, 100, {"response": "x"})
        return more(brief)

    toy.propose = propose
    toy.create(candidates=50, max_usd=4.5)
    study = toy.run()
    assert (study.state, study.reason) == ("finished", "the budget of 4.5 USD is used")
    assert (len(asked), study.costs.usd, study.costs.tokens) == (5, 5.0, 500)


def test_a_question_knows_what_the_one_beside_it_has_spent(toy: Toy) -> None:
    toy.ahead, paid, is_spent = 2, threading.Event(), []

    def propose(brief: Brief) -> Proposal:
        if brief.number == 1:
            is_spent.append(brief.is_budget_used)
            assert paid.wait(60)
            is_spent.append(brief.is_budget_used)
        brief.receipt.add(9.0 if brief.number == 2 else 0.5, 1, {})
        if brief.number == 2:
            paid.set()
        return more(brief)

    toy.propose = propose
    toy.create(candidates=50, max_usd=9.2)
    assert toy.run().costs.usd == pytest.approx(10.0)
    assert is_spent == [False, True]


def test_an_idea_is_put_to_one_of_two_questions(toy: Toy) -> None:
    toy.ahead, heard, both = 2, [], threading.Barrier(2)

    def propose(brief: Brief) -> Proposal:
        if brief.number == 0:
            toy.request("guide", text="be bold", next=True)
        if brief.number in (1, 2):
            both.wait(60)
        heard.append(brief.idea)
        return more(brief)

    toy.propose = propose
    toy.create(candidates=4)
    study = toy.run()
    assert (sorted(heard), study.people.ideas) == (["", "", "", "be bold"], {})


def test_candidates_that_wait_for_review_hold_up_neither_those_that_a_person_let_run_nor_new_ones(
    toy: Toy,
) -> None:
    toy.propose = more
    toy.create(candidates=20, review="all", max_waiting=3)

    def person() -> None:
        until(lambda: toy.study().waiting == [1, 2, 3])
        toy.request("accept", candidate=2)
        until(
            lambda: (
                toy.study().candidates[2].status == "waiting" and toy.study().candidates[2].scored
            )
        )  # its keep waits as well
        toy.request("accept", candidate=2)
        until(lambda: toy.study().waiting == [1, 3, 4])
        toy.request("stop")

    thread = threading.Thread(target=person)
    thread.start()
    study = toy.run()
    thread.join()
    assert (study.kept, study.incumbent, study.candidates[1].trials) == ([0, 2], 2, [])


def test_strategies_count_questions_that_are_under_way(toy: Toy) -> None:
    """Islands take turns by the number of the question: two at a time are about two islands."""
    toy.ahead, both, islands = 2, threading.Barrier(2), {}

    def propose(brief: Brief) -> Proposal:
        islands[brief.number] = question_number(brief.study)
        if brief.number in (1, 2):
            both.wait(60)
        return Proposal(
            program=Program({"train.py": f"LEARNING_RATE = {brief.number}\n"}), hypothesis="x"
        )

    toy.propose = propose
    toy.create(candidates=4, strategy="islands")
    toy.run()
    assert islands == {number: number for number in range(4)}
