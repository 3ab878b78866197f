"""A study of a toy program whose executor and proposer are functions of the test's."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.studies import folded
from workbench import experiment_file, registry
from workbench.ledger import folder as folders
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal, Pen, create_journal
from workbench.ledger.lease import Lease
from workbench.ledger.study import Study
from workbench.loop.loop import Loop
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal
from workbench.records import Candidate, Options, StudyOpened
from workbench.testing import PROGRAM, StandInExecutor

TOML = """
editable = ["train.py"]
[objective]
name = "loss"
goal = "minimize"
noise = "none"
"""

Score = Callable[[Program, int], float | None]
Propose = Callable[[Brief], Proposal | Sequence[Proposal] | None]


def rate(program: Program) -> float:
    """The LEARNING_RATE that a toy program names."""
    line = next(
        line for line in program.files["train.py"].splitlines() if line.startswith("LEARNING_RATE")
    )
    return float(line.split("=")[1])


def with_rate(program: Program, value: float) -> Program:
    text = program.files["train.py"]
    return Program(
        {
            "train.py": text.replace(
                f"LEARNING_RATE = {rate(program):g}", f"LEARNING_RATE = {value:g}"
            )
        }
    )


class Toy:
    """A study of the toy program whose executor and proposer are functions of the test's."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self._patch = root, monkeypatch
        self.score: Score = lambda program, seed: 10 - rate(program)
        self.propose: Propose = lambda brief: Proposal(
            program=with_rate(brief.program, rate(brief.program) + 1), hypothesis="more"
        )
        self.slots = self.ahead = 1
        self.objective = ""
        self.evaluator = "def evaluate(trial): ...\n"
        self.program = PROGRAM
        self.folder: StudyFolder
        real = registry.find

        def find(role: str, name: str) -> Callable[..., Any]:
            if role == "executors":
                return lambda experiment, options, report: StandInExecutor(
                    lambda p, s: self.score(p, s), report, self.slots
                )
            if role == "proposers":
                return lambda argument, experiment, options: _Function(
                    lambda brief: self.propose(brief), self.ahead
                )
            return real(role, name)

        monkeypatch.setattr(registry, "find", find)

    def create(
        self, noise: str = "none", audit: Mapping[str, int] | None = None, **options: Any
    ) -> StudyFolder:
        source = self.root / "toy"
        source.mkdir()
        self.program.write(source)
        (source / "evaluate.py").write_text(self.evaluator)
        values = "".join(f"{key} = {value}\n" for key, value in (audit or {}).items())
        tables = f"{self.objective}\n[settings]\nsize = 3\n[audit]\n{values}"
        (source / "experiment.toml").write_text(TOML.replace('"none"', f'"{noise}"') + tables)
        experiment = experiment_file.read(source)
        opened = StudyOpened(
            name="toy-1",
            experiment="toy",
            source=str(source),
            experiment_digest=experiment.digest,
            objective=experiment.objective,
            options=Options(**{"proposer": "toy", "candidates": 3, **options}),
            shape="call",
            settings=dict(experiment.settings),
            audit=dict(experiment.audit),
        )
        first = Candidate(candidate=0, parent=None, program=self.program.digest, author="baseline")

        def fill(draft: StudyFolder) -> None:
            shutil.copytree(source, draft.experiment)
            create_journal(draft, [opened, first], [self.program])

        self.folder = folders.create(self.root, "toy-1", fill)
        return self.folder

    def run(self) -> Study:
        with Lease(self.folder) as lease, Pen(self.folder, lease) as pen:
            Loop(self.folder, pen).run()
        return self.study()

    def study(self) -> Study:
        return folded(self.folder)

    def request(self, verb: str, **body: Any) -> str:
        with Journal(self.folder) as journal:
            return journal.file_request(verb, body)


class _Function:
    name = "toy"

    def __init__(self, propose: Propose, ahead: int) -> None:
        self._propose, self.ahead = propose, ahead

    def propose(self, brief: Brief) -> Proposal | Sequence[Proposal] | None:
        return self._propose(brief)
