"""What a patch changes, file by file in parts, ready to be drawn.

Lines come with syntax classes and with the words that changed. Knows patches, not decisions.
"""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Literal

from workbench.lab.live import tokens
from workbench.lab.live.protocol import FileDiff, HunkPart, Line, LinesPart, Part, Span
from workbench.lab.live.tokens import Piece
from workbench.program import Hunk, Patch, Program, split_lines
from workbench.show.visible import visible

MAX_LINE = 2000  # characters
MAX_WORDS = 300  # in a line whose words are compared
MAX_COMPARISONS = 4000  # pairs of lines in a file
ALIKE = 0.5  # share of characters that two lines have in common to be compared word by word
REMARK = "m"
NO_NEWLINE = " no newline at end of file"
CHANGES: dict[str, Literal["changed", "added", "deleted", "mode"]] = {
    "edit": "changed",
    "create": "added",
    "delete": "deleted",
    "mode": "mode",
}
Range = tuple[int, int]
Ranges = dict[int, list[Range]]  # by line
_WORD = re.compile(r"\d[\w.]*|\w+|\s+|[^\w\s]")  # a number is one word
# `visible` would drop a terminal's colours; a reviewer of a program has to see them.
_ESCAPE = re.compile("[\x1b\x9b]")


@lru_cache(maxsize=8)
def diff_files(old: Program, new: Program, context: int) -> list[FileDiff]:
    """The changed files, with every hunk open. The result is cached: copy what you change.

    Args:
        context: unchanged lines around each hunk; below 0 all of them.
    """
    hunks = Patch.between(old, new).hunks
    return [
        _diff_file(path, list(of_file), old, new, context)
        for path, of_file in groupby(hunks, key=lambda hunk: hunk.path)
    ]


def _diff_file(path: str, hunks: list[Hunk], old: Program, new: Program, context: int) -> FileDiff:
    sides = _Sides(path, old.files.get(path, ""), new.files.get(path, ""))
    parts: list[Part] = []
    n_done = 0  # lines of the old file that are in `parts`
    shift = 0  # how much lower an unchanged line is in the new file
    edits = [hunk for hunk in hunks if hunk.kind != "mode"]
    budget = _Budget()
    for index, hunk in enumerate(edits):
        if hunk.kind == "edit":
            head = context if index else 0
            parts += _split_unchanged(sides, n_done, hunk.start, shift, head, context)
        parts.append(_describe_hunk(hunk, sides.mark_changes(hunk, budget)))
        n_done = hunk.start + len(hunk.old)
        shift += len(hunk.new) - len(hunk.old)
    if edits and edits[-1].kind == "edit":
        parts += _split_unchanged(sides, n_done, len(sides.old), shift, context, 0)
    parts += [_describe_hunk(hunk, []) for hunk in hunks if hunk.kind == "mode"]
    return {"path": visible(path), "change": CHANGES[hunks[0].kind], "parts": parts}


def _describe_hunk(hunk: Hunk, lines: list[Line]) -> HunkPart:
    return {
        "type": "hunk",
        "id": hunk.id,
        "header": visible(hunk.header),
        "state": "open",
        "lines": lines,
    }


def _split_unchanged(
    sides: "_Sides", start: int, end: int, shift: int, head: int, tail: int
) -> list[Part]:
    """The unchanged lines between two hunks: some, a gap, some more.

    Args:
        start: the first unchanged line of the old file.
        end: the line after the last one.
        shift: how much lower the lines are in the new file.
        head: lines before the gap; below 0, nothing is left out.
        tail: lines after the gap; likewise.
    """
    gap_start = min(end, start + head)
    gap_end = max(start, end - tail)
    # A gap of one line would take as much room as the line.
    if head < 0 or tail < 0 or gap_end - gap_start <= 1:
        gap_start = gap_end = end
    parts: list[Part] = []
    if gap_start > start:
        parts.append(_keep_lines(sides, start, gap_start, shift))
    if gap_end > gap_start:
        parts.append({"type": "gap", "count": gap_end - gap_start})
    if end > gap_end:
        parts.append(_keep_lines(sides, gap_end, end, shift))
    return parts


def _keep_lines(sides: "_Sides", start: int, end: int, shift: int) -> LinesPart:
    lines = [sides.keep(index, shift) for index in range(start, end)]
    return {"type": "lines", "lines": lines}


class _Budget:
    """How many pairs of lines may still be compared in a file."""

    def __init__(self) -> None:
        self._n_left = MAX_COMPARISONS

    def spend(self) -> bool:
        """Takes one comparison; False if none is left."""
        self._n_left -= 1
        return self._n_left >= 0


