"""Dots: candidates as markers in a figure, and the text that appears when one points at a dot."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.records import Decision
from workbench.show.cells import SELF_REPORTED
from workbench.show.marks import name_status
from workbench.show.plot import plain
from workbench.show.visible import shorten

# Most dots of one kind. Of more candidates every n-th is drawn, and the legend says so.
MAX_DOTS = 300
TEXT_LENGTH = 90
GREEN, GREY, BLUE, RED = "#2ecc71", "#cccccc", "#1f77b4", "#c0392b"
DISCARDED_MARK = {"color": GREY, "size": 5, "opacity": 0.5}
UNDECIDED_MARK = {"color": "#ffffff", "size": 7, "line": {"color": BLUE, "width": 1.5}}
KEPT_MARK = {"color": GREEN, "size": 9.5, "line": {"color": "black", "width": 0.7}}
CRASHED_MARK = {"symbol": "x", "color": RED, "size": 7}
ENDED_MARK = {"symbol": "triangle-up", "color": "#8c6d1f", "size": 7}


class Dot(NamedTuple):
    """A candidate, and its place in a plot."""

    history: CandidateHistory
    x: float
    y: float


def draw_dots(
    study: Study,
    dots: Sequence[Dot],
    name: str,
    marker: Mapping[str, Any],
    metrics: tuple[str, ...] = (),
) -> dict[str, Any]:
    """One kind of candidates as a trace of markers.

    Args:
        name: what the legend calls them.
        metrics: what x and y are, if they are not the candidate's number and its score.
    """
    if len(dots) > MAX_DOTS:
        step = math.ceil(len(dots) / MAX_DOTS)
        name = f"{name} (every {step}th of {len(dots):,})"
        dots = dots[::step]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [dot.x for dot in dots],
        "y": [dot.y for dot in dots],
        "marker": dict(marker),
        "hovertext": [_describe(study, dot, metrics) for dot in dots],
        "hoverinfo": "text",
    }


def _describe(study: Study, dot: Dot, metrics: tuple[str, ...]) -> str:
    """The text of a dot: lines joined by plotly's tag, everything else escaped."""
    history = dot.history
    lines = [
        f"<b>candidate {history.number}</b>, {name_status(study, history)}",
        _plain(history.record.hypothesis or "no hypothesis"),
        *_describe_outcome(study, history),
    ]
    for metric, value in zip(metrics, (dot.x, dot.y), strict=False):
        if metric != study.opened.objective.name:
            lines.append(f"{plain(metric)} {value:.6g}")
    if history.decision is not None:
        lines += _describe_decision(history.decision)
    if not study.kind.has_programs:
        lines += [_plain(flag) for flag in history.flags]
    else:
        lines.append(f"+{history.record.added} / -{history.record.removed} lines")
    return "<br>".join(lines)


def _describe_outcome(study: Study, history: CandidateHistory) -> list[str]:
    """The score, or how the candidate failed; nothing while there is neither."""
    if history.score is not None:
        line = f"{plain(study.opened.objective.name)} {history.score:.6g}"
        spread = history.spread
        if spread is not None:
            line += f" ± {spread:.3g} (sd of {len(history.scored)} trials)"
        if any(trial.self_reported for trial in history.scored):
            line += f" {SELF_REPORTED}"
        return [line]
    if history.failure is not None:
        return [f"{history.failure.status}: {_plain(history.failure.reason)}"]
    return []


def _describe_decision(decision: Decision) -> list[str]:
    author = plain(shorten(decision.by, 30))
    lines = [f"{decision.verdict} by {author}: {_plain(decision.why)}"]
    evidence = decision.evidence
    if evidence.effect is not None:
        line = f"effect {evidence.effect:+.4g}"
        if evidence.low is not None and evidence.high is not None:
            line += f" [{evidence.low:+.3g}, {evidence.high:+.3g}]"
        lines.append(line)
    return lines


def _plain(text: str) -> str:
    return plain(shorten(text, TEXT_LENGTH))
