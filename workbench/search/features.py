"""Says which cell of an archive (MAP-Elites) a program belongs to, without reading its text."""

import math

from workbench.experiment import Search
from workbench.ledger.study import Study
from workbench.ledger.turns import Turn
from workbench.search.archive import value

Cell = tuple[int | None, ...]
METRIC_UNIT = 0.05  # width of the first bin, as a share of the baseline's value


class Features:
    """Coordinates of candidates along the features that `[search]` names.

    Bins double in width away from the baseline, so that no one has to configure their range. Their
    edges lie at 1, 3, 7, 15, ... lines, or at 5, 15, 35, 75, ... percent of the baseline's metric
    (in units of the metric if the baseline's is 0). The outermost bins are open. Candidates without
    the metric share one separate bin.

    Source of the cells: Mouret and Clune, Illuminating search spaces by mapping elites (2015).
    """

    def __init__(self, search: Search) -> None:
        self._names = search.features
        self._furthest = search.bins // 2
        # By candidate: how many lines it is longer than the baseline, and how many were added
        # since.
        self._lines: list[tuple[int, int]] = []
        self._origins: dict[str, float] = {}

    def cell(self, study: Study, turn: Turn) -> Cell:
        """The cell of a candidate: one bin per feature.

        Raises:
            UsageError: a feature is a metric that the evaluator does not return.
        """
        self._count_lines(study)
        return tuple(self._bin(study, turn, name) for name in self._names)

    def _count_lines(self, study: Study) -> None:
        for history in study.candidates[len(self._lines) :]:
            record = history.record
            n_longer, n_added = 0, 0
            if record.parent is not None:
                n_longer, n_added = self._lines[record.parent]
            self._lines.append((n_longer + record.added - record.removed, n_added + record.added))

    def _bin(self, study: Study, turn: Turn, name: str) -> int | None:
        n_longer, n_added = self._lines[turn.candidate]
        if name == "length":
            return self._bin_at(n_longer)
        if name == "added":
            return self._bin_at(n_added)
        metric = value(study, turn, name)
        if metric is None:
            return None
        if name not in self._origins:
            self._origins[name] = value(study, Turn("scored", 0, 1), name) or 0.0
        origin = self._origins[name]
        return self._bin_at((metric - origin) / (METRIC_UNIT * abs(origin) or 1.0))

    def _bin_at(self, distance: float) -> int:
        """The bin at a distance from the baseline; bin k begins at 2^k - 1."""
        steps = min(self._furthest, int(math.log2(1 + abs(distance))))
        return steps if distance > 0 else -steps
