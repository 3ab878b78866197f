"""Text from candidates and models, made safe to look at: nothing in it can hide, reorder or colour what is shown.

Display only; the journal and exported files keep every byte.
"""

import re
import unicodedata

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor movements
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # strings with an end: titles, hyperlinks
    r"|\x1b[ -/]*[0-~]"
)
_UNSEEN_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
_BLANK = frozenset(
    "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0"
)  # letters and marks that leave no trace
_PLAIN = re.compile(r"[ -~\n\t]*")


def visible(text: str) -> str:
    """The text without terminal colours; bidirectional, invisible and control characters as `<U+202E>`. Keeps line ends and tabs."""
    if _PLAIN.fullmatch(text):
        return text
    return "".join(
        f"<U+{ord(char):04X}>" if _is_unseen(char) else char for char in _ANSI.sub("", text)
    )


def one_line(text: str) -> str:
    """`visible` on one line: every run of blanks is one blank."""
    return visible(" ".join(_ANSI.sub("", text).split()))


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def shorten(text: str, columns: int) -> str:
    """One line of at most `columns` columns; an ellipsis says that something was cut off."""
    text = one_line(text)
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[: min(len(text) - 1, columns - 1)]
    return text.rstrip() + "…" if columns > 0 else ""


def _is_unseen(char: str) -> bool:
    if char in "\n\t":
        return False
    variation = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    return variation or char in _BLANK or unicodedata.category(char) in _UNSEEN_CATEGORIES
