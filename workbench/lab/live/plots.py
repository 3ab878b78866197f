"""What plots show beyond the rows, kept up to date record by record; `Plots` of `protocol.py`.

How a candidate is marked and which ones lead is computed by `workbench.show`, for the static
figures too. This module only avoids computing it anew for every record.
"""

from collections.abc import Iterable, Mapping
from itertools import combinations

from workbench.experiment import Goal
from workbench.lab.live.protocol import Frontier, Plots, Trend
from workbench.ledger.study import Study
from workbench.show import trends
from workbench.show.marks import Marks
from workbench.show.progress import measure_progress
from workbench.show.tradeoff import can_lead, find_front, mean_values

Values = tuple[float | None, ...]


class PlotFacts:
    """Marks of the candidates, and the values that frontiers are made of.

    Args:
        metrics: what the experiment weighs, with the goals.

    Attributes:
        marks: how plots mark each candidate.
    """

    def __init__(self, study: Study, metrics: Mapping[str, Goal]) -> None:
        self.marks = Marks(study)
        self._metrics = metrics
        self._leading: dict[int, Values] = {}
        self._plots: Plots | None = None

    def follow(self, study: Study, numbers: Iterable[int]) -> set[int]:
        """Takes note of candidates whose records are new.

        Returns:
            All candidates whose row differs: `numbers`, and those that a veto or its end is about.
        """
        changed = self.marks.follow(study, numbers)
        if not changed:
            return changed
        self._plots = None
        if self._metrics:
            for number in changed:
                self._leading.pop(number, None)
                if can_lead(self.marks, number):
                    history = study.candidates[number]
                    values = mean_values(study.opened.objective, history, self._metrics)
                    self._leading[number] = tuple(values)
        return changed

    def describe(self, study: Study) -> Plots:
        """The same value until a candidate changes."""
        if self._plots is None:
            self._plots = self._measure(study)
        return self._plots

    def _measure(self, study: Study) -> Plots:
        progress = measure_progress(study, self.marks.kinds)
        measured = [measure(study, self.marks.kinds) for measure in trends.TRENDS]
        return {
            "window": progress.window,
            "worst": progress.worst,
            "leaders": progress.leaders,
            "frontiers": self._find_frontiers(),
            "trends": [_describe_trend(trend) for trend in measured if trend.points],
        }

    def _find_frontiers(self) -> list[Frontier]:
        """One frontier for each pair of metrics, the earlier one of the pair on the vertical axis.

        A front is short however many candidates there are, so all pairs are sent, and the browser
        computes none.
        """
        return [
            {"x": x, "y": y, "candidates": self._find_front(x, y)}
            for y, x in combinations(self._metrics, 2)
        ]

    def _find_front(self, x: str, y: str) -> list[int]:
        names = list(self._metrics)
        x_index, y_index = names.index(x), names.index(y)
        points: dict[int, tuple[float, float]] = {}
        for number, values in self._leading.items():
            across = values[x_index]
            upright = values[y_index]
            if across is not None and upright is not None:
                points[number] = (across, upright)
        return find_front(points, (self._metrics[x], self._metrics[y]))


def _describe_trend(trend: trends.Trend) -> Trend:
    return {
        "name": trend.name,
        "x_title": trend.x_title,
        "y_title": trend.y_title,
        "candidates": [point.candidate for point in trend.points],
        "xs": [_round(point.x) for point in trend.points],
        "ys": [_round(point.y) for point in trend.points],
    }


def _round(value: float) -> float:
    return float(f"{value:.6g}")
