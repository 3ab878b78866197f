from workbench.experiment import Experiment
from workbench.records import Options
from workbench.search.best_of_n import BestOfN
from workbench.search.frontier import Frontier
from workbench.search.hillclimb import HillClimb
from workbench.search.islands import Islands
from workbench.search.strategy import Strategy
from workbench.testing import StrategyContract


class TestHillClimb(StrategyContract):
    def make(self, experiment: Experiment, options: Options) -> Strategy:
        return HillClimb(experiment, options)


class TestIslands(StrategyContract):
    def make(self, experiment: Experiment, options: Options) -> Strategy:
        return Islands(experiment, options)


class TestFrontier(StrategyContract):
    def make(self, experiment: Experiment, options: Options) -> Strategy:
        return Frontier(experiment, options)


class TestBestOfN(StrategyContract):
    def make(self, experiment: Experiment, options: Options) -> Strategy:
        return BestOfN(experiment, options)
