"""Figures: the progress of a study as autoresearch's analysis notebook draws it, and curves of candidates side by side.

Small by construction: however long the study, a figure keeps to some hundred points with their texts.
"""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.lab.plot import axis, figure, frame, plain, thinned
from workbench.lab.tables import SELF_REPORTED, better
from workbench.lab.visible import one_line, shorten
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.journal import Curve
from workbench.ledger.study import Study
from workbench.verbs import imported

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure

LABEL_LIMIT = 45
MAX_LABELS = 60
MAX_DOTS = 300  # of one kind; of more than these every n-th is drawn, and the legend says so
MAX_SERIES = 6
NEAR_BASELINE = 0.0005  # of the baseline: for a val_bpb near 1 this is autoresearch's own margin
GREEN, LINE, GREY, LABEL, CRASH = "#2ecc71", "#27ae60", "#cccccc", "#1a7a3a", "#c0392b"
COLOURS = ("#1f77b4", "#7f7f7f", "#ff7f0e", "#9467bd", "#8c564b", "#17becf", "#e377c2", "#bcbd22")
DASHES = ("solid", "dash", "dot", "dashdot")
NAMES = {"val_bpb": "Validation BPB"}
UNDECIDED = ("running", "provisional", "waiting")
Point = tuple[CandidateHistory, float]


def progress(study: Study) -> "Figure":
    """Scores over the candidates in their order, with the running best of what was kept.

    As in karpathy/autoresearch's `analysis.ipynb`: grey discarded and green kept dots, the step line through the best keep so
    far, hypotheses at the keeps, the view from 15 % below the best to 15 % above the baseline, nothing drawn that is clearly
    worse than the baseline (here it can be shown by a click in the legend). Added: what was tried when one points at a dot,
    error bars (one standard deviation of a candidate's trials), undecided candidates, crashes as crosses on the axis. Since
    crashes have a place, x is the candidate's number, where the notebook leaves crashes out of the count.
    """
    objective, kept = study.opened.objective, set(study.kept)
    proposed = [history for history in study.candidates if not history.is_ablation or history.number in kept]
    scored = [(history, history.score) for history in proposed if history.score is not None]
    keeps = [point for point in scored if point[0].number in kept]
    others = [point for point in scored if point[0].number not in kept]
    reference, best = _reference(study, scored), _best(study, keeps)
    near, far = _near(study, others, reference, best)
    open_ = [point for point in near if point[0].status in UNDECIDED]
    near = [point for point in near if point[0].status not in UNDECIDED]
    crashed = [history for history in proposed if history.failure is not None and history.score is None]
    view = _view(reference, best, objective.goal) or _range([score for _, score in scored])
    traces = [
        _dots(study, near, "Discarded", {"color": GREY, "size": 5, "opacity": 0.5}),
        _dots(study, far, f"Worse than the baseline ({len(far)})", {"color": GREY, "size": 5, "opacity": 0.5}, hidden=True),
        _dots(study, open_, "Undecided", {"color": "#ffffff", "size": 7, "line": {"color": "#1f77b4", "width": 1.5}}),
        _dots(study, keeps, "Kept", {"color": GREEN, "size": 9.5, "line": {"color": "black", "width": 0.7}}),
        _running_best(study, keeps),
        _crosses(study, crashed, view),
    ]
    n_kept = len(keeps)
    layout = {
        **frame(f"Autoresearch Progress: {len(proposed):,} Experiments, {n_kept} Kept Improvements", 560),
        "margin": {"l": 80, "r": 110, "t": 90, "b": 50},  # room for the labels of the last and of the best keeps
        "xaxis": axis("Experiment #", range=[-0.5, max(1.0, len(study.candidates) - 0.5) + 0.5]),
        "yaxis": axis(_score_title(study), range=view),
        "legend": {"x": 1, "y": 1, "xanchor": "right", "yanchor": "top", "bgcolor": "rgba(255,255,255,0.7)"},
        "annotations": [_label(point) for point in keeps[-MAX_LABELS:]],
        "hovermode": "closest",
    }
    return figure([trace for trace in traces if trace["x"]], layout)


