"""What every figure shares: frame, axes, safe text, and how a notebook stores one (its points and a static picture)."""

import math
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from workbench.ledger.journal import Curve
from workbench.show import svg
from workbench.show.visible import one_line

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure

MIME = "application/vnd.plotly.v1+json"
MAX_POINTS = 400


def plain(text: str) -> str:
    """Text that plotly shows as it is: it would read tags, and hand what stands between dollar signs to MathJax."""
    return escape(one_line(text), quote=False).replace("$", "&#36;")


def frame(title: str, height: int) -> dict[str, Any]:
    """The layout that all figures share; white, as a printed page."""
    return {
        "template": "none",
        "title": {"text": title, "x": 0.5, "font": {"size": 15}},
        "height": height,
        "margin": {"l": 80, "r": 30, "t": 50 if title else 30, "b": 50},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "font": {"family": "sans-serif", "size": 12, "color": "#333333"},
    }


def axis(title: str, **more: Any) -> dict[str, Any]:
    """One axis; what is None is left to plotly."""
    lines = {
        "showline": True,
        "linecolor": "#333333",
        "mirror": True,
        "zeroline": False,
        "gridcolor": "rgba(0,0,0,0.12)",
        "ticks": "outside",
    }
    return {
        "title": {"text": title, "standoff": 8},
        **lines,
        **{name: value for name, value in more.items() if value is not None},
    }


def figure(traces: list[dict[str, Any]], layout: dict[str, Any]) -> "Figure":
    """A plotly figure of plain dictionaries."""
    made: Figure = _figure_class()(data=traces, layout=layout)
    return made


@cache
def _figure_class() -> type:
    from plotly.graph_objects import Figure

    class WorkbenchFigure(Figure):  # type: ignore[misc]
        """A plotly figure that a notebook stores as its points and a static picture, without plotly's own code."""

        _ipython_display_ = None
        _repr_html_ = None

        def _repr_mimebundle_(
            self, include: object = None, exclude: object = None, **_: object
        ) -> dict[str, Any]:
            figure = self.to_plotly_json()
            text = (figure["layout"].get("title") or {}).get(
                "text"
            ) or f"{len(figure['data'])} curves"
            return {MIME: figure, "image/svg+xml": svg.svg(figure), "text/plain": text}

    return WorkbenchFigure


def thinned(curve: Curve, limit: int = MAX_POINTS) -> tuple[list[float], list[float]]:
    """At most `limit` points of a curve; first and last, and of each stretch its lowest and highest point, so that no peak is lost."""
    pairs = [
        (step, value)
        for step, value in zip(curve.steps, curve.values, strict=True)
        if math.isfinite(value)
    ]
    if len(pairs) > limit:
        size, kept = math.ceil(len(pairs) / (limit // 2 - 1)), {0, len(pairs) - 1}
        for start in range(0, len(pairs), size):
            stretch = range(start, min(start + size, len(pairs)))
            kept |= {
                min(stretch, key=lambda i: pairs[i][1]),
                max(stretch, key=lambda i: pairs[i][1]),
            }
        pairs = [pairs[i] for i in sorted(kept)]
    return [float(f"{step:.8g}") for step, _ in pairs], [
        float(f"{value:.6g}") for _, value in pairs
    ]
