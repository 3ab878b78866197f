"""HillClimb: always start from the incumbent, as autoresearch does."""

from workbench.ledger.study import Study
from workbench.records import Options
from workbench.search.strategy import Ask

N_INSPIRATIONS = 3


class HillClimb:
    """The parent is the incumbent (where a person forked, that candidate); the latest kept ones are the inspirations."""

    name = "hillclimb"

    def __init__(self, options: Options) -> None:
        self._options = options

    def ask(self, study: Study) -> Ask:
        if study.incumbent is None:
            raise ValueError("the baseline has no score yet; ask again when it has")
        others = [number for number in study.kept if number != study.incumbent]
        return Ask(study.incumbent, tuple(others[-N_INSPIRATIONS:]))
