"""Sources are parsed from any thread, and what is wrong with one is said in one line."""

import ast
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from workbench import syntax
from workbench.syntax import find_syntax_problem, parse_tree


@pytest.fixture
def _threads_switch_often() -> Iterator[None]:
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(interval)


def test_a_source_that_parses_has_no_problem() -> None:
    assert find_syntax_problem("x = 1\n") is None


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = 1\ny = (\n", "line 2: '(' was never closed"),
        ("x = 1\0", "null bytes"),
        ("x = " + "-" * 100_000 + "1\n", "it is nested too deep"),
    ],
)
def test_the_problem_of_a_source_is_one_line(source: str, problem: str) -> None:
    answer = find_syntax_problem(source)
    assert answer is not None
    assert problem in answer
    assert "\n" not in answer


@pytest.mark.usefixtures("_threads_switch_often")
def test_only_one_tree_is_made_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python 3.11 raises SystemError where two threads make one (python/cpython#106905)."""
    parse = ast.parse
    lock = threading.Lock()
    n_parsing = 0
    most_parsing = 0

    def count_and_parse(source: str) -> ast.Module:
        nonlocal n_parsing, most_parsing
        with lock:
            n_parsing += 1
            most_parsing = max(most_parsing, n_parsing)
        try:
            return parse(source)
        finally:
            with lock:
                n_parsing -= 1

    monkeypatch.setattr(syntax.ast, "parse", count_and_parse)
    source = "".join(f"def f{n}(x):\n    return [x + {n} for x in range({n})]\n" for n in range(50))
    with ThreadPoolExecutor(8) as pool:
        sizes = {len(tree.body) for tree in pool.map(parse_tree, [source] * 64)}
    assert sizes == {50}
    assert most_parsing == 1
