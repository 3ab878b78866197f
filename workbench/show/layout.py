"""How views are laid out: aligned text, tables and diffs as HTML, numbers and durations.

No script, and no meaning by colour alone: what is green also has a `+`. Cells and lines arrive as text and are escaped here.
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

COLUMNS = 118  # where no terminal says its own
MAX_COLUMNS = 200
MAX_DIFF_LINES = 2000
MAX_LINE = 400
SIGNIFICANT_DIGITS = 6
# Half-transparent tints and currentColor look right on a light and on a dark page alike.
STYLE = """<style>
.autoresearch{font-size:13px;line-height:1.45;color:var(--jp-content-font-color1,inherit);overflow-x:auto}
.autoresearch h4{margin:0 0 4px;font-size:14px}
.autoresearch .quiet{opacity:.7}
.autoresearch table.view{border-collapse:collapse;margin:4px 0 8px;font-size:12px;color:inherit;background:none}
.autoresearch table.view th,.autoresearch table.view td{text-align:left;vertical-align:top;padding:2px 10px 2px 0;border:0;
border-bottom:1px solid rgba(128,128,128,.3);background:none;max-width:36em;overflow-wrap:anywhere;white-space:normal;
font-weight:inherit}
.autoresearch table.view th{font-weight:600;white-space:nowrap}
.autoresearch table.view td.s{white-space:nowrap}
.autoresearch table.view td.n,.autoresearch table.view th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
.autoresearch table.view tr.kept td{font-weight:600}
.autoresearch pre.diff{font:12px/1.4 var(--jp-code-font-family,ui-monospace,Menlo,monospace);margin:2px 0 8px;padding:4px 0;color:inherit;
border:1px solid rgba(128,128,128,.3);border-radius:3px;background:none;overflow-x:auto;white-space:pre;tab-size:4}
.autoresearch pre.diff span{display:block;padding:0 8px;min-width:max-content}
.autoresearch .add{background:rgba(46,160,67,.2)}.autoresearch .del{background:rgba(248,81,73,.2)}
.autoresearch .head{font-weight:600;background:rgba(128,128,128,.15)}
</style>"""


def number(value: float | None, decimals: int | None = None, sign: bool = False) -> str:
    """A score as people compare them: six significant digits, or as many decimals as asked for; `-` where there is none."""
    if value is None:
        return "-"
    decimals = decimals_for([value]) if decimals is None else decimals
    if value and abs(value) >= 1e9:
        return f"{value:{'+' if sign else ''}.5e}"
    return f"{value:{'+' if sign else ''},.{decimals}f}"


def decimals_for(values: Iterable[float | None]) -> int:
    """Decimals that give the largest of the values six significant digits, whole numbers none; at most nine."""
    sizes = [abs(value) for value in values if value]
    if all(float(size).is_integer() for size in sizes):
        return 0
    return min(9, max(0, SIGNIFICANT_DIGITS - 1 - math.floor(math.log10(max(sizes)))))


def percent(level: float) -> str:
    """A level of confidence as `95 %` or `99.94 %`: with the digits that tell how much is left to 100."""
    left = 100 * (1 - level)
    decimals = next(
        (n for n in range(9) if abs(100 - round(100 * level, n) - left) <= left / 10), 9
    )
    return f"{100 * level:.{decimals}f} %"


def duration(seconds: float) -> str:
    """`48 s`, `12 min 3 s`, `8 h 20 min`."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    whole = round(seconds)
    return (
        f"{whole // 60} min {whole % 60} s"
        if whole < 3600
        else f"{whole // 3600} h {whole % 3600 // 60} min"
    )


@dataclass(frozen=True)
class Column:
    """One column of a table: its title, the cell of a row, right-aligned or not, and whether it may be shortened."""

    title: str
    cell: Callable[[Mapping[str, Any]], str]
    numeric: bool = False
    flexible: bool = False


Block = tuple[str, str]  # the header of a hunk, and its lines as in a unified diff


def page(body: str) -> str:
    """A piece of HTML with the style that it needs."""
    return f'{STYLE}<div class="autoresearch">{body}</div>'


def facts_text(title: str, facts: Sequence[tuple[str, str]]) -> str:
    """A title and named facts below it, aligned and wrapped."""
    label = max((width(name) for name, _ in facts), default=0)
    room = _columns() - label - 4
    lines = [title]
    for name, value in facts:
        for index, part in enumerate(textwrap.wrap(value, room) or [""]):
            lines.append(f"  {name if index == 0 else '':<{label}}  {part}")
    return "\n".join(lines)


