"""Figures: the progress of a study as autoresearch's analysis notebook draws it, and curves of candidates side by side.

Small by construction: however long the study, a figure keeps to some hundred points with their texts.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.ledger import imported
from workbench.ledger.journal import Curve
from workbench.ledger.study import Study
from workbench.show.dots import (
    CRASHED_MARK,
    DISCARDED_MARK,
    ENDED_MARK,
    KEPT_MARK,
    UNDECIDED,
    UNDECIDED_MARK,
    Dot,
    dots,
    drawn,
    status,
)
from workbench.show.plot import axis, figure, frame, plain, thinned
from workbench.show.tables import ENDED_EARLY, SELF_REPORTED, better
from workbench.show.visible import one_line, shorten

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure

LABEL_LIMIT = 45
MAX_LABELS = 60
MAX_SERIES = 6
NEAR_BASELINE = 0.0005  # of the baseline: for a val_bpb near 1 this is autoresearch's own margin
LINE, LABEL = "#27ae60", "#1a7a3a"
COLOURS = ("#1f77b4", "#7f7f7f", "#ff7f0e", "#9467bd", "#8c564b", "#17becf", "#e377c2", "#bcbd22")
DASHES = ("solid", "dash", "dot", "dashdot")
NAMES = {"val_bpb": "Validation BPB"}


def progress(study: Study) -> "Figure":
    """Scores over the candidates in their order, with the running best of what was kept.

    As in karpathy/autoresearch's `analysis.ipynb`: grey discarded and green kept dots, the step line through the best keep so
    far, hypotheses at the keeps, the view from 15 % below the best to 15 % above the baseline, nothing drawn that is clearly
    worse than the baseline (here it can be shown by a click in the legend). Added: what was tried when one points at a dot,
    error bars (one standard deviation of a candidate's trials), undecided candidates, crashes as crosses on the axis and what was
    ended early as triangles there. Since these have a place, x is the candidate's number, where the notebook leaves crashes out of
    the count. What an ablation tried is no step of the search, and is left out unless a person is asked about it, or kept it.
    """
    objective, kept, shown = study.opened.objective, set(study.kept), drawn(study)
    scored = [
        Dot(history, history.number, history.score)
        for history in shown
        if history.score is not None
    ]
    keeps = [point for point in scored if point.history.number in kept]
    others = [point for point in scored if point.history.number not in kept]
    reference, best = _reference(study, scored), _best(study, keeps)
    near, far = _near(study, others, reference, best)
    open_ = [point for point in near if point.history.status in UNDECIDED]
    near = [point for point in near if point.history.status not in UNDECIDED]
    view = _view(reference, best, objective.goal) or _range([point.y for point in scored])
    # What has no score stands on the axis, where no value can be read from it.
    unscored = [
        Dot(history, history.number, view[0] if view else 0.0)
        for history in shown
        if history.score is None
    ]
    crashed = [point for point in unscored if point.history.failure is not None]
    ended = [point for point in unscored if status(study, point.history) == ENDED_EARLY]
    traces = [
        _scored(study, near, "Discarded", DISCARDED_MARK),
        _scored(study, far, f"Worse than the baseline ({len(far)})", DISCARDED_MARK)
        | {"visible": "legendonly"},
        _scored(study, open_, "Undecided", UNDECIDED_MARK),
        _scored(study, keeps, "Kept", KEPT_MARK),
        _running_best(study, keeps),
        dots(study, ended, f"Ended early ({len(ended)})", ENDED_MARK) | {"cliponaxis": False},
        dots(study, crashed, f"Crashed ({len(crashed)})", CRASHED_MARK) | {"cliponaxis": False},
    ]
    n_kept = len(keeps)
    layout = {
        **frame(
            f"Autoresearch Progress: {len(shown):,} Experiments, {n_kept} Kept Improvements", 560
        ),
        "margin": {
            "l": 80,
            "r": 110,
            "t": 90,
            "b": 50,
        },  # room for the labels of the last and of the best keeps
        "xaxis": axis("Experiment #", range=[-0.5, max(1.0, len(study.candidates) - 0.5) + 0.5]),
        "yaxis": axis(_score_title(study), range=view),
        "legend": {
            "x": 1,
            "y": 1,
            "xanchor": "right",
            "yanchor": "top",
            "bgcolor": "rgba(255,255,255,0.7)",
        },
        "annotations": [_label(point) for point in keeps[-MAX_LABELS:]],
        "hovermode": "closest",
    }
    return figure([trace for trace in traces if trace["x"]], layout)


def curves(curves_by_candidate: Mapping[str, Mapping[str, Curve]]) -> "Figure":
    """Every series below one another, one line per candidate, at the same step.

    Args:
        curves_by_candidate: a candidate's name as the legend shall say it to its series by name; the first one is drawn on top.
    """
    names = list(
        dict.fromkeys(series for found in curves_by_candidate.values() for series in found)
    )
    shown = names[:MAX_SERIES]
    traces: list[dict[str, Any]] = []
    layout = {
        **frame("", 60 + 260 * max(1, len(shown))),
        "hovermode": "x unified",
        "annotations": [],
    }
    named: set[str] = set()
    gap = 60 / (260 * max(1, len(shown)))
    size = (1 + gap) / max(1, len(shown)) - gap
    for row, series in enumerate(shown):
        traces += _lines(curves_by_candidate, series, row, named)
        own = any(
            found[series].self_reported for found in curves_by_candidate.values() if series in found
        )
        title = plain(shorten(NAMES.get(series, series), 60)) + (f" {SELF_REPORTED}" if own else "")
        suffix = "" if row == 0 else str(row + 1)
        layout[f"xaxis{suffix}"] = axis(
            "step" if row == len(shown) - 1 else "", anchor=f"y{suffix}"
        )
        layout[f"yaxis{suffix}"] = axis(
            title,
            anchor=f"x{suffix}",
            domain=[max(0.0, 1 - row * (size + gap) - size), 1 - row * (size + gap)],
        )
    if not shown:
        layout["annotations"] = [
            {
                "text": "no curves were recorded",
                "x": 0.5,
                "y": 0.5,
                "xref": "paper",
                "yref": "paper",
                "showarrow": False,
            }
        ]
    elif len(names) > len(shown):
        layout["title"] = {"text": f"{len(shown)} of {len(names)} series", "x": 0.5}
    return figure(traces, layout)


def _reference(study: Study, scored: Sequence[Dot]) -> float | None:
    """The baseline's score; autoresearch takes the first row that is no crash."""
    baseline = study.baseline.score if study.baseline else None
    return baseline if baseline is not None else scored[0].y if scored else None


def _best(study: Study, keeps: Sequence[Dot]) -> float | None:
    if not keeps:
        return None
    scores = [point.y for point in keeps]
    return min(scores) if study.opened.objective.goal == "minimize" else max(scores)


def _near(
    study: Study, points: Sequence[Dot], reference: float | None, best: float | None
) -> tuple[list[Dot], list[Dot]]:
    """The points that are drawn, and those clearly worse than the baseline; all are drawn while nothing improved."""
    objective = study.opened.objective
    if reference is None or best is None or not objective.is_better(best, reference):
        return list(points), []
    margin = max(objective.min_effect, NEAR_BASELINE * abs(reference))
    near = [point for point in points if objective.gain(point.y, reference) >= -margin]
    return near, [point for point in points if objective.gain(point.y, reference) < -margin]


def _view(reference: float | None, best: float | None, goal: str) -> list[float] | None:
    """From 15 % below the best to 15 % above the baseline."""
    if (
        reference is None
        or best is None
        or (best >= reference if goal == "minimize" else best <= reference)
    ):
        return None
    low, high = sorted((reference, best))
    return [low - 0.15 * (high - low), high + 0.15 * (high - low)]


def _range(scores: Sequence[float]) -> list[float] | None:
    if not scores:
        return None
    pad = 0.1 * (max(scores) - min(scores)) or 0.05 * abs(scores[0]) or 0.5
    return [min(scores) - pad, max(scores) + pad]


def _scored(
    study: Study, points: Sequence[Dot], name: str, marker: Mapping[str, Any]
) -> dict[str, Any]:
    """Dots with error bars."""
    trace = dots(study, points, name, marker)
    spreads = [study.spread(number) or 0.0 for number in trace["x"]]
    if any(spreads):
        trace["error_y"] = {
            "type": "data",
            "array": spreads,
            "color": "#888888",
            "thickness": 1,
            "width": 3,
        }
    return trace


def _running_best(study: Study, keeps: Sequence[Dot]) -> dict[str, Any]:
    best: list[float] = []
    for point in keeps:
        best.append(
            best[-1]
            if best and not study.opened.objective.is_better(point.y, best[-1])
            else point.y
        )
    numbers = [point.history.number for point in keeps]
    if (
        numbers and numbers[-1] < len(study.candidates) - 1
    ):  # the line goes on to the newest candidate
        numbers, best = [*numbers, len(study.candidates) - 1], [*best, best[-1]]
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Running best",
        "x": numbers,
        "y": best,
        "line": {"shape": "hv", "color": LINE, "width": 2},
        "opacity": 0.7,
        "hoverinfo": "skip",
    }


