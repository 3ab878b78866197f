from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from workbench.decide.early_stop import EarlyStop
from workbench.experiment import EarlyStop as Rule
from workbench.experiment import Goal, Noise
from workbench.ledger.curves import Curve
from workbench.ledger.study import Study
from workbench.records import Candidate, Decision, Evidence, Record, Trial
from workbench.testing import experiment_for_tests, fold, opening

Points = Sequence[tuple[float, float]]
STEPS = (0.0, 10.0, 20.0, 30.0, 40.0)
BASELINE, INCUMBENT = (5.0, 4.0, 3.0, 2.5, 2.0), (5.0, 3.0, 2.0, 1.5, 1.0)


class Watched:
    """A study with a kept baseline and a kept candidate 1, whose trials have the given curves, and the rule that watches it."""

    def __init__(
        self,
        folder: Path,
        curves: Mapping[tuple[int, int], Curve] | None = None,
        *,
        goal: Goal = "minimize",
        noise: Noise = "seed",
        self_reported: bool = False,
        margin: float = 0.5,
        after: float = 0.5,
    ) -> None:
        experiment = experiment_for_tests(folder, goal, noise)
        known = {
            (0, 0): Curve(STEPS, BASELINE, self_reported),
            (1, 0): Curve(STEPS, INCUMBENT, self_reported),
            **(curves or {}),
        }
        records: list[Record] = opening(experiment)
        for number in (0, 1):
            if number:
                records.append(Candidate(candidate=1, parent=0, program="1" * 64, author="tester"))
            records.append(
                Trial(candidate=number, trial=0, seed=7, status="ok", score=1.0 - number)
            )
            records.append(
                Decision(
                    candidate=number,
                    verdict="keep",
                    by="tested",
                    evidence=Evidence(against=0 if number else None),
                )
            )
        self.records, self.own = records, self_reported
        rule = Rule(series="loss", margin=margin, after=after)
        self.early_stop = EarlyStop(
            experiment, rule, lambda number, trial: {"loss": known[number, trial]}
        )

    def study(self, *records: Record) -> Study:
        return fold(
            [
                *self.records,
                Candidate(candidate=2, parent=1, program="2" * 64, author="tester"),
                *records,
            ]
        )

    def look(
        self,
        *points: tuple[float, float],
        series: str = "loss",
        own: bool | None = None,
        study: Study | None = None,
    ) -> str:
        own = self.own if own is None else own
        return self.early_stop.look(
            study or self.study(), 2, 0, 7, series, points, self_reported=own
        )


def test_a_curve_that_is_worse_by_more_than_the_margin_ends_the_trial_and_says_why(
    tmp_path: Path,
) -> None:
    assert (
        Watched(tmp_path).look((20, 2.6))
        == "loss at step 20: 2.6, more than 0.5 worse than candidate 1's 2"
    )
    assert Watched(tmp_path).look((20, 2.5)) == ""


def test_where_higher_is_better_a_lower_curve_is_worse(tmp_path: Path) -> None:
    assert (
        Watched(tmp_path, goal="maximize").look((20, 1.4))
        == "loss at step 20: 1.4, more than 0.5 worse than candidate 1's 2"
    )
    assert Watched(tmp_path, goal="maximize").look((20, 2.6)) == ""


def test_the_incumbent_is_read_at_the_same_step(tmp_path: Path) -> None:
    assert "candidate 1's 1.75" in Watched(tmp_path).look((25, 9.0))


def test_nothing_is_ended_before_its_time_and_only_the_first_point_after_it_counts(
    tmp_path: Path,
) -> None:
    watched = Watched(tmp_path)
    assert watched.look((0, 99.0), (10, 99.0), (19.9, 99.0)) == ""
    assert watched.look((20, 2.0), (30, 99.0)) == ""
    assert watched.look((40, 99.0)) == ""


def test_a_step_that_the_incumbent_never_reached_has_nothing_beside_it(tmp_path: Path) -> None:
    assert Watched(tmp_path).look((41, 99.0)) == ""


def test_other_series_and_other_trials_are_none_of_its_business(tmp_path: Path) -> None:
    watched = Watched(tmp_path)
    assert watched.look((20, 99.0), series="grad") == ""
    scored = watched.study(Trial(candidate=2, trial=0, seed=7, status="ok", score=1.0))
    assert watched.look((20, 99.0), study=scored) == ""  # its next trial measures
    assert watched.look((20, 99.0)) != ""


def test_the_incumbent_is_the_mean_of_its_trials_and_with_units_the_trial_under_the_seed(
    tmp_path: Path,
) -> None:
    more = Trial(candidate=1, trial=1, seed=8, status="ok", score=0.0)
    lower = {(1, 1): Curve(STEPS, (1.0,) * 5, False)}
    seeded, units = Watched(tmp_path, lower), Watched(tmp_path, lower, noise="units")
    assert seeded.look((20, 9.0), study=seeded.study(more)).endswith("candidate 1's 1.5")
    assert units.look((20, 9.0), study=units.study(more)).endswith("candidate 1's 2")


def test_what_candidates_print_is_not_set_against_what_the_evaluator_measured(
    tmp_path: Path,
) -> None:
    measured = Watched(tmp_path)
    assert measured.look((20, 99.0), own=True) == ""
    assert measured.look((20, 99.0), own=False) != ""
    assert Watched(tmp_path, self_reported=True).look((20, 99.0), own=False) == ""


@pytest.mark.parametrize("value", [2.6, 3.4])
def test_a_self_reported_curve_has_to_be_worse_than_the_baselines_too(
    tmp_path: Path, value: float
) -> None:
    assert Watched(tmp_path, self_reported=True).look((20, value)) == ""


def test_a_self_reported_curve_that_is_worse_than_both_ends_the_trial_and_is_called_that(
    tmp_path: Path,
) -> None:
    why = Watched(tmp_path, self_reported=True).look((20, 3.6))
    assert why == "loss (self-reported) at step 20: 3.6, more than 0.5 worse than candidate 0's 3"


def test_no_incumbent_can_print_what_ends_its_rivals(tmp_path: Path) -> None:
    perfect = Curve(STEPS, (-1e9,) * 5, True)
    assert Watched(tmp_path, {(1, 0): perfect}, self_reported=True).look((20, 3.4)) == ""
    early = Curve(
        (0.0, 0.1), (0.0, 0.0), True
    )  # and it cannot move the look to where a curve says little
    assert Watched(tmp_path, {(1, 0): early}, self_reported=True).look((1, 99.0)) == ""
    endless = Curve((0.0, 1e12), (0.0, 0.0), True)
    assert Watched(tmp_path, {(1, 0): endless}, self_reported=True).look((20, 99.0)) == ""


def test_a_curve_with_repeated_or_falling_steps_is_read_in_order(tmp_path: Path) -> None:
    untidy = Curve((40.0, 0.0, 20.0, 20.0), (1.0, 5.0, 9.0, 2.0), False)
    assert Watched(tmp_path, {(1, 0): untidy}).look((20, 2.6)).endswith("candidate 1's 2")
