"""A plotly figure as a small SVG, for readers without JavaScript: nbviewer, papermill, a print.

Draws what our figures are made of, not all that plotly can: scatter traces with lines, markers and
error bars, annotations, and stacked axes.
"""

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any, NamedTuple

WIDTH = 900
MAX_ANNOTATIONS = 40
LEGEND_WIDTH = 190
LEGEND_LINE = 17
GRID = 'stroke="#000" stroke-opacity=".12"'


class Panel(NamedTuple):
    """A pair of axes on the page.

    Attributes:
        left: pixels of the left edge, as for the other three edges.
        right: likewise.
        top: likewise.
        bottom: likewise.
        x0: value at the left edge.
        x1: value at the right edge.
        y0: value at the bottom.
        y1: value at the top.
    """

    left: float
    right: float
    top: float
    bottom: float
    x0: float
    x1: float
    y0: float
    y1: float

    def x(self, value: float) -> float:
        share = (value - self.x0) / (self.x1 - self.x0)
        return round(self.left + share * (self.right - self.left), 1)

    def y(self, value: float) -> float:
        share = (value - self.y0) / (self.y1 - self.y0)
        return round(self.bottom - share * (self.bottom - self.top), 1)


def to_svg(figure: Mapping[str, Any]) -> str:
    """The figure (`Figure.to_plotly_json()`) as SVG on a white ground; some ten kilobytes."""
    layout = figure["layout"]
    traces = [trace for trace in figure["data"] if trace.get("visible", True) is True]
    height = int(layout.get("height", 450))
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" font-family="sans-serif" font-size="12" fill="#333">'
        '<rect width="100%" height="100%" fill="#fff"/>'
    ]
    title = (layout.get("title") or {}).get("text")
    if title:
        place = f'x="{WIDTH / 2}" y="26" text-anchor="middle" font-size="15"'
        parts.append(f"<text {place}>{_text(title)}</text>")
    for name in layout:
        if name.startswith("xaxis"):
            parts += _draw_panel(layout, name.removeprefix("xaxis"), traces, height)
    return "".join([*parts, _draw_legend(traces, layout), "</svg>"])


def find_ticks(low: float, high: float, about: int = 6) -> list[float]:
    """Round numbers within a range: steps of 1, 2, 2.5 or 5 times a power of ten.

    Args:
        about: how many ticks would be best.
    """
    rough = (high - low) / about
    power = 10.0 ** math.floor(math.log10(rough))
    # The tolerances let a step, and a tick at either end, be off by the last digit of a float.
    step = next(factor * power for factor in (1, 2, 2.5, 5, 10) if factor * power >= rough * 0.999)
    first = math.ceil(low / step - 1e-9)
    last = math.floor(high / step + 1e-9)
    return [float(f"{index * step:.12g}") for index in range(first, last + 1)]


def _draw_panel(
    layout: Mapping[str, Any], suffix: str, traces: Sequence[Mapping[str, Any]], height: int
) -> list[str]:
    """A pair of axes with its traces, those on its edge unclipped, and its annotations."""
    in_panel = [trace for trace in traces if trace.get("xaxis", "x") == f"x{suffix}"]
    panel = _place_panel(layout, suffix, in_panel, height)
    clipped = [trace for trace in in_panel if trace.get("cliponaxis", True)]
    whole = [trace for trace in in_panel if not trace.get("cliponaxis", True)]
    # An id is unique in the whole page, which may show several figures with other frames.
    clip = "c" + "-".join(f"{edge:g}" for edge in panel[:4])
    notes = layout.get("annotations", [])[-MAX_ANNOTATIONS:]
    return [
        _draw_frame(panel, layout, suffix),
        f'<clipPath id="{clip}">{_open_rect(panel)}/></clipPath><g clip-path="url(#{clip})">',
        *(_draw_trace(panel, trace) for trace in clipped),
        "</g>",
        *(_draw_trace(panel, trace) for trace in whole),
        *(_draw_annotation(panel, note) for note in notes),
    ]


