"""Reads autoresearch's `results.tsv` and its relatives.

Relatives have other columns, no header, ragged rows, or several metrics in one file. Columns are
found by name and a status by its value, never by position alone. Nothing is quoted: a quotation
mark is just a character.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UsageError
from workbench.experiment import Goal
from workbench.recognise import logs
from workbench.recognise.logs import GOALS, Line, Log, Meaning, Reading, Row

FORMAT = "results.tsv"
COLUMNS = ("commit", "val_bpb", "memory_gb", "status", "description")
LOWER_IS_BETTER = ("val_bpb",)  # the one metric whose name settles its direction
COMMIT = ("commit", "sha", "hash", "commit_hash")
MEMORY = ("memory_gb",)
STATUS = ("status", "verdict", "decision", "outcome")
DESCRIPTION = ("description", "desc", "hypothesis", "notes", "note", "idea", "change")
DIRECTION = ("direction", "best_direction", "bestdirection", "goal", "better")
METRIC_NAME = ("metric", "metric_name")
VALUE = ("value", "score", "metric_value")
_NUMBERING = (
    "id", "#", "n", "no", "exp", "exp_id", "experiment", "experiment_id", "run", "run_id", "trial",
    "iteration", "iter", "seed", "parent",
)  # fmt: skip
_TIMES = (
    "timestamp", "time", "date", "started", "ended", "seconds", "duration", "training_seconds",
    "total_seconds", "wall_seconds",
)  # fmt: skip
_SIZES = (
    "memory_mb", "peak_vram_mb", "vram_gb", "mfu_percent", "total_tokens_m", "num_steps", "steps",
    "num_params_m", "depth",
)  # fmt: skip
# Columns that are never the score, even if they hold numbers.
NOT_A_METRIC = {
    *COMMIT, *MEMORY, *STATUS, *DESCRIPTION, *DIRECTION, *_NUMBERING, *_TIMES, *_SIZES
}  # fmt: skip
MAX_NAME = 40  # characters of a column's name


@dataclass(frozen=True)
class _Placed:
    """The cells of one line, assigned to columns as far as that is possible.

    Attributes:
        line: the line.
        cells: by the index of their column.
        others: cells whose column is not known, as `field 6`.
        flags: what is odd about the line.
    """

    line: Line
    cells: Mapping[int, str]
    others: Mapping[str, str]
    flags: tuple[str, ...] = ()

    def cell(self, index: int | None) -> str:
        """A cell without surrounding or repeated blanks; empty if the column is missing."""
        return "" if index is None else " ".join(self.cells.get(index, "").split())


@dataclass(frozen=True)
class _Layout:
    """The columns, and the indices of those with a known purpose."""

    columns: tuple[str, ...]
    commit: int | None
    memory: int | None
    status: int | None
    description: int | None
    direction: int | None

    @classmethod
    def of(cls, columns: Sequence[str]) -> "_Layout":
        return cls(
            columns=tuple(columns),
            commit=_find(columns, COMMIT),
            memory=_find(columns, MEMORY),
            status=_find(columns, STATUS),
            description=_find(columns, DESCRIPTION),
            direction=_find(columns, DIRECTION),
        )


@dataclass(frozen=True)
class _Score:
    """Where the score is.

    Attributes:
        column: index of its column.
        name: its name.
        name_column: in a file with one metric per row, the column that names the metric.
    """

    column: int
    name: str
    name_column: int | None = None

    def is_in(self, row: _Placed) -> bool:
        """Whether a row holds this metric."""
        return self.name_column is None or row.cell(self.name_column) == self.name


def read(path: Path, before: str, lines: Sequence[Line], reading: Reading) -> Log:
    """Reads the lines of a log.

    Raises:
        UsageError: it has no header or no rows, or does not say which column is the score or which
            direction is better.
    """
    header, row_lines = _split_header(path, lines, reading)
    if not row_lines:
        raise UsageError(f"{path} holds a header and no rows; there is nothing to import yet")
    layout = _Layout.of(reading.columns or _name_columns(header))
    rows = [_place(line, layout, reading.words, header) for line in row_lines]
    score = _find_score(path, layout, rows, reading)
    goal = _goal(score, layout, [row for row in rows if score.is_in(row)], reading)
    notes: tuple[str, ...] = ()
    if layout.status is None:
        notes = ("no status column, so no row is kept or discarded; name one with --columns",)
    header_lines = lines[: len(lines) - len(row_lines)]
    return Log(
        format=FORMAT,
        metric=score.name,
        goal=goal,
        rows=tuple(_row(row, layout, score, goal, reading.words) for row in rows),
        head=before + "".join(line.raw for line in header_lines),
        well_formed=_is_canonical(layout, score, lines, reading),
        notes=notes,
    )


def _is_canonical(layout: _Layout, score: _Score, lines: Sequence[Line], reading: Reading) -> bool:
    """Whether all lines have autoresearch's five columns; the score may have another name."""
    names = [name.lower() for name in layout.columns]
    if reading.columns or len(names) != 5 or score.column != 1:
        return False
    if [names[0], *names[2:]] != [COLUMNS[0], *COLUMNS[2:]]:
        return False
    return all(line.is_utf8 and line.text.count("\t") == 4 for line in lines)


