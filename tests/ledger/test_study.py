from pathlib import Path

import pytest

from workbench.errors import StudyError
from workbench.ledger.study import Study
from workbench.records import (
    Adopted,
    Candidate,
    Decision,
    Entry,
    Evidence,
    Fault,
    Record,
    StateChanged,
    Trial,
)
from workbench.testing import experiment_for_tests, fold, opening


def candidate(number: int, parent: int = 0) -> Candidate:
    return Candidate(candidate=number, parent=parent, program=f"{number:064d}", author="tuner")


def scored(number: int, score: float, trial: int = 0, seed: int = 1) -> Trial:
    return Trial(candidate=number, trial=trial, seed=seed, status="ok", score=score)


def keep(number: int, against: int | None = None) -> Decision:
    return Decision(
        candidate=number, verdict="keep", by="tested", evidence=Evidence(against=against)
    )


def veto(number: int) -> Decision:
    return Decision(candidate=number, verdict="discard", by="person", why="no")


@pytest.fixture
def begun(tmp_path: Path) -> list[Record]:
    return [*opening(experiment_for_tests(tmp_path)), scored(0, 5.0), keep(0)]


def test_what_beat_the_incumbent_becomes_the_incumbent(begun: list[Record]) -> None:
    study = fold([*begun, candidate(1), scored(1, 4.0), keep(1, against=0)])
    assert (study.incumbent, study.kept, study.counts["kept"]) == (1, [0, 1], 2)


def test_a_late_accept_of_something_worse_than_the_incumbent_does_not_replace_it(
    begun: list[Record],
) -> None:
    study = fold(
        [
            *begun,
            candidate(1),
            scored(1, 4.5),
            candidate(2),
            scored(2, 4.0),
            keep(2, against=0),
            keep(1, against=0),
        ]
    )
    assert (study.incumbent, study.kept) == (2, [0, 2, 1])


def test_a_veto_takes_the_descendants_along_and_goes_back_to_the_best_that_is_left(
    begun: list[Record],
) -> None:
    chain = [
        candidate(1),
        scored(1, 4.0),
        keep(1, 0),
        candidate(2),
        scored(2, 4.5),
        candidate(3, 1),
        scored(3, 3.0),
        keep(3, 1),
    ]
    study = fold([*begun, *chain, veto(1)])
    assert (study.incumbent, study.kept) == (0, [0])
    assert study.descends(3, 1)
    assert not study.descends(2, 1)


def test_a_fork_moves_the_incumbent_and_leaves_the_best(begun: list[Record]) -> None:
    records = [*begun, candidate(1), scored(1, 4.0), keep(1, 0)]
    study = fold([*records, Adopted(request="r", sequence=1, verb="fork", body={"candidate": 0})])
    assert study.incumbent == 0
    assert study.best is not None
    assert study.best.number == 1


def test_counts_follow_every_change_of_status(begun: list[Record]) -> None:
    records: list[Record] = [*begun, candidate(1)]
    assert fold(records).counts["queued"] == 1
    records.append(scored(1, 4.0))
    assert fold(records).counts["provisional"] == 1
    records.append(Decision(candidate=1, verdict="defer", by="tested"))
    assert fold(records).waiting == [1]
    records.append(keep(1, 0))
    study = fold(records)
    assert (study.counts["waiting"], study.counts["kept"], study.open) == (0, 2, set())


def test_the_spread_pools_repeats_and_leaves_a_candidates_screening_trial_out(
    begun: list[Record],
) -> None:
    study = fold(begun)
    seeds = [study.seed(index) for index in range(3)]
    again = [
        scored(0, 5.2, 1, seeds[1]),
        candidate(1),
        scored(1, 1.0, 0, seeds[0]),
        scored(1, 4.0, 1, seeds[1]),
        scored(1, 4.2, 2, seeds[2]),
    ]
    study = fold([*begun, *again])
    assert study.repeats.pooled.freedom == 2
    assert study.repeats.spread == pytest.approx(((0.02 + 0.02) / 2) ** 0.5)


