from workbench.records import Options
from workbench.search.hillclimb import HillClimb
from workbench.search.strategy import Strategy
from workbench.testing import StrategyContract


class TestHillClimb(StrategyContract):
    def make(self, options: Options) -> Strategy:
        return HillClimb(options)
