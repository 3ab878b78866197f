"""Reads what a candidate prints: a log fit to be shown, points for live curves, and the numbers of a claimed score.

All of it is the candidate's own word. Nothing read here becomes a score, except where the shape is `claimed`, and there it is
marked as self-reported. Everything is bounded: what a hostile candidate prints costs neither memory nor a screen.
"""

import json
import math
import re
from collections import deque
from collections.abc import Callable

from workbench.experiment import PRINTED_NAME

HALF_LOG = 128 * 1024  # characters kept of the beginning, and of the end
MAX_LINE = 16 * 1024
MAX_SERIES = 100
MAX_POINTS = 100_000
MAX_PARSED = 8 << 20
MAX_NAME = 64

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Control characters, and what reorders or hides text: bidi marks, zero-width characters, line separators.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
_NUMBER = r"[-+]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)\b"
_WORD = r"[a-z_][\w/.%-]*+"
# What repeats is possessive, and a word that is no name is passed over whole: no line takes longer than in proportion to its length.
_STEP = re.compile(
    r"(?i)(?<![\w./-])(?:step|iter|iteration|it)\s*+[:=#]?\s*+(\d[\d,]*)(?:\s*/\s*\d+)?(?:\s*\([^)]*\))?\s*:?"
)
_EPOCH = re.compile(r"(?i)(?<![\w./-])epoch\s*+[:=#]?\s*+(\d[\d,]*)(?:\s*/\s*\d+)?\s*:?")
_PART = re.compile(r"\s*[|;]\s*|,\s+|\s{2,}|\t")
_NAMED = re.compile(rf"(?i)({_WORD}(?: {_WORD}){{0,2}})\s*[:=]\s*({_NUMBER})|{_WORD}")
_SPACED = re.compile(rf"(?i)\s*({_WORD}(?: {_WORD}){{0,2}})\s+({_NUMBER})\s*")
_CLAIM = re.compile(rf"({PRINTED_NAME})(?:\s*=|:)\s*(\S+)\s*$")
Take = Callable[[str, float, float], None]


class Output:
    """Takes blocks of bytes as they come; `take` receives each point `(series, step, value)`.

    Attributes:
        dropped: points left out: not finite, or above a bound.
        claims: name to value of the lines `name: value` (or `name = value`) so far; a line `---` begins them anew.
        not_finite: name to value of such lines whose value is NaN or infinite; a name is there, among the claims, or in neither.
    """

    def __init__(self, take: Take = lambda series, step, value: None) -> None:
        self.take, self.dropped = take, 0
        self.claims: dict[str, float] = {}
        self.not_finite: dict[str, float] = {}
        self._rest = b""
        self._line = ""  # the line so far, where only carriage returns ended it
        self._head: list[str] = []
        self._head_size, self._tail_size, self._left_out = 0, 0, 0
        self._tail: deque[str] = deque()
        self._series: set[str] = set()
        self._points = self._parsed = 0

    def feed(self, data: bytes) -> None:
        pieces = re.split(rb"([\r\n])", self._rest + data)
        self._rest = pieces.pop()
        for piece, end in zip(pieces[::2], pieces[1::2], strict=True):
            self._take_line(piece, end == b"\n")
        while len(self._rest) > MAX_LINE:
            self._take_line(self._rest[:MAX_LINE], True)
            self._rest = self._rest[MAX_LINE:]

    def finish(self) -> None:
        """Takes a last line without an end."""
        if self._rest:
            self._take_line(self._rest, True)
            self._rest = b""
        elif self._line:
            self._keep(self._line)
            self._line = ""

    def text(self) -> str:
        """The log: at most its first and last 128 KB, with a note about what is left out."""
        note = (
            [f"\n... {self._left_out:,} characters are left out here ...\n\n"]
            if self._left_out
            else []
        )
        return "".join([*self._head, *note, *self._tail])

    def _take_line(self, data: bytes, ends: bool) -> None:
        line = clean(data[:MAX_LINE])
        if line.strip():
            self._parsed += len(data)
            if self._parsed <= MAX_PARSED:
                for series, step, value in points_of(line[:MAX_LINE]):
                    self._point(series, step, value)
            self._read_claim(line)
            self._line = line  # a carriage return writes over what stood there
        if ends:
            self._keep(self._line)
            self._line = ""

    def _point(self, series: str, step: float, value: float) -> None:
        series = clean(series.encode("utf-8", "backslashreplace"))[
            :MAX_NAME
        ]  # JSON can spell out what `clean` took from its line
        known = series in self._series
        if (
            not math.isfinite(value)
            or self._points >= MAX_POINTS
            or (not known and len(self._series) >= MAX_SERIES)
        ):
            self.dropped += 1
            return
        self._series.add(series)
        self._points += 1
        self.take(series, step, value)

    def _read_claim(self, line: str) -> None:
        if line.strip() == "---":
            self.claims, self.not_finite = {}, {}
        elif match := _CLAIM.match(line):
            for known in (self.claims, self.not_finite):
                known.pop(match[1], None)
            value = _number(match[2])
            if value is None:
                return
            found = self.claims if math.isfinite(value) else self.not_finite
            found[match[1]] = value
            if len(found) > MAX_SERIES:  # the oldest goes: it is the last numbers that count
                del found[next(iter(found))]

    def _keep(self, line: str) -> None:
        text = line + "\n"
        if self._head_size + len(text) <= HALF_LOG and not self._tail:
            self._head.append(text)
            self._head_size += len(text)
            return
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size > HALF_LOG:
            gone = len(self._tail.popleft())
            self._tail_size -= gone
            self._left_out += gone


def clean(data: bytes) -> str:
    """Text of one line: bytes that are no UTF-8 and characters that hide or move text are shown as escapes, colours are gone."""
    text = _ANSI.sub("", data.decode("utf-8", "backslashreplace"))
    return _HIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def points_of(line: str) -> list[tuple[str, float, float]]:
    """`(series, step, value)` of a line such as `step 00012 (1.3%) | loss: 4.1`, `step=12 loss=4.1` or a JSON object.

    A line without a step has no points; a value may be NaN or infinite.
    """
    if line.lstrip()[:1] == "{":
        return _json_points(line)
    match = _STEP.search(line) or _EPOCH.search(line)
    step = _number(match[1]) if match else None
    if match is None or step is None:
        return []
    found: dict[str, float] = {}
    for part in _PART.split(f"{line[: match.start()]} | {line[match.end() :]}"):
        named = [(match[1], match[2]) for match in _NAMED.finditer(part) if match[1]]
        if not named and (spaced := _SPACED.fullmatch(part)):
            named = [(spaced[1], spaced[2])]
        for name, text in named:
            value = _number(text)
            if value is not None:
                found.setdefault(name.strip()[:MAX_NAME], value)
    return [(name, step, value) for name, value in found.items()]


def _json_points(line: str) -> list[tuple[str, float, float]]:
    try:
        table = json.loads(line)
    except (ValueError, RecursionError):
        return []
    numbers = {
        str(key)[:MAX_NAME]: value for key, value in table.items() if type(value) in (int, float)
    }
    step = next(
        (numbers.pop(name) for name in ("step", "iter", "iteration", "epoch") if name in numbers),
        None,
    )
    try:
        if step is None or not math.isfinite(step):
            return []
        return [(name, float(step), float(value)) for name, value in numbers.items()]
    except OverflowError:
        return []


def _number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None
