"""A plotly figure as a small SVG, for readers without JavaScript: nbviewer, a printed report, papermill's output.

Draws what `figures` makes (scatter traces with lines, markers and error bars, annotations, stacked axes), not all that plotly can.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

WIDTH = 900
MAX_ANNOTATIONS = 40


class Panel(NamedTuple):
    """A pair of axes on the page: pixels of its edges, and the values there."""

    left: float
    right: float
    top: float
    bottom: float
    x0: float
    x1: float
    y0: float
    y1: float

    def x(self, value: float) -> float:
        return round(
            self.left + (value - self.x0) / (self.x1 - self.x0) * (self.right - self.left), 1
        )

    def y(self, value: float) -> float:
        return round(
            self.bottom - (value - self.y0) / (self.y1 - self.y0) * (self.bottom - self.top), 1
        )


def svg(figure: Mapping[str, Any]) -> str:
    """The figure (`Figure.to_plotly_json()`) as SVG on a white ground, at most some ten kilobytes."""
    layout, traces = (
        figure["layout"],
        [trace for trace in figure["data"] if trace.get("visible", True) is True],
    )
    height = int(layout.get("height", 450))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" '
        f'font-family="sans-serif" font-size="12" fill="#333"><rect width="100%" height="100%" fill="#fff"/>'
    ]
    if title := (layout.get("title") or {}).get("text"):
        parts.append(
            f'<text x="{WIDTH / 2}" y="26" text-anchor="middle" font-size="15">{_text(title)}</text>'
        )
    for suffix in (name[5:] for name in layout if name.startswith("xaxis")):
        own = [trace for trace in traces if trace.get("xaxis", "x") == f"x{suffix}"]
        panel = _panel(layout, suffix, own, height)
        clip = "c" + "-".join(
            f"{edge:g}" for edge in panel[:4]
        )  # an id is one for the whole page, which may show several figures
        parts += [
            _frame(panel, layout, suffix),
            f'<clipPath id="{clip}">{_rect(panel)}/></clipPath><g clip-path="url(#{clip})">',
        ]
        parts += [_trace(panel, trace) for trace in own if trace.get("cliponaxis", True)] + ["</g>"]
        parts += [_trace(panel, trace) for trace in own if not trace.get("cliponaxis", True)]
        parts += [
            _annotation(panel, note) for note in layout.get("annotations", [])[-MAX_ANNOTATIONS:]
        ]
    return "".join([*parts, _legend(traces, layout), "</svg>"])


def ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers within a range: steps of 1, 2, 2.5 or 5 times a power of ten."""
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    return [
        float(f"{index * step:.12g}") for index in range(first, math.floor(high / step + 1e-9) + 1)
    ]


def _panel(
    layout: Mapping[str, Any], suffix: str, traces: Sequence[Mapping[str, Any]], height: int
) -> Panel:
    margin = layout["margin"]
    x_axis, y_axis = layout[f"xaxis{suffix}"], layout[f"yaxis{suffix}"]
    low, high = y_axis.get("domain", (0, 1))
    room = height - margin["t"] - margin["b"]
    x0, x1 = x_axis.get("range") or _extent([x for trace in traces for x in trace["x"]])
    y0, y1 = y_axis.get("range") or _extent([y for trace in traces for y in trace["y"]])
    top, bottom = margin["t"] + (1 - high) * room, margin["t"] + (1 - low) * room
    return Panel(margin["l"], WIDTH - margin["r"], top, bottom, x0, x1, y0, y1)


def _extent(values: Sequence[float]) -> tuple[float, float]:
    low, high = min(values, default=0.0), max(values, default=1.0)
    pad = 0.05 * (high - low) or 0.05 * abs(low) or 0.5
    return low - pad, high + pad


def _frame(panel: Panel, layout: Mapping[str, Any], suffix: str) -> str:
    parts = []
    for value, label in _labels(layout[f"xaxis{suffix}"], panel.x0, panel.x1):
        x = panel.x(value)
        parts.append(
            f'<path d="M{x} {panel.top}V{panel.bottom}" stroke="#000" stroke-opacity=".12"/>'
        )
        parts.append(f'<text x="{x}" y="{panel.bottom + 16}" text-anchor="middle">{label}</text>')
    for value, label in _labels(layout[f"yaxis{suffix}"], panel.y0, panel.y1):
        y = panel.y(value)
        parts.append(
            f'<path d="M{panel.left} {y}H{panel.right}" stroke="#000" stroke-opacity=".12"/>'
        )
        parts.append(f'<text x="{panel.left - 6}" y="{y + 4}" text-anchor="end">{label}</text>')
    parts.append(f'{_rect(panel)} fill="none" stroke="#333"/>')
    x_title, y_title = (layout[f"{axis}axis{suffix}"]["title"].get("text") or "" for axis in "xy")
    middle = round((panel.top + panel.bottom) / 2, 1)
    parts.append(
        f'<text x="{(panel.left + panel.right) / 2}" y="{panel.bottom + 36}" text-anchor="middle">{_text(x_title)}</text>'
    )
    parts.append(
        f'<text transform="translate(16 {middle})rotate(-90)" text-anchor="middle">{_text(y_title)}</text>'
    )
    return "".join(parts)