def _place_panel(
    layout: Mapping[str, Any], suffix: str, traces: Sequence[Mapping[str, Any]], height: int
) -> Panel:
    margin = layout["margin"]
    x_axis = layout[f"xaxis{suffix}"]
    y_axis = layout[f"yaxis{suffix}"]
    low, high = y_axis.get("domain", (0, 1))
    room = height - margin["t"] - margin["b"]
    x0, x1 = x_axis.get("range") or _extent([x for trace in traces for x in trace["x"]])
    y0, y1 = y_axis.get("range") or _extent([y for trace in traces for y in trace["y"]])
    return Panel(
        left=margin["l"],
        right=WIDTH - margin["r"],
        top=margin["t"] + (1 - high) * room,
        bottom=margin["t"] + (1 - low) * room,
        x0=x0,
        x1=x1,
        y0=y0,
        y1=y1,
    )


def _extent(values: Sequence[float]) -> tuple[float, float]:
    low = min(values, default=0.0)
    high = max(values, default=1.0)
    pad = 0.05 * (high - low) or 0.05 * abs(low) or 0.5
    return low - pad, high + pad


def _draw_frame(panel: Panel, layout: Mapping[str, Any], suffix: str) -> str:
    x_axis = layout[f"xaxis{suffix}"]
    y_axis = layout[f"yaxis{suffix}"]
    parts = []
    for value, label in _find_labels(x_axis, panel.x0, panel.x1):
        x = panel.x(value)
        parts.append(f'<path d="M{x} {panel.top}V{panel.bottom}" {GRID}/>')
        parts.append(f'<text x="{x}" y="{panel.bottom + 16}" text-anchor="middle">{label}</text>')
    for value, label in _find_labels(y_axis, panel.y0, panel.y1):
        y = panel.y(value)
        parts.append(f'<path d="M{panel.left} {y}H{panel.right}" {GRID}/>')
        parts.append(f'<text x="{panel.left - 6}" y="{y + 4}" text-anchor="end">{label}</text>')
    parts.append(f'{_open_rect(panel)} fill="none" stroke="#333"/>')
    x_title = _text(x_axis["title"].get("text") or "")
    y_title = _text(y_axis["title"].get("text") or "")
    center = (panel.left + panel.right) / 2
    middle = round((panel.top + panel.bottom) / 2, 1)
    parts.append(
        f'<text x="{center}" y="{panel.bottom + 36}" text-anchor="middle">{x_title}</text>'
    )
    turn = f"translate(16 {middle})rotate(-90)"
    parts.append(f'<text transform="{turn}" text-anchor="middle">{y_title}</text>')
    return "".join(parts)


def _find_labels(axis: Mapping[str, Any], low: float, high: float) -> list[tuple[float, str]]:
    """Values of an axis's ticks with their texts: its own words, or round numbers."""
    if axis.get("ticktext") is not None:
        return [
            (value, _text(text))
            for value, text in zip(axis["tickvals"], axis["ticktext"], strict=True)
        ]
    return [(value, f"{value:.6g}") for value in find_ticks(low, high)]


def _open_rect(panel: Panel) -> str:
    """The start of a rectangle's tag; the caller adds attributes and closes it."""
    size = f'width="{panel.right - panel.left}" height="{round(panel.bottom - panel.top, 1)}"'
    return f'<rect x="{panel.left}" y="{panel.top}" {size}'


def _draw_trace(panel: Panel, trace: Mapping[str, Any]) -> str:
    points = [(panel.x(x), panel.y(y)) for x, y in zip(trace["x"], trace["y"], strict=True)]
    parts = []
    if "lines" in trace["mode"]:
        parts.append(_draw_line(points, trace["line"]))
    parts += _draw_errors(panel, points, trace.get("error_y") or {})
    if "markers" in trace["mode"]:
        marker = trace.get("marker") or trace.get("line") or {}
        parts += [_draw_marker(x, y, marker) for x, y in points]
    opacity = (trace.get("marker") or {}).get("opacity", trace.get("opacity", 1))
    return f'<g opacity="{opacity}">{"".join(parts)}</g>'


def _draw_line(points: Sequence[tuple[float, float]], line: Mapping[str, Any]) -> str:
    commands = []
    for index, (x, y) in enumerate(points):
        if index == 0:
            commands.append(f"M{x} {y}")
        elif line.get("shape") == "hv":  # first across, then up or down
            commands.append(f"H{x}V{y}")
        else:
            commands.append(f"L{x} {y}")
    dash = "" if line.get("dash", "solid") == "solid" else ' stroke-dasharray="6 4"'
    stroke = f'stroke="{line["color"]}" stroke-width="{line["width"]}"{dash}'
    return f'<path d="{"".join(commands)}" fill="none" {stroke}/>'