def _label(point: Dot) -> dict[str, Any]:
    history = point.history
    text = one_line(
        history.record.hypothesis
        or ("baseline" if history.record.parent is None else f"candidate {history.number}")
    )
    return {
        "x": point.x,
        "y": point.y,
        "text": plain(text if len(text) <= LABEL_LIMIT else text[: LABEL_LIMIT - 3] + "..."),
        "showarrow": False,
        "textangle": -30,
        "xanchor": "left",
        "yanchor": "bottom",
        "xshift": 6,
        "yshift": 6,
        "font": {"size": 10, "color": LABEL},
    }


def _lines(
    found: Mapping[str, Mapping[str, Curve]], series: str, row: int, named: set[str]
) -> list[dict[str, Any]]:
    suffix, traces = "" if row == 0 else str(row + 1), []
    for index, (candidate, by_name) in enumerate(found.items()):
        if series not in by_name:
            continue
        steps, values = thinned(by_name[series])
        traces.append(
            {
                "type": "scatter",
                "mode": "lines" if len(steps) > 1 else "markers",
                "name": plain(shorten(candidate, 60)),
                "legendgroup": str(index),
                "showlegend": candidate not in named,
                "x": steps,
                "y": values,
                "xaxis": f"x{suffix}",
                "yaxis": f"y{suffix}",
                "line": {
                    "color": COLOURS[index % len(COLOURS)],
                    "width": 2,
                    "dash": DASHES[index // len(COLOURS) % len(DASHES)],
                },
            }
        )
        named.add(candidate)
    return traces[::-1]  # the first candidate comes last, on top of the others


def _score_title(study: Study) -> str:
    objective = study.opened.objective
    own = f" {SELF_REPORTED}" if imported.is_self_reported(study) else ""
    return f"{plain(NAMES.get(objective.name, objective.name))} ({better(objective.goal)}){own}"
