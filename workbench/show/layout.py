"""Lays out views: aligned text, tables and diffs as HTML, numbers and durations.

No scripts, and no meaning by colour alone: what is green also has a `+`. Cells and lines arrive as
plain text and are escaped here.
"""

import math
import re
import shutil
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

from workbench.show.visible import one_line, shorten, visible, width

COLUMNS = 118  # without a terminal to ask
MAX_COLUMNS = 200
MAX_DIFF_LINES = 2000
MAX_LINE = 400
SIGNIFICANT_DIGITS = 6
# Half-transparent tints and currentColor look right on a light and on a dark page alike.
STYLE = """<style>
.autoresearch{font-size:13px;line-height:1.45;color:var(--jp-content-font-color1,inherit);
overflow-x:auto}
.autoresearch h4{margin:0 0 4px;font-size:14px}
.autoresearch .quiet{opacity:.7}
.autoresearch table.view{border-collapse:collapse;margin:4px 0 8px;font-size:12px;color:inherit;
background:none}
.autoresearch table.view th,.autoresearch table.view td{text-align:left;vertical-align:top;
padding:2px 10px 2px 0;border:0;border-bottom:1px solid rgba(128,128,128,.3);background:none;
max-width:36em;overflow-wrap:anywhere;white-space:normal;font-weight:inherit}
.autoresearch table.view th{font-weight:600;white-space:nowrap}
.autoresearch table.view td.s{white-space:nowrap}
.autoresearch table.view td.n,.autoresearch table.view th.n{text-align:right;
font-variant-numeric:tabular-nums;white-space:nowrap}
.autoresearch table.view tr.kept td{font-weight:600}
.autoresearch pre.diff{font:12px/1.4 var(--jp-code-font-family,ui-monospace,Menlo,monospace);
margin:2px 0 8px;padding:4px 0;color:inherit;border:1px solid rgba(128,128,128,.3);
border-radius:3px;background:none;overflow-x:auto;white-space:pre;tab-size:4}
.autoresearch pre.diff span{display:block;padding:0 8px;min-width:max-content}
.autoresearch .add{background:rgba(46,160,67,.2)}.autoresearch .del{background:rgba(248,81,73,.2)}
.autoresearch .head{font-weight:600;background:rgba(128,128,128,.15)}
</style>"""


def number(value: float | None, decimals: int | None = None, sign: bool = False) -> str:
    """A score as people compare them.

    Six significant digits, or `decimals` decimals; `-` for None.
    """
    if value is None:
        return "-"
    if decimals is None:
        decimals = decimals_for([value])
    plus = "+" if sign else ""
    if abs(value) >= 1e9:
        return f"{value:{plus}.5e}"
    return f"{value:{plus},.{decimals}f}"


def decimals_for(values: Iterable[float | None]) -> int:
    """Decimals that give the largest value six significant digits.

    0 for whole numbers, at most 9.
    """
    sizes = [abs(value) for value in values if value]
    if all(float(size).is_integer() for size in sizes):
        return 0
    return min(9, max(0, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(max(sizes)))))


def percent(level: float) -> str:
    """A confidence level as `95 %` or `99.94 %`, with enough digits to show the distance to 100."""
    distance = 100 * (1 - level)
    for decimals in range(9):
        rounded_distance = 100 - round(100 * level, decimals)
        if abs(rounded_distance - distance) <= distance / 10:
            return f"{100 * level:.{decimals}f} %"
    return f"{100 * level:.9f} %"


def duration(seconds: float) -> str:
    """A duration as `48 s`, `12 min 3 s` or `8 h 20 min`."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    return f"{minutes // 60} h {minutes % 60} min"


@dataclass(frozen=True)
class Column:
    """One column of a table.

    Attributes:
        title: the heading.
        cell: the text of a row's cell.
        numeric: True to align it to the right.
        flexible: True if it may be shortened to fit the terminal.
    """

    title: str
    cell: Callable[[Mapping[str, Any]], str]
    numeric: bool = False
    flexible: bool = False


Block = tuple[str, str]  # the header of a hunk, and its lines as in a unified diff


def page(body: str) -> str:
    """A piece of HTML with its style sheet."""
    return f'{STYLE}<div class="autoresearch">{body}</div>'


def facts_text(title: str, facts: Sequence[tuple[str, str]]) -> str:
    """A title and named facts below it, aligned and wrapped."""
    label_width = max((width(name) for name, _ in facts), default=0)
    text_width = _terminal_columns() - label_width - 4
    lines = [title]
    for name, value in facts:
        label = name
        for part in textwrap.wrap(value, text_width) or [""]:
            lines.append(f"  {label:<{label_width}}  {part}")
            label = ""
    return "\n".join(lines)


def facts_html(title: str, facts: Sequence[tuple[str, str]]) -> str:
    """A title and named facts as a table of two columns."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts
    )
    return f'<h4>{escape(title)}</h4><table class="view">{rows}</table>'


def text_table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    """Aligned text; the flexible columns share the space that the others leave on the terminal."""
    lines = [[column.title for column in columns]]
    lines += [[column.cell(row) for column in columns] for row in rows]
    sizes = [max(map(width, cells)) for cells in zip(*lines, strict=True)]
    _fit_flexible(sizes, columns)
    return "\n".join(_align(line, sizes, columns) for line in lines)


