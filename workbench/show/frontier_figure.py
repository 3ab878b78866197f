"""The frontier figure: candidates over two of the metrics that their experiment weighs."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError
from workbench.experiment import Goal
from workbench.ledger.study import Study
from workbench.show import tradeoff
from workbench.show.cells import SELF_REPORTED, describe_goal
from workbench.show.dots import BLUE, DISCARDED_MARK, KEPT_MARK, UNDECIDED_MARK, Dot, draw_dots
from workbench.show.figures import LINE
from workbench.show.marks import UNDECIDED, Marks
from workbench.show.plot import axis, center_note, figure, frame, plain
from workbench.show.visible import shorten

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure

BASELINE_MARK = {"symbol": "square-open", "color": "#333333", "size": 15}
INCUMBENT_MARK = {"symbol": "circle-open", "color": BLUE, "size": 18}


def draw_frontier(
    study: Study, metrics: Mapping[str, Goal], chosen: Sequence[str] = ()
) -> "Figure":
    """Candidates over two metrics, each at the means of its trials.

    A step line joins those that no other one beats in both metrics. On it are only candidates that
    are decided, did not fail, and build on nothing that a person vetoed. A candidate that failed
    or lacks one of the metrics has no place; the title counts these.

    Args:
        metrics: what the experiment weighs, with the goals.
        chosen: two of the metrics, the one on the vertical axis first; by default the first two.

    Raises:
        UsageError: the experiment only has its score, or these are not two of its metrics.
    """
    upright, across = _choose(study, metrics, tuple(chosen))
    marks = Marks(study)
    dots, n_missing = _place(study, marks, upright, across)
    points = {
        number: (dot.x, dot.y) for number, dot in dots.items() if tradeoff.can_lead(marks, number)
    }
    front = tradeoff.find_front(points, (metrics[across], metrics[upright]))
    traces = [
        draw_dots(study, group, name, mark, (across, upright))
        for group, name, mark in _group(study, marks, dots)
    ]
    # Above discarded and undecided dots, below the kept ones.
    traces.insert(2, _draw_front([dots[number] for number in front]))
    nothing = center_note(f"no candidate has {plain(upright)} and {plain(across)} yet")
    layout = {
        **frame(_title(upright, across, len(front), n_missing, len(metrics)), 480),
        # The legend is beside the plot: either corner may be where the best candidates are.
        "margin": {"l": 80, "r": 230, "t": 60, "b": 50},
        "xaxis": axis(_axis_title(study, across, metrics)),
        "yaxis": axis(_axis_title(study, upright, metrics)),
        "legend": {"x": 1.02, "y": 1, "xanchor": "left", "yanchor": "top"},
        "annotations": [] if dots else [nothing],
        "hovermode": "closest",
    }
    return figure([trace for trace in traces if trace["x"]], layout)


def _place(study: Study, marks: Marks, upright: str, across: str) -> tuple[dict[int, Dot], int]:
    """Dots by candidate number, and how many decided candidates have no place."""
    dots: dict[int, Dot] = {}
    n_missing = 0
    for history in study.candidates:
        kind = marks.kinds[history.number]
        if kind is None:
            continue
        y, x = tradeoff.mean_values(study.opened.objective, history, (upright, across))
        if x is not None and y is not None:
            dots[history.number] = Dot(history, x, y)
        elif kind != "open":
            n_missing += 1
    return dots, n_missing


def _group(
    study: Study, marks: Marks, dots: Mapping[int, Dot]
) -> list[tuple[list[Dot], str, Mapping[str, Any]]]:
    """Dots with the name and the marker of their kind, from the back to the front."""
    discarded: list[Dot] = []
    undecided: list[Dot] = []
    kept: list[Dot] = []
    for number, dot in dots.items():
        kind = marks.kinds[number]
        if kind == "kept":
            kept.append(dot)
        elif kind in UNDECIDED:
            undecided.append(dot)
        else:
            discarded.append(dot)
    baseline = [dots[0]] if 0 in dots else []
    incumbent = [dot for number, dot in dots.items() if number == study.incumbent]
    return [
        (discarded, "Discarded", DISCARDED_MARK),
        (undecided, "Undecided", UNDECIDED_MARK),
        (kept, "Kept", KEPT_MARK),
        (baseline, "Baseline", BASELINE_MARK),
        (incumbent, "Incumbent", INCUMBENT_MARK),
    ]


def _choose(study: Study, metrics: Mapping[str, Goal], chosen: tuple[str, ...]) -> tuple[str, str]:
    name = study.opened.experiment
    if not study.kind.has_programs:
        raise UsageError(
            f"{study.opened.name} is imported from a log, whose rows have one score each; "
            "study.progress() shows them"
        )
    if not metrics:
        score = study.opened.objective
        example = f'metrics = {{ {score.name} = "{score.goal}", seconds = "minimize" }}'
        raise UsageError(
            f"{name} weighs {score.name} alone; to weigh more, write below [search] of "
            f"experiment.toml: {example}"
        )
    pair = chosen or tuple(metrics)[:2]
    is_pair = len(pair) == 2 and len(set(pair)) == 2
    if not is_pair or not set(pair) <= metrics.keys():
        raise UsageError(
            f"{', '.join(chosen)}: a frontier has two of the metrics that {name} weighs: "
            f"{', '.join(metrics)}"
        )
    return pair[0], pair[1]


def _draw_front(front: Sequence[Dot]) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": f"Frontier ({len(front)})",
        "x": [dot.x for dot in front],
        "y": [dot.y for dot in front],
        "line": {"shape": "hv", "color": LINE, "width": 2},
        "marker": {"color": "#ffffff", "size": 7, "line": {"color": LINE, "width": 1.5}},
        "hoverinfo": "skip",
    }


def _axis_title(study: Study, name: str, metrics: Mapping[str, Goal]) -> str:
    title = f"{plain(shorten(name, 60))} ({describe_goal(metrics[name])})"
    if study.kind.self_reported:
        title += f" {SELF_REPORTED}"
    return title


def _title(upright: str, across: str, n_front: int, n_missing: int, n_metrics: int) -> str:
    facts = [f"{n_front} that no other one beats"]
    if n_missing:
        facts.append(f"{n_missing} without these metrics")
    if n_metrics > 2:
        facts.append(f"2 of {n_metrics} metrics")
    return f"{plain(shorten(upright, 40))} against {plain(shorten(across, 40))}: {', '.join(facts)}"
