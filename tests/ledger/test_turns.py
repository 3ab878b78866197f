"""What a search learns from the journal, in its order."""

from pathlib import Path

import pytest

from workbench.ledger.study import Study
from workbench.records import Adopted, Candidate, Decision, Plateau, Record, StateChanged, Trial
from workbench.testing import experiment_for_tests, fold, opening


@pytest.fixture
def begun(tmp_path: Path) -> list[Record]:
    return [*opening(experiment_for_tests(tmp_path)), scored(0), keep(0)]


def candidate(number: int, parent: int = 0, without: int | None = None) -> Candidate:
    return Candidate(
        candidate=number, parent=parent, program=f"{number:064d}", author="tuner", without=without
    )


def scored(number: int, trial: int = 0, score: float = 1.0) -> Trial:
    return Trial(candidate=number, trial=trial, seed=trial, status="ok", score=score)


def keep(number: int, by: str = "tested") -> Decision:
    return Decision(candidate=number, verdict="keep", by=by)


def discard(number: int, by: str = "tested") -> Decision:
    return Decision(candidate=number, verdict="discard", by=by)


def turns(study: Study) -> list[tuple[str, int, int]]:
    return [tuple(turn) for turn in study.turns]


def test_a_decided_candidate_counts_with_the_trials_that_it_had_then(begun: list[Record]) -> None:
    study = fold(
        [*begun, candidate(1), scored(1), scored(1, 1), discard(1), scored(0, 1), scored(0, 2)]
    )
    assert turns(study) == [("scored", 0, 1), ("scored", 1, 2)]


def test_what_failed_cheated_or_waits_is_no_turn(begun: list[Record]) -> None:
    broken = Trial(candidate=1, trial=0, seed=1, status="cheated", reason="it peeked")
    waits = Decision(candidate=2, verdict="defer", by="review")
    study = fold([*begun, candidate(1), broken, discard(1, "loop"), candidate(2), scored(2), waits])
    assert turns(study) == [("scored", 0, 1)]
    assert study.since_keep == 1


def test_a_persons_discard_and_a_persons_choice_of_hunks_bar_it_and_a_later_keep_lets_it_in_again(
    begun: list[Record],
) -> None:
    revise = Decision(candidate=2, verdict="revise", by="person:ada", hunks=(1,))
    study = fold(
        [
            *begun,
            candidate(1),
            scored(1),
            keep(1),
            discard(1, "person:ada"),
            candidate(2),
            scored(2),
            revise,
            keep(1, "person"),
        ]
    )
    assert turns(study)[1:] == [
        ("scored", 1, 1),
        ("barred", 1, 0),
        ("barred", 2, 0),
        ("scored", 1, 1),
    ]


def test_an_ablation_is_a_turn_only_once_it_is_kept(begun: list[Record]) -> None:
    records = [
        *begun,
        candidate(1),
        scored(1),
        keep(1),
        candidate(2, 1, without=1),
        scored(2),
        discard(2),
    ]
    assert [turn.candidate for turn in fold(records).turns] == [0, 1]
    assert [turn.candidate for turn in fold([*records, keep(2, "person")]).turns] == [0, 1, 2]


def test_forks_and_plateaus_are_turns(begun: list[Record]) -> None:
    fork = Adopted(request="r", sequence=1, verb="fork", body={"candidate": 0})
    study = fold(
        [*begun, candidate(1), scored(1), discard(1), Plateau(candidates=1, why="stuck"), fork]
    )
    assert turns(study)[2:] == [("plateau", 1, 0), ("forked", 0, 1)]


def test_the_decisions_since_the_last_keep_are_counted_once_per_candidate(
    begun: list[Record],
) -> None:
    records = [
        *begun,
        candidate(1),
        scored(1),
        discard(1),
        discard(1, "person"),
        candidate(2),
        scored(2),
        discard(2),
    ]
    assert fold(records).since_keep == 2
    assert fold([*records, candidate(3), scored(3), keep(3)]).since_keep == 0


def test_a_keep_ends_a_plateau_and_its_reason_but_not_anothers(begun: list[Record]) -> None:
    stuck = [*begun, candidate(1), scored(1), discard(1), Plateau(candidates=1, why="stuck")]
    assert fold(stuck).reason == "stuck"
    ended = fold([*stuck, candidate(2), scored(2), keep(2)])
    assert (ended.reason, ended.plateau) == ("", None)
    paused = fold(
        [*stuck, StateChanged(state="paused", reason="lunch"), candidate(2), scored(2), keep(2)]
    )
    assert (paused.reason, paused.plateau) == ("lunch", None)
