"""What every figure shares: frame, axes, safe text, and how a notebook stores a figure.

A notebook stores a figure as its points and a static picture. Knows nothing of studies.
"""

import math
from functools import cache
from html import escape
from typing import TYPE_CHECKING, Any

from workbench.ledger.curves import Curve
from workbench.show import svg
from workbench.show.visible import one_line

if TYPE_CHECKING:  # plotly is imported where a figure is made
    from plotly.graph_objects import Figure

MIME = "application/vnd.plotly.v1+json"
MAX_POINTS = 400


def plain(text: str) -> str:
    """Text that plotly shows as it is.

    Plotly reads tags, and passes whatever lies between two dollar signs to MathJax.
    """
    return escape(one_line(text), quote=False).replace("$", "&#36;")


def frame(title: str, height: int) -> dict[str, Any]:
    """The layout that all figures share: white, like a printed page.

    Args:
        height: of the whole figure, in pixels.
    """
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
    """One axis. Settings that are None are left to plotly."""
    settings = {name: value for name, value in more.items() if value is not None}
    return {
        "title": {"text": title, "standoff": 8},
        "showline": True,
        "linecolor": "#333333",
        "mirror": True,
        "zeroline": False,
        "gridcolor": "rgba(0,0,0,0.12)",
        "ticks": "outside",
        **settings,
    }


def center_note(text: str) -> dict[str, Any]:
    """A sentence in the middle of a figure that has nothing to show."""
    return {
        "text": text,
        "x": 0.5,
        "y": 0.5,
        "xref": "paper",
        "yref": "paper",
        "showarrow": False,
    }


def figure(traces: list[dict[str, Any]], layout: dict[str, Any]) -> "Figure":
    """A plotly figure of plain dictionaries."""
    result: Figure = _figure_class()(data=traces, layout=layout)
    return result


@cache
def _figure_class() -> type:
    from plotly.graph_objects import Figure

    class WorkbenchFigure(Figure):  # type: ignore[misc]
        """A plotly figure that a notebook stores without plotly's own code."""

        # Without these, IPython would store the whole of plotly.js with each figure.
        _ipython_display_ = None
        _repr_html_ = None

        def _repr_mimebundle_(
            self, include: object = None, exclude: object = None, **_: object
        ) -> dict[str, Any]:
            content = self.to_plotly_json()
            title = content["layout"].get("title") or {}
            text = title.get("text") or f"{len(content['data'])} curves"
            return {MIME: content, "image/svg+xml": svg.to_svg(content), "text/plain": text}

    return WorkbenchFigure


def thin_out(curve: Curve, limit: int = MAX_POINTS) -> tuple[list[float], list[float]]:
    """Steps and values of at most `limit` points of a curve, without those that are not finite.

    The first and the last point stay, and of each stretch between them the lowest and the highest,
    so that no peak is lost.
    """
    pairs = [
        (step, value)
        for step, value in zip(curve.steps, curve.values, strict=True)
        if math.isfinite(value)
    ]
    if len(pairs) > limit:
        values = [value for _, value in pairs]
        pairs = [pairs[index] for index in sorted(_find_extremes(values, limit))]
    steps = [float(f"{step:.8g}") for step, _ in pairs]
    return steps, [float(f"{value:.6g}") for _, value in pairs]


def _find_extremes(values: list[float], limit: int) -> set[int]:
    # Every stretch adds two points, and the two ends are kept as well.
    n_stretches = limit // 2 - 1
    size = math.ceil(len(values) / n_stretches)
    indices = {0, len(values) - 1}
    for start in range(0, len(values), size):
        stretch = range(start, min(start + size, len(values)))
        indices.add(min(stretch, key=values.__getitem__))
        indices.add(max(stretch, key=values.__getitem__))
    return indices
