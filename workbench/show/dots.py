"""Dots: what the plots of candidates share: marks by what became of a candidate, and what pointing at one tells."""

import math
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from workbench.ledger import imported
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.show.plot import plain
from workbench.show.tables import SELF_REPORTED, standing
from workbench.show.visible import shorten

MAX_DOTS = 300  # of one kind; of more than these every n-th is drawn, and the legend says so
GREEN, GREY, BLUE, RED = "#2ecc71", "#cccccc", "#1f77b4", "#c0392b"
UNDECIDED = ("running", "provisional", "waiting")
DISCARDED_MARK = {"color": GREY, "size": 5, "opacity": 0.5}
UNDECIDED_MARK = {"color": "#ffffff", "size": 7, "line": {"color": BLUE, "width": 1.5}}
KEPT_MARK = {"color": GREEN, "size": 9.5, "line": {"color": "black", "width": 0.7}}
CRASHED_MARK = {"symbol": "x", "color": RED, "size": 7}
ENDED_MARK = {"symbol": "triangle-up", "color": "#8c6d1f", "size": 7}


class Dot(NamedTuple):
    """A candidate, and where it stands in a plot."""

    history: CandidateHistory
    x: float
    y: float


def drawn(study: Study) -> list[CandidateHistory]:
    """The candidates that have a place in plots: all but what an ablation tried, unless a person is asked about it or has kept it."""
    return [history for history in study.candidates if history.status != "ablated"]


def status(study: Study, history: CandidateHistory) -> str:
    """What became of a candidate, in the word of the tables."""
    return standing(
        imported.status(study, history), history.decision.by if history.decision else ""
    )


def dots(
    study: Study,
    points: Sequence[Dot],
    name: str,
    marker: Mapping[str, Any],
    metrics: tuple[str, ...] = (),
) -> dict[str, Any]:
    """One kind of candidates as a trace of markers; `metrics` names what x and y are, where these are not number and score."""
    if len(points) > MAX_DOTS:
        step = math.ceil(len(points) / MAX_DOTS)
        name, points = f"{name} (every {step}th of {len(points):,})", points[::step]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": [point.x for point in points],
        "y": [point.y for point in points],
        "marker": dict(marker),
        "hovertext": [_told(study, point, metrics) for point in points],
        "hoverinfo": "text",
    }


def _told(study: Study, point: Dot, metrics: tuple[str, ...]) -> str:
    history = point.history
    record, decision, failure = history.record, history.decision, history.failure
    lines = [
        f"<b>candidate {history.number}</b>, {status(study, history)}",
        plain(shorten(record.hypothesis or "no hypothesis", 90)),
    ]
    if history.score is not None:
        own = f" {SELF_REPORTED}" if any(trial.self_reported for trial in history.scored) else ""
        spread = study.spread(history.number)
        trials = (
            f" ± {spread:.3g} (sd of {len(history.scored)} trials)" if spread is not None else ""
        )
        lines.append(f"{plain(study.opened.objective.name)} {history.score:.6g}{trials}{own}")
    elif failure is not None:
        lines.append(f"{failure.status}: {plain(shorten(failure.reason, 90))}")
    named = zip(metrics, (point.x, point.y), strict=False)
    lines += [
        f"{plain(metric)} {value:.6g}"
        for metric, value in named
        if metric != study.opened.objective.name
    ]
    if decision is not None:
        lines.append(
            f"{decision.verdict} by {plain(shorten(decision.by, 30))}: {plain(shorten(decision.why, 90))}"
        )
        evidence = decision.evidence
        if evidence.effect is not None:
            bounds = (
                ""
                if evidence.low is None or evidence.high is None
                else f" [{evidence.low:+.3g}, {evidence.high:+.3g}]"
            )
            lines.append(f"effect {evidence.effect:+.4g}{bounds}")
    if imported.is_imported(study):
        return "<br>".join(
            [*lines, *(plain(shorten(flag, 90)) for flag in imported.flags(history))]
        )
    return "<br>".join([*lines, f"+{record.added} / -{record.removed} lines"])
