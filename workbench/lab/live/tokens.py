"""The syntax classes of a file's lines, by Pygments: few short names that a style sheet colours."""

from functools import cache, lru_cache

from pygments.lexer import Lexer
from pygments.lexers import get_lexer_for_filename
from pygments.token import Comment, Keyword, Name, Number, Operator, String, _TokenType
from pygments.util import ClassNotFound

# Larger files get no classes: colouring them would take longer than a screen waits.
MAX_CHARACTERS = 500_000
Piece = tuple[str, str]  # text, class
# The same letters as in `protocol.Span`; all other tokens have no class.
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
def split_lines(path: str, text: str) -> list[list[Piece]]:
    r"""The pieces of each line; joined, and joined again by "\n", they give the text back.

    Args:
        path: tells the language. Pieces of an unknown one, and of a very large file, have no class.
    """
    lines: list[list[Piece]] = [[]]
    lexer = _find_lexer(path) if len(text) <= MAX_CHARACTERS else None
    if lexer is None:
        _add(lines, text, "")
        return lines
    end = 0
    # Not `get_tokens`, which normalises line ends and would so change what is shown.
    for start, kind, value in lexer.get_tokens_unprocessed(text):
        # A lexer may leave out characters, or return some of them twice.
        if start > end:
            _add(lines, text[end:start], "")
        _add(lines, value[max(0, end - start) :], _find_class(kind))
        end = max(end, start + len(value))
    _add(lines, text[end:], "")
    return lines


def _add(lines: list[list[Piece]], text: str, name: str) -> None:
    for index, part in enumerate(text.split("\n")):
        if index:
            lines.append([])
        if part:
            lines[-1].append((part, name))


def _find_lexer(path: str) -> Lexer | None:
    try:
        return get_lexer_for_filename(path)
    except ClassNotFound:
        return None


@cache
def _find_class(kind: _TokenType) -> str:
    """The class of the token kind, or else of the nearest of the kinds that contain it."""
    for ancestor in reversed(kind.split()):
        if ancestor in CLASSES:
            return CLASSES[ancestor]
    return ""
