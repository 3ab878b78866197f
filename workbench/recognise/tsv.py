"""Tsv: reads autoresearch's `results.tsv` and its relatives: other columns, no header, ragged rows, several metrics in one file.

Columns are found by name and a status by its value, never by place alone. No quoting: a quotation mark is a quotation mark.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import UsageError
from workbench.experiment import Goal
from workbench.recognise import logs
from workbench.recognise.logs import GOALS, Line, Log, Reading, Row, Said

FORMAT = "results.tsv"
COLUMNS = ("commit", "val_bpb", "memory_gb", "status", "description")
LOWER_IS_BETTER = ("val_bpb",)  # the one metric whose direction its name settles
COMMIT = ("commit", "sha", "hash", "commit_hash")
MEMORY = ("memory_gb",)
STATUS = ("status", "verdict", "decision", "outcome")
DESCRIPTION = ("description", "desc", "hypothesis", "notes", "note", "idea", "change")
DIRECTION = ("direction", "best_direction", "bestdirection", "goal", "better")
METRIC_NAME = ("metric", "metric_name")
VALUE = ("value", "score", "metric_value")
NO_METRIC = {
    *COMMIT, *MEMORY, *STATUS, *DESCRIPTION, *DIRECTION,
    *("id", "#", "n", "no", "exp", "exp_id", "experiment", "experiment_id", "run", "run_id", "trial", "iteration", "iter", "seed"),
    *("timestamp", "time", "date", "started", "ended", "seconds", "duration", "training_seconds", "total_seconds", "wall_seconds"),
    *("parent", "memory_mb", "peak_vram_mb", "vram_gb", "mfu_percent", "total_tokens_m", "num_steps", "steps", "num_params_m", "depth"),
}  # fmt: skip
MAX_NAME = 40


@dataclass(frozen=True)
class _Placed:
    """The cells of one line by the index of their column; the others by a name of their own; what is odd about the line."""

    line: Line
    cells: Mapping[int, str]
    others: Mapping[str, str]
    flags: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Layout:
    """Which columns there are, and what they are for; None for what no column is for."""

    columns: tuple[str, ...]
    commit: int | None
    memory: int | None
    status: int | None
    description: int | None
    direction: int | None

    @classmethod
    def of(cls, columns: Sequence[str]) -> "_Layout":
        return cls(
            tuple(columns),
            *(_find(columns, names) for names in (COMMIT, MEMORY, STATUS, DESCRIPTION, DIRECTION)),
        )


@dataclass(frozen=True)
class _Objective:
    """The column of the score; in a file with a metric per row, the column of its name, and the name."""

    at: int
    name: str
    named_at: int | None = None


def read(path: Path, before: str, lines: Sequence[Line], reading: Reading) -> Log:
    """Reads the lines of a log.

    Raises:
        UsageError: it has no header, no rows, or does not say which column is the score or which direction is better.
    """
    header, rest = _header(path, lines, reading)
    if not rest:
        raise UsageError(f"{path} holds a header and no rows; there is nothing to import yet")
    layout = _Layout.of(reading.columns or _unique(header))
    placed = [_place(line, layout, reading.words, header) for line in rest]
    objective = _objective(path, layout, placed, reading)
    ours = [
        row
        for row in placed
        if objective.named_at is None
        or row.cells.get(objective.named_at, "").strip() == objective.name
    ]
    goal = _goal(objective, layout, ours, reading)
    names = [name.lower() for name in layout.columns]
    canonical = (
        not reading.columns
        and len(names) == 5
        and [names[0], *names[2:]] == [COLUMNS[0], *COLUMNS[2:]]
        and objective.at == 1
    )
    notes = (
        []
        if layout.status is not None
        else ["no status column, so no row is kept or discarded; name one with --columns"]
    )
    return Log(
        format=FORMAT,
        metric=objective.name,
        goal=goal,
        rows=tuple(_row(row, layout, objective, goal, reading.words) for row in placed),
        head=before + "".join(line.raw for line in lines[: len(lines) - len(rest)]),
        well_formed=canonical
        and all(line.is_utf8 and line.text.count("\t") == 4 for line in lines),
        notes=tuple(notes),
    )


def _header(
    path: Path, lines: Sequence[Line], reading: Reading
) -> tuple[list[str], Sequence[Line]]:
    """The names in the header, or none, and the lines after it."""
    if not any("\t" in line.text for line in lines):
        raise UsageError(
            f"{path} has no tab in any line; a results.tsv has tab-separated columns, as {', '.join(COLUMNS)}"
        )
    first = [cell.strip() for cell in lines[0].text.removeprefix("\ufeff").split("\t")]
    if _names_columns(first, reading.words):
        return first, lines[1:]
    if not reading.columns:
        raise UsageError(
            f"line {lines[0].number} of {path} is no header; name the columns: --columns {','.join(COLUMNS)}"
        )
    return [], lines


def _names_columns(cells: Sequence[str], words: Mapping[str, Said]) -> bool:
    """Whether a line is a header: distinct names, among them no number and no verdict."""
    named = [cell for cell in cells if cell]
    return (
        len(cells) >= 2
        and bool(cells[0])
        and len(set(named)) == len(named)
        and not any(
            logs.is_numeric(cell) or cell.lower() in words or len(cell) > MAX_NAME for cell in named
        )
    )


def _unique(names: Sequence[str]) -> list[str]:
    return [name or f"column {at}" for at, name in enumerate(names, 1)]


def _find(columns: Sequence[str], names: Iterable[str]) -> int | None:
    lower = [column.lower() for column in columns]
    return next((lower.index(name) for name in names if name in lower), None)


def _place(
    line: Line, layout: _Layout, words: Mapping[str, Said], header: Sequence[str]
) -> _Placed:
    """Says which cell belongs to which column, as far as that is known."""
    cells, columns = line.text.removeprefix("\ufeff").split("\t"), layout.columns
    flags = () if line.is_utf8 else ("not UTF-8",)
    if header and [cell.strip() for cell in cells] == list(header):
        return _Placed(line, {}, _others(cells, ()), (*flags, "the header once more"))
    if len(cells) == len(columns):
        return _Placed(line, dict(enumerate(cells)), {}, flags)
    flags = (
        *flags,
        f"{len(cells)} field{'' if len(cells) == 1 else 's'} for {len(columns)} columns",
    )
    status = layout.status
    at = _status_in(cells, status, words)
    if status is None or at is None:  # what stands left of the status is still where it was
        left = min(len(cells), len(columns) if status is None else status)
        return _Placed(line, dict(enumerate(cells[:left])), _others(cells, range(left)), flags)
    if (
        at < status
    ):  # a column is missing, nobody can say which: nothing left of the status is taken for a score
        named: dict[int, str] = {}
        flags = (*flags, "which field is the metric is not known")
    else:
        named = dict(enumerate(cells[:status]))
    used = [*named, at]
    named[status] = cells[at]
    for column in range(status + 1, len(columns)):
        if (place := column + at - status) < len(cells):
            is_last = column == len(columns) - 1
            named[column] = "\t".join(cells[place:]) if is_last else cells[place]
            used += range(place, len(cells)) if is_last else [place]
    return _Placed(line, named, _others(cells, used), flags)


def _status_in(cells: Sequence[str], usual: int | None, words: Mapping[str, Said]) -> int | None:
    found = [at for at, cell in enumerate(cells) if cell.strip().lower() in words]
    return usual if usual in found else found[0] if len(found) == 1 else None


def _others(cells: Sequence[str], used: Iterable[int]) -> dict[str, str]:
    taken = set(used)
    return {f"field {at + 1}": cell for at, cell in enumerate(cells) if at not in taken}


def _objective(
    path: Path, layout: _Layout, placed: Sequence[_Placed], reading: Reading
) -> _Objective:
    """Which column is the score: as asked for, `val_bpb`, the second one of a narrow log, or the only one it can be."""
    columns, lower = layout.columns, [name.lower() for name in layout.columns]
    named_at, value_at = _find(columns, METRIC_NAME), _find(columns, VALUE)
    if named_at is not None and value_at is not None and not _is_mostly_numeric(placed, named_at):
        names = list(
            dict.fromkeys(name for row in placed if (name := row.cells.get(named_at, "").strip()))
        )
        if reading.metric in names or (reading.metric is None and len(names) == 1):
            return _Objective(value_at, reading.metric or names[0], named_at)
        raise UsageError(
            f"{path} has several metrics: choose the one to score by, --metric NAME, from {', '.join(names[:12]) or 'none'}"
        )
    if reading.metric is not None:
        if reading.metric.lower() not in lower:
            raise UsageError(
                f"{path} has no column {reading.metric!r}; it has {', '.join(columns)}"
            )
        at = lower.index(reading.metric.lower())
        return _Objective(at, columns[at])
    possible = [
        at
        for at, name in enumerate(lower)
        if name not in NO_METRIC and _is_mostly_numeric(placed, at)
    ]
    if "val_bpb" in lower:
        possible = [lower.index("val_bpb")]
    elif len(columns) <= len(COLUMNS) and lower[1] not in NO_METRIC:
        possible = [1]
    if len(possible) != 1:
        names = [columns[at] for at in possible] or [
            name for name in columns if name.lower() not in NO_METRIC
        ]
        raise UsageError(
            f"which column of {path} is the score? --metric NAME, from {', '.join(names or columns)}"
        )
    return _Objective(possible[0], columns[possible[0]])


def _is_mostly_numeric(placed: Sequence[_Placed], at: int) -> bool:
    cells = [row.cells[at] for row in placed if row.cells.get(at, "").strip()]
    return bool(cells) and 2 * sum(logs.is_numeric(cell) for cell in cells) > len(cells)


def _goal(
    objective: _Objective, layout: _Layout, rows: Sequence[_Placed], reading: Reading
) -> Goal:
    stated = {goal for row in rows if (goal := _stated(row, layout))}
    if reading.goal is not None:
        return reading.goal
    if len(stated) == 1:
        return stated.pop()
    if stated:
        raise UsageError(
            f"rows of {objective.name!r} state both directions; choose those to score: --goal minimize or --goal maximize"
        )
    if objective.name.lower() in LOWER_IS_BETTER:
        return "minimize"
    raise logs.ask_goal(objective.name)


def _stated(row: _Placed, layout: _Layout) -> Goal | None:
    return (
        None
        if layout.direction is None
        else GOALS.get(row.cells.get(layout.direction, "").strip().lower())
    )


def _row(
    placed: _Placed, layout: _Layout, objective: _Objective, goal: Goal, words: Mapping[str, Said]
) -> Row:
    def cell(at: int | None) -> str:
        return "" if at is None else " ".join(placed.cells.get(at, "").split())

    word, metric = cell(layout.status), cell(objective.at)
    said, score, flags = logs.judge(word, metric, words)
    if not placed.cells:
        flags = ()
    elif layout.status is None:
        flags = tuple("no status column" if flag == "no status" else flag for flag in flags)
    if (
        objective.named_at is not None
        and placed.cells
        and cell(objective.named_at) != objective.name
    ):
        score, flags = None, (*flags, f"another metric: {cell(objective.named_at) or 'unnamed'}")
    elif (stated := _stated(placed, layout)) not in (None, goal):
        score, flags = None, (*flags, f"another direction: {stated}")
    memory = logs.number(cell(layout.memory))
    empty = ("0.000000", "0.0") if said == "crash" else ("", "")
    return Row(
        line=placed.line.number,
        raw=placed.line.raw,
        fields={**{layout.columns[at]: text for at, text in placed.cells.items()}, **placed.others},
        cells=(
            cell(layout.commit),
            metric or empty[0],
            cell(layout.memory) or empty[1],
            word,
            cell(layout.description),
        ),
        word=word,
        said=said,
        score=score,
        metrics={} if memory is None else {"memory_gb": memory},
        flags=(*placed.flags, *flags),
    )