def _fit_flexible(sizes: list[int], columns: Sequence[Column]) -> None:
    """Reduces the sizes of flexible columns so that a line fits the terminal.

    Each may take three fifths of the remaining space, or more if those after it need less; the last
    one may take all of it.
    """
    flexible = [index for index, column in enumerate(columns) if column.flexible]
    fixed_size = sum(size for index, size in enumerate(sizes) if index not in flexible)
    gaps = 2 * (len(columns) - 1)
    space = _terminal_columns() - fixed_size - gaps
    for place, index in enumerate(flexible):
        later = flexible[place + 1 :]
        share = space
        if later:
            needed_later = sum(sizes[other] for other in later)
            share = max(space * 3 // 5, space - needed_later)
        title_size = width(columns[index].title)
        sizes[index] = max(title_size, min(sizes[index], share))
        space -= sizes[index]


def html_table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    """A table in HTML; rows of kept candidates are bold."""
    head = "".join(f"<th{_css_class(column)}>{escape(column.title)}</th>" for column in columns)
    body = ""
    for row in rows:
        mark = ' class="kept"' if row.get("status") == "kept" else ""
        cells = "".join(
            f"<td{_css_class(column)}>{escape(column.cell(row))}</td>" for column in columns
        )
        body += f"<tr{mark}>{cells}</tr>"
    return f'<table class="view"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>'


def _css_class(column: Column) -> str:
    """Numbers to the right, short texts without a line break, long texts as they come."""
    if column.numeric:
        return ' class="n"'
    return "" if column.flexible else ' class="s"'


def hunk_title(hunk_id: Any, header: Any, state: Any = None) -> str:
    """A hunk's title, as `hunk 2  train.py @@ -3,7 +3,7 @@`, with its state if it has one."""
    title = f"hunk {hunk_id}  {one_line(str(header))}"
    return f"{title}  ({one_line(str(state))})" if state else title


def split_at_hunks(patch: str) -> list[Block]:
    """A unified diff, cut at its `@@` lines, each with its file's name: to read, not to apply."""
    blocks: list[tuple[str, list[str]]] = []
    path = ""
    for line in patch.split("\n"):
        if line.startswith("diff --git "):
            path = line.rpartition(" b/")[2]
            blocks.append((path, []))
        elif line.startswith("@@"):
            if blocks and blocks[-1] == (path, []):
                blocks.pop()
            blocks.append((f"{path} {line}".strip(), []))
        elif blocks and not re.match(r"(---|\+\+\+) ([ab]/|/dev/null)|index ", line):
            blocks[-1][1].append(line)
    return [(title, "\n".join(lines)) for title, lines in blocks]


def diff_text(blocks: Sequence[Block]) -> str:
    """The hunks of a diff, each below its header."""
    if not blocks:
        return "no difference"
    texts = []
    for title, lines in _readable_lines(blocks):
        indented = ["  " + line for line in lines]
        texts.append("\n".join([visible(title), *indented]).rstrip())
    return "\n".join(texts)


def diff_html(blocks: Sequence[Block]) -> str:
    """The hunks of a diff, added lines green and removed ones red, with their signs."""
    if not blocks:
        return '<p class="quiet">no difference</p>'
    html = ""
    for title, lines in _readable_lines(blocks):
        spans = f'<span class="head">{escape(visible(title))}</span>'
        for line in lines:
            css_class = _LINE_CLASSES.get(line[:1], "")
            spans += f"<span{css_class}>{escape(line) or ' '}</span>"
        html += f'<pre class="diff">{spans}</pre>'
    return html


# By the first character of a line of a diff.
_LINE_CLASSES = {"+": ' class="add"', "-": ' class="del"', "\\": ' class="quiet"'}


def _terminal_columns() -> int:
    return max(80, min(MAX_COLUMNS, shutil.get_terminal_size((COLUMNS, 24)).columns))


def _align(cells: Sequence[str], sizes: Sequence[int], columns: Sequence[Column]) -> str:
    parts = []
    for cell, size, column in zip(cells, sizes, columns, strict=True):
        text = shorten(cell, size) if column.flexible else cell
        blank = " " * (size - width(text))
        parts.append(blank + text if column.numeric else text + blank)
    return "  ".join(parts).rstrip()


def _readable_lines(blocks: Sequence[Block]) -> list[tuple[str, list[str]]]:
    """The lines of each hunk, safe to look at; beyond MAX_DIFF_LINES they are only counted."""
    n_left = MAX_DIFF_LINES
    result = []
    for title, text in blocks:
        lines = text.removesuffix("\n").split("\n")
        readable = [visible(_cut(line)) for line in lines[:n_left]]
        if len(lines) > n_left:
            readable.append(f"… {len(lines) - n_left:,} more lines")
        n_left = max(0, n_left - len(lines))
        result.append((title, readable))
    return result


def _cut(line: str) -> str:
    n_more = len(line) - MAX_LINE
    return line if n_more <= 0 else f"{line[:MAX_LINE]}… (+{n_more:,} characters)"
