"""A study whose candidates leave a daemon behind; the processes and records that drills check."""

import os
import subprocess
from pathlib import Path

from tests import toy_study
from tests.studies import read
from workbench.ledger.folder import StudyFolder
from workbench.records import Candidate, Entry, Options, Trial, TrialStarted
from workbench.verbs import create

EXPERIMENT = """\
editable = ["solution.py"]
[objective]
name = "value"
goal = "maximize"
noise = "seed"
[limits]
wall_seconds = 30
"""
EVALUATE = """\
def evaluate(trial):
    with trial.start("solution.py") as process:
        return {"value": process.call("answer", trial.seed, returns=float)}
"""
SOLUTION = """\
import os, time

if os.fork() == 0:  # a child that would outlive its parent
    os.setsid()
    time.sleep(600)


def answer(seed):
    for step in range(20):
        print(f"step {step} | loss: {1 / (step + 1)}", flush=True)
        time.sleep(0.005)
    return (seed % 1000) / 1000
"""


def list_processes(folder: StudyFolder) -> dict[int, str]:
    """Returns the living processes with the study in their command line or environment.

    Maps each process to its command line.
    """
    commands = {}
    paths = (str(folder.path), str(folder.path.parent.parent))
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            about = command + (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if state != "Z" and any(path in about for path in paths):
            commands[int(entry.name)] = command
    return commands


def list_descendants(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [
            int(child) for task in tasks for child in (task / "children").read_text().split()
        ]
    except OSError:
        return []
    return [
        *children,
        *(grandchild for child in children for grandchild in list_descendants(child)),
    ]


def find_alive(pids: set[int]) -> set[int]:
    def state(pid: int) -> str:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return "gone"

    return {pid for pid in pids if state(pid) not in ("gone", "Z", "X")}


def copy_study(study: StudyFolder, to: Path) -> StudyFolder:
    """Copies a study as a person would while its loop may run.

    `cp` reports the files that vanish meanwhile, and continues.
    """
    subprocess.run(["cp", "-r", study.path, to], stderr=subprocess.DEVNULL)
    return StudyFolder(to)


def command_of(pid: int) -> str:
    try:
        return (
            Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        )
    except OSError:
        return ""


def write_experiment(root: Path) -> Path:
    return toy_study.write_experiment(root / "toy", EXPERIMENT, EVALUATE, SOLUTION)


def make_study(root: Path, **options: object) -> StudyFolder:
    source = write_experiment(root)
    chosen = Options(**{"proposer": "null", "slots": 2, "seed": 3, **options})  # type: ignore[arg-type]
    return create.create(str(source), root=root, options=chosen, settings={})


def count_scores(folder: StudyFolder) -> int:
    return sum(
        isinstance(entry.record, Trial) and entry.record.status == "ok" for entry in read(folder)
    )


def check_history(final: list[Entry], acknowledged: list[list[Entry]]) -> None:
    """Checks the journal of a study whose loop was killed.

    No acknowledged record has changed, no proposal, trial or score is in it twice, and every trial
    has ended.
    """
    for entries in acknowledged:
        assert final[: len(entries)] == entries, "an acknowledged record changed or vanished"
    candidates = [entry.record for entry in final if isinstance(entry.record, Candidate)]
    assert [candidate.candidate for candidate in candidates] == list(range(len(candidates)))
    assert len({candidate.program for candidate in candidates}) == len(candidates), (
        "a proposal was made twice"
    )
    started = [
        (e.record.candidate, e.record.trial) for e in final if isinstance(e.record, TrialStarted)
    ]
    ended = [(e.record.candidate, e.record.trial) for e in final if isinstance(e.record, Trial)]
    assert sorted(started) == sorted(ended), "a trial was started without an end, or ended twice"
    assert len(set(ended)) == len(ended)
    scores = [
        (e.record.candidate, e.record.seed)
        for e in final
        if isinstance(e.record, Trial) and e.record.status == "ok"
    ]
    assert len(set(scores)) == len(scores), "a seed was scored twice for one candidate"
