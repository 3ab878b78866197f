"""Features: where a program belongs among the cells of an archive (MAP-Elites), without looking at its text."""

import math

from workbench.experiment import Search
from workbench.ledger.study import Study
from workbench.ledger.turns import Turn
from workbench.search.archive import value

Cell = tuple[int | None, ...]
METRIC_UNIT = 0.05  # of the baseline's value


class Features:
    """Coordinates of candidates along the features that `[search]` names.

    Bins grow by factors of two away from the baseline, so that none has to be told its range: their edges lie at 1, 3, 7, 15, ...
    lines, or at 5, 15, 35, 75, ... percent of the baseline's metric (units, where that is 0); the outermost ones are open. A
    candidate without the metric has a bin of its own.

    Source of the cells: Mouret and Clune, Illuminating search spaces by mapping elites (2015).
    """

    def __init__(self, search: Search) -> None:
        self._names, self._furthest = search.features, search.bins // 2
        self._lines: list[
            tuple[int, int]
        ] = []  # by candidate: longer than the baseline by, added since
        self._origins: dict[str, float] = {}

    def cell(self, study: Study, turn: Turn) -> Cell:
        """Raises UsageError for a metric that the evaluator does not return."""
        self._count_lines(study)
        return tuple(self._bin(study, turn, name) for name in self._names)

    def _count_lines(self, study: Study) -> None:
        for history in study.candidates[len(self._lines) :]:
            record = history.record
            longer, added = (0, 0) if record.parent is None else self._lines[record.parent]
            self._lines.append((longer + record.added - record.removed, added + record.added))

    def _bin(self, study: Study, turn: Turn, name: str) -> int | None:
        if name in ("length", "added"):
            return self._place(self._lines[turn.candidate][name == "added"])
        found = value(study, turn, name)
        if found is None:
            return None
        origin = self._origins.get(name)
        if origin is None:
            origin = self._origins[name] = value(study, Turn("scored", 0, 1), name) or 0.0
        return self._place((found - origin) / (METRIC_UNIT * abs(origin) or 1.0))

    def _place(self, distance: float) -> int:
        steps = min(self._furthest, int(math.log2(1 + abs(distance))))
        return steps if distance > 0 else -steps
