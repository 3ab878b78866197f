"""Diff: what a patch changes, file by file in parts, with syntax classes and the changed words of changed lines, ready to be drawn."""

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from functools import lru_cache
from itertools import groupby, pairwise
from typing import Any

from workbench.lab.live import tokens
from workbench.lab.live.tokens import Piece
from workbench.program import Hunk, Patch, Program, lines_of
from workbench.show.visible import visible

MAX_LINE = 2000
MAX_WORDS = 300
MAX_COMPARISONS = 4000
ALIKE = 0.5
REMARK = "m"
NO_NEWLINE = " no newline at end of file"
Part = dict[str, Any]
Range = tuple[int, int]
_WORD = re.compile(r"\d[\w.]*|\w+|\s+|[^\w\s]")  # a number is one word
_ESCAPE = re.compile(
    "[\x1b\x9b]"
)  # `visible` would take colours away; in a program they are what is to be seen


@lru_cache(maxsize=8)
def files(old: Program, new: Program, context: int) -> list[Part]:
    """`FileDiff`s of `protocol.ts`, without the states of the hunks.

    Args:
        context: unchanged lines around each hunk; below 0 all of them.
    """
    hunks = Patch.between(old, new).hunks
    return [
        _file(path, list(own), old, new, context)
        for path, own in groupby(hunks, key=lambda hunk: hunk.path)
    ]


def _file(path: str, hunks: list[Hunk], old: Program, new: Program, context: int) -> Part:
    before, after = old.files.get(path, ""), new.files.get(path, "")
    sides = _Sides(path, before, after)
    parts: list[Part] = []
    done = shift = 0
    edits = [hunk for hunk in hunks if hunk.kind != "mode"]
    budget = _Budget()
    for number, hunk in enumerate(edits):
        if hunk.kind == "edit":
            parts += _unchanged(sides, done, hunk.start, shift, context if number else 0, context)
        parts.append(
            {
                "type": "hunk",
                "id": hunk.id,
                "header": visible(hunk.header),
                "lines": sides.changed(hunk, budget),
            }
        )
        done, shift = hunk.start + len(hunk.old), shift + len(hunk.new) - len(hunk.old)
    if edits and edits[-1].kind == "edit":
        parts += _unchanged(sides, done, len(sides.old), shift, context, 0)
    parts += [
        {"type": "hunk", "id": hunk.id, "header": visible(hunk.header), "lines": []}
        for hunk in hunks
        if hunk.kind == "mode"
    ]
    change = {"create": "added", "delete": "deleted", "mode": "mode"}.get(hunks[0].kind, "changed")
    return {"path": visible(path), "change": change, "parts": parts}


def _unchanged(
    sides: "_Sides", start: int, end: int, shift: int, head: int, tail: int
) -> list[Part]:
    """The unchanged lines between two hunks: `head` of them, a gap, `tail` of them; a gap of one line is that line."""
    parts: list[Part] = []
    first, last = min(end, start + head), max(start, end - tail)
    if head < 0 or tail < 0 or last - first <= 1:
        first = last = end
    if first > start:
        parts.append(
            {"type": "lines", "lines": [sides.same(index, shift) for index in range(start, first)]}
        )
    if last > first:
        parts.append({"type": "gap", "count": last - first})
    if end > last:
        parts.append(
            {"type": "lines", "lines": [sides.same(index, shift) for index in range(last, end)]}
        )
    return parts


class _Budget:
    """How many pairs of lines may still be compared in a file."""

    def __init__(self) -> None:
        self._left = MAX_COMPARISONS

    def spend(self) -> bool:
        self._left -= 1
        return self._left >= 0


