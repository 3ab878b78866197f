"""HillClimb: always start from the incumbent, as autoresearch does."""

import random

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.records import Options
from workbench.search.strategy import Ask, incumbent_of, question

N_INSPIRATIONS = 3


class HillClimb:
    """The parent is the incumbent (where a person forked, that candidate); the latest kept ones are the inspirations.

    On a plateau the inspirations are drawn from all that were kept, so that the proposer looks further back.
    """

    name = "hillclimb"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        self._seed = options.seed

    def ask(self, study: Study) -> Ask:
        incumbent = incumbent_of(study)
        others = [number for number in study.kept if number != incumbent]
        if study.plateau is not None and len(others) > N_INSPIRATIONS:
            drawn = random.Random(f"{self._seed}/{question(study)}").sample(others, N_INSPIRATIONS)
            return Ask(incumbent, tuple(sorted(drawn)), follows=True)
        return Ask(incumbent, tuple(others[-N_INSPIRATIONS:]), follows=True)
