"""Figures: the progress of a study, and curves of candidates side by side.

The progress figure looks like the one of autoresearch's analysis notebook. Figures stay small:
however long the study, each keeps to some hundred points with their texts.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.curves import Curve
from workbench.ledger.study import Study
from workbench.show.cells import SELF_REPORTED, describe_goal
from workbench.show.dots import (
    CRASHED_MARK,
    DISCARDED_MARK,
    ENDED_MARK,
    KEPT_MARK,
    UNDECIDED_MARK,
    Dot,
    draw_dots,
)
from workbench.show.marks import UNDECIDED, Kind, Marks
from workbench.show.plot import axis, center_note, figure, frame, plain, thin_out
from workbench.show.progress import Progress, is_far, measure_progress
from workbench.show.visible import one_line, shorten

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure

LABEL_LIMIT = 45
MAX_LABELS = 60
MAX_SERIES = 6
PANEL_HEIGHT = 260
PANEL_GAP = 60
LINE, LABEL = "#27ae60", "#1a7a3a"
COLOURS = ("#1f77b4", "#7f7f7f", "#ff7f0e", "#9467bd", "#8c564b", "#17becf", "#e377c2", "#bcbd22")
DASHES = ("solid", "dash", "dot", "dashdot")
NAMES = {"val_bpb": "Validation BPB"}


def draw_progress(study: Study) -> "Figure":
    """Scores over the candidates in their order, with the running best of what was kept.

    As in karpathy/autoresearch's `analysis.ipynb`: grey discarded and green kept dots, a step line
    through the best candidate kept so far, hypotheses at the kept ones, and a view from 15 % below
    the best to 15 % above the baseline. What is clearly worse than the baseline is hidden there;
    here a click in the legend shows it.

    Added are the text that appears when one points at a dot, error bars (one standard deviation of
    a candidate's trials), undecided candidates, and marks on the axis for what has no score:
    crosses for crashes, triangles for what was ended early. The notebook leaves crashes out of the
    count. Here they have a place, and x is the candidate's number.
    """
    marks = Marks(study)
    facts = measure_progress(study, marks.kinds)
    shown = [history for history in study.candidates if marks.kinds[history.number] is not None]
    scores = [history.score for history in shown if history.score is not None]
    view = facts.window or _span(scores)
    # Without a score a candidate is on the axis, where no value can be read from it.
    floor = view[0] if view else 0.0
    groups = _Groups(study, marks, facts, floor)
    for history in shown:
        groups.add(history)
    n_kept = len(groups.kept)
    n_shown = len(shown)
    title = f"Autoresearch Progress: {n_shown:,} Experiments, {n_kept} Kept Improvements"
    last = max(1.0, len(study.candidates) - 0.5) + 0.5
    layout = {
        **frame(title, 560),
        # Room for the labels of the last and of the best candidates kept.
        "margin": {"l": 80, "r": 110, "t": 90, "b": 50},
        "xaxis": axis("Experiment #", range=[-0.5, last]),
        "yaxis": axis(_score_title(study), range=None if view is None else list(view)),
        "legend": {
            "x": 1,
            "y": 1,
            "xanchor": "right",
            "yanchor": "top",
            "bgcolor": "rgba(255,255,255,0.7)",
        },
        "annotations": [_label(dot) for dot in groups.kept[-MAX_LABELS:]],
        "hovermode": "closest",
    }
    return figure([trace for trace in groups.draw() if trace["x"]], layout)


class _Groups:
    """The dots of the progress figure, sorted by how they are drawn."""

    def __init__(self, study: Study, marks: Marks, facts: Progress, floor: float) -> None:
        self._study = study
        self._marks = marks
        self._facts = facts
        self._floor = floor
        self.kept: list[Dot] = []
        self._discarded: list[Dot] = []
        self._undecided: list[Dot] = []
        self._far: list[Dot] = []
        self._crashed: list[Dot] = []
        self._ended: list[Dot] = []

    def add(self, history: CandidateHistory) -> None:
        """Sorts a candidate in. Without a score, most kinds have nothing to show yet."""
        kind = self._marks.kinds[history.number]
        if kind is None:
            return
        if history.score is None:
            if kind in ("crashed", "ended", "waiting"):
                self._group(kind).append(Dot(history, history.number, self._floor))
            return
        dot = Dot(history, history.number, history.score)
        objective = self._study.opened.objective
        if kind != "kept" and is_far(objective, history.score, self._facts.worst):
            self._far.append(dot)
        else:
            self._group(kind).append(dot)

    def draw(self) -> list[dict[str, Any]]:
        """The traces, from the one at the back to the one in front."""
        study = self._study
        far = _draw_scored(
            study, self._far, f"Worse than the baseline ({len(self._far)})", DISCARDED_MARK
        )
        ended = draw_dots(study, self._ended, f"Ended early ({len(self._ended)})", ENDED_MARK)
        crashed = draw_dots(study, self._crashed, f"Crashed ({len(self._crashed)})", CRASHED_MARK)
        return [
            _draw_scored(study, self._discarded, "Discarded", DISCARDED_MARK),
            far | {"visible": "legendonly"},
            _draw_scored(study, self._undecided, "Undecided", UNDECIDED_MARK),
            _draw_scored(study, self.kept, "Kept", KEPT_MARK),
            _draw_running_best(study, self._facts.leaders),
            # Marks on the axis are drawn whole, not cut at its line.
            ended | {"cliponaxis": False},
            crashed | {"cliponaxis": False},
        ]

    def _group(self, kind: Kind) -> list[Dot]:
        if kind in UNDECIDED:
            return self._undecided
        groups = {"kept": self.kept, "crashed": self._crashed, "ended": self._ended}
        return groups.get(kind, self._discarded)


def draw_curves(curves_by_candidate: Mapping[str, Mapping[str, Curve]]) -> "Figure":
    """Every series below one another, one line per candidate, at the same step.

    Args:
        curves_by_candidate: a candidate's name in the legend to its series by name; the first
            candidate is drawn on top.
    """
    names = list(dict.fromkeys(name for series in curves_by_candidate.values() for name in series))
    panels = names[:MAX_SERIES]
    n_panels = max(1, len(panels))
    traces: list[dict[str, Any]] = []
    layout = {
        **frame("", PANEL_GAP + PANEL_HEIGHT * n_panels),
        "hovermode": "x unified",
        "annotations": [],
    }
    in_legend: set[str] = set()
    for row, name in enumerate(panels):
        traces += _draw_series(curves_by_candidate, name, row, in_legend)
        suffix = _axis_suffix(row)
        is_last = row == len(panels) - 1
        layout[f"xaxis{suffix}"] = axis("step" if is_last else "", anchor=f"y{suffix}")
        layout[f"yaxis{suffix}"] = axis(
            _series_title(curves_by_candidate, name),
            anchor=f"x{suffix}",
            domain=_panel_domain(row, n_panels),
        )
    if not panels:
        layout["annotations"] = [center_note("no curves were recorded")]
    elif len(names) > len(panels):
        layout["title"] = {"text": f"{len(panels)} of {len(names)} series", "x": 0.5}
    return figure(traces, layout)


def _axis_suffix(row: int) -> str:
    """Plotly numbers its axes x, x2, x3 and so on."""
    return "" if row == 0 else str(row + 1)


def _panel_domain(row: int, n_panels: int) -> list[float]:
    """Share of the figure's height that one of the stacked panels takes, from the top down."""
    gap = PANEL_GAP / (PANEL_HEIGHT * n_panels)
    size = (1 + gap) / n_panels - gap
    top = 1 - row * (size + gap)
    return [max(0.0, top - size), top]


def _series_title(curves_by_candidate: Mapping[str, Mapping[str, Curve]], name: str) -> str:
    title = plain(shorten(NAMES.get(name, name), 60))
    curves_of_name = [series[name] for series in curves_by_candidate.values() if name in series]
    if any(curve.self_reported for curve in curves_of_name):
        title += f" {SELF_REPORTED}"
    return title


def _span(scores: Sequence[float]) -> tuple[float, float] | None:
    if not scores:
        return None
    low, high = min(scores), max(scores)
    pad = 0.1 * (high - low) or 0.05 * abs(scores[0]) or 0.5
    return low - pad, high + pad


def _draw_scored(
    study: Study, dots: Sequence[Dot], name: str, marker: Mapping[str, Any]
) -> dict[str, Any]:
    """Dots with error bars."""
    trace = draw_dots(study, dots, name, marker)
    spreads = [study.candidates[number].spread or 0.0 for number in trace["x"]]
    if any(spreads):
        trace["error_y"] = {
            "type": "data",
            "array": spreads,
            "color": "#888888",
            "thickness": 1,
            "width": 3,
        }
    return trace


def _draw_running_best(study: Study, leaders: Sequence[int]) -> dict[str, Any]:
    numbers = list(leaders)
    scores = [study.candidates[number].score for number in leaders]
    last = len(study.candidates) - 1
    if numbers and numbers[-1] < last:  # the line goes on to the newest candidate
        numbers.append(last)
        scores.append(scores[-1])
    return {
        "type": "scatter",
        "mode": "lines",
        "name": "Running best",
        "x": numbers,
        "y": scores,
        "line": {"shape": "hv", "color": LINE, "width": 2},
        "opacity": 0.7,
        "hoverinfo": "skip",
    }


def _label(dot: Dot) -> dict[str, Any]:
    """The hypothesis of a kept candidate, written beside its dot."""
    record = dot.history.record
    text = one_line(record.hypothesis)
    if not text:
        text = "baseline" if record.parent is None else f"candidate {record.candidate}"
    if len(text) > LABEL_LIMIT:
        text = text[: LABEL_LIMIT - 3] + "..."
    return {
        "x": dot.x,
        "y": dot.y,
        "text": plain(text),
        "showarrow": False,
        "textangle": -30,
        "xanchor": "left",
        "yanchor": "bottom",
        "xshift": 6,
        "yshift": 6,
        "font": {"size": 10, "color": LABEL},
    }


def _draw_series(
    curves_by_candidate: Mapping[str, Mapping[str, Curve]],
    name: str,
    row: int,
    in_legend: set[str],
) -> list[dict[str, Any]]:
    """One series of every candidate that has it; `in_legend` grows by these candidates."""
    suffix = _axis_suffix(row)
    traces = []
    for index, (candidate, series) in enumerate(curves_by_candidate.items()):
        if name not in series:
            continue
        steps, values = thin_out(series[name])
        traces.append(
            {
                "type": "scatter",
                "mode": "lines" if len(steps) > 1 else "markers",
                "name": plain(shorten(candidate, 60)),
                "legendgroup": str(index),
                "showlegend": candidate not in in_legend,
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
        in_legend.add(candidate)
    return traces[::-1]  # the first candidate comes last, on top of the others


def _score_title(study: Study) -> str:
    objective = study.opened.objective
    title = f"{plain(NAMES.get(objective.name, objective.name))} ({describe_goal(objective.goal)})"
    if study.kind.self_reported:
        title += f" {SELF_REPORTED}"
    return title
