"""The strategy `best-of-n`: the control that tells whether a search helps at all."""

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.records import Options
from workbench.search.archive import Turns
from workbench.search.strategy import Ask


class BestOfN:
    """The parent is always the baseline, so that no candidate builds on another one.

    After a person's fork it is always the forked candidate.
    """

    name = "best-of-n"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._turns = Turns()
        self._parent = 0

    def ask(self, study: Study) -> Ask:
        study.require_incumbent()
        for turn in self._turns.new(study):
            if turn.kind == "forked":
                self._parent = turn.candidate
        return Ask(self._parent)
