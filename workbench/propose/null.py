"""Null: a no-op candidate, so that an A/A study shows what noise alone would have kept."""

import re

from workbench.experiment import Experiment
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal
from workbench.records import Options

_MARK = re.compile(r"# no-op \d+\r?\n\Z")
_HYPOTHESIS = "No-op: only a comment differs, so the score should not change beyond its noise."


class Null:
    """Proposes the parent's program with one changed comment; with no Python file, the program as it is."""

    name = "null"

    def __init__(self, argument: str, experiment: Experiment, options: Options) -> None:
        self._made: set[str] = set()

    def propose(self, brief: Brief) -> Proposal:
        path = next((path for path in brief.program.files if path.endswith(".py")), None)
        if path is None:
            return Proposal(
                program=brief.program,
                hypothesis="No-op: nothing differs.",
                origin={"no_op": brief.number},
                repeats=True,
            )
        number = brief.number
        program = _marked(brief.program, path, number)
        while program.digest in brief.study.by_program or program.digest in self._made:
            number += 1
            program = _marked(brief.program, path, number)
        self._made.add(program.digest)
        return Proposal(
            program=program, hypothesis=_HYPOTHESIS, origin={"no_op": number}, repeats=True
        )


def _marked(program: Program, path: str, number: int) -> Program:
    """The program with the trailing comment `# no-op NUMBER` in one file, in place of an earlier such comment."""
    text = program.files[path]
    end = "\r\n" if "\r\n" in text else "\n"
    text = _MARK.sub("", text)
    if text and not text.endswith("\n"):
        text += end
    return Program({**program.files, path: f"{text}# no-op {number}{end}"}, program.executable)
