"""Reads what a candidate prints: the log, points for live curves, the numbers of a claimed score.

All of it is the candidate's own word. None of it becomes a score, except for experiments of the
shape `claimed`, where it is marked as self-reported. Everything is bounded: whatever a hostile
candidate prints, it fills no memory, and neither moves nor hides text on a screen.
"""

import json
import math
import re
from collections import deque
from collections.abc import Callable

from workbench.experiment import PRINTED_NAME

HALF_LOG = 128 * 1024  # characters kept of the beginning, and of the end
MAX_LINE = 16 * 1024  # bytes
MAX_SERIES = 100
MAX_POINTS = 100_000
MAX_PARSED = 8 << 20  # bytes
MAX_NAME = 64  # characters
STEP_NAMES = ("step", "iter", "iteration", "epoch")

_ANSI = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|[@-Z\\-_])")
# Control characters, and what reorders or hides text: bidi marks, zero-width characters, line
# separators.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)
# A candidate must not be able to slow the reading down with a line on which a pattern backtracks.
# So repetitions are possessive (`*+`), and a word that is not a name is consumed whole: the time
# for a line grows only in proportion to its length.
_NUMBER = r"[-+]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|[-+]?(?:nan|inf(?:inity)?)\b"
_WORD = r"[a-z_][\w/.%-]*+"
_STEP = re.compile(
    r"(?i)(?<![\w./-])(?:step|iter|iteration|it)\s*+[:=#]?\s*+(\d[\d,]*)"
    r"(?:\s*/\s*\d+)?(?:\s*\([^)]*\))?\s*:?"
)
_EPOCH = re.compile(r"(?i)(?<![\w./-])epoch\s*+[:=#]?\s*+(\d[\d,]*)(?:\s*/\s*\d+)?\s*:?")
_SEPARATOR = re.compile(r"\s*[|;]\s*|,\s+|\s{2,}|\t")
_NAMED = re.compile(rf"(?i)({_WORD}(?: {_WORD}){{0,2}})\s*[:=]\s*({_NUMBER})|{_WORD}")
_SPACED = re.compile(rf"(?i)\s*({_WORD}(?: {_WORD}){{0,2}})\s+({_NUMBER})\s*")
_CLAIM = re.compile(rf"({PRINTED_NAME})(?:\s*=|:)\s*(\S+)\s*$")
OnPoint = Callable[[str, float, float], None]


