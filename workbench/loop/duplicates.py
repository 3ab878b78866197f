"""Recognises a program that repeats an earlier one but for comments, docstrings or layout.

Checked before a trial is spent on it.
"""

import ast
import hashlib
from collections.abc import Callable

from workbench.ledger.study import Study
from workbench.program import Program
from workbench.records import PERSON, Candidate
from workbench.syntax import parse_tree

Definition = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


class Duplicates:
    """The programs of a study by their normal form; constant work per candidate.

    A proposal's record carries its normal form. For the baseline and for people's programs it is
    computed here. Records of older studies have none, so those proposals are recognised by their
    exact text only.
    """

    def __init__(self, program: Callable[[int], Program]) -> None:
        self._program = program
        self._number_by_form: dict[str, int] = {}
        self._n_read = 0
        self._n_rebased = 0
        self._last_digest = ""
        self._last_form = ""

    def normal(self, program: Program) -> str:
        """The normal form of a program; the last one asked for is cached."""
        if self._last_digest != program.digest:
            self._last_form = normal_form(program)
            self._last_digest = program.digest
        return self._last_form

    def problem(self, study: Study, program: Program) -> str:
        """Says which candidate a program repeats; empty if it repeats none."""
        self._read(study)
        number = self._number_by_form.get(self.normal(program))
        return "" if number is None else f"it is candidate {number} but for comments or formatting"

    def _read(self, study: Study) -> None:
        """Takes in the candidates, and the rebased programs, since the last call."""
        for history in study.candidates[self._n_read :]:
            form = history.record.normal
            if not form and _needs_computing(history.record):
                form = normal_form(self._program(history.number))
            if form:
                self._number_by_form.setdefault(form, history.number)
        self._n_read = len(study.candidates)
        for number in study.lineage.rebased[self._n_rebased :]:
            self._number_by_form.setdefault(study.candidates[number].record.normal, number)
        self._n_rebased = len(study.lineage.rebased)


def _needs_computing(record: Candidate) -> bool:
    """Whether a record has no normal form because no proposer made its program."""
    is_by_person = record.parent is None or record.author.startswith(PERSON)
    return is_by_person and record.without is None


def normal_form(program: Program) -> str:
    """A digest that is equal for programs that differ only in comments, docstrings and layout.

    For Python it covers the syntax tree. Docstrings count if any file mentions `__doc__`, because
    then they may affect what the program does. For other text it covers the stripped lines without
    empty ones.
    """
    reads_docstrings = any("__doc__" in text for text in program.files.values())
    state = hashlib.sha256()
    for path, text in program.files.items():
        form = _python_form(text, reads_docstrings) if path.endswith(".py") else None
        if form is None:
            form = _text_form(text)
        body = form.encode("utf-8", "surrogatepass")
        is_executable = path in program.executable
        state.update(f"{path}\0{is_executable}\0{len(body)}\0".encode() + body)
    return state.hexdigest()[:32]


def _python_form(text: str, with_docstrings: bool) -> str | None:
    """The syntax tree as text; None if the text does not parse."""
    try:
        tree = parse_tree(text)
        if not with_docstrings:
            for node in ast.walk(tree):
                if isinstance(node, Definition) and _has_docstring(node):
                    node.body = node.body[1:]
        return ast.dump(tree)
    except (SyntaxError, ValueError):
        return None
    except (RecursionError, MemoryError):  # the source is nested too deeply
        return None


def _has_docstring(node: Definition) -> bool:
    match node.body:
        case [ast.Expr(value=ast.Constant(value=str())), *_]:
            return True
    return False


def _text_form(text: str) -> str:
    return "\n".join(line.strip() for line in text.splitlines() if line.strip())
