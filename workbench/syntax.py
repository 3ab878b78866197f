"""Python sources as syntax trees, from any thread. Nothing of a source is run."""

import ast
import threading

_parsing = threading.Lock()


def parse_tree(source: str) -> ast.Module:
    """The syntax tree of a source.

    Raises:
        SyntaxError: it is not Python.
        ValueError: it contains NUL bytes.
        MemoryError: it is nested too deep.
        RecursionError: it is nested too deep.
    """
    # Python 3.11 keeps one count of the depth for all threads, and raises SystemError where two
    # threads parse at the same time (python/cpython#106905). So they take turns.
    with _parsing:
        return ast.parse(source)


def find_syntax_problem(text: str) -> str | None:
    """What is wrong with a Python source, with its line; None when it parses."""
    try:
        parse_tree(text)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except ValueError as error:  # NUL bytes
        return str(error)
    except (MemoryError, RecursionError):
        return "it is nested too deep"
    return None
