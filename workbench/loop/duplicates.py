"""Duplicates: whether a proposed program is an earlier one but for comments, docstrings or layout, before a trial is spent on it."""

import ast
import hashlib
from collections.abc import Callable

from workbench.ledger.study import Study
from workbench.program import Program
from workbench.records import PERSON
from workbench.syntax import tree_of


class Duplicates:
    """The programs of a study by their normal form, which each proposal's record has; constant work per candidate.

    Those of the baseline and of people are worked out from their programs. A proposal of an older study, whose record has none, is
    not recognised but for its exact text.
    """

    def __init__(self, program: Callable[[int], Program]) -> None:
        self._program = program
        self._known: dict[str, int] = {}
        self._n_read = self._n_rebased = 0
        self._last = ("", "")

    def normal(self, program: Program) -> str:
        """The normal form; that of the program asked for last is remembered."""
        if self._last[0] != program.digest:
            self._last = program.digest, normal_form(program)
        return self._last[1]

    def problem(self, study: Study, program: Program) -> str:
        """Which candidate it repeats; empty where it repeats none."""
        number = self._first(study, self.normal(program))
        return "" if number is None else f"it is candidate {number} but for comments or formatting"

    def _first(self, study: Study, normal: str) -> int | None:
        for history in study.candidates[self._n_read :]:
            record = history.record
            known = record.normal
            if (
                not known
                and (record.parent is None or record.author.startswith(PERSON))
                and record.without is None
            ):
                known = normal_form(self._program(history.number))
            if known:
                self._known.setdefault(known, history.number)
        self._n_read = len(study.candidates)
        for number in study.rebased[self._n_rebased :]:
            self._known.setdefault(study.candidates[number].record.normal, number)
        self._n_rebased = len(study.rebased)
        return self._known.get(normal)


def normal_form(program: Program) -> str:
    """A digest that is equal for programs that differ in comments, docstrings and layout only.

    Of Python it is the syntax tree; docstrings count where any file speaks of `__doc__`. Of other text it is the lines, stripped,
    without the empty ones.
    """
    reads_docstrings = any("__doc__" in text for text in program.files.values())
    state = hashlib.sha256()
    for path, text in program.files.items():
        plain = _python(text, reads_docstrings) if path.endswith(".py") else None
        body = (_lines(text) if plain is None else plain).encode("utf-8", "surrogatepass")
        state.update(f"{path}\0{path in program.executable}\0{len(body)}\0".encode() + body)
    return state.hexdigest()[:32]


def _python(text: str, with_docstrings: bool) -> str | None:
    """The syntax tree as text; None where there is none."""
    try:
        tree = tree_of(text)
        if not with_docstrings:
            for node in ast.walk(tree):
                if isinstance(
                    node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
                ) and _has_docstring(node):
                    node.body = node.body[1:]
        return ast.dump(tree)
    except (SyntaxError, ValueError, RecursionError, MemoryError):  # the last two: nested too deep
        return None


def _has_docstring(
    node: ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef,
) -> bool:
    first = node.body[0] if node.body else None
    return (
        isinstance(first, ast.Expr)
        and isinstance(first.value, ast.Constant)
        and isinstance(first.value.value, str)
    )


def _lines(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