class _Sides:
    """The lines of a file before and after, with their syntax classes."""

    def __init__(self, path: str, before: str, after: str) -> None:
        self.old, self.new = lines_of(before), lines_of(after)
        self._old, self._new = tokens.lines(path, before), tokens.lines(path, after)
        # Where every line ends with CR LF, the CR is no news; where only some do, it is shown.
        self._end = (
            "\r"
            if all(line.endswith("\r\n") for line in (*self.old, *self.new) if line.endswith("\n"))
            else ""
        )

    def same(self, index: int, shift: int) -> Part:
        return self._line(" ", index, index + shift, ())

    def changed(self, hunk: Hunk, budget: _Budget) -> list[Part]:
        marks = _marks(hunk.old, hunk.new, budget)
        return [
            *(
                self._line("-", hunk.start + index, None, marks[0].get(index, ()))
                for index in range(len(hunk.old))
            ),
            *(
                self._line("+", None, hunk.new_start + index, marks[1].get(index, ()))
                for index in range(len(hunk.new))
            ),
        ]

    def _line(self, kind: str, old: int | None, new: int | None, marks: Sequence[Range]) -> Part:
        text, pieces = (
            (self.old[old], self._old[old])
            if old is not None
            else (self.new[new or 0], self._new[new or 0])
        )
        cut = groupby(_cut(pieces, marks, self._length(text)), key=lambda piece: piece[1:])
        spans = [
            [_shown("".join(part[0] for part in parts)), name, int(is_marked)]
            for (name, is_marked), parts in cut
        ]
        if not text.endswith("\n"):
            spans.append([NO_NEWLINE, REMARK, 0])
        return {
            "kind": kind,
            "old": None if old is None else old + 1,
            "new": None if new is None else new + 1,
            "spans": spans,
        }

    def _length(self, text: str) -> int:
        bare = text.removesuffix("\n")
        return len(bare.removesuffix(self._end) if text.endswith("\n") else bare)


def _shown(text: str) -> str:
    return visible(_ESCAPE.sub(lambda found: f"<U+{ord(found[0]):04X}>", text))


def _cut(
    pieces: Sequence[Piece], marks: Sequence[Range], length: int
) -> Iterator[tuple[str, str, bool]]:
    """The first `length` characters of a line, in pieces that have one class and are marked as a whole or not at all."""
    length, was_longer = min(length, MAX_LINE), length > MAX_LINE
    borders = sorted({border for mark in marks for border in mark})
    at = 0
    for text, name in pieces:
        end = min(at + len(text), length)
        cuts = [at, *(border for border in borders if at < border < end), end]
        for start, stop in pairwise(cuts):
            if stop > start:
                yield (
                    text[start - at : stop - at],
                    name,
                    any(first <= start < last for first, last in marks),
                )
        at = end
        if at >= length:
            break
    if was_longer:
        yield "…", REMARK, False


def _marks(
    old: Sequence[str], new: Sequence[str], budget: _Budget
) -> tuple[dict[int, list[Range]], dict[int, list[Range]]]:
    """The ranges of characters that changed, by line of either side, for lines that have a counterpart on the other one.

    Counterparts are looked for in order: a line's is the first one behind the last pair that shares half of its characters.
    """
    found: tuple[dict[int, list[Range]], dict[int, list[Range]]] = ({}, {})
    ours, theirs = (
        [_WORD.findall(line.rstrip("\r\n")) for line in old],
        [_WORD.findall(line.rstrip("\r\n")) for line in new],
    )
    behind = 0
    for index, words in enumerate(ours):
        for other in range(behind, len(theirs)):
            if not budget.spend():
                return found
            ranges = _compare(words, theirs[other])
            if ranges is not None:
                found[0][index], found[1][other] = ranges
                behind = other + 1
                break
    return found


def _compare(old: list[str], new: list[str]) -> tuple[list[Range], list[Range]] | None:
    """The ranges that changed on either side; None where the lines are not alike enough for that to help."""
    if len(old) > MAX_WORDS or len(new) > MAX_WORDS or not _may_be_alike(old, new):
        return None
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    blocks = matcher.get_matching_blocks()
    starts, other_starts = _starts(old), _starts(new)
    shared = sum(starts[i + n] - starts[i] for i, _, n in blocks)
    if 2 * shared < ALIKE * (starts[-1] + other_starts[-1]):
        return None
    changes = [code[1:] for code in matcher.get_opcodes() if code[0] != "equal"]
    return (
        [(starts[i1], starts[i2]) for i1, i2, _, _ in changes if i2 > i1],
        [(other_starts[j1], other_starts[j2]) for _, _, j1, j2 in changes if j2 > j1],
    )


def _may_be_alike(old: list[str], new: list[str]) -> bool:
    """A cheap bound: the characters of words that both have."""
    common = {*old} & {*new}
    length = sum(map(len, old)) + sum(map(len, new))
    return sum(len(word) for word in (*old, *new) if word in common) >= ALIKE * length > 0


def _starts(words: Sequence[str]) -> list[int]:
    """Where each word begins, and the end."""
    found = [0]
    for word in words:
        found.append(found[-1] + len(word))
    return found