def curves(curves_by_candidate: Mapping[str, Mapping[str, Curve]]) -> "Figure":
    """Every series below one another, one line per candidate, at the same step.

    Args:
        curves_by_candidate: a candidate's name as the legend shall say it to its series by name; the first one is drawn on top.
    """
    names = list(dict.fromkeys(series for found in curves_by_candidate.values() for series in found))
    shown = names[:MAX_SERIES]
    traces: list[dict[str, Any]] = []
    layout = {**frame("", 60 + 260 * max(1, len(shown))), "hovermode": "x unified", "annotations": []}
    named: set[str] = set()
    gap = 60 / (260 * max(1, len(shown)))
    size = (1 + gap) / max(1, len(shown)) - gap
    for row, series in enumerate(shown):
        traces += _lines(curves_by_candidate, series, row, named)
        own = any(found[series].self_reported for found in curves_by_candidate.values() if series in found)
        title = plain(shorten(NAMES.get(series, series), 60)) + (f" {SELF_REPORTED}" if own else "")
        suffix = "" if row == 0 else str(row + 1)
        layout[f"xaxis{suffix}"] = axis("step" if row == len(shown) - 1 else "", anchor=f"y{suffix}")
        layout[f"yaxis{suffix}"] = axis(
            title, anchor=f"x{suffix}", domain=[max(0.0, 1 - row * (size + gap) - size), 1 - row * (size + gap)]
        )
    if not shown:
        layout["annotations"] = [
            {"text": "no curves were recorded", "x": 0.5, "y": 0.5, "xref": "paper", "yref": "paper", "showarrow": False}
        ]
    elif len(names) > len(shown):
        layout["title"] = {"text": f"{len(shown)} of {len(names)} series", "x": 0.5}
    return figure(traces, layout)


def _reference(study: Study, scored: Sequence[Point]) -> float | None:
    """The baseline's score; autoresearch takes the first row that is no crash."""
    baseline = study.baseline.score if study.baseline else None
    return baseline if baseline is not None else scored[0][1] if scored else None


def _best(study: Study, keeps: Sequence[Point]) -> float | None:
    if not keeps:
        return None
    scores = [score for _, score in keeps]
    return min(scores) if study.opened.objective.goal == "minimize" else max(scores)


def _near(study: Study, points: Sequence[Point], reference: float | None, best: float | None) -> tuple[list[Point], list[Point]]:
    """The points that are drawn, and those clearly worse than the baseline; all are drawn while nothing improved."""
    objective = study.opened.objective
    if reference is None or best is None or not objective.is_better(best, reference):
        return list(points), []
    margin = max(objective.min_effect, NEAR_BASELINE * abs(reference))
    near = [point for point in points if objective.gain(point[1], reference) >= -margin]
    return near, [point for point in points if objective.gain(point[1], reference) < -margin]


def _view(reference: float | None, best: float | None, goal: str) -> list[float] | None:
    """From 15 % below the best to 15 % above the baseline."""
    if reference is None or best is None or (best >= reference if goal == "minimize" else best <= reference):
        return None
    low, high = sorted((reference, best))
    return [low - 0.15 * (high - low), high + 0.15 * (high - low)]


def _range(scores: Sequence[float]) -> list[float] | None:
    if not scores:
        return None
    pad = 0.1 * (max(scores) - min(scores)) or 0.05 * abs(scores[0]) or 0.5
    return [min(scores) - pad, max(scores) + pad]


def _dots(study: Study, points: Sequence[Point], name: str, marker: dict[str, Any], hidden: bool = False) -> dict[str, Any]:
    if len(points) > MAX_DOTS:
        step = math.ceil(len(points) / MAX_DOTS)
        name, points = f"{name} (every {step}th of {len(points):,})", points[::step]
    spreads = [study.spread(history.number) for history, _ in points]
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [history.number for history, _ in points],
        "y": [score for _, score in points],
        "marker": marker,
        "hovertext": [_hover(study, history) for history, _ in points],
        "hoverinfo": "text",
    }
    if any(spreads):
        trace["error_y"] = {"type": "data", "array": [spread or 0.0 for spread in spreads], "color": "#888888", "thickness": 1, "width": 3}
    return trace | ({"visible": "legendonly"} if hidden else {})


