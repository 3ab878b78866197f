import math
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest

from tests.benchmarks.bench_gate import Simulation, World
from workbench.decide import tested
from workbench.decide.policy import Wanted
from workbench.decide.units import DECLARED, Differences, compare_units
from workbench.experiment import Experiment, Objective
from workbench.ledger.repeats import Repeats, mean_squares
from workbench.ledger.study import Study
from workbench.records import Candidate, Decision, Options, Record, Trial
from workbench.testing import experiment_for_tests, fold, opening

LOSS = Objective(name="loss", goal="minimize", noise="units")
N = 40
Units = Callable[[int, int], Sequence[float] | None]


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    return experiment_for_tests(tmp_path, noise="units")


def trial(number: int, tried: int, seed: int, units: Sequence[float] | None) -> Trial:
    if units is None:
        return Trial(candidate=number, trial=tried, seed=seed, status="failed", reason="no")
    return Trial(
        candidate=number,
        trial=tried,
        seed=seed,
        status="ok",
        score=fmean(units),
        units=tuple(units),
    )


class Played:
    """A study of one candidate and the baseline.

    `units(number, index)` are the observations of a trial, None fails it.
    """

    def __init__(self, experiment: Experiment, units: Units) -> None:
        self.policy, self.units, self.asked = (
            tested.Tested(experiment, Options()),
            units,
            list[tuple[int, int]](),
        )
        self.records: list[Record] = opening(experiment)
        for pair in self.policy.opening(self.study).trials:
            self.run(*pair)
        self.records.append(Decision(candidate=0, verdict="keep", by="loop"))

    @property
    def study(self) -> Study:
        return fold(self.records)

    def run(self, number: int, index: int) -> None:
        self.asked.append((number, index))
        tried = len(self.study.candidates[number].trials)
        self.records.append(trial(number, tried, self.study.seed(index), self.units(number, index)))

    def add(self) -> Decision:
        number, parent = len(self.study.candidates), self.study.incumbent
        self.records.append(
            Candidate(
                candidate=number, parent=parent, program=f"{number:064d}", author="tester", added=1
            )
        )
        while isinstance(opinion := self.policy.judge(self.study, number), Wanted):
            for pair in opinion.trials:
                self.run(*pair)
        self.records.append(opinion)
        return opinion


def items(rng: random.Random, effect: float, n: int = N) -> Units:
    """Items ten times as different as the programs' own noise of 1.

    Every candidate is better than the baseline by `effect`.
    """
    hard: dict[int, list[float]] = {}

    def units(number: int, index: int) -> Sequence[float]:
        return [
            item + rng.gauss(0.0, 1.0) - effect * (number > 0)
            for item in hard.setdefault(index, [rng.gauss(0.0, 10.0) for _ in range(n)])
        ]

    return units


def by_index(units: Sequence[Sequence[float]]) -> dict[int, Trial]:
    return {index: trial(0, index, index, values) for index, values in enumerate(units)}


def compared(
    own: Sequence[Sequence[float]], reference: Sequence[Sequence[float]], left_out: int = 0
) -> Differences:
    found = compare_units(LOSS, Repeats(), by_index(own), by_index(reference), left_out)
    assert found is not None
    return found


def test_the_baseline_needs_one_trial_and_every_rival_runs_under_the_candidates_seeds(
    experiment: Experiment,
) -> None:
    played = Played(experiment, items(random.Random(1), effect=3.0))
    assert played.asked == [(0, 0)]
    assert played.add().verdict == "keep"
    mine, theirs = ({index for number, index in played.asked if number == who} for who in (1, 0))
    assert mine == theirs


def test_a_large_effect_on_the_items_is_kept_after_one_fresh_stage_with_its_evidence(
    experiment: Experiment,
) -> None:
    evidence = Played(experiment, items(random.Random(7), effect=3.0)).add().evidence
    assert (evidence.against, evidence.trials, evidence.reference_trials, len(evidence.seeds)) == (
        0,
        1,
        1,
        1,
    )
    assert evidence.effect == pytest.approx(3.0, abs=0.8)
    assert evidence.sd == pytest.approx(
        math.sqrt(2), rel=0.3
    )  # of one difference, from which the items' own are gone
    assert evidence.low is not None
    assert evidence.high is not None
    assert evidence.low < 3.0 < evidence.high
    assert evidence.p is not None
    assert evidence.alpha is not None
    assert evidence.p <= evidence.alpha < 0.05


def test_a_clear_loser_costs_one_trial(experiment: Experiment) -> None:
    decision = Played(experiment, items(random.Random(2), effect=-1.5)).add()
    assert (decision.verdict, decision.evidence.trials) == ("discard", 1)


def simulate(experiment: Experiment, world: World, seeds: range) -> list[Simulation]:
    played = [Simulation(tested.Tested, experiment, world, seed) for seed in seeds]
    for simulation in played:
        simulation.play()
    return played


def n_kept(simulations: Sequence[Simulation]) -> int:
    return sum(len(simulation.study.kept) - 1 for simulation in simulations)


def test_noise_is_not_kept(experiment: Experiment) -> None:
    assert n_kept(simulate(experiment, World(lambda rng: [0.0] * 60, units=30), range(6))) <= 1


