"""Trends: figures that grow with a study, each a line through candidates over time.

To add one, write a function that measures it and name it in `TRENDS`. The dashboard then offers it
beside the progress plot, and `draw` makes the static figure.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from workbench.ledger.study import Study
from workbench.show.dots import DISCARDED_MARK, KEPT_MARK, Dot, draw_dots
from workbench.show.figures import LINE
from workbench.show.marks import Kinds, Marks
from workbench.show.plot import axis, center_note, figure, frame, plain

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure


class Point(NamedTuple):
    """A candidate, and where the line passes through it."""

    candidate: int
    x: float
    y: float


@dataclass(frozen=True)
class Trend:
    """A line through candidates.

    Attributes:
        name: what the figure is called.
        x_title: of the horizontal axis, with its unit.
        y_title: of the vertical axis, with its unit.
        points: from left to right; empty while there is nothing to show.
    """

    name: str
    x_title: str
    y_title: str
    points: list[Point]


def measure_cost_per_keep(study: Study, kinds: Kinds) -> Trend:
    """What the study had spent for each change it kept, at every kept change and at the newest one.

    It counts what proposals cost, in USD, or the seconds of trials if no money was spent. Failed
    proposals are left out: the study knows what they cost together, but not when.

    Args:
        kinds: how plots mark each candidate.
    """
    is_paid = any(history.record.usd for history in study.candidates)
    unit = "USD" if is_paid else "seconds of trials"
    points: list[Point] = []
    cost = 0.0
    hours = 0.0
    n_kept = 0
    for history, kind in zip(study.candidates, kinds, strict=True):
        cost += history.record.usd if is_paid else sum(trial.seconds for trial in history.trials)
        # The clock may have been set back, but a line must not turn around.
        hours = max(hours, (history.at - study.opened_at) / 3600)
        is_gain = kind == "kept" and history.number > 0
        is_newest = history.number == len(study.candidates) - 1
        if is_gain:
            n_kept += 1
        if n_kept and (is_gain or is_newest):
            points.append(Point(history.number, hours, cost / n_kept))
    if not study.kind.has_programs:  # all rows of a log have the time of their import
        points = []
    return Trend("Cost per keep", "hours since the start", f"{unit} per kept change", points)


Measure = Callable[[Study, Kinds], Trend]
TRENDS: tuple[Measure, ...] = (measure_cost_per_keep,)


def draw_trend(study: Study, measure: Measure) -> "Figure":
    """The static figure of a trend."""
    trend = measure(study, Marks(study).kinds)
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": trend.name,
        "x": [point.x for point in trend.points],
        "y": [point.y for point in trend.points],
        "line": {"color": LINE, "width": 2},
        "hoverinfo": "skip",
    }
    kept: list[Dot] = []
    others: list[Dot] = []
    for number, x, y in trend.points:
        dot = Dot(study.candidates[number], x, y)
        group = kept if dot.history.status == "kept" else others
        group.append(dot)
    titles = (trend.x_title, trend.y_title)
    nothing = center_note("no change was kept yet")
    layout = {
        **frame(plain(trend.name), 400),
        "xaxis": axis(plain(trend.x_title)),
        "yaxis": axis(plain(trend.y_title), range=_span_from_zero(trend)),
        "showlegend": False,
        "annotations": [] if trend.points else [nothing],
        "hovermode": "closest",
    }
    traces = [
        line,
        draw_dots(study, others, "Not kept", DISCARDED_MARK, titles),
        draw_dots(study, kept, "Kept", KEPT_MARK, titles),
    ]
    return figure([trace for trace in traces if trace["x"]], layout)


def _span_from_zero(trend: Trend) -> list[float] | None:
    """A cost, or a count, is read from zero; None leaves an empty axis to plotly."""
    highest = max((point.y for point in trend.points), default=0.0)
    return [0.0, 1.06 * highest] if highest > 0 else None
