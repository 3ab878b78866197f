"""The incumbent beside a candidate: each in a sandbox of its own, with its own files, and out of the other's reach."""

import json
from collections.abc import Callable
from typing import Any

from tests.evaluate.attacks import OUTCOME
from tests.evaluate.test_local import Rig, rig
from workbench.evaluate.executor import Incumbent
from workbench.program import Program
from workbench.records import Trial, decode, encode

__all__ = ["rig"]
Rigs = Callable[..., Rig]

NUMBER = "def answer():\n    return {}\n"
BOTH = """
def evaluate(trial):
    with trial.start("train.py") as mine:
        found = {"score": mine.call("answer")}
    if trial.incumbent is not None:
        with trial.start("train.py", program=trial.incumbent) as incumbent:
            found["incumbent"] = incumbent.call("answer")
    return found
"""
FILES = """
import json
LISTED = "import os\\ndef listed():\\n    return sorted(os.listdir())\\n"
def evaluate(trial):
    extra = {"list.py": LISTED}
    with trial.start("list.py", extra) as mine, trial.start("list.py", extra, program=trial.incumbent) as incumbent:
        found = {"mine": mine.call("listed", returns=list), "incumbent": incumbent.call("listed", returns=list)}
    (trial.folder / "found.json").write_text(json.dumps(found))
    return {"score": 0}
"""
REACH = """
import json
from workbench.evaluate.sandbox import tree
def evaluate(trial):
    with trial.start("train.py", program=trial.incumbent) as incumbent:
        folder = incumbent.call("folder", returns=str)
        boxes = str(trial.bench.folder)
        with trial.start("train.py") as mine:
            found = mine.call("attack", tree.descendants(incumbent._supervisor._process.pid), folder, boxes, returns=dict)
        found["answer"] = incumbent.call("answer")
    (trial.folder / "found.json").write_text(json.dumps(found))
    return {"score": 0}
"""
SECRET = """
import os
def folder():
    open("secret.txt", "w").write("how the incumbent does it")
    return os.getcwd()
def answer():
    return 7
"""
ATTACK = (
    OUTCOME
    + """
import resource, signal
def attack(pids, folder, boxes):
    found = {}
    for pid in pids:
        found |= {
            f"stop {pid}": outcome(lambda: os.kill(pid, signal.SIGSTOP)),
            f"kill {pid}": outcome(lambda: os.kill(pid, signal.SIGKILL)),
            f"kill group {pid}": outcome(lambda: os.killpg(pid, signal.SIGKILL)),
            f"limit {pid}": outcome(lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1))),
            f"affinity {pid}": outcome(lambda: os.sched_setaffinity(pid, {0})),
            f"priority {pid}": outcome(lambda: os.setpriority(os.PRIO_PROCESS, pid, 19)),
            f"scheduler {pid}": outcome(lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, os.sched_param(0))),
            f"memory {pid}": outcome(lambda: open(f"/proc/{pid}/mem", "rb").read(1)),
            f"maps {pid}": outcome(lambda: open(f"/proc/{pid}/maps").read()),
            f"folder {pid}": outcome(lambda: open(f"/proc/{pid}/cwd/secret.txt").read()),
        }
    if folder != os.getcwd():  # with mounts of its own each sees its box at the same place
        found["folder"] = outcome(lambda: os.listdir(folder))
        found["file"] = outcome(lambda: open(os.path.join(folder, "secret.txt")).read())
        found["program"] = outcome(lambda: open(os.path.join(folder, "train.py"), "a"))
    else:
        found["file"] = outcome(lambda: open("secret.txt").read())
    found["boxes"] = outcome(lambda: os.listdir(boxes))
    return found
"""
)


def once(
    rig: Rigs, candidate: str, evaluate: str, incumbent: Program | None, **changes: Any
) -> Trial:
    made = rig(candidate, evaluate)
    made.submit(incumbent=None if incumbent is None else Incumbent(4, incumbent), **changes)
    return made.ended()


def test_the_incumbent_runs_beside_the_candidate_and_the_record_says_which_one(rig: Rigs) -> None:
    trial = once(rig, NUMBER.format(1), BOTH, Program({"train.py": NUMBER.format(2)}))
    assert (trial.status, trial.reason) == ("ok", "")
    assert trial.metrics == {"score": 1.0, "incumbent": 2.0}
    assert trial.beside == 4
    assert decode(*encode(trial)) == trial


def test_where_there_is_none_the_evaluator_does_without(rig: Rigs) -> None:
    trial = once(rig, NUMBER.format(1), BOTH, None)
    assert (trial.status, dict(trial.metrics), trial.beside) == ("ok", {"score": 1.0}, None)


def test_an_incumbent_that_was_not_started_is_not_on_record(rig: Rigs) -> None:
    alone = BOTH.replace("if trial.incumbent is not None", "if False")
    assert (
        once(rig, NUMBER.format(1), alone, Program({"train.py": NUMBER.format(2)})).beside is None
    )


def test_neither_box_has_a_file_of_the_other(rig: Rigs) -> None:
    mine, other = (
        Program({"train.py": "", "mine.py": ""}),
        Program({"train.py": "", "other.py": ""}, frozenset({"other.py"})),
    )
    made = rig("", FILES)
    task = made.submit(program=mine, incumbent=Incumbent(4, other))
    assert made.ended().status == "ok"
    found = json.loads((task.folder / "found.json").read_text())
    assert {"mine.py", "list.py"} <= set(found["mine"])
    assert {"other.py", "list.py"} <= set(found["incumbent"])
    assert "other.py" not in found["mine"]
    assert "mine.py" not in found["incumbent"]


def test_a_candidate_reaches_neither_the_process_nor_the_files_of_the_incumbent(rig: Rigs) -> None:
    made = rig(ATTACK, REACH)
    task = made.submit(incumbent=Incumbent(4, Program({"train.py": SECRET})))
    trial = made.ended()
    assert trial.status == "ok", trial
    found = json.loads((task.folder / "found.json").read_text())
    assert found.pop("answer") == 7
    assert len(found) > 10
    assert all(result.startswith("refused: ") for result in found.values()), found
