"""What the experiment log of another tool says, row by row. Nothing is left out or repaired.

`tsv` and `pi` read the two formats into a `Log`; `verbs.log_import` makes a study of it.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from workbench.errors import UsageError
from workbench.experiment import Goal

Meaning = Literal["keep", "discard", "crash"]
MEANINGS: tuple[Meaning, ...] = ("keep", "discard", "crash")
STATUS_WORDS: dict[str, Meaning] = {
    "keep": "keep",
    "kept": "keep",
    "discard": "discard",
    "discarded": "discard",
    "crash": "crash",
    "crashed": "crash",
    # In pi's logs: it ran, but what it made is broken, so that its metric does not count.
    "checks_failed": "crash",
}
_LOWER_WORDS = ("lower", "min", "minimize", "minimise", "down", "lower is better")
_HIGHER_WORDS = ("higher", "max", "maximize", "maximise", "up", "higher is better")
GOALS: dict[str, Goal] = {
    **dict.fromkeys(_LOWER_WORDS, "minimize"),
    **dict.fromkeys(_HIGHER_WORDS, "maximize"),
}
LOG_NAMES = ("results.tsv", ".auto/log.jsonl", "autoresearch.jsonl")
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NOT_A_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity|n/a|none|null)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How to read a log, where the log does not say so itself.

    Attributes:
        metric: the column, or the named metric, that is the score.
        goal: which direction is better.
        columns: names of the columns, for a log without a header or to replace its header.
        statuses: what the log's status words mean: `keep`, `discard` or `crash`.
        segment: which segment of a pi log; by default the last one with runs.
    """

    metric: str | None = None
    goal: Goal | None = None
    columns: tuple[str, ...] = ()
    statuses: Mapping[str, str] = field(default_factory=dict)
    segment: int | None = None

    def __post_init__(self) -> None:
        if self.goal not in (None, "minimize", "maximize"):
            raise UsageError(f"goal = {self.goal!r}; choose minimize or maximize")
        for word, meaning in self.statuses.items():
            if meaning not in MEANINGS:
                raise UsageError(
                    f"--status {word}={meaning}: a status means keep, discard or crash; "
                    "leave out any other word"
                )
        are_named = all(name.strip() for name in self.columns)
        are_unique = len(set(self.columns)) == len(self.columns)
        if not are_named or not are_unique:
            columns = ",".join(self.columns)
            raise UsageError(f"--columns {columns}: give every column a different name")

    @property
    def words(self) -> dict[str, Meaning]:
        """Status words in lower case, with what they mean."""
        words = dict(STATUS_WORDS)
        for word, meaning in self.statuses.items():
            words[word.strip().lower()] = STATUS_WORDS[meaning]
        return words


class Line(NamedTuple):
    """A line of a log that is not blank.

    Attributes:
        number: from 1.
        text: without the end of the line.
        raw: the whole line with its end, and the blank lines that follow it.
        is_utf8: False if it could not be decoded.
    """

    number: int
    text: str
    raw: str
    is_utf8: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row of a log.

    Attributes:
        line: number of its line.
        raw: its text, with the end of the line.
        fields: its cells by column; a cell without a column is `field 6`.
        cells: the five of autoresearch's `results.tsv`, in the log's words.
        word: its status as written.
        meaning: what that status means; None if it is not known.
        score: None for a crash, for what is not a number, and for a zero without a status.
        metrics: further named values.
        flags: what is odd about the row, a few words each.
    """

    line: int
    raw: str
    fields: Mapping[str, str]
    cells: tuple[str, str, str, str, str]
    word: str = ""
    meaning: Meaning | None = None
    score: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        return self.cells[4]


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log that has been read.

    Attributes:
        format: `results.tsv` or `autoresearch.jsonl`.
        metric: name of the score.
        goal: which direction is better.
        rows: in the order of the log.
        name: what the log calls itself; may be empty.
        head: the text before the first row.
        well_formed: True if `head` and the raw rows are a canonical `results.tsv`.
        notes: what a person should know about how it was read.
    """

    format: str
    metric: str
    goal: Goal
    rows: tuple[Row, ...]
    name: str = ""
    head: str = ""
    well_formed: bool = False
    notes: tuple[str, ...] = ()


def read_lines(path: Path) -> tuple[str, list[Line]]:
    r"""The text before the first line that is not blank, and all such lines; split at "\n" only.

    Raises:
        UsageError: the file is missing, empty, or not text.
    """
    before = ""
    lines: list[Line] = []
    pieces = _read_bytes(path).split(b"\n")
    for number, piece in enumerate(pieces, 1):
        end = "\n" if number < len(pieces) else ""
        text, is_utf8 = _decode(piece)
        is_blank = not text.strip(" \r\ufeff")
        if not is_blank:
            lines.append(Line(number, text.removesuffix("\r"), text + end, is_utf8))
        elif lines:
            lines[-1] = lines[-1]._replace(raw=lines[-1].raw + text + end)
        else:
            before += text + end
    if not lines:
        raise UsageError(f"{path} is empty; there is nothing to import")
    return before, lines


def _decode(piece: bytes) -> tuple[str, bool]:
    """The text, and whether it is valid UTF-8; other bytes become escapes, so that none is lost."""
    try:
        return piece.decode("utf-8"), True
    except UnicodeDecodeError:
        return piece.decode("utf-8", "backslashreplace"), False


def _read_bytes(path: Path) -> bytes:
    if path.is_dir():
        logs = [path / name for name in LOG_NAMES if (path / name).is_file()]
        hint = f": {logs[0]}" if logs else ""
        raise UsageError(f"{path} is a folder; name the log in it{hint}")
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"no such file: {path}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{path} is UTF-16 text; write it as UTF-8 first")
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise UsageError(f"{path} is not text (a NUL byte in line {line}); name a log")
    return data


def number(text: str) -> float | None:
    """A plain finite number, or None: `nan`, `1_000` and words are not numbers."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def is_numeric(text: str) -> bool:
    """Whether a cell holds a number or a placeholder for one, such as `nan`; a header does not."""
    return number(text) is not None or bool(_NOT_A_NUMBER.fullmatch(text.strip()))


def judge(
    word: str, metric: str, words: Mapping[str, Meaning]
) -> tuple[Meaning | None, float | None, tuple[str, ...]]:
    """What a status word means, the score beside it, and what is odd about the two.

    A status is read and never inferred from the score.
    """
    meaning = words.get(word.strip().lower())
    score = number(metric)
    flags = []
    if meaning is None:
        flags.append(f"unknown status {word.strip()[:40]!r}" if word.strip() else "no status")
    if meaning == "crash":
        return meaning, None, tuple(flags)
    if score is None:
        text = metric.strip()[:40]
        flags.append(f"metric {text!r} is not a number" if text else "no metric")
    elif score == 0 and meaning is None:
        # The format writes a zero for a crash, so a zero counts only if a status vouches for it.
        score = None
        flags.append("metric 0, and no status says that it ran")
    return meaning, score, tuple(flags)


def goal_is_missing(metric: str) -> UsageError:
    """The error for a direction that nothing states."""
    return UsageError(
        f"is a lower or a higher {metric!r} better? "
        "The log does not say: --goal minimize or --goal maximize"
    )
