import pytest

from tests.search.simulated import Simulated, experiment
from workbench.search.features import Cell, Features


def cells(simulated: Simulated, features: Features) -> list[Cell]:
    return [features.cell(simulated.study, turn) for turn in simulated.study.search.turns]


def test_lines_are_counted_from_the_baseline_along_the_lineage() -> None:
    problem = experiment(features=("length", "added"))
    simulated = Simulated(problem)
    first = simulated.add(0, 1.0, added=2, removed=1)  # 1 longer, 2 added
    simulated.add(first, 1.0, added=5, removed=20)  # 14 shorter, 7 added
    simulated.add(0, 1.0, added=0, removed=0)
    assert cells(simulated, Features(problem.search)) == [(0, 0), (1, 1), (-3, 3), (0, 0)]


@pytest.mark.parametrize(("bins", "furthest"), [(1, 0), (2, 1), (5, 2), (9, 4)])
def test_the_outermost_bins_are_open_and_there_are_no_more_than_were_asked_for(
    bins: int, furthest: int
) -> None:
    problem = experiment(features=("added",), bins=bins)
    simulated = Simulated(problem)
    simulated.add(0, 1.0, added=10_000)
    assert cells(simulated, Features(problem.search))[1] == (furthest,)


def test_a_metric_is_placed_by_its_distance_from_the_baseline_relative_to_it() -> None:
    problem = experiment(features=("tokens",))
    simulated = Simulated(problem, {"tokens": -1000.0})
    for tokens in (-1000.0, -960.0, -940.0, -840.0, -1060.0):
        simulated.add(0, 1.0, {"tokens": tokens})
    assert cells(simulated, Features(problem.search)) == [(0,), (0,), (0,), (1,), (2,), (-1,)]


def test_a_metric_whose_baseline_is_zero_is_placed_by_its_value() -> None:
    problem = experiment(features=("errors",))
    simulated = Simulated(problem, {"errors": 0.0})
    simulated.add(0, 1.0, {"errors": 3.0})
    assert cells(simulated, Features(problem.search)) == [(0,), (2,)]


def test_a_candidate_without_the_metric_has_a_cell_of_its_own() -> None:
    problem = experiment(features=("tokens", "added"))
    simulated = Simulated(problem, {"tokens": 10.0})
    simulated.add(0, 1.0, added=1)
    assert cells(simulated, Features(problem.search)) == [(0, 0), (None, 1)]


def test_the_objective_is_a_feature_by_its_name() -> None:
    problem = experiment(features=("loss",))
    simulated = Simulated(problem)
    simulated.add(0, 80.0)
    assert cells(simulated, Features(problem.search)) == [(0,), (-2,)]
