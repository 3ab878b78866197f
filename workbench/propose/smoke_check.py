"""Smoke check: a short run of a program, to find a mistake before a trial is spent."""

from typing import Any

from workbench.program import Program
from workbench.propose.blocks import AnswerProblem
from workbench.propose.proposer import Brief, Glimpse


def check_program(brief: Brief, program: Program, imports: bool = True) -> dict[str, Any]:
    """Runs a program for a moment; returns what to record in the candidate's origin.

    That is the wall-clock time in seconds, and nothing if the program cannot be run in advance.

    Args:
        brief: where the program can be run.
        program: the program.
        imports: if the experiment has no `check`, import the modules instead. That costs as much as
            a trial that fails at its import. It is worth it within a conversation, but not for one
            answer of many.

    Raises:
        AnswerProblem: the program does not pass.
    """
    result = brief.workspace.check(program, brief.cancelled, imports)
    if result is None:
        return {}
    seconds = f"{result.seconds:.1f} s"
    if result.problem:
        brief.show(Glimpse("check", f"smoke run failed ({seconds}): {result.problem}"))
        problem = f"it fails in a smoke run ({seconds}): {result.problem}"
        raise AnswerProblem(problem, result.output.strip())
    brief.show(Glimpse("check", f"smoke run passed ({seconds})"))
    return {"check_seconds": round(result.seconds, 2)}