def _running_best(study: Study, keeps: Sequence[Point]) -> dict[str, Any]:
    best: list[float] = []
    for _, score in keeps:
        best.append(best[-1] if best and not study.opened.objective.is_better(score, best[-1]) else score)
    numbers = [history.number for history, _ in keeps]
    if numbers and numbers[-1] < len(study.candidates) - 1:  # the line goes on to the newest candidate
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


def _crosses(study: Study, crashed: Sequence[CandidateHistory], view: list[float] | None) -> dict[str, Any]:
    """Crashes have no score: they stand on the axis, where no value can be read from them."""
    floor = view[0] if view else 0.0
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"Crashed ({len(crashed)})",
        "x": [history.number for history in crashed],
        "y": [floor] * len(crashed),
        "marker": {"symbol": "x", "color": CRASH, "size": 7},
        "cliponaxis": False,
        "hovertext": [_hover(study, history) for history in crashed],
        "hoverinfo": "text",
    }


def _hover(study: Study, history: CandidateHistory) -> str:
    record, decision, failure = history.record, history.decision, history.failure
    lines = [
        f"<b>candidate {history.number}</b>, {imported.status(study, history)}",
        plain(shorten(record.hypothesis or "no hypothesis", 90)),
    ]
    if history.score is not None:
        own = f" {SELF_REPORTED}" if any(trial.self_reported for trial in history.scored) else ""
        spread = study.spread(history.number)
        trials = f" ± {spread:.3g} (sd of {len(history.scored)} trials)" if spread is not None else ""
        lines.append(f"{plain(study.opened.objective.name)} {history.score:.6g}{trials}{own}")
    elif failure is not None:
        lines.append(f"{failure.status}: {plain(shorten(failure.reason, 90))}")
    if decision is not None:
        lines.append(f"{decision.verdict} by {plain(shorten(decision.by, 30))}: {plain(shorten(decision.why, 90))}")
        evidence = decision.evidence
        if evidence.effect is not None:
            bounds = "" if evidence.low is None or evidence.high is None else f" [{evidence.low:+.3g}, {evidence.high:+.3g}]"
            lines.append(f"effect {evidence.effect:+.4g}{bounds}")
    if imported.is_imported(study):
        return "<br>".join([*lines, *(plain(shorten(flag, 90)) for flag in imported.flags(history))])
    return "<br>".join([*lines, f"+{record.added} / -{record.removed} lines"])


def _label(point: Point) -> dict[str, Any]:
    history, score = point
    text = one_line(history.record.hypothesis or ("baseline" if history.record.parent is None else f"candidate {history.number}"))
    return {
        "x": history.number,
        "y": score,
        "text": plain(text if len(text) <= LABEL_LIMIT else text[: LABEL_LIMIT - 3] + "..."),
        "showarrow": False,
        "textangle": -30,
        "xanchor": "left",
        "yanchor": "bottom",
        "xshift": 6,
        "yshift": 6,
        "font": {"size": 10, "color": LABEL},
    }


def _lines(found: Mapping[str, Mapping[str, Curve]], series: str, row: int, named: set[str]) -> list[dict[str, Any]]:
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
                "line": {"color": COLOURS[index % len(COLOURS)], "width": 2, "dash": DASHES[index // len(COLOURS) % len(DASHES)]},
            }
        )
        named.add(candidate)
    return traces[::-1]  # the first candidate comes last, on top of the others


def _score_title(study: Study) -> str:
    objective = study.opened.objective
    own = f" {SELF_REPORTED}" if imported.is_self_reported(study) else ""
    return f"{plain(NAMES.get(objective.name, objective.name))} ({better(objective.goal)}){own}"
