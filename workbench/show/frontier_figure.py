"""The frontier as a figure: candidates over two of the metrics that their experiment weighs against each other."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError
from workbench.experiment import Goal
from workbench.ledger import imported
from workbench.ledger.study import Study
from workbench.show import tradeoff as frontiers
from workbench.show.dots import (
    BLUE,
    DISCARDED_MARK,
    KEPT_MARK,
    UNDECIDED,
    UNDECIDED_MARK,
    Dot,
    dots,
    drawn,
)
from workbench.show.figures import LINE
from workbench.show.plot import axis, figure, frame, plain
from workbench.show.tables import SELF_REPORTED, better
from workbench.show.visible import shorten

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure

BASELINE_MARK = {"symbol": "square-open", "color": "#333333", "size": 15}
INCUMBENT_MARK = {"symbol": "circle-open", "color": BLUE, "size": 18}


def frontier(study: Study, weighed: Mapping[str, Goal], chosen: Sequence[str] = ()) -> "Figure":
    """Candidates over two metrics, each at the means of its trials; a step line joins those that no other one beats in both.

    On the line is what was decided, kept or not, did not fail, and that no person vetoed (nor what it was made from). The first
    metric is on the vertical axis. What failed, or has not both metrics, is in no place, and the title says how many that are.

    Args:
        weighed: the metrics of the experiment with their goals. chosen: two of them; by default the first two.

    Raises:
        UsageError: the experiment weighs its score alone, or these are not two of its metrics.
    """
    upright, across = _chosen(study, weighed, tuple(chosen))
    kept, barred = set(study.kept), frontiers.barred(study)
    placed, missing = list[Dot](), 0
    for history in drawn(study):
        y, x = frontiers.values(study.opened.objective, history, (upright, across))
        if x is not None and y is not None:
            placed.append(Dot(history, x, y))
        elif history.decision is not None:
            missing += 1
    by_number = {point.history.number: point for point in placed}
    eligible = {
        number: (point.x, point.y)
        for number, point in by_number.items()
        if _is_decided(point) and number not in barred
    }
    front = frontiers.front(eligible, (weighed[across], weighed[upright]))
    others = [point for point in placed if point.history.number not in kept]
    kinds = (
        ([point for point in others if _is_decided(point)], "Discarded", DISCARDED_MARK),
        ([point for point in others if not _is_decided(point)], "Undecided", UNDECIDED_MARK),
        ([point for point in placed if point.history.number in kept], "Kept", KEPT_MARK),
        ([by_number[0]] if 0 in by_number else [], "Baseline", BASELINE_MARK),
        (
            [by_number[study.incumbent]] if study.incumbent in by_number else [],
            "Incumbent",
            INCUMBENT_MARK,
        ),
    )
    traces = [dots(study, points, name, mark, (across, upright)) for points, name, mark in kinds]
    traces.insert(2, _steps([by_number[number] for number in front]))
    own = f" {SELF_REPORTED}" if imported.is_self_reported(study) else ""
    nothing = {
        "text": f"no candidate has {plain(upright)} and {plain(across)} yet",
        "showarrow": False,
    }
    layout = {
        **frame(_title(upright, across, len(front), missing, len(weighed)), 480),
        "margin": {
            "l": 80,
            "r": 230,
            "t": 60,
            "b": 50,
        },  # the legend stands beside the plot: either corner may be the good one
        "xaxis": axis(f"{plain(shorten(across, 60))} ({better(weighed[across])}){own}"),
        "yaxis": axis(f"{plain(shorten(upright, 60))} ({better(weighed[upright])}){own}"),
        "legend": {"x": 1.02, "y": 1, "xanchor": "left", "yanchor": "top"},
        "annotations": []
        if placed
        else [{**nothing, "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper"}],
        "hovermode": "closest",
    }
    return figure([trace for trace in traces if trace["x"]], layout)


def _chosen(study: Study, weighed: Mapping[str, Goal], chosen: tuple[str, ...]) -> tuple[str, str]:
    name = study.opened.experiment
    if imported.is_imported(study):
        raise UsageError(
            f"{study.opened.name} is imported from a log, whose rows have one score each; study.progress() shows them"
        )
    if not weighed:
        score = study.opened.objective
        example = f'metrics = {{ {score.name} = "{score.goal}", seconds = "minimize" }}'
        raise UsageError(
            f"{name} weighs {score.name} alone; to weigh more, write below [search] of experiment.toml: {example}"
        )
    two = chosen or tuple(weighed)[:2]
    if len(two) != 2 or len(set(two)) != 2 or not set(two) <= weighed.keys():
        raise UsageError(
            f"{', '.join(chosen)}: a frontier has two of the metrics that {name} weighs: {', '.join(weighed)}"
        )
    return two[0], two[1]


def _is_decided(point: Dot) -> bool:
    return point.history.status not in UNDECIDED


def _steps(front: Sequence[Dot]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"Frontier ({len(front)})",
        "x": [point.x for point in front],
        "y": [point.y for point in front],
        "line": {"shape": "hv", "color": LINE, "width": 2},
        "marker": {"color": "#ffffff", "size": 7, "line": {"color": LINE, "width": 1.5}},
        "hoverinfo": "skip",
    }


def _title(upright: str, across: str, n_front: int, missing: int, n_weighed: int) -> str:
    facts = [f"{n_front} that no other one beats"]
    facts += [f"{missing} without these metrics"] if missing else []
    facts += [f"2 of {n_weighed} metrics"] if n_weighed > 2 else []
    return f"{plain(shorten(upright, 40))} against {plain(shorten(across, 40))}: {', '.join(facts)}"
