"""kill -9 at random instants: nothing acknowledged is lost, no effect comes twice, nothing is left running."""

import os
import random
import signal
import time
from pathlib import Path

import pytest

from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.lease import holder
from workbench.ledger.study import Study
from workbench.records import Adopted, Candidate, Entry, Options, Trial, TrialStarted
from workbench.verbs.launch import create, spawn

KILLS = 26
CANDIDATES = 60
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


def processes(folder: StudyFolder) -> dict[int, str]:
    """Living processes that name the study in their command line, environment, working folder or mounts."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        try:
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            text = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            about = text + (entry / "environ").read_bytes().decode(errors="replace")
        except OSError:
            continue
        if state != "Z" and (str(folder.path) in about or str(folder.path.parent.parent) in about):
            found[int(entry.name)] = text
    return found


def descendants(pid: int) -> list[int]:
    try:
        tasks = list(Path(f"/proc/{pid}/task").iterdir())
        children = [int(child) for task in tasks for child in (task / "children").read_text().split()]
    except OSError:
        return []
    return [*children, *(grandchild for child in children for grandchild in descendants(child))]


def alive(pids: set[int]) -> set[int]:
    def state(pid: int) -> str:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return "gone"

    return {pid for pid in pids if state(pid) not in ("gone", "Z", "X")}


def wait_until(holds, seconds: float = 60.0) -> None:  # type: ignore[no-untyped-def]
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, f"waited {seconds} s in vain"
        time.sleep(0.01)


def read(folder: StudyFolder) -> list[Entry]:
    with Journal(folder) as journal:
        return journal.entries()


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    source = tmp_path / "toy"
    source.mkdir()
    for name, text in {"experiment.toml": EXPERIMENT, "evaluate.py": EVALUATE, "solution.py": SOLUTION}.items():
        (source / name).write_text(text)
    return create(str(source), root=tmp_path, options=Options(proposer="null", candidates=CANDIDATES, slots=2, seed=3), settings={})


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1])
def test_kill_9_at_random_instants_repeats_nothing_and_loses_nothing(
    study: StudyFolder, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    rng, acknowledged, requests, seen_pids = random.Random(seed), [], [], set()
    killed = {"loop": 0, "trial process": 0}
    for number in range(KILLS):
        if holder(study) is None:
            spawn(study)
        wait_until(lambda: bool(holder(study)))
        loop = holder(study)
        assert loop
        with Journal(study) as journal:
            requests.append(journal.request("guide", {"text": f"thought {number}"}))
        time.sleep(rng.uniform(0.0, 0.7))  # the random instant is the point here
        family = descendants(loop)
        seen_pids |= {loop, *family}
        acknowledged.append(read(study))
        children = [pid for pid in family if "workbench.evaluate" in _command(pid)]
        what = "trial process" if children and rng.random() < 0.6 else "loop"
        victim = rng.choice(children) if what == "trial process" else loop
        try:
            os.kill(victim, signal.SIGKILL)
            killed[what] += 1
        except ProcessLookupError:
            continue
        if what == "loop":
            wait_until(lambda: holder(study) is None)
    if holder(study) is None:
        spawn(study)
    wait_until(lambda: holder(study) is None, 240)
    final = read(study)
    state = Study().fold(final)
    if state.state != "finished":
        spawn(study)
        wait_until(lambda: holder(study) is None, 240)
        final = read(study)
        state = Study().fold(final)
    assert (state.state, state.reason) == ("finished", f"the budget of {CANDIDATES} candidates is used")
    check_history(final, acknowledged)
    adopted = [entry.record.request for entry in final if isinstance(entry.record, Adopted)]
    assert sorted(adopted) == sorted(requests), "a request was lost or adopted twice"
    wait_until(lambda: not alive(seen_pids) and not processes(study), 10)
    lost = sum(trial.status == "lost" for candidate in state.candidates for trial in candidate.trials)
    with capsys.disabled():
        print(f"\n{sum(killed.values())} kills ({killed}), {lost} trials lost and run again, {len(final)} records, 0 orphans")


def check_history(final: list[Entry], acknowledged: list[list[Entry]]) -> None:
    for seen in acknowledged:
        assert final[: len(seen)] == seen, "an acknowledged record changed or vanished"
    candidates = [entry.record for entry in final if isinstance(entry.record, Candidate)]
    assert [candidate.candidate for candidate in candidates] == list(range(CANDIDATES + 1))
    assert len({candidate.program for candidate in candidates}) == len(candidates), "a proposal was made twice"
    started = [(e.record.candidate, e.record.trial) for e in final if isinstance(e.record, TrialStarted)]
    ended = [(e.record.candidate, e.record.trial) for e in final if isinstance(e.record, Trial)]
    assert sorted(started) == sorted(ended), "a trial was started without an end, or ended twice"
    assert len(set(ended)) == len(ended)
    scored = [(e.record.candidate, e.record.seed) for e in final if isinstance(e.record, Trial) and e.record.status == "ok"]
    assert len(set(scored)) == len(scored), "a seed was scored twice for one candidate"


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    except OSError:
        return ""