class _Sides:
    """The lines of a file before and after, with their syntax classes."""

    def __init__(self, path: str, before: str, after: str) -> None:
        self.old = split_lines(before)
        self.new = split_lines(after)
        self._old_pieces = tokens.split_lines(path, before)
        self._new_pieces = tokens.split_lines(path, after)
        # A CR is not shown if every line ends with CR LF; it is shown if only some do.
        complete = [line for line in (*self.old, *self.new) if line.endswith("\n")]
        self._end = "\r" if all(line.endswith("\r\n") for line in complete) else ""

    def keep(self, index: int, shift: int) -> Line:
        """An unchanged line, by its index in the old file."""
        return {
            "kind": " ",
            "old": index + 1,
            "new": index + shift + 1,
            "spans": self._split(self.old[index], self._old_pieces[index], ()),
        }

    def mark_changes(self, hunk: Hunk, budget: _Budget) -> list[Line]:
        """The lines of a hunk, the removed ones first."""
        old_marks, new_marks = _find_changes(hunk.old, hunk.new, budget)
        return [
            *(
                self._remove(hunk.start + index, old_marks.get(index, ()))
                for index in range(len(hunk.old))
            ),
            *(
                self._add(hunk.new_start + index, new_marks.get(index, ()))
                for index in range(len(hunk.new))
            ),
        ]

    def _remove(self, index: int, marks: Sequence[Range]) -> Line:
        spans = self._split(self.old[index], self._old_pieces[index], marks)
        return {"kind": "-", "old": index + 1, "new": None, "spans": spans}

    def _add(self, index: int, marks: Sequence[Range]) -> Line:
        spans = self._split(self.new[index], self._new_pieces[index], marks)
        return {"kind": "+", "old": None, "new": index + 1, "spans": spans}

    def _split(self, text: str, pieces: Sequence[Piece], marks: Sequence[Range]) -> list[Span]:
        spans: list[Span] = []
        cuts = _cut(pieces, marks, self._visible_length(text))
        for (name, is_marked), group in groupby(cuts, key=lambda cut: cut[1:]):
            joined = "".join(part for part, _, _ in group)
            spans.append((_show(joined), name, 1 if is_marked else 0))
        if not text.endswith("\n"):
            spans.append((NO_NEWLINE, REMARK, 0))
        return spans

    def _visible_length(self, text: str) -> int:
        """Characters without the line end."""
        if not text.endswith("\n"):
            return len(text)
        return len(text.removesuffix("\n").removesuffix(self._end))


def _show(text: str) -> str:
    return visible(_ESCAPE.sub(lambda match: f"<U+{ord(match[0]):04X}>", text))


def _cut(
    pieces: Sequence[Piece], marks: Sequence[Range], length: int
) -> Iterator[tuple[str, str, bool]]:
    """The first `length` characters of a line, in pieces that are marked as a whole or not at all.

    Yields:
        The text of a piece, its syntax class, and whether it is marked.
    """
    is_too_long = length > MAX_LINE
    length = min(length, MAX_LINE)
    borders = sorted({border for mark in marks for border in mark})
    position = 0
    for text, name in pieces:
        end = min(position + len(text), length)
        inner = [border for border in borders if position < border < end]
        for start, stop in pairwise([position, *inner, end]):
            if stop > start:
                is_marked = any(first <= start < last for first, last in marks)
                yield text[start - position : stop - position], name, is_marked
        position = end
        if position >= length:
            break
    if is_too_long:
        yield "…", REMARK, False


def _find_changes(old: Sequence[str], new: Sequence[str], budget: _Budget) -> tuple[Ranges, Ranges]:
    """The ranges of characters that changed on either side, for lines with a counterpart.

    The counterpart of a line is the first one after the last pair that shares half of its
    characters: counterparts never cross.
    """
    old_ranges: Ranges = {}
    new_ranges: Ranges = {}
    old_words = [_split_words(line) for line in old]
    new_words = [_split_words(line) for line in new]
    after_last_pair = 0
    for index, words in enumerate(old_words):
        for other in range(after_last_pair, len(new_words)):
            if not budget.spend():
                return old_ranges, new_ranges
            ranges = _compare(words, new_words[other])
            if ranges is not None:
                old_ranges[index], new_ranges[other] = ranges
                after_last_pair = other + 1
                break
    return old_ranges, new_ranges


def _split_words(line: str) -> list[str]:
    return _WORD.findall(line.rstrip("\r\n"))


def _compare(old: list[str], new: list[str]) -> tuple[list[Range], list[Range]] | None:
    """The ranges that changed on either side; None if the lines have too little in common."""
    if len(old) > MAX_WORDS or len(new) > MAX_WORDS or not _may_be_alike(old, new):
        return None
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    old_starts = _find_starts(old)
    new_starts = _find_starts(new)
    n_shared = sum(
        old_starts[i + size] - old_starts[i] for i, _, size in matcher.get_matching_blocks()
    )
    if 2 * n_shared < ALIKE * (old_starts[-1] + new_starts[-1]):
        return None
    old_ranges = []
    new_ranges = []
    for tag, i1, i2, j1, j2 in matcher.get_opcodes():
        if tag == "equal":
            continue
        if i2 > i1:
            old_ranges.append((old_starts[i1], old_starts[i2]))
        if j2 > j1:
            new_ranges.append((new_starts[j1], new_starts[j2]))
    return old_ranges, new_ranges


def _may_be_alike(old: list[str], new: list[str]) -> bool:
    """A cheap upper bound: the characters of words that both lines have."""
    common = {*old} & {*new}
    words = [*old, *new]
    length = sum(map(len, words))
    n_common = sum(len(word) for word in words if word in common)
    return 0 < ALIKE * length <= n_common


def _find_starts(words: Sequence[str]) -> list[int]:
    """Where each word begins, and the end."""
    starts = [0]
    for word in words:
        starts.append(starts[-1] + len(word))
    return starts