class Output:
    """Takes blocks of bytes as they come.

    Attributes:
        on_point: called with each point `(series, step, value)`.
        dropped: how many points were left out, because they were not finite or above a bound.
        claims: name to value of the lines `name: value` or `name = value` so far; a line `---`
            begins anew.
        not_finite: the same for lines whose value is NaN or infinite. A name is in one of the two
            or in neither, as its last line says.
    """

    def __init__(self, on_point: OnPoint = lambda series, step, value: None) -> None:
        self.on_point = on_point
        self.dropped = 0
        self.claims: dict[str, float] = {}
        self.not_finite: dict[str, float] = {}
        self._rest = b""  # a line that has not ended
        self._line = ""  # the line so far, where only carriage returns ended it
        self._head: list[str] = []
        self._head_size = 0
        self._tail: deque[str] = deque()
        self._tail_size = 0
        self._left_out = 0  # characters between head and tail
        self._series: set[str] = set()
        self._n_points = 0
        self._n_parsed = 0  # bytes

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
        """Returns the log: at most its first and last 128 KB, with a note of what is left out."""
        note = ""
        if self._left_out:
            note = f"\n... {self._left_out:,} characters are left out here ...\n\n"
        return "".join([*self._head, note, *self._tail])

    def _take_line(self, data: bytes, ends: bool) -> None:
        line = clean(data[:MAX_LINE])
        if line.strip():
            self._n_parsed += len(data)
            if self._n_parsed <= MAX_PARSED:
                for series, step, value in parse_points(line[:MAX_LINE]):
                    self._take_point(series, step, value)
            self._read_claim(line)
            # A carriage return lets the next line overwrite this one, as on a terminal.
            self._line = line
        if ends:
            self._keep(self._line)
            self._line = ""

    def _take_point(self, series: str, step: float, value: float) -> None:
        # Again, because JSON can spell out what `clean` took from its line.
        series = clean(series.encode("utf-8", "backslashreplace"))[:MAX_NAME]
        is_above_bound = self._n_points >= MAX_POINTS or (
            series not in self._series and len(self._series) >= MAX_SERIES
        )
        if is_above_bound or not math.isfinite(value):
            self.dropped += 1
            return
        self._series.add(series)
        self._n_points += 1
        self.on_point(series, step, value)

    def _read_claim(self, line: str) -> None:
        if line.strip() == "---":
            self.claims = {}
            self.not_finite = {}
            return
        match = _CLAIM.match(line)
        if match is None:
            return
        name = match[1]
        self.claims.pop(name, None)
        self.not_finite.pop(name, None)
        value = _parse_number(match[2])
        if value is None:
            return
        target = self.claims if math.isfinite(value) else self.not_finite
        target[name] = value
        # The oldest is dropped, because the last numbers are the ones that count.
        if len(target) > MAX_SERIES:
            del target[next(iter(target))]

    def _keep(self, line: str) -> None:
        text = line + "\n"
        if self._head_size + len(text) <= HALF_LOG and not self._tail:
            self._head.append(text)
            self._head_size += len(text)
            return
        self._tail.append(text)
        self._tail_size += len(text)
        while self._tail_size > HALF_LOG:
            size = len(self._tail.popleft())
            self._tail_size -= size
            self._left_out += size


def clean(data: bytes) -> str:
    """Returns the text of one line, fit to be shown.

    Bytes that are not UTF-8, and characters that hide or move text, become escapes. Colours are
    removed.
    """
    text = _ANSI.sub("", data.decode("utf-8", "backslashreplace"))
    return _HIDDEN.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def parse_points(line: str) -> list[tuple[str, float, float]]:
    """Returns the points `(series, step, value)` of a line.

    A line may be like `step 00012 (1.3%) | loss: 4.1`, `step=12 loss=4.1`, or a JSON object. A line
    without a step has no points. A value may be NaN or infinite.
    """
    if line.lstrip()[:1] == "{":
        return _parse_json_points(line)
    match = _STEP.search(line) or _EPOCH.search(line)
    if match is None:
        return []
    step = _parse_number(match[1])
    if step is None:
        return []
    values: dict[str, float] = {}
    without_step = f"{line[: match.start()]} | {line[match.end() :]}"
    for part in _SEPARATOR.split(without_step):
        for name, text in _find_named_numbers(part):
            value = _parse_number(text)
            if value is not None:
                values.setdefault(name.strip()[:MAX_NAME], value)
    return [(name, step, value) for name, value in values.items()]


def _find_named_numbers(part: str) -> list[tuple[str, str]]:
    """Returns the (name, number) pairs of `name: number`, or else of `name number`."""
    named = [(match[1], match[2]) for match in _NAMED.finditer(part) if match[1]]
    if named:
        return named
    spaced = _SPACED.fullmatch(part)
    return [(spaced[1], spaced[2])] if spaced else []


def _parse_json_points(line: str) -> list[tuple[str, float, float]]:
    try:
        table = json.loads(line)
    except (ValueError, RecursionError):
        return []
    numbers = {
        str(key)[:MAX_NAME]: value for key, value in table.items() if type(value) in (int, float)
    }
    step_name = next((name for name in STEP_NAMES if name in numbers), None)
    if step_name is None:
        return []
    step = numbers.pop(step_name)
    try:
        if not math.isfinite(step):
            return []
        return [(name, float(step), float(value)) for name, value in numbers.items()]
    except OverflowError:  # an integer too large for a float
        return []


def _parse_number(text: str) -> float | None:
    try:
        return float(text.replace(",", ""))
    except ValueError:
        return None
