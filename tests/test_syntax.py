"""Sources are parsed from any thread, and what is wrong with one is said in a line."""

import ast
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from workbench import syntax
from workbench.syntax import syntax_problem, tree_of


@pytest.fixture
def often_switched() -> Iterator[None]:
    """Threads take turns as often as can be."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


@pytest.mark.parametrize(
    ("source", "problem"),
    [
        ("x = 1\n", None),
        ("x = 1\ny = (\n", "line 2: '(' was never closed"),
        ("x = 1\0", "source code string cannot contain null bytes"),
        ("x = " + "-" * 100_000 + "1\n", "it is nested too deep"),
    ],
)
def test_what_is_wrong_with_a_source_is_one_line(source: str, problem: str | None) -> None:
    found = syntax_problem(source)
    assert found == problem or (
        problem and "null bytes" in problem and found and "null bytes" in found
    )


def test_only_one_tree_is_made_at_a_time(
    often_switched: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Python 3.11 raises SystemError where two threads make one (python/cpython#106905)."""
    under_way, most = [0], [0]
    parse, counting = ast.parse, threading.Lock()

    def counted(source: str) -> ast.Module:
        with counting:
            under_way[0] += 1
            most[0] = max(most[0], under_way[0])
        try:
            return parse(source)
        finally:
            with counting:
                under_way[0] -= 1

    monkeypatch.setattr(syntax.ast, "parse", counted)
    source = "".join(f"def f{n}(x):\n    return [x + {n} for x in range({n})]\n" for n in range(50))
    with ThreadPoolExecutor(8) as pool:
        sizes = {len(tree.body) for tree in pool.map(tree_of, [source] * 64)}
    assert (sizes, most[0]) == ({50}, 1)
