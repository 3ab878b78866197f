"""Who descends from whom, and what a veto rules out."""

import pytest

from tests.ledger.some_records import candidate, history, ok_trial, veto
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.lineage import Lineage
from workbench.records import Record, Trial
from workbench.testing import fold


@pytest.fixture
def family() -> Lineage:
    """A chain 0, 1, 2, 3, a branch 4 from 0, and 5, which is 3 without the change of 2."""
    return Lineage(
        [
            history(0, None),
            history(1, 0),
            history(2, 1),
            history(3, 2),
            history(4, 0),
            history(5, 3, without=2),
            history(6, 5),
        ]
    )


def discard(lineage: Lineage, number: int) -> CandidateHistory:
    vetoed = lineage.candidates[number]
    vetoed.decisions.append(veto(number))
    return vetoed


def test_forebears_come_the_nearest_first(family: Lineage) -> None:
    assert family.list_forebears(3) == [2, 1, 0]
    assert family.list_forebears(0) == []


def test_a_candidate_descends_from_itself_and_from_its_forebears(family: Lineage) -> None:
    assert [family.descends(3, ancestor) for ancestor in range(5)] == [
        True,
        True,
        True,
        True,
        False,
    ]
    assert not family.descends(1, 3)


def test_an_ablation_takes_a_change_out_of_all_that_follows(family: Lineage) -> None:
    assert [family.descends(6, ancestor) for ancestor in range(7)] == [
        True,
        True,
        False,
        True,
        False,
        True,
        True,
    ]
    assert family.list_changes(6) == [1, 3, 6]
    assert family.list_changes(5) == [1, 3]


def test_several_ancestors_are_looked_for_in_one_walk(family: Lineage) -> None:
    assert family.descends_from_any(6, {2, 4, 5})
    assert not family.descends_from_any(6, {2, 4})
    assert not family.descends_from_any(6, set())


def test_descendants_are_looked_for_among_the_given_ones(family: Lineage) -> None:
    assert family.list_descendants(2, among={5, 4, 3, 2}) == [3]
    assert family.list_descendants(1, among=[6, 2]) == [2, 6]


def test_a_veto_bars_all_that_contain_the_change(family: Lineage) -> None:
    assert family.find_barred() == set()
    discard(family, 2)
    assert family.find_barred() == {2, 3}
    assert (family.list_vetoes(3), family.list_vetoes(6)) == ([2], [])
    discard(family, 1)
    assert family.find_barred() == {1, 2, 3, 5, 6}
    assert family.list_vetoes(3) == [1, 2]


def test_what_was_made_from_a_vetoed_ablation_is_barred_too(family: Lineage) -> None:
    discard(family, 5)
    assert (family.find_barred(), family.list_vetoes(6)) == ({5, 6}, [5])


def test_the_linear_walk_bars_exactly_those_that_each_walk_by_itself_does() -> None:
    histories = [history(0, None)]
    for number in range(1, 60):
        parent = number * 7919 % number
        without = parent if number % 5 == 0 and parent else None
        histories.append(history(number, parent, without))
    lineage = Lineage(histories)
    for number in (3, 10, 17, 25, 40):
        discard(lineage, number)
    assert lineage.find_barred() == {number for number in range(60) if lineage.list_vetoes(number)}


def test_a_vetoed_candidate_can_be_tried_until_a_trial_has_settled_it(family: Lineage) -> None:
    assert not family.can_be_tried(3), "it was not vetoed"
    vetoed = discard(family, 3)
    assert family.can_be_tried(3)
    vetoed.trials.append(Trial(candidate=3, trial=0, seed=0, status="lost"))
    assert family.can_be_tried(3)
    vetoed.trials.append(ok_trial(3, trial=1))
    assert not family.can_be_tried(3)


def test_a_vetoed_candidate_cannot_be_tried_where_another_veto_is_part_of_it(
    family: Lineage,
) -> None:
    discard(family, 3)
    discard(family, 1)
    assert not family.can_be_tried(3)


def test_a_study_lists_what_a_veto_would_take_along(opening_records: list[Record]) -> None:
    study = fold([*opening_records, candidate(1), candidate(2, 1), candidate(3, 2), candidate(4)])
    assert study.list_dependants(1) == [2, 3]
