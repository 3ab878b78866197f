"""The strategy `hillclimb`: always starts from the incumbent, as autoresearch does."""

import random

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.records import Options
from workbench.search.strategy import Ask, question_number

N_INSPIRATIONS = 3


class HillClimb:
    """The parent is the incumbent (after a fork, the forked candidate).

    The inspirations are the latest kept candidates. On a plateau they are drawn from all kept
    candidates, so that the proposer looks further back.
    """

    name = "hillclimb"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._seed = options.seed

    def ask(self, study: Study) -> Ask:
        incumbent = study.require_incumbent()
        others = [number for number in study.kept if number != incumbent]
        if study.search.plateau is not None and len(others) > N_INSPIRATIONS:
            drawn = random.Random(f"{self._seed}/{question_number(study)}").sample(
                others, N_INSPIRATIONS
            )
            return Ask(incumbent, tuple(sorted(drawn)), follows=True)
        return Ask(incumbent, tuple(others[-N_INSPIRATIONS:]), follows=True)
