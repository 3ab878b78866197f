"""Two runs of a study with one seed and one slot, each proposal made once all before it is decided, give equal journals.

Left out of the comparison: times of entries, how long trials and smoke runs took and what trials
used, process ids, names and addresses.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import Answer, MessagesServer, Step
from tests.studies import ended, folded, read
from tests.toy_study import write_experiment
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.program import Program
from workbench.records import Candidate, LoopStarted, Options, Record, StudyOpened, Trial
from workbench.verbs import create, loop_process

pytestmark = pytest.mark.slow
EXPERIMENT = """\
editable = ["solution.py"]
[objective]
name = "distance"
goal = "minimize"
noise = "seed"
"""
EVALUATE = """\
def evaluate(trial):
    with trial.start("solution.py") as process:
        return {"distance": process.call("answer", trial.seed, returns=float)}
"""
SOLUTION = """\
RATE = 0.5
WIDTH = 8
WARMUP = 20


def answer(seed):
    return abs(RATE - 2) + abs(WIDTH - 13) / 5 + abs(WARMUP - 35) / 20 + seed % 97 / 10_000
"""


def made(root: Path, name: str, also: Sequence[str] = (), **options: Any) -> StudyFolder:
    """The study, run to its end by a loop of its own."""
    source = root / "toy"
    if not source.exists():
        write_experiment(source, EXPERIMENT, EVALUATE, SOLUTION)
    folder = create.create(
        str(source),
        study=name,
        root=root,
        options=Options(**{"slots": 1, "seed": 7, **options}),
        also=also,
    )
    loop_process.spawn(folder)
    ended(folder, 240)
    return folder


def compared(folder: StudyFolder) -> list[Record]:
    """The records in their order, without what two runs cannot share."""
    plain: list[Record] = []
    for entry in read(folder):
        match entry.record:
            case Trial() as record:
                plain.append(replace(record, seconds=0.0, cpu_seconds=0.0, memory_mb=0.0))
            case LoopStarted() as record:
                plain.append(replace(record, pid=0))
            case Candidate() as record:
                plain.append(replace(record, origin={**record.origin, "check_seconds": 0.0}))
            case StudyOpened() as record:
                plain.append(replace(record, name="", options=replace(record.options, base_url="")))
            case record:
                plain.append(record)
    return plain


def programs(folder: StudyFolder) -> list[Program]:
    with Journal(folder) as journal:
        return [
            journal.read_program(history.record.program) for history in folded(folder).candidates
        ]


def test_of_the_tuner(tmp_path: Path) -> None:
    one, other = made(tmp_path, "one", candidates=12), made(tmp_path, "other", candidates=12)
    assert folded(one).proposals.n_made == 12
    assert compared(one) == compared(other)
    assert programs(one) == programs(other)


def test_of_the_tuner_after_programs_that_the_study_was_given(tmp_path: Path) -> None:
    for name, changes in {
        "wide.py": ("WIDTH = 8", "WIDTH = 12"),
        "slow.py": ("RATE = 0.5", "RATE = 0.25"),
    }.items():
        (tmp_path / name).write_text(SOLUTION.replace(*changes))
    one, other = (
        made(tmp_path, name, also=["wide.py", "slow.py"], candidates=6) for name in ("one", "other")
    )
    assert [history.record.author for history in folded(one).candidates][:4] == [
        "baseline",
        "start",
        "start",
        "tuner",
    ]
    assert [history.status for history in folded(one).candidates][1:3] == ["kept", "discarded"]
    assert (len(programs(one)), compared(one)) == (9, compared(other))
    assert programs(one) == programs(other)


def test_of_a_scripted_model_that_is_asked_one_question_at_a_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the model says depends on what it is shown, so that another view of the study would give another program."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-made-up-for-this-test")

    def script(body: Any) -> Step:
        prompt = body["messages"][0]["content"][-1]["text"]  # a repair shows no program
        name = ("RATE", "WIDTH", "WARMUP")[(len(prompt) + len(body["messages"])) % 3]
        old = [line for line in prompt.splitlines() if line.startswith(f"{name} =")][-1]
        number = float(re.findall(r"= ([\d.]+)", old)[0])
        new = f"{name} = {number + sum(map(ord, prompt)) % 17 / 4 + 0.25}"
        return Answer(
            f"HYPOTHESIS: so\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n",
            usage={"input_tokens": len(prompt)},
        )

    with MessagesServer(script) as server:
        options = {
            "proposer": "evolve",
            "model": "claude-opus-5-5",
            "base_url": server.url,
            "candidates": 10,
            "ahead": 0,
        }
        one = made(tmp_path, "one", strategy="islands", **options)
        other = made(tmp_path, "other", strategy="islands", **options)
    assert folded(one).proposals.n_made == 10
    assert compared(one) == compared(other)
    assert programs(one) == programs(other)
    assert len({program.digest for program in programs(one)}) == 11
