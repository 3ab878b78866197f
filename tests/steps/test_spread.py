"""A program's spread is its own where it has the trials, and leans on its nearest kin where it has not."""

from dataclasses import replace
from math import sqrt
from statistics import stdev

import pytest

from workbench.experiment import Objective
from workbench.ledger.study import Study
from workbench.records import Candidate, Decision, Entry, Options, Record, StudyOpened, Trial
from workbench.steps.spread import ENOUGH, Spread, multiplier, spread_of, spread_of_relatives

OWN = [3.0, 3.2, 2.9, 3.1]


def test_student_s_quantiles_are_those_of_the_tables_and_sigmas_the_least() -> None:
    assert multiplier(3, 1) == pytest.approx(12.706, abs=0.001)
    assert multiplier(3, 3) == pytest.approx(3.182, abs=0.001)
    assert multiplier(3, 4) == 3
    assert multiplier(1, 3) == pytest.approx(1.197, abs=0.001)  # 68 % as one sigma, not 95 %
    assert multiplier(5, 3) == 5


def test_four_trials_speak_for_themselves_however_many_others_have() -> None:
    assert spread_of(OWN, Spread(50.0, 1000)) == Spread(pytest.approx(stdev(OWN)), 3)


@pytest.mark.parametrize("n", [1, 2, 3])
def test_fewer_are_filled_up_to_three_degrees_of_freedom(n: int) -> None:
    own = OWN[:n]
    square = stdev(own) ** 2 * (n - 1) if n > 1 else 0.0
    assert spread_of(own, Spread(0.5, 11)) == Spread(
        pytest.approx(sqrt((square + 0.25 * (4 - n)) / 3)), 3
    )
    assert spread_of(own, Spread(0.5, 1)) == Spread(pytest.approx(sqrt((square + 0.25) / n)), n)
    assert spread_of(own, None) == (Spread(pytest.approx(stdev(own)), n - 1) if n > 1 else None)


def test_scores_that_repeat_themselves_by_chance_are_not_taken_for_noiseless() -> None:
    assert spread_of([1.0] * 5, Spread(0.01, 8)) == Spread(pytest.approx(0.01 * sqrt(3 / 7)), 7)
    assert spread_of([1.0] * 5, None) == Spread(0.0, 4)


def folded(
    parents: dict[int, int],
    scores: dict[int, list[float]],
    kept: list[int],
    noise: str = "run",
    units: int = 0,
) -> Study:
    objective = Objective(name="loss", goal="minimize", noise=noise)  # type: ignore[arg-type]
    opened = StudyOpened(
        name="s",
        experiment="e",
        source="",
        experiment_digest="",
        objective=objective,
        options=Options(),
        shape="call",
    )
    records: list[Record] = [opened, Candidate(candidate=0, parent=None, program="0", author="")]
    records += [
        Candidate(candidate=number, parent=parent, program=str(number), author="")
        for number, parent in parents.items()
    ]
    for number, found in scores.items():
        trials = [
            Trial(candidate=number, trial=i, seed=i, status="ok", score=score)
            for i, score in enumerate(found)
        ]
        records += [
            replace(trial, units=tuple(float(k % 2) for k in range(units))) for trial in trials
        ]
    records += [Decision(candidate=number, verdict="keep", by="tested") for number in kept]
    return Study().fold(Entry(i + 1, float(i), record) for i, record in enumerate(records))


NOISY = [0.0, 100.0, 50.0, 20.0]


def test_the_nearest_forebear_lends_and_a_noisy_sibling_or_a_distant_forebear_does_not() -> None:
    scores = {0: NOISY, 1: [9.0, *OWN], 2: NOISY * 2, 3: [5.0]}
    study = folded({1: 0, 2: 1, 3: 1}, scores, [0, 1, 2])
    assert spread_of_relatives(study, study.history(3)) == (
        [1],
        Spread(pytest.approx(stdev(OWN)), 3),
    )  # without the screening trial


def test_who_has_too_few_takes_in_the_next_and_then_what_was_kept() -> None:
    scores = {0: [1.0, 2.0], 1: [9.0, 3.0, 3.2], 2: [9.0, 3.0, 3.4], 3: NOISY, 4: [5.0]}
    study = folded({1: 0, 2: 0, 3: 0, 4: 1}, scores, [0, 1, 2])
    lenders, spread = spread_of_relatives(study, study.history(4))
    assert lenders == [1, 0, 2]
    assert spread == Spread(pytest.approx(sqrt((0.02 + 0.5 + 0.08) / 3)), ENOUGH)
    assert spread_of_relatives(study, study.history(0)) == (
        [1, 2],
        Spread(pytest.approx(sqrt(0.1 / 2)), 2),
    )


def test_a_study_without_a_repeat_lends_nothing() -> None:
    study = folded({1: 0}, {0: [1.0], 1: [2.0]}, [0])
    assert spread_of_relatives(study, study.history(1)) == ([], None)


def test_units_tell_the_noise_of_one_trial() -> None:
    study = folded({1: 0}, {0: NOISY, 1: [0.5]}, [0], noise="units", units=100)
    assert spread_of_relatives(study, study.history(1)) == (
        [],
        Spread(pytest.approx(sqrt(0.25 * 100 / 99) / 10), 99),
    )
