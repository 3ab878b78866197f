"""Logs: what the experiment log of another tool says, row by row. Nothing is left out, repaired or judged anew.

`tsv` and `pi` read the two formats into a `Log`; `importing` makes a study of it.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, NamedTuple

from workbench.errors import UsageError
from workbench.experiment import Goal

Said = Literal["keep", "discard", "crash"]
SAID: tuple[Said, ...] = ("keep", "discard", "crash")
WORDS: dict[str, Said] = {
    "keep": "keep",
    "kept": "keep",
    "discard": "discard",
    "discarded": "discard",
    "crash": "crash",
    "crashed": "crash",
    "checks_failed": "crash",  # pi: it ran, and what it made is broken; its metric counts for nothing
}
GOALS: dict[str, Goal] = {
    **dict.fromkeys(
        ("lower", "min", "minimize", "minimise", "down", "lower is better"), "minimize"
    ),
    **dict.fromkeys(
        ("higher", "max", "maximize", "maximise", "up", "higher is better"), "maximize"
    ),
}
_NUMBER = re.compile(r"[+-]?(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?", re.ASCII)
_NO_NUMBER = re.compile(r"[+-]?(?:nan|inf|infinity|n/a|none|null)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How a log is to be read, where it does not say so itself.

    Attributes:
        metric: the column, or the named metric, that is the score. goal: which direction is better.
        columns: names of the columns of a log without a header, or instead of those that it has.
        statuses: what the log's own words mean: `keep`, `discard` or `crash`.
        segment: which segment of a pi log; its last one with runs by default.
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
            if meaning not in SAID:
                raise UsageError(
                    f"--status {word}={meaning}: a status means keep, discard or crash; leave out any other word"
                )
        if not all(name.strip() for name in self.columns) or len(set(self.columns)) < len(
            self.columns
        ):
            raise UsageError(
                f"--columns {','.join(self.columns)}: every column needs a name of its own"
            )

    @property
    def words(self) -> dict[str, Said]:
        """Status words, in lower case, with what they mean."""
        return {
            **WORDS,
            **{word.strip().lower(): WORDS[meaning] for word, meaning in self.statuses.items()},
        }


class Line(NamedTuple):
    """A line of a log that is not blank: its number, its text, and all of it with its end and the blank lines that follow."""

    number: int
    text: str
    raw: str
    is_utf8: bool


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row.

    Attributes:
        raw: as in the log, with the end of the line. fields: by column; what no column names is `field 6`.
        cells: the five of autoresearch's `results.tsv`, in the words of the log.
        word: its status as written. said: what that means; None where it is not known.
        score: None for a crash, for what is no number, and for a zero that no status vouches for.
        metrics: further named values. flags: what is odd about the row, each a few words.
    """

    line: int
    raw: str
    fields: Mapping[str, str]
    cells: tuple[str, str, str, str, str]
    word: str = ""
    said: Said | None = None
    score: float | None = None
    metrics: Mapping[str, float] = field(default_factory=dict)
    flags: tuple[str, ...] = ()

    @property
    def description(self) -> str:
        return self.cells[4]


@dataclass(frozen=True, kw_only=True)
class Log:
    """A log, read.

    Attributes:
        format: `results.tsv` or `autoresearch.jsonl`. name: what the log calls itself; may be empty.
        head: the text before the first row. well_formed: `head` and the raw rows are a canonical `results.tsv`.
        notes: what a person should know of how it was read.
    """

    format: str
    metric: str
    goal: Goal
    rows: tuple[Row, ...]
    name: str = ""
    head: str = ""
    well_formed: bool = False
    notes: tuple[str, ...] = ()


def lines_of(path: Path) -> tuple[str, list[Line]]:
    r"""What stands before the first line that is not blank, and all such lines; split at "\n" only.

    Raises:
        UsageError: there is no such file, it is empty, or it is no text.
    """
    before, lines = "", list[Line]()
    pieces = _bytes_of(path).split(b"\n")
    for at, piece in enumerate(pieces, 1):
        end = "\n" if at < len(pieces) else ""
        try:
            text, is_utf8 = piece.decode("utf-8"), True
        except UnicodeDecodeError:
            text, is_utf8 = piece.decode("utf-8", "backslashreplace"), False
        if text.strip(" \r\ufeff"):
            lines.append(Line(at, text.removesuffix("\r"), text + end, is_utf8))
        elif lines:
            lines[-1] = lines[-1]._replace(raw=lines[-1].raw + text + end)
        else:
            before += text + end
    if not lines:
        raise UsageError(f"{path} is empty; there is nothing to import")
    return before, lines


def _bytes_of(path: Path) -> bytes:
    if path.is_dir():
        known = [
            name
            for name in ("results.tsv", ".auto/log.jsonl", "autoresearch.jsonl")
            if (path / name).is_file()
        ]
        raise UsageError(
            f"{path} is a folder; name the log in it" + (f": {path / known[0]}" if known else "")
        )
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise UsageError(f"no such file: {path}") from None
    except OSError as error:
        raise UsageError(f"cannot read {path}: {error.strerror}") from None
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise UsageError(f"{path} is UTF-16 text; write it as UTF-8 first")
    if b"\0" in data:
        raise UsageError(
            f"{path} is no text (a NUL byte in line {data.count(bytes([10]), 0, data.index(bytes([0]))) + 1}); name a log"
        )
    return data


def number(text: str) -> float | None:
    """A plain finite number, or None: not `nan`, not `1_000`, not a word."""
    if not _NUMBER.fullmatch(text.strip()):
        return None
    value = float(text)
    return value if math.isfinite(value) else None


def is_numeric(text: str) -> bool:
    """Whether a cell stands where a number does, `nan` included; a header has none."""
    return number(text) is not None or bool(_NO_NUMBER.fullmatch(text.strip()))


def judge(
    word: str, metric: str, words: Mapping[str, Said]
) -> tuple[Said | None, float | None, tuple[str, ...]]:
    """What a status word means, the score beside it, and what is odd about the two. A status is read, never worked out."""
    said, score, flags = words.get(word.strip().lower()), number(metric), []
    if said is None:
        flags.append(f"unknown status {word.strip()[:40]!r}" if word.strip() else "no status")
    if said == "crash":
        return said, None, tuple(flags)
    if score is None:
        flags.append(
            f"metric {metric.strip()[:40]!r} is no number" if metric.strip() else "no metric"
        )
    elif score == 0 and said is None:
        score = None
        flags.append("metric 0, and no status says that it ran")
    return said, score, tuple(flags)


def ask_goal(metric: str) -> UsageError:
    """The error for a direction that nothing states."""
    return UsageError(
        f"is a lower or a higher {metric!r} better? The log does not say: --goal minimize or --goal maximize"
    )
