"""What a search learns from the journal, in its order."""

from tests.ledger.some_records import adoption, candidate, discard, keep, ok_trial
from workbench.ledger.study import Study
from workbench.records import Decision, Plateau, Record, StateChanged, Trial
from workbench.testing import fold


def turns(study: Study) -> list[tuple[str, int, int]]:
    return [(turn.kind, turn.candidate, turn.n_scored) for turn in study.search.turns]


def test_a_decided_candidate_counts_with_the_trials_that_it_had_then(
    opening_records: list[Record],
) -> None:
    study = fold(
        [
            *opening_records,
            candidate(1),
            ok_trial(1),
            ok_trial(1, trial=1),
            discard(1),
            ok_trial(0, trial=1),
            ok_trial(0, trial=2),
        ]
    )
    assert turns(study) == [("scored", 0, 1), ("scored", 1, 2)]


def test_what_failed_cheated_or_waits_is_no_turn(opening_records: list[Record]) -> None:
    broken = Trial(candidate=1, trial=0, seed=1, status="cheated", reason="it peeked")
    waits = Decision(candidate=2, verdict="defer", by="review")
    study = fold(
        [
            *opening_records,
            candidate(1),
            broken,
            discard(1, "loop"),
            candidate(2),
            ok_trial(2),
            waits,
        ]
    )
    assert turns(study) == [("scored", 0, 1)]
    assert study.search.n_since_keep == 1


def test_a_persons_discard_and_a_persons_choice_of_hunks_bar_it_and_a_later_keep_lets_it_in_again(
    opening_records: list[Record],
) -> None:
    revise = Decision(candidate=2, verdict="revise", by="person:ada", hunks=(1,))
    study = fold(
        [
            *opening_records,
            candidate(1),
            ok_trial(1),
            keep(1),
            discard(1, "person:ada"),
            candidate(2),
            ok_trial(2),
            revise,
            keep(1, by="person"),
        ]
    )
    assert turns(study)[1:] == [
        ("scored", 1, 1),
        ("barred", 1, 0),
        ("barred", 2, 0),
        ("scored", 1, 1),
    ]


def test_an_ablation_is_a_turn_only_once_it_is_kept(opening_records: list[Record]) -> None:
    records = [
        *opening_records,
        candidate(1),
        ok_trial(1),
        keep(1),
        candidate(2, 1, without=1),
        ok_trial(2),
        discard(2),
    ]
    assert [turn.candidate for turn in fold(records).search.turns] == [0, 1]
    assert [turn.candidate for turn in fold([*records, keep(2, by="person")]).search.turns] == [
        0,
        1,
        2,
    ]


def test_forks_and_plateaus_are_turns(opening_records: list[Record]) -> None:
    fork = adoption("fork", candidate=0)
    study = fold(
        [
            *opening_records,
            candidate(1),
            ok_trial(1),
            discard(1),
            Plateau(candidates=1, why="stuck"),
            fork,
        ]
    )
    assert turns(study)[2:] == [("plateau", 1, 0), ("forked", 0, 1)]


def test_the_decisions_since_the_last_keep_are_counted_once_per_candidate(
    opening_records: list[Record],
) -> None:
    records = [
        *opening_records,
        candidate(1),
        ok_trial(1),
        discard(1),
        discard(1, "person"),
        candidate(2),
        ok_trial(2),
        discard(2),
    ]
    assert fold(records).search.n_since_keep == 2
    assert fold([*records, candidate(3), ok_trial(3), keep(3)]).search.n_since_keep == 0


def test_a_keep_ends_a_plateau_and_its_reason_but_not_anothers(
    opening_records: list[Record],
) -> None:
    stuck = [
        *opening_records,
        candidate(1),
        ok_trial(1),
        discard(1),
        Plateau(candidates=1, why="stuck"),
    ]
    assert fold(stuck).reason == "stuck"
    ended = fold([*stuck, candidate(2), ok_trial(2), keep(2)])
    assert (ended.reason, ended.search.plateau) == ("", None)
    paused = fold(
        [*stuck, StateChanged(state="paused", reason="lunch"), candidate(2), ok_trial(2), keep(2)]
    )
    assert (paused.reason, paused.search.plateau) == ("lunch", None)
