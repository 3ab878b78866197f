"""The incumbent beside a candidate: each in its own sandbox, out of the other's reach."""

import json
from typing import Any

from tests.evaluate.attacks import OUTCOME, list_allowed
from tests.evaluate.conftest import MakeRig
from workbench.evaluate.executor import Incumbent
from workbench.program import Program
from workbench.record_json import decode, encode
from workbench.records import Trial

NUMBER = "def answer():\n    return {}\n"
BOTH = """
def evaluate(trial):
    with trial.start("train.py") as mine:
        metrics = {"score": mine.call("answer")}
    if trial.incumbent is not None:
        with trial.start("train.py", program=trial.incumbent) as incumbent:
            metrics["incumbent"] = incumbent.call("answer")
    return metrics
"""
FILES = """
import json
LIST = "import os\\ndef list_files():\\n    return sorted(os.listdir())\\n"
def evaluate(trial):
    extra = {"list.py": LIST}
    files = {}
    with (
        trial.start("list.py", extra) as mine,
        trial.start("list.py", extra, program=trial.incumbent) as incumbent,
    ):
        files["mine"] = mine.call("list_files", returns=list)
        files["incumbent"] = incumbent.call("list_files", returns=list)
    (trial.folder / "files.json").write_text(json.dumps(files))
    return {"score": 0}
"""
REACH = """
import json
from workbench.evaluate.sandbox import process_tree
def evaluate(trial):
    with trial.start("train.py", program=trial.incumbent) as incumbent:
        folder = incumbent.call("folder", returns=str)
        boxes = str(trial.resources.folder)
        pids = process_tree.list_descendants(incumbent._supervisor.pid)
        with trial.start("train.py") as mine:
            outcomes = mine.call("attack", pids, folder, boxes, returns=dict)
        outcomes["answer"] = incumbent.call("answer")
    (trial.folder / "outcomes.json").write_text(json.dumps(outcomes))
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
    outcomes = {}
    idle = os.sched_param(0)
    for pid in pids:
        outcomes |= {
            f"stop {pid}": outcome(lambda: os.kill(pid, signal.SIGSTOP)),
            f"kill {pid}": outcome(lambda: os.kill(pid, signal.SIGKILL)),
            f"kill group {pid}": outcome(lambda: os.killpg(pid, signal.SIGKILL)),
            f"limit {pid}": outcome(lambda: resource.prlimit(pid, resource.RLIMIT_CPU, (1, 1))),
            f"affinity {pid}": outcome(lambda: os.sched_setaffinity(pid, {0})),
            f"priority {pid}": outcome(lambda: os.setpriority(os.PRIO_PROCESS, pid, 19)),
            f"scheduler {pid}": outcome(lambda: os.sched_setscheduler(pid, os.SCHED_IDLE, idle)),
            f"memory {pid}": outcome(lambda: open(f"/proc/{pid}/mem", "rb").read(1)),
            f"maps {pid}": outcome(lambda: open(f"/proc/{pid}/maps").read()),
            f"folder {pid}": outcome(lambda: open(f"/proc/{pid}/cwd/secret.txt").read()),
        }
    if folder != os.getcwd():  # else each has its own mounts, and sees its box at the same path
        outcomes["folder"] = outcome(lambda: os.listdir(folder))
        outcomes["file"] = outcome(lambda: open(os.path.join(folder, "secret.txt")).read())
        outcomes["program"] = outcome(lambda: open(os.path.join(folder, "train.py"), "a"))
    else:
        outcomes["file"] = outcome(lambda: open("secret.txt").read())
    outcomes["boxes"] = outcome(lambda: os.listdir(boxes))
    return outcomes
"""
)


def run_beside(
    make_rig: MakeRig, candidate: str, evaluate: str, incumbent: Program | None, **changes: Any
) -> Trial:
    """Runs a trial of a candidate whose incumbent, if any, is candidate 4."""
    rig = make_rig(candidate, evaluate)
    if incumbent is not None:
        changes["incumbent"] = Incumbent(4, incumbent)
    rig.submit(**changes)
    return rig.wait_for_end()


def test_the_incumbent_runs_beside_the_candidate_and_the_record_says_which_one(
    make_rig: MakeRig,
) -> None:
    trial = run_beside(make_rig, NUMBER.format(1), BOTH, Program({"train.py": NUMBER.format(2)}))
    assert (trial.status, trial.reason) == ("ok", "")
    assert trial.metrics == {"score": 1.0, "incumbent": 2.0}
    assert trial.beside == 4
    assert decode(*encode(trial)) == trial


def test_without_an_incumbent_the_evaluator_runs_alone(make_rig: MakeRig) -> None:
    trial = run_beside(make_rig, NUMBER.format(1), BOTH, None)
    assert (trial.status, dict(trial.metrics), trial.beside) == ("ok", {"score": 1.0}, None)


def test_an_incumbent_that_was_not_started_is_not_on_record(make_rig: MakeRig) -> None:
    alone = BOTH.replace("if trial.incumbent is not None", "if False")
    trial = run_beside(make_rig, NUMBER.format(1), alone, Program({"train.py": NUMBER.format(2)}))
    assert trial.beside is None


def test_neither_box_has_a_file_of_the_other(make_rig: MakeRig) -> None:
    mine = Program({"train.py": "", "mine.py": ""})
    other = Program({"train.py": "", "other.py": ""}, frozenset({"other.py"}))
    rig = make_rig("", FILES)
    task = rig.submit(program=mine, incumbent=Incumbent(4, other))
    assert rig.wait_for_end().status == "ok"
    files = json.loads((task.folder / "files.json").read_text())
    assert {"mine.py", "list.py"} <= set(files["mine"])
    assert {"other.py", "list.py"} <= set(files["incumbent"])
    assert "other.py" not in files["mine"]
    assert "mine.py" not in files["incumbent"]


def test_a_candidate_reaches_neither_the_process_nor_the_files_of_the_incumbent(
    make_rig: MakeRig,
) -> None:
    rig = make_rig(ATTACK, REACH)
    task = rig.submit(incumbent=Incumbent(4, Program({"train.py": SECRET})))
    trial = rig.wait_for_end()
    assert trial.status == "ok", trial
    outcomes = json.loads((task.folder / "outcomes.json").read_text())
    assert outcomes.pop("answer") == 7
    assert len(outcomes) > 10
    assert list_allowed(outcomes) == {}
