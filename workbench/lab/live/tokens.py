"""Tokens: the syntax classes of a file's lines, by Pygments, as few short names that a style sheet can colour."""

from functools import cache, lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType
from pygments.util import ClassNotFound

MAX_CHARACTERS = 500_000
Piece = tuple[str, str]  # text, class
# k keyword, s string, c comment, n number, b builtin, d decorator, f function, t type, o operator; the rest has none.
CLASSES: dict[_TokenType, str] = {
    Keyword: "k",
    Operator.Word: "k",
    String: "s",
    Comment: "c",
    Number: "n",
    Name.Builtin: "b",
    Name.Decorator: "d",
    Name.Function: "f",
    Name.Class: "t",
    Name.Exception: "t",
    Operator: "o",
}


@lru_cache(maxsize=8)
def lines(path: str, text: str) -> list[list[Piece]]:
    r"""The pieces of each line, split at "\n"; joined, and joined again by "\n", they give the text back.

    A file of an unknown kind, or of more than half a million characters, has pieces without a class.
    """
    found: list[list[Piece]] = [[]]
    lexer = _lexer(path) if len(text) <= MAX_CHARACTERS else None
    end = 0
    # Not get_tokens: that would normalise line ends, and with them what is shown.
    for start, kind, value in lexer.get_tokens_unprocessed(text) if lexer else ():
        if start > end:
            _add(found, text[end:start], "")
        _add(found, value[max(0, end - start) :], _class(kind))
        end = max(end, start + len(value))
    _add(found, text[end:], "")
    return found


def _add(found: list[list[Piece]], text: str, name: str) -> None:
    for number, part in enumerate(text.split("\n")):
        if number:
            found.append([])
        if part:
            found[-1].append((part, name))


def _lexer(path: str) -> Lexer | None:
    try:
        return get_lexer_for_filename(path)
    except ClassNotFound:
        return None


@cache
def _class(kind: _TokenType) -> str:
    return next((CLASSES[one] for one in reversed(kind.split()) if one in CLASSES), "")
