from tests.search.simulated import Simulated, experiment, options
from workbench.search.best_of_n import BestOfN
from workbench.search.hillclimb import HillClimb


def test_hillclimb_starts_from_the_incumbent_and_shows_what_was_kept_last() -> None:
    simulated = Simulated(experiment())
    numbers = [simulated.add(0, 90.0 - step) for step in range(6)]
    simulated.add(0, 99.0)
    ask = HillClimb(experiment(), options()).ask(simulated.study)
    assert (ask.parent, ask.inspirations) == (numbers[-1], (3, 4, 5))


def test_on_a_plateau_hillclimb_shows_what_lies_further_back_until_the_next_keep() -> None:
    simulated, strategy = Simulated(experiment()), HillClimb(experiment(), options())
    for step in range(20):
        simulated.add(0, 90.0 - step)
    simulated.plateau()
    shown = {number for ask in simulated.asks(strategy, 50) for number in ask.inspirations}
    assert len(shown) > 15
    assert {ask.parent for ask in simulated.asks(strategy, 50)} == {20}
    simulated.add(20, 1.0)
    assert strategy.ask(simulated.study).inspirations == (18, 19, 20)


def test_best_of_n_never_builds_on_a_candidate_but_on_a_persons_fork() -> None:
    simulated, strategy = Simulated(experiment()), BestOfN(experiment(), options())
    assert {
        ask.parent for ask in simulated.grow(strategy, 30, lambda number, parent: 100.0 - number)
    } == {0}
    simulated.fork(12)
    assert {
        ask.parent for ask in simulated.grow(strategy, 5, lambda number, parent: 100.0 - number)
    } == {12}
