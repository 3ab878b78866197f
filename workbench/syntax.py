"""Python sources as syntax trees, from any thread."""

import ast
import threading

_parsing = threading.Lock()


def tree_of(source: str) -> ast.Module:
    """The tree of a source, never run.

    Python 3.11 counts the depth of trees for all threads in one place, and raises SystemError where two make one at a time
    (python/cpython#106905): here they take turns.

    Raises:
        SyntaxError, ValueError (NUL bytes), MemoryError, RecursionError: it is no Python, or nested too deep.
    """
    with _parsing:
        return ast.parse(source)


def syntax_problem(text: str) -> str | None:
    """What is wrong with a Python source, with its line; None when it parses."""
    try:
        tree_of(text)
    except SyntaxError as error:
        return f"line {error.lineno}: {error.msg}"
    except ValueError as error:  # NUL bytes
        return str(error)
    except (MemoryError, RecursionError):
        return "it is nested too deep"
    return None
