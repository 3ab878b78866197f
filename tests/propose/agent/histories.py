"""A study with candidates of every kind, and what their trials left behind.

One was kept, one vetoed, one failed; there is an audit and an ablation.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Any

from workbench.experiment import Experiment
from workbench.ledger.curves import Curve
from workbench.program import Program
from workbench.propose.proposer import Brief
from workbench.propose.workspace import CommandResult, SmokeResult
from workbench.records import Candidate, Decision, Evidence, Options, ProposalFailed, Trial
from workbench.testing import PROGRAM, experiment_for_tests, fold, opening

SEED = 774411
PROGRAMS = [
    PROGRAM,
    *(
        Program({"train.py": PROGRAM.files["train.py"].replace("WIDTH = 8", f"WIDTH = {n}")})
        for n in (9, 10, 11, 12)
    ),
]
LOGS = {
    (1, 0): "step 1\nloss 2.5\n",
    (1, 1): "SECRET of an audit\n",
    (3, 0): "Traceback\nNameError: name 'widht' is not defined\n",
}


@dataclass
class Left:
    """A workspace in memory."""

    logs: Mapping[tuple[int, int], str] = field(default_factory=lambda: LOGS)
    repeated: str = ""
    has_shell: bool = True
    commands: list[str] = field(default_factory=list)
    checks: list[SmokeResult] = field(default_factory=list)

    def log(self, candidate: int, trial: int) -> str:
        return self.logs.get((candidate, trial), "")

    def curves(self, candidate: int, trial: int) -> Mapping[str, Curve]:
        if (candidate, trial) != (1, 0):
            return {}
        steps = tuple(float(step) for step in range(1000))
        return {"loss": Curve(steps, tuple(1000 - step for step in steps), False)}

    def repeats(self, program: Program) -> str:
        return self.repeated

    def check(self, program: Program, cancelled: Event, imports: bool = True) -> SmokeResult | None:
        """The next one of `checks`; None after the last one."""
        return self.checks.pop(0) if self.checks else None

    def run(
        self, program: Program, files: Iterable[tuple[str, str]], command: str, cancelled: Event
    ) -> CommandResult:
        self.commands.append(command)
        paths = sorted(path for path, _ in files)
        output = f"{program.files['train.py']}{paths}" + "x" * 30_000
        return CommandResult("exit status 0", output)


def experiment_in(folder: Path) -> Experiment:
    (folder / "program.md").write_text("Make the loss small.")
    return experiment_for_tests(folder)


def brief_of(experiment: Experiment, options: Options | None = None, **more: Any) -> Brief:
    """A brief about this study; `more` are fields of it."""

    def candidate(number: int, **values: Any) -> Candidate:
        usual = {"author": "agent", "hypothesis": f"width {number + 8} is better"}
        digest = PROGRAMS[number].digest
        return Candidate(candidate=number, parent=0, program=digest, **{**usual, **values})

    def trial(number: int, index: int = 0, **values: Any) -> Trial:
        return Trial(candidate=number, trial=index, seed=SEED, **values)

    records = [
        *opening(experiment, options or Options()),
        trial(0, status="ok", score=3.0),
        Decision(candidate=0, verdict="keep", by="loop"),
        candidate(1),
        trial(1, status="ok", score=2.5, metrics={"loss": 2.5, "tokens": 7.0}),
        Decision(
            candidate=1,
            verdict="keep",
            by="tested",
            why="better",
            evidence=Evidence(against=0, effect=0.5, seeds=(SEED,), trials=1),
        ),
        trial(1, 1, status="ok", score=2.6, purpose="audit"),
        candidate(2, author="person:ada"),
        trial(2, status="ok", score=2.4),
        Decision(candidate=2, verdict="discard", by="person:ada", why="unsafe at this width"),
        candidate(3),
        trial(3, status="failed", reason="NameError: widht"),
        Decision(candidate=3, verdict="discard", by="tested", why="it failed"),
        candidate(4, without=1),
        ProposalFailed(
            author="agent", reason="no program", origin={"problem": "no line reads 'x'"}
        ),
    ]
    values = {
        "parent": 1,
        "program": PROGRAMS[1],
        "programs": PROGRAMS.__getitem__,
        "workspace": Left(),
        **more,
    }
    return Brief(experiment=experiment, study=fold(records), **values)
