"""Makes text from candidates and models safe to look at: nothing can hide, reorder or colour it.

For display only; the journal and exported files keep every byte.
"""

import re
import unicodedata

_ANSI = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # control sequences: colours, cursor movements
    r"|\x1b[\]PX^_][^\x07\x1b\x9c]*(?:\x07|\x1b\\|\x9c)"  # strings with an end: titles, hyperlinks
    r"|\x1b[ -/]*[0-~]"
)
_INVISIBLE_CATEGORIES = ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
# Letters and marks that leave no trace, although Unicode counts them as visible.
_BLANK = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_PLAIN = re.compile(r"[ -~\n\t]*")


def visible(text: str) -> str:
    """The text without terminal colours, with every invisible character written as `<U+202E>`.

    That includes bidirectional marks and control characters. Line ends and tabs stay.
    """
    if _PLAIN.fullmatch(text):
        return text
    characters = _ANSI.sub("", text)
    return "".join(_escape(char) if _is_invisible(char) else char for char in characters)


def _escape(char: str) -> str:
    return f"<U+{ord(char):04X}>"


def one_line(text: str) -> str:
    """`visible` on one line: every run of whitespace becomes one blank."""
    return visible(" ".join(_ANSI.sub("", text).split()))


def width(text: str) -> int:
    """Columns that a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_width_of, text))


def _width_of(char: str) -> int:
    if unicodedata.combining(char):
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def shorten(text: str, columns: int) -> str:
    """One line of at most `columns` columns; an ellipsis shows that something was cut off."""
    text = one_line(text)
    if width(text) <= columns:
        return text
    while text and width(text) > columns - 1:
        text = text[: min(len(text) - 1, columns - 1)]
    return text.rstrip() + "…" if columns > 0 else ""


def _is_invisible(char: str) -> bool:
    if char in "\n\t":
        return False
    is_variation_selector = "\ufe00" <= char <= "\ufe0f" or "\U000e0100" <= char <= "\U000e01ef"
    is_blank = is_variation_selector or char in _BLANK
    return is_blank or unicodedata.category(char) in _INVISIBLE_CATEGORIES