def facts_html(title: str, facts: Sequence[tuple[str, str]]) -> str:
    """The same as a table of two columns."""
    rows = "".join(
        f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>" for name, value in facts
    )
    return f'<h4>{escape(title)}</h4><table class="view">{rows}</table>'


def text_table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    """Aligned text; the flexible columns share what the others leave of the terminal."""
    cells = [[column.cell(row) for column in columns] for row in rows]
    sizes = [
        max([width(column.title), *(width(line[i]) for line in cells)])
        for i, column in enumerate(columns)
    ]
    flexible = [i for i, column in enumerate(columns) if column.flexible]
    room = (
        _columns()
        - sum(size for i, size in enumerate(sizes) if i not in flexible)
        - 2 * (len(columns) - 1)
    )
    for place, i in enumerate(
        flexible
    ):  # each may take three fifths of what is left, the last one all of it
        others = sum(sizes[other] for other in flexible[place + 1 :])
        share = room if place == len(flexible) - 1 else max(room * 3 // 5, room - others)
        sizes[i] = max(width(columns[i].title), min(sizes[i], share))
        room -= sizes[i]
    lines = [[column.title for column in columns], *cells]
    return "\n".join(_aligned(line, sizes, columns) for line in lines)


def html_table(columns: Sequence[Column], rows: Sequence[Mapping[str, Any]]) -> str:
    """A table whose kept rows are bold."""
    kinds = [
        ' class="n"' if column.numeric else "" if column.flexible else ' class="s"'
        for column in columns
    ]
    head = "".join(
        f"<th{kind}>{escape(column.title)}</th>"
        for kind, column in zip(kinds, columns, strict=True)
    )
    lines = []
    for row in rows:
        mark = ' class="kept"' if row.get("status") == "kept" else ""
        cells = "".join(
            f"<td{kind}>{escape(column.cell(row))}</td>"
            for kind, column in zip(kinds, columns, strict=True)
        )
        lines.append(f"<tr{mark}>{cells}</tr>")
    return (
        f'<table class="view"><thead><tr>{head}</tr></thead><tbody>{"".join(lines)}</tbody></table>'
    )


def hunk_title(hunk_id: Any, header: Any, state: Any = None) -> str:
    """`hunk 2  train.py @@ -3,7 +3,7 @@`, with the state where there is one."""
    return f"hunk {hunk_id}  {one_line(str(header))}" + (
        f"  ({one_line(str(state))})" if state else ""
    )


def unified_blocks(patch: str) -> list[Block]:
    """A unified diff cut at its `@@` lines, each with the name of its file; for reading, not for applying."""
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
    return "\n".join(
        "\n".join([visible(title), *("  " + line for line in lines)]).rstrip()
        for title, lines in _shown(blocks)
    )


def diff_html(blocks: Sequence[Block]) -> str:
    """The hunks of a diff, added lines green and removed ones red, with their signs."""
    if not blocks:
        return '<p class="quiet">no difference</p>'
    parts = []
    for title, lines in _shown(blocks):
        marked = [f'<span class="head">{escape(visible(title))}</span>']
        for line in lines:
            kind = {"+": ' class="add"', "-": ' class="del"', "\\": ' class="quiet"'}.get(
                line[:1], ""
            )
            marked.append(f"<span{kind}>{escape(line) or ' '}</span>")
        parts.append(f'<pre class="diff">{"".join(marked)}</pre>')
    return "".join(parts)


def _columns() -> int:
    return max(80, min(MAX_COLUMNS, shutil.get_terminal_size((COLUMNS, 24)).columns))


def _aligned(cells: Sequence[str], sizes: Sequence[int], columns: Sequence[Column]) -> str:
    parts = []
    for cell, size, column in zip(cells, sizes, columns, strict=True):
        text = shorten(cell, size) if column.flexible else cell
        blank = " " * (size - width(text))
        parts.append(blank + text if column.numeric else text + blank)
    return "  ".join(parts).rstrip()


def _shown(blocks: Sequence[Block]) -> list[tuple[str, list[str]]]:
    """The lines of each hunk, safe to look at; what is too much to look at is counted instead."""
    room, shown = MAX_DIFF_LINES, []
    for title, text in blocks:
        lines = text.split("\n")
        lines = lines[:-1] if lines and not lines[-1] else lines
        cut = [
            visible(
                line
                if len(line) <= MAX_LINE
                else f"{line[:MAX_LINE]}… (+{len(line) - MAX_LINE:,} characters)"
            )
            for line in lines[:room]
        ]
        if len(lines) > room:
            cut.append(f"… {len(lines) - room:,} more lines")
        room = max(0, room - len(lines))
        shown.append((title, cut))
    return shown
