"""Null: a no-op candidate, so that an A/A study shows what noise alone would have kept."""

import re

from workbench.experiment import Experiment
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal
from workbench.records import Options

_COMMENT = re.compile(r"# no-op \d+\r?\n\Z")
_HYPOTHESIS = "No-op: only a comment differs, so the score should not change beyond its noise."


class Null:
    """Proposes the parent's program with one changed comment; without a Python file, unchanged."""

    name = "null"

    def __init__(self, argument: str, experiment: Experiment, options: Options) -> None:
        self._proposed: set[str] = set()

    def propose(self, brief: Brief) -> Proposal:
        python_files = [path for path in brief.program.files if path.endswith(".py")]
        if not python_files:
            return Proposal(
                program=brief.program,
                hypothesis="No-op: nothing differs.",
                origin={"no_op": brief.number},
                repeats=True,
            )
        path = python_files[0]
        number = brief.number
        program = _set_comment(brief.program, path, number)
        while program.digest in brief.study.by_program or program.digest in self._proposed:
            number += 1
            program = _set_comment(brief.program, path, number)
        self._proposed.add(program.digest)
        return Proposal(
            program=program, hypothesis=_HYPOTHESIS, origin={"no_op": number}, repeats=True
        )


def _set_comment(program: Program, path: str, number: int) -> Program:
    """The program with `# no-op NUMBER` as the last line of a file, instead of an earlier one."""
    text = program.files[path]
    line_end = "\r\n" if "\r\n" in text else "\n"
    text = _COMMENT.sub("", text)
    if text and not text.endswith("\n"):
        text += line_end
    text += f"# no-op {number}{line_end}"
    return Program({**program.files, path: text}, program.executable)