def test_a_test_is_counted_once_whatever_a_person_says_to_it_later(begun: list[Record]) -> None:
    found = Evidence(against=0, p=0.001, alpha=0.002)
    asked = Decision(candidate=1, verdict="defer", by="tested", evidence=found)
    records = [
        *begun,
        candidate(1),
        scored(1, 4.0),
        asked,
        Decision(candidate=1, verdict="keep", by="person", evidence=found),
        veto(1),
    ]
    assert (fold(records).tests, fold(records).discoveries) == (1, [1])
    chance = Decision(
        candidate=2,
        verdict="discard",
        by="tested",
        evidence=Evidence(against=0, p=1.0, alpha=0.002),
    )
    screened = Decision(candidate=3, verdict="discard", by="tested", evidence=Evidence(against=0))
    records += [candidate(2), scored(2, 5.0), chance, candidate(3), scored(3, 9.0), screened]
    assert (fold(records).tests, fold(records).discoveries) == (2, [1])


def test_scores_under_equal_seeds_tell_how_far_they_go_together(begun: list[Record]) -> None:
    seeds = [fold(begun).seed(index) for index in range(8)]
    records = [
        *begun,
        *(scored(0, 5.0 + index % 3, 1 + index, seed) for index, seed in enumerate(seeds)),
        candidate(1),
    ]
    records += [
        scored(1, 4.0 + index % 3 + 0.01 * (index % 2), index, seed)
        for index, seed in enumerate(seeds)
    ]
    assert fold(records).repeats.correlation == 0.0
    tested = Decision(
        candidate=1,
        verdict="discard",
        by="tested",
        evidence=Evidence(against=0, seeds=tuple(seeds), p=1.0, alpha=0.01),
    )
    assert 0.9 < fold([*records, tested]).repeats.correlation < 1.0


def lost(number: int, trial: int, fault: Fault, cut_off: bool = False) -> Trial:
    return Trial(
        candidate=number,
        trial=trial,
        seed=1,
        status="lost",
        fault=fault,
        reason="gone",
        cut_off=cut_off,
    )


def test_losses_in_a_row_are_counted_in_the_journal_and_the_death_of_a_loop_is_none(
    begun: list[Record],
) -> None:
    records: list[Record] = [
        *begun,
        candidate(1),
        lost(1, 0, "process"),
        lost(1, 1, "loop", cut_off=True),
        lost(1, 2, "loop"),
    ]
    assert [trial.trial for trial in fold(records).lost_in_a_row] == [0, 2]
    assert fold([*records, StateChanged(state="running")]).lost_in_a_row == []
    assert fold([*records, scored(1, 4.0, 3)]).lost_in_a_row == []
    assert fold([*records, lost(1, 3, "person")]).lost_in_a_row == []


def test_a_program_without_a_change_does_not_descend_from_that_change(begun: list[Record]) -> None:
    chain = [candidate(1), scored(1, 4.0), keep(1, 0), candidate(2, 1), scored(2, 3.0), keep(2, 1)]
    without = Candidate(candidate=3, parent=2, program="w" * 64, author="ablate", without=1)
    records: list[Record] = [*begun, *chain, without]
    study = fold(records)
    assert (
        study.candidates[3].status,
        study.counts["ablated"],
        study.n_candidates,
        study.proposed,
    ) == ("ablated", 1, 3, 2)
    assert (study.descends(3, 1), study.descends(3, 2), study.descends(3, 0)) == (False, True, True)
    assert (study.changes(2), study.changes(3)) == ([1, 2], [2])
    records += [
        scored(3, 2.9),
        Decision(candidate=3, verdict="defer", by="ablate", evidence=Evidence(against=2)),
    ]
    assert (fold(records).waiting, fold(records).open) == ([3], {3})
    study = fold([*records, keep(3, against=2), veto(1)])
    assert (study.kept, study.incumbent) == ([0, 3], 3)
    assert fold([*records, candidate(4, 3), scored(4, 2.0), keep(4, 2), veto(1)]).kept == [0, 4]


def test_time_while_no_loop_ran_is_not_counted(begun: list[Record]) -> None:
    study = fold(begun)
    before = study.active_seconds
    study.apply(Entry(5, 5.0, StateChanged(state="paused")))
    study.apply(Entry(6, 1000.0, StateChanged(state="running")))
    assert study.active_seconds == before + 1.0


def test_an_entry_that_comes_twice_or_names_nobody_is_refused(begun: list[Record]) -> None:
    study = fold(begun)
    with pytest.raises(StudyError, match="comes after"):
        study.apply(Entry(1, 1.0, scored(0, 1.0)))
    with pytest.raises(StudyError, match="no candidate 9"):
        study.apply(Entry(9, 9.0, scored(9, 1.0)))


def test_a_journal_without_an_opening_record_is_no_study() -> None:
    with pytest.raises(StudyError, match="no study"):
        _ = Study().opened