def _labels(axis: Mapping[str, Any], low: float, high: float) -> list[tuple[float, str]]:
    """Where the ticks of an axis stand, and what they say: its own words, or round numbers."""
    if axis.get("ticktext") is not None:
        return [
            (value, _text(text))
            for value, text in zip(axis["tickvals"], axis["ticktext"], strict=True)
        ]
    return [(value, f"{value:.6g}") for value in ticks(low, high)]


def _rect(panel: Panel) -> str:
    size = f'width="{panel.right - panel.left}" height="{round(panel.bottom - panel.top, 1)}"'
    return f'<rect x="{panel.left}" y="{panel.top}" {size}'


def _trace(panel: Panel, trace: Mapping[str, Any]) -> str:
    points = [(panel.x(x), panel.y(y)) for x, y in zip(trace["x"], trace["y"], strict=True)]
    parts = []
    if "lines" in trace["mode"]:
        line, steps = trace["line"], trace["line"].get("shape") == "hv"
        path = "".join(
            f"{'M' if i == 0 else 'L'}{x} {y}" if i == 0 or not steps else f"H{x}V{y}"
            for i, (x, y) in enumerate(points)
        )
        dash = "" if line.get("dash", "solid") == "solid" else ' stroke-dasharray="6 4"'
        parts.append(
            f'<path d="{path}" fill="none" stroke="{line["color"]}" stroke-width="{line["width"]}"{dash}/>'
        )
    for (x, y), spread in zip(
        points, (trace.get("error_y") or {}).get("array") or [0.0] * len(points), strict=True
    ):
        if spread:
            half = round(spread / (panel.y1 - panel.y0) * (panel.bottom - panel.top), 1)
            parts.append(
                f'<path d="M{x} {round(y - half, 1)}V{round(y + half, 1)}" stroke="#888"/>'
            )
    if "markers" in trace["mode"]:
        parts += [_marker(x, y, trace.get("marker") or trace.get("line") or {}) for x, y in points]
    opacity = (trace.get("marker") or {}).get("opacity", trace.get("opacity", 1))
    return f'<g opacity="{opacity}">{"".join(parts)}</g>'


def _marker(x: float, y: float, marker: Mapping[str, Any]) -> str:
    radius, colour = marker.get("size", 6) / 2, marker.get("color", "#333")
    if marker.get("symbol") == "x":
        cross = f"M{x - radius} {y - radius}l{2 * radius} {2 * radius}m0 {-2 * radius}l{-2 * radius} {2 * radius}"
        return f'<path d="{cross}" stroke="{colour}" stroke-width="2"/>'
    if marker.get("symbol") == "triangle-up":
        return f'<path d="M{x} {y - radius}l{radius} {2 * radius}h{-2 * radius}z" fill="{colour}"/>'
    if (symbol := marker.get("symbol", "")).endswith("-open"):
        corner = radius if symbol == "circle-open" else 0
        box = f'x="{x - radius}" y="{y - radius}" width="{2 * radius}" height="{2 * radius}" rx="{corner}"'
        return f'<rect {box} fill="none" stroke="{colour}" stroke-width="2"/>'
    edge = marker.get("line") or {}
    stroke = (
        f' stroke="{edge["color"]}" stroke-width="{edge["width"]}"'
        if isinstance(edge, Mapping) and edge.get("color")
        else ""
    )
    return f'<circle cx="{x}" cy="{y}" r="{radius}" fill="{colour}"{stroke}/>'


def _annotation(panel: Panel, note: Mapping[str, Any]) -> str:
    if note.get("xref") == "paper":
        return f'<text x="{WIDTH / 2}" y="{(panel.top + panel.bottom) / 2}" text-anchor="middle">{_text(note["text"])}</text>'
    x, y, font = (
        panel.x(note["x"]) + note["xshift"],
        panel.y(note["y"]) - note["yshift"],
        note["font"],
    )
    turn = f'transform="translate({round(x, 1)} {round(y, 1)})rotate({note["textangle"]})"'
    return f'<text {turn} font-size="{font["size"]}" fill="{font["color"]}">{_text(note["text"])}</text>'


def _legend(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> str:
    """Within the plot, or beside it where the layout puts it to the right of 1."""
    margin, is_beside = layout["margin"], layout.get("legend", {}).get("x", 1) > 1
    parts, left = [], WIDTH - margin["r"] + (14 if is_beside else -190)
    for row, trace in enumerate(trace for trace in traces if trace.get("showlegend", True)):
        marker = dict(trace.get("marker") or {})
        colour, y = (trace.get("line") or {}).get("color", "#333"), margin["t"] + 20 + 17 * row
        sign = f'<path d="M{left} {y - 4}h20" stroke="{colour}" stroke-width="2"/>'
        if "markers" in trace["mode"]:
            sign = _marker(left + 10, y - 4, marker or {"color": colour})
        parts.append(f'{sign}<text x="{left + 28}" y="{y}">{_text(trace["name"])}</text>')
    return "".join(parts)


def _text(text: str) -> str:
    """Plotly's text as SVG's: what was escaped for the one is escaped for the other, and its tags are none here."""
    plain = (
        text.replace("&#36;", "$").replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    )
    return escape(plain.replace("<br>", " "))
