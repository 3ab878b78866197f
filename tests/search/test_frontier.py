from collections import Counter
from random import Random

import pytest

from tests.search.simulated import Simulated, experiment, options
from workbench.errors import UsageError
from workbench.search.frontier import Frontier, crowding

TWO = {"accuracy": "maximize", "tokens": "minimize"}


def fronted(points: list[tuple[float, float]]) -> tuple[Simulated, Frontier]:
    problem = experiment(metrics=TWO)
    simulated = Simulated(problem, {"accuracy": 0.1, "tokens": 1000.0})
    for accuracy, tokens in points:
        simulated.add(0, 100.0, {"accuracy": accuracy, "tokens": tokens})
    return simulated, Frontier(problem, options())


def members(simulated: Simulated, strategy: Frontier) -> set[int]:
    return {
        number for ask in simulated.asks(strategy, 60) for number in (ask.parent, *ask.inspirations)
    }


def test_parents_and_inspirations_are_what_nothing_beats_in_every_metric() -> None:
    simulated, strategy = fronted(
        [(0.5, 500.0), (0.4, 600.0), (0.9, 900.0), (0.3, 100.0), (0.9, 950.0)]
    )
    assert members(simulated, strategy) == {1, 3, 4}


def test_the_frontier_is_that_of_a_full_comparison_after_two_thousand_candidates() -> None:
    rng = Random(3)
    points = [(rng.random(), 1000 * rng.random()) for _ in range(2000)]
    simulated, strategy = fronted(points)
    simulated.veto(next(iter(members(simulated, strategy))))
    barred = {
        history.number for history in simulated.study.candidates if len(history.decisions) > 1
    }
    left = {number: point for number, point in enumerate(points, 1) if number not in barred}
    best = {
        number
        for number, (accuracy, tokens) in left.items()
        if not any(
            a >= accuracy and t <= tokens and (a, t) != (accuracy, tokens) for a, t in left.values()
        )
    }
    strategy.ask(simulated.study)
    assert set(strategy._front) == best
    assert Frontier(experiment(metrics=TWO), options()).ask(simulated.study) == strategy.ask(
        simulated.study
    )


def test_of_equal_candidates_the_first_is_on_the_frontier() -> None:
    simulated, strategy = fronted([(0.5, 500.0), (0.5, 500.0)])
    assert members(simulated, strategy) == {1}


def test_the_emptier_stretch_has_the_more_parents() -> None:
    simulated, strategy = fronted(
        [
            (0.5, 500.0),
            (0.51, 505.0),
            (0.52, 510.0),
            (0.53, 515.0),
            (0.9, 900.0),
            (0.11, 50.0),
            (0.7, 700.0),
        ]
    )
    counts = Counter(ask.parent for ask in simulated.asks(strategy, 600))
    assert counts[7] > 2 * counts[2]
    assert counts[5] > 2 * counts[2]


def test_crowding_is_the_distance_between_the_neighbours() -> None:
    found = crowding({1: (0.0, 4.0), 2: (1.0, 3.0), 3: (4.0, 0.0)})
    assert found == {1: float("inf"), 2: pytest.approx(2.0), 3: float("inf")}


def test_with_one_metric_it_is_the_best_few() -> None:
    problem = experiment()
    simulated = Simulated(problem)
    for step in range(20):
        simulated.add(0, 90.0 + step)
    assert {ask.parent for ask in simulated.asks(Frontier(problem, options()), 100)} == {
        1,
        2,
        3,
        4,
        5,
    }


def test_a_veto_brings_back_what_the_vetoed_one_had_beaten() -> None:
    simulated, strategy = fronted([(0.5, 500.0), (0.6, 400.0)])
    assert members(simulated, strategy) == {2}
    simulated.veto(2)
    assert members(simulated, strategy) == {1}


def test_a_candidate_without_one_of_the_metrics_is_left_out_and_a_wrong_name_is_said() -> None:
    simulated, strategy = fronted([(0.5, 500.0)])
    simulated.add(0, 1.0, {"accuracy": 1.0})
    assert members(simulated, strategy) == {1}
    with pytest.raises(UsageError, match="names 'cost'"):
        Frontier(experiment(metrics={"cost": "minimize"}), options()).ask(simulated.study)


def test_after_a_fork_the_frontier_begins_anew() -> None:
    simulated, strategy = fronted([(0.5, 500.0), (0.9, 300.0)])
    simulated.fork(1)
    assert members(simulated, strategy) == {1}