def _split_header(
    path: Path, lines: Sequence[Line], reading: Reading
) -> tuple[list[str], Sequence[Line]]:
    """The names in the header (empty if it has none), and the lines below it."""
    if not any("\t" in line.text for line in lines):
        raise UsageError(
            f"{path} has no tab in any line; "
            f"a results.tsv has tab-separated columns, as {', '.join(COLUMNS)}"
        )
    first = [cell.strip() for cell in lines[0].text.removeprefix("\ufeff").split("\t")]
    if _is_header(first, reading.words):
        return first, lines[1:]
    if not reading.columns:
        raise UsageError(
            f"line {lines[0].number} of {path} is not a header; "
            f"name the columns: --columns {','.join(COLUMNS)}"
        )
    return [], lines


def _is_header(cells: Sequence[str], words: Mapping[str, Meaning]) -> bool:
    """Whether a line is a header: distinct short names without numbers and verdicts."""
    names = [cell for cell in cells if cell]
    if len(cells) < 2 or not cells[0] or len(set(names)) < len(names):
        return False
    return not any(
        logs.is_numeric(name) or name.lower() in words or len(name) > MAX_NAME for name in names
    )


def _name_columns(names: Sequence[str]) -> list[str]:
    return [name or f"column {number}" for number, name in enumerate(names, 1)]


def _find(columns: Sequence[str], names: Iterable[str]) -> int | None:
    lower = [column.lower() for column in columns]
    for name in names:
        if name in lower:
            return lower.index(name)
    return None


def _place(
    line: Line, layout: _Layout, words: Mapping[str, Meaning], header: Sequence[str]
) -> _Placed:
    """Assigns the cells of a line to columns, as far as that is certain."""
    cells = line.text.removeprefix("\ufeff").split("\t")
    flags = [] if line.is_utf8 else ["not UTF-8"]
    if header and [cell.strip() for cell in cells] == list(header):
        flags.append("the header once more")
        return _Placed(line, {}, _number_fields(cells, ()), tuple(flags))
    n_columns = len(layout.columns)
    if len(cells) == n_columns:
        return _Placed(line, dict(enumerate(cells)), {}, tuple(flags))
    fields = "field" if len(cells) == 1 else "fields"
    flags.append(f"{len(cells)} {fields} for {n_columns} columns")
    status = layout.status
    status_at = _find_status(cells, status, words)
    if status is None or status_at is None:
        # Without a status to hold on to, only the columns to its left are certain.
        n_certain = min(len(cells), n_columns if status is None else status)
        certain = dict(enumerate(cells[:n_certain]))
        return _Placed(line, certain, _number_fields(cells, range(n_certain)), tuple(flags))
    placed: dict[int, str] = {}
    if status_at < status:
        # A column to the left of the status is missing, and no one can say which.
        flags.append("which field is the metric is not known")
    else:
        placed = dict(enumerate(cells[:status]))
    used = [*placed, status_at]
    placed[status] = cells[status_at]
    for column in range(status + 1, n_columns):
        index = column + status_at - status
        if index >= len(cells):
            break
        if column == n_columns - 1:  # the last column takes the rest: a description may hold tabs
            placed[column] = "\t".join(cells[index:])
            used += range(index, len(cells))
        else:
            placed[column] = cells[index]
            used.append(index)
    return _Placed(line, placed, _number_fields(cells, used), tuple(flags))


def _find_status(
    cells: Sequence[str], usual: int | None, words: Mapping[str, Meaning]
) -> int | None:
    """Index of the status: where it usually is, or else the only cell that could be one."""
    possible = [index for index, cell in enumerate(cells) if cell.strip().lower() in words]
    if usual in possible:
        return usual
    return possible[0] if len(possible) == 1 else None


def _number_fields(cells: Sequence[str], used: Iterable[int]) -> dict[str, str]:
    """The cells without a column, as `field 6`."""
    used_indices = set(used)
    return {
        f"field {index + 1}": cell for index, cell in enumerate(cells) if index not in used_indices
    }


def _find_score(path: Path, layout: _Layout, rows: Sequence[_Placed], reading: Reading) -> _Score:
    """Which column is the score.

    The one that was named, `val_bpb`, the second one of a narrow log, or the only possible one.
    """
    name_column = _find(layout.columns, METRIC_NAME)
    value_column = _find(layout.columns, VALUE)
    if name_column is None or value_column is None or _is_mostly_numeric(rows, name_column):
        return _find_score_column(path, layout, rows, reading)
    name = _choose_metric(path, rows, name_column, reading)
    return _Score(value_column, name, name_column)


