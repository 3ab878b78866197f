import random
from collections import Counter
from itertools import pairwise

import pytest

from tests.search.simulated import Simulated, experiment, options
from workbench.errors import UsageError
from workbench.search.islands import Islands

N = 2000


def noisy_descent(number: int, parent: int) -> float | None:
    return None if number % 9 == 4 else 100.0 - 10 * random.Random(number).random()


def roots(simulated: Simulated) -> dict[int, int]:
    """The founder that each candidate descends from."""
    found: dict[int, int] = {}
    for history in simulated.study.candidates[1:]:
        parent = history.record.parent
        assert parent is not None
        found[history.number] = found.get(parent, history.number)
    return found


def test_two_thousand_candidates_and_a_strategy_made_anew_asks_the_same() -> None:
    problem = experiment()
    simulated, strategy = Simulated(problem), Islands(problem, options(5))
    simulated.grow(strategy, N, noisy_descent)
    simulated.veto(simulated.study.kept[-1])
    simulated.plateau()
    asks = [strategy.ask(simulated.study), Islands(problem, options(5)).ask(simulated.study)]
    assert asks[0] == asks[1]
    others = {Islands(problem, options(seed)).ask(simulated.study) for seed in range(20)}
    assert len(others) > 5


def test_a_question_looks_at_no_more_elites_than_there_are_cells_and_reads_every_turn_once() -> (
    None
):
    problem = experiment()
    simulated, strategy = Simulated(problem), Islands(problem, options())
    sizes = []
    for _ in range(4):
        simulated.grow(strategy, N // 4, noisy_descent)
        sizes.append(sum(len(strategy._population.elites(island)) for island in range(4)))
        strategy.ask(simulated.study)
        assert list(strategy._turns.new(simulated.study)) == []
    assert max(sizes) <= 4 * problem.search.bins ** len(problem.search.features)


def test_better_elites_are_parents_more_often_and_all_are_at_times() -> None:
    problem = experiment(islands=1, features=("added",), migrate=0, reset=0)
    simulated = Simulated(problem)
    for cell, added in enumerate((1, 3, 7, 15)):
        simulated.add(0, 90.0 - 10 * cell, added=added)
    counts = Counter(ask.parent for ask in simulated.asks(Islands(problem, options()), 3000))
    expected = {
        number: 1 / rank / sum(1 / r for r in range(1, 6))
        for rank, number in enumerate((4, 3, 2, 1, 0), 1)
    }
    for number, share in expected.items():
        assert counts[number] / 3000 == pytest.approx(share, abs=0.03)


def test_islands_do_not_mix_without_migration_and_do_with_it() -> None:
    def founders_per_island(migrate: int) -> int:
        """How many lineages the best programs of the islands come from."""
        problem = experiment(islands=4, migrate=migrate, reset=0, features=())
        simulated, strategy = Simulated(problem), Islands(problem, options())
        simulated.grow(strategy, 400, lambda number, parent: 100.0 - number)
        best = [strategy._population.elites(island)[0] for island in range(4)]
        return len({roots(simulated)[number] for number in best})

    assert founders_per_island(0) == 4
    assert founders_per_island(5) < 4


def test_a_reset_leaves_the_lineages_of_the_better_half_only() -> None:
    problem = experiment(islands=4, migrate=0, reset=0, features=())
    simulated, strategy = Simulated(problem), Islands(problem, options())
    for number, score in zip(range(1, 5), (90.0, 80.0, 70.0, 60.0), strict=True):
        assert simulated.add(0, score) == number
    assert {ask.parent for ask in simulated.asks(strategy, 40)} == {1, 2, 3, 4}
    simulated.plateau()
    assert {ask.parent for ask in simulated.asks(strategy, 40)} == {3, 4}


def test_resets_come_at_their_interval() -> None:
    def parents(reset: int) -> set[int]:
        problem = experiment(islands=4, migrate=0, reset=reset, features=())
        simulated = Simulated(problem)
        for score in (90.0, 80.0, 70.0, 60.0):
            simulated.add(0, score)
        return {ask.parent for ask in simulated.asks(Islands(problem, options()), 40)}

    assert parents(0) == {1, 2, 3, 4}
    assert parents(5) == {3, 4}  # the baseline is the first program


def test_discarded_candidates_are_parents_and_failed_ones_never() -> None:
    problem = experiment()
    simulated, strategy = Simulated(problem), Islands(problem, options())
    asks = simulated.grow(strategy, 300, noisy_descent)
    statuses = Counter(simulated.study.candidates[ask.parent].status for ask in asks)
    assert statuses["discarded"] > 20
    assert statuses["kept"] > 20
    assert statuses["failed"] == 0


def test_a_veto_rules_out_a_candidate_and_all_that_was_made_from_it_before_and_after() -> None:
    problem = experiment(islands=2, features=("added",))
    simulated, strategy = Simulated(problem), Islands(problem, options())
    first = simulated.add(0, 90.0, added=1)
    child = simulated.add(first, 50.0, added=9)
    other = simulated.add(0, 95.0, added=3)
    assert child in {ask.parent for ask in simulated.asks(strategy, 50)}
    simulated.veto(first)
    late = simulated.add(child, 10.0, added=30)
    asked = {
        number
        for ask in simulated.asks(strategy, 200)
        for number in (ask.parent, *ask.inspirations)
    }
    assert asked == {0, other}
    simulated.append(
        *simulated.study.candidates[late].decisions
    )  # decided again: still made from what was vetoed
    assert late not in {ask.parent for ask in simulated.asks(strategy, 100)}


def test_after_a_fork_every_island_starts_from_it() -> None:
    problem = experiment()
    simulated, strategy = Simulated(problem), Islands(problem, options())
    simulated.grow(strategy, 100, noisy_descent)
    target = next(
        history.number
        for history in simulated.study.candidates[50:]
        if history.status == "discarded"
    )
    simulated.fork(target)
    assert {ask.parent for ask in simulated.asks(strategy, 20)} == {target}
    simulated.grow(strategy, 50, noisy_descent)
    assert all(
        simulated.study.lineage.descends(ask.parent, target) for ask in simulated.asks(strategy, 50)
    )


def test_inspirations_come_from_other_cells_and_other_islands() -> None:
    problem = experiment(islands=3, features=("added",))
    simulated, strategy = Simulated(problem), Islands(problem, options())
    simulated.grow(strategy, 200, noisy_descent)
    asks = simulated.asks(strategy, 60)
    assert all(
        1 <= len(ask.inspirations) <= 3 and ask.parent not in ask.inspirations for ask in asks
    )
    root = roots(simulated)
    assert any(
        root.get(number) != root.get(ask.parent) for ask in asks for number in ask.inspirations
    )


def test_cells_spread_over_a_metric_keep_what_the_score_alone_would_lose() -> None:
    problem = experiment(islands=1, features=("tokens",), migrate=0)
    simulated = Simulated(problem, {"tokens": 1000.0})
    simulated.add(0, 50.0, {"tokens": 1000.0})
    lean = simulated.add(0, 80.0, {"tokens": 200.0})
    beaten = simulated.add(0, 90.0, {"tokens": 1001.0})
    parents = {ask.parent for ask in simulated.asks(Islands(problem, options()), 60)}
    assert lean in parents
    assert beaten not in parents


def test_a_metric_that_nobody_returns_is_said_with_those_there_are() -> None:
    problem = experiment(features=("toknes",))
    simulated = Simulated(problem, {"tokens": 1.0})
    with pytest.raises(
        UsageError, match=r"\[search\] of experiment.toml names 'toknes'.*it returns: loss, tokens"
    ):
        Islands(problem, options()).ask(simulated.study)
    strategy = Islands(problem, options())
    for _ in range(3):  # and again each time, instead of going on without the cells
        with pytest.raises(UsageError):
            strategy.ask(simulated.study)


def test_islands_are_visited_in_turn() -> None:
    problem = experiment(islands=4, migrate=0, reset=0, features=())
    simulated = Simulated(problem)
    for score in (90.0, 80.0, 70.0, 60.0):
        simulated.add(0, score)
    parents = [ask.parent for ask in simulated.asks(Islands(problem, options()), 12)]
    assert parents[:4] == parents[4:8] == parents[8:]
    assert all(one != other for one, other in pairwise(parents))