def test_effects_of_two_and_three_standard_errors_of_one_stage_are_mostly_kept(
    experiment: Experiment,
) -> None:
    assert n_kept(simulate(experiment, World(lambda rng: [2.0], units=30), range(30))) >= 24
    assert n_kept(simulate(experiment, World(lambda rng: [3.0], units=30), range(30))) >= 28


def test_a_study_learns_that_its_seeds_add_more_than_the_units_explain(
    experiment: Experiment,
) -> None:
    simulations = simulate(
        experiment, World(lambda rng: [0.0] * 60, units=30, between=3.0), range(4)
    )
    assert n_kept(simulations) <= 1
    assert all(simulation.study.noise.repeats.dispersion > 2 for simulation in simulations)
    quiet = simulate(experiment, World(lambda rng: [0.0] * 60, units=30), range(2))
    assert all(0.5 < simulation.study.noise.repeats.dispersion < 2 for simulation in quiet)


def test_min_effect_holds_for_units_too(experiment: Experiment) -> None:
    wanted = replace(experiment, objective=replace(experiment.objective, min_effect=4.0))
    assert Played(wanted, items(random.Random(3), effect=3.0)).add().verdict == "discard"


def test_a_new_incumbent_is_compared_on_seeds_that_did_not_decide_about_it(
    experiment: Experiment,
) -> None:
    steps = items(random.Random(4), effect=0.0)
    played = Played(
        experiment,
        lambda number, index: [value - 5.0 * number for value in steps(number, index) or ()],
    )
    first = played.add()
    deciding = {index for number, index in played.asked if number == 1}
    second = played.add()
    assert (first.verdict, second.verdict, second.evidence.against) == ("keep", "keep", 1)
    assert not deciding & {index for number, index in played.asked if number == 2}


def test_seeds_under_which_the_incumbent_fails_are_passed_over_and_come_to_an_end(
    experiment: Experiment,
) -> None:
    good = items(random.Random(5), effect=3.0)
    some = Played(
        experiment,
        lambda number, index: None if number == 0 and index in (1, 2) else good(number, index),
    ).add()
    assert some.verdict == "keep"
    never = Played(
        experiment, lambda number, index: None if number == 0 and index > 0 else good(number, index)
    ).add()
    assert (never.verdict, never.why) == ("discard", "the incumbent has no repeats to compare with")


def test_the_gain_leaves_out_the_screening_trial_and_the_spread_does_not() -> None:
    own, reference = [[0.0, 2.0], [1.0, 3.0], [1.0, 3.0]], [[9.0, 9.0], [4.0, 4.0], [4.0, 4.0]]
    assert (
        compared(own, reference, 1).gain,
        compared(own, reference, 1).n,
        compared(own, reference, 1).trials,
    ) == (2.0, 4, 2)
    assert compared(own, reference, 0).gain == pytest.approx(4.0)
    assert compared(own, reference, 1).sd == compared(own, reference, 0).sd


def test_seeds_that_vary_more_than_their_units_are_the_sample() -> None:
    flat = [0.0] * 10
    alike = compared([[float(i % 2) for i in range(10)]] * 3, [flat] * 3)
    assert (alike.freedom, alike.sd) == (27, pytest.approx(math.sqrt(10 / 36)))
    apart = compared([[shift + i % 2 for i in range(10)] for shift in (-5.0, 0.0, 5.0)], [flat] * 3)
    assert apart.freedom == 2
    assert apart.error == pytest.approx(5.0 / math.sqrt(3))  # the standard error of three means


def test_what_other_candidates_showed_of_the_seeds_is_pooled() -> None:
    repeats, rng = Repeats(), random.Random(6)
    for _ in range(20):
        shifts = (rng.gauss(0.0, 3.0), rng.gauss(0.0, 3.0))
        repeats.add_differences(
            [[shift + rng.gauss(0.0, 1.0) for _ in range(20)] for shift in shifts]
        )
    own, flat = by_index([[i % 2 + 0.5 for i in range(20)]]), by_index([[0.0] * 20])
    warned, fresh = (
        compare_units(LOSS, repeats, own, flat, 0),
        compare_units(LOSS, Repeats(), own, flat, 0),
    )
    assert warned is not None
    assert fresh is not None
    assert warned.error > 5 * fresh.error
    assert (warned.freedom, fresh.freedom) == (20 + DECLARED, 19)


def test_few_units_that_differ_by_the_same_amount_prove_little() -> None:
    assert compared([[0.0, 1.0]], [[5.0, 6.0]]).p_value() == 0.25
    assert compared([[0.0] * 30], [[5.0] * 30]).p_value() == 2**-30
    assert compared([[5.0] * 30], [[5.0] * 30]).p_value() == 1.0


def test_units_cannot_be_compared_one_by_one_when_they_are_not_equally_many() -> None:
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        compared([[1.0, 2.0, 3.0]], [[1.0, 2.0]])
    assert compare_units(LOSS, Repeats(), {}, {}, 0) is None
    assert compare_units(LOSS, Repeats(), by_index([[1.0]]), by_index([[2.0]]), 0) is None


def test_mean_squares_are_those_of_an_analysis_of_variance() -> None:
    assert mean_squares([[1.0, 3.0], [5.0, 7.0]]) == (2.0, 2, 16.0, 1)
    assert mean_squares([[1.0, 3.0]]) == (2.0, 1, 0.0, 0)
    assert mean_squares([[1.0], [2.0]]) is None
    assert mean_squares([[1.0, 2.0], []]) is None
