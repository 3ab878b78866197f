"""Smoke: the short run of a program by which a proposer learns what is wrong with it before a trial is spent."""

from typing import Any

from workbench.program import Program
from workbench.propose.blocks import AnswerProblem
from workbench.propose.proposer import Brief, Shown


def check(brief: Brief, program: Program, imports: bool = True) -> dict[str, Any]:
    """What there is to record of a smoke run: its wall-clock seconds; nothing where there is none.

    Args:
        imports: without a `check` of the experiment's, the import of the modules is tried instead. It costs what a trial costs that
            fails at its import: worth it within a conversation, not for one answer of many.

    Raises:
        AnswerProblem: the program does not pass.
    """
    checked = brief.workspace.check(program, brief.cancelled, imports)
    if checked is None:
        return {}
    cost = f"{checked.seconds:.1f} s"
    if not checked.problem:
        brief.show(Shown("check", f"smoke run passed ({cost})"))
        return {"check_seconds": round(checked.seconds, 2)}
    brief.show(Shown("check", f"smoke run failed ({cost}): {checked.problem}"))
    raise AnswerProblem(
        f"it fails in a smoke run ({cost}): {checked.problem}", checked.output.strip()
    )