def _find_score_column(
    path: Path, layout: _Layout, rows: Sequence[_Placed], reading: Reading
) -> _Score:
    lower = [name.lower() for name in layout.columns]
    if reading.metric is not None:
        if reading.metric.lower() not in lower:
            raise UsageError(
                f"{path} has no column {reading.metric!r}; it has {', '.join(layout.columns)}"
            )
        column = lower.index(reading.metric.lower())
        return _Score(column, layout.columns[column])
    possible = _possible_scores(lower, rows)
    if len(possible) != 1:
        names = [layout.columns[column] for column in possible]
        names = names or [name for name in layout.columns if name.lower() not in NOT_A_METRIC]
        listed = ", ".join(names or layout.columns)
        raise UsageError(f"which column of {path} is the score? --metric NAME, from {listed}")
    return _Score(possible[0], layout.columns[possible[0]])


def _choose_metric(path: Path, rows: Sequence[_Placed], name_column: int, reading: Reading) -> str:
    """The metric to score by, in a file with one metric per row."""
    names = list(dict.fromkeys(row.cells.get(name_column, "").strip() for row in rows))
    names = [name for name in names if name]
    if reading.metric is not None and reading.metric in names:
        return reading.metric
    if reading.metric is None and len(names) == 1:
        return names[0]
    listed = ", ".join(names[:12]) or "none"
    raise UsageError(
        f"{path} has several metrics: choose the one to score by, --metric NAME, from {listed}"
    )


def _possible_scores(lower: Sequence[str], rows: Sequence[_Placed]) -> list[int]:
    if "val_bpb" in lower:
        return [lower.index("val_bpb")]
    if len(lower) <= len(COLUMNS) and lower[1] not in NOT_A_METRIC:
        return [1]
    return [
        column
        for column, name in enumerate(lower)
        if name not in NOT_A_METRIC and _is_mostly_numeric(rows, column)
    ]


def _is_mostly_numeric(rows: Sequence[_Placed], column: int) -> bool:
    cells = [row.cells[column] for row in rows if row.cells.get(column, "").strip()]
    n_numeric = sum(logs.is_numeric(cell) for cell in cells)
    return bool(cells) and 2 * n_numeric > len(cells)


def _goal(score: _Score, layout: _Layout, rows: Sequence[_Placed], reading: Reading) -> Goal:
    if reading.goal is not None:
        return reading.goal
    goals = {_goal_of_row(row, layout) for row in rows} - {None}
    if len(goals) > 1:
        raise UsageError(
            f"rows of {score.name!r} state both directions; "
            "choose those to score: --goal minimize or --goal maximize"
        )
    for goal in goals:
        if goal is not None:
            return goal
    if score.name.lower() in LOWER_IS_BETTER:
        return "minimize"
    raise logs.goal_is_missing(score.name)


def _goal_of_row(row: _Placed, layout: _Layout) -> Goal | None:
    """The direction that a row states; None if it states none."""
    if layout.direction is None:
        return None
    return GOALS.get(row.cells.get(layout.direction, "").strip().lower())


def _row(
    placed: _Placed, layout: _Layout, score: _Score, goal: Goal, words: Mapping[str, Meaning]
) -> Row:
    word = placed.cell(layout.status)
    metric = placed.cell(score.column)
    meaning, value, odd = logs.judge(word, metric, words)
    flags = list(odd)
    if not placed.cells:
        flags = []
    elif layout.status is None:
        flags = ["no status column" if flag == "no status" else flag for flag in flags]
    stated_goal = _goal_of_row(placed, layout)
    if placed.cells and not score.is_in(placed):
        value = None
        flags.append(f"another metric: {placed.cell(score.name_column) or 'unnamed'}")
    elif stated_goal not in (None, goal):
        value = None
        flags.append(f"another direction: {stated_goal}")
    memory = logs.number(placed.cell(layout.memory))
    is_crash = meaning == "crash"
    columns = {layout.columns[index]: text for index, text in placed.cells.items()}
    return Row(
        line=placed.line.number,
        raw=placed.line.raw,
        fields={**columns, **placed.others},
        cells=(
            placed.cell(layout.commit),
            metric or ("0.000000" if is_crash else ""),
            placed.cell(layout.memory) or ("0.0" if is_crash else ""),
            word,
            placed.cell(layout.description),
        ),
        word=word,
        meaning=meaning,
        score=value,
        metrics={} if memory is None else {"memory_gb": memory},
        flags=(*placed.flags, *flags),
    )