def _draw_errors(
    panel: Panel, points: Sequence[tuple[float, float]], error: Mapping[str, Any]
) -> list[str]:
    parts = []
    for (x, y), spread in zip(points, error.get("array") or [0.0] * len(points), strict=True):
        if not spread:
            continue
        half = round(spread / (panel.y1 - panel.y0) * (panel.bottom - panel.top), 1)
        low, high = round(y + half, 1), round(y - half, 1)
        parts.append(f'<path d="M{x} {high}V{low}" stroke="#888"/>')
    return parts


def _draw_marker(x: float, y: float, marker: Mapping[str, Any]) -> str:
    r = marker.get("size", 6) / 2
    colour = marker.get("color", "#333")
    symbol = marker.get("symbol", "")
    if symbol == "x":
        cross = f"M{x - r} {y - r}l{2 * r} {2 * r}m0 {-2 * r}l{-2 * r} {2 * r}"
        return f'<path d="{cross}" stroke="{colour}" stroke-width="2"/>'
    if symbol == "triangle-up":
        return f'<path d="M{x} {y - r}l{r} {2 * r}h{-2 * r}z" fill="{colour}"/>'
    if symbol.endswith("-open"):
        corner = r if symbol == "circle-open" else 0
        box = f'x="{x - r}" y="{y - r}" width="{2 * r}" height="{2 * r}" rx="{corner}"'
        return f'<rect {box} fill="none" stroke="{colour}" stroke-width="2"/>'
    edge = marker.get("line")
    stroke = ""
    if isinstance(edge, Mapping) and edge.get("color"):
        stroke = f' stroke="{edge["color"]}" stroke-width="{edge["width"]}"'
    return f'<circle cx="{x}" cy="{y}" r="{r}" fill="{colour}"{stroke}/>'


def _draw_annotation(panel: Panel, note: Mapping[str, Any]) -> str:
    text = _text(note["text"])
    if note.get("xref") == "paper":
        middle = (panel.top + panel.bottom) / 2
        return f'<text x="{WIDTH / 2}" y="{middle}" text-anchor="middle">{text}</text>'
    x = round(panel.x(note["x"]) + note["xshift"], 1)
    y = round(panel.y(note["y"]) - note["yshift"], 1)
    turn = f'transform="translate({x} {y})rotate({note["textangle"]})"'
    font = note["font"]
    return f'<text {turn} font-size="{font["size"]}" fill="{font["color"]}">{text}</text>'


def _draw_legend(traces: Sequence[Mapping[str, Any]], layout: Mapping[str, Any]) -> str:
    """Within the plot, or beside it if the layout puts it to the right of 1."""
    margin = layout["margin"]
    if layout.get("showlegend") is False:
        return ""
    is_outside = layout.get("legend", {}).get("x", 1) > 1
    left = WIDTH - margin["r"] + (14 if is_outside else -LEGEND_WIDTH)
    parts = []
    named = [trace for trace in traces if trace.get("showlegend", True)]
    for row, trace in enumerate(named):
        y = margin["t"] + 20 + LEGEND_LINE * row
        colour = (trace.get("line") or {}).get("color", "#333")
        sign = f'<path d="M{left} {y - 4}h20" stroke="{colour}" stroke-width="2"/>'
        if "markers" in trace["mode"]:
            sign = _draw_marker(left + 10, y - 4, trace.get("marker") or {"color": colour})
        parts.append(f'{sign}<text x="{left + 28}" y="{y}">{_text(trace["name"])}</text>')
    return "".join(parts)


def _text(text: str) -> str:
    """Plotly's text as SVG's.

    What was escaped for plotly is escaped again for SVG, and of plotly's tags only the line break
    is known here.
    """
    plain = text.replace("&#36;", "$").replace("&lt;", "<").replace("&gt;", ">")
    plain = plain.replace("&amp;", "&")
    return escape(plain.replace("<br>", " "))
