"""BestOfN: the control, which tells whether a search helps at all."""

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.records import Options
from workbench.search.archive import Turns
from workbench.search.strategy import Ask, incumbent_of


class BestOfN:
    """The parent is always the baseline (where a person forked, that candidate), so that no candidate builds on another one."""

    name = "best-of-n"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._turns, self._start = Turns(), 0

    def ask(self, study: Study) -> Ask:
        incumbent_of(study)
        for turn in self._turns.new(study):
            if turn.kind == "forked":
                self._start = turn.candidate
        return Ask(self._start)
