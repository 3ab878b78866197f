"""A study whose journal is written by hand.

A baseline, one kept, one discarded, one failed, one that waits.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench import experiment_file
from workbench.ledger import folder as folders
from workbench.ledger.curves import LivePoint
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Pen, create_journal
from workbench.ledger.lease import Lease
from workbench.program import Patch, Program
from workbench.records import (
    Candidate,
    Decision,
    Evidence,
    LoopStarted,
    Options,
    Record,
    StateChanged,
    StudyOpened,
    Trial,
)
from workbench.verbs.freeze import freeze

TOML = """\
editable = ["solution.py"]
packages = []
[objective]
name = "loss"
goal = "minimize"
noise = "seed"
[settings]
size = 3
"""
EVALUATE = """\
def evaluate(trial):
    with trial.start("solution.py") as process:
        return {"loss": process.call("answer", returns=float)}
"""
SOLUTION = (
    "import math\n\nRATE = 1.0\n\n\ndef wait():\n"
    "    pass\n\n\ndef answer():\n    return 1.0 + RATE\n"
)
BASELINE = Program({"solution.py": SOLUTION})
BETTER = Program(
    {
        "solution.py": SOLUTION.replace("RATE = 1.0", "RATE = 0.5").replace(
            "return 1.0", "return 0.9"
        )
    }
)
WORSE = Program({"solution.py": SOLUTION.replace("RATE = 1.0", "RATE = 2.0")})
BROKEN = Program({"solution.py": SOLUTION.replace("RATE = 1.0", "RATE = None")})
WAITING = Program({"solution.py": BETTER.files["solution.py"].replace("RATE = 0.5", "RATE = 0.25")})
PROGRAMS = (BASELINE, BETTER, WORSE, BROKEN, WAITING)


def write_experiment(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "experiment.toml").write_text(TOML)
    (folder / "evaluate.py").write_text(EVALUATE)
    BASELINE.write(folder)
    return folder


def candidate(number: int, parent: int | None, **fields: Any) -> Candidate:
    change = Patch() if parent is None else Patch.between(PROGRAMS[parent], PROGRAMS[number])
    values = {
        "author": "tuner",
        "program": PROGRAMS[number].digest,
        "added": change.added,
        "removed": change.removed,
    }
    return Candidate(candidate=number, parent=parent, **{**values, **fields})


def ok(number: int, trial: int, score: float, **fields: Any) -> Trial:
    return Trial(
        candidate=number,
        trial=trial,
        seed=100 + trial,
        status="ok",
        score=score,
        metrics={"loss": score},
        **fields,
    )


EVIDENCE = Evidence(against=0, effect=0.3, low=0.1, high=0.5, trials=1)
RECORDS: tuple[Record, ...] = (
    LoopStarted(pid=1, host="here", version="0", sandbox="bwrap"),
    ok(0, 0, 1.0, seconds=1.5, memory_mb=512.0),
    ok(0, 1, 1.2, seconds=1.5, memory_mb=2048.0),
    Decision(candidate=0, verdict="keep", by="tested", why="the baseline"),
    candidate(1, 0, hypothesis="a lower\trate\nhelps", usd=0.5, tokens=100),
    ok(1, 0, 0.8),
    Decision(
        candidate=1, verdict="keep", by="tested", why="better past the noise", evidence=EVIDENCE
    ),
    candidate(2, 0, hypothesis="a higher rate"),
    ok(2, 0, 1.5),
    Decision(
        candidate=2,
        verdict="discard",
        by="tested",
        why="worse",
        evidence=Evidence(against=1, effect=-0.7),
    ),
    candidate(3, 0, hypothesis="no rate"),
    Trial(candidate=3, trial=0, seed=100, status="failed", reason="TypeError"),
    Decision(candidate=3, verdict="discard", by="tested", why="failed: TypeError"),
    candidate(4, 1, hypothesis="lower still"),
    ok(4, 0, 0.7),
    Decision(candidate=4, verdict="defer", by="review", why="a person is asked", evidence=EVIDENCE),
)
FINISHED = StateChanged(state="finished", reason="the budget of 4 candidates is used")


def make_study(
    root: Path,
    name: str = "toy-1",
    records: Sequence[Record] = (*RECORDS, FINISHED),
    shape: str = "call",
    **options: Any,
) -> StudyFolder:
    """A study without a loop, as if one had written `records` after the first two."""
    source = root / "toy"
    experiment = experiment_file.read(source if source.exists() else write_experiment(source))

    def fill(draft: StudyFolder) -> None:
        freeze(experiment, BASELINE, draft.experiment)
        opened = StudyOpened(
            name=name,
            experiment="toy",
            source=str(source),
            experiment_digest=experiment.digest,
            objective=experiment.objective,
            options=Options(**{"candidates": 4, **options}),
            shape=shape,
        )
        first = candidate(0, None, author="baseline", hypothesis="the experiment as it is")
        create_journal(draft, [opened, first], PROGRAMS)

    folder = folders.create(root, name, fill)
    append(folder, *records)
    return folder


def append(folder: StudyFolder, *records: Record) -> None:
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        pen.append(*records)


def add_points(folder: StudyFolder, number: int, trial: int) -> None:
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        pen.add_points(
            [
                LivePoint(number, trial, "train_loss", step, 1.0 / (step + 1), True)
                for step in range(5)
            ]
        )
