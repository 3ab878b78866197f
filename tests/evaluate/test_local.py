"""Trials in slots: every task ends with one record, whatever happens to its processes."""

import os
import queue
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.waiting import until
from workbench.evaluate.executor import Ended, Event, Points, Task
from workbench.evaluate.local import LocalExecutor
from workbench.evaluate.once import run_once
from workbench.experiment import Experiment
from workbench.records import Options, Trial, decode, encode

Run = Callable[..., Trial]
Make = Callable[..., Experiment]
FOREVER = """
import os, subprocess, sys, time
def answer():
    subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)  # MARK"])
    print("step 1 | loss: 1")
    time.sleep(600)
"""


class Rig:
    """An executor with one slot, and its events."""

    def __init__(self, experiment: Experiment, level: str, folder: Path) -> None:
        self.experiment, self.folder = experiment, folder
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.executor = LocalExecutor(experiment, Options(slots=1, sandbox=level), self.events.put)

    def submit(self, candidate: int = 1, **changes: Any) -> Task:
        experiment = self.experiment
        values = {
            "experiment": experiment.folder,
            "digest": experiment.digest,
            "program": experiment.program(),
            "settings": {},
        }
        values |= {"data": self.folder / "data", "folder": self.folder / f"{candidate:04}.0"}
        task = Task(**{"candidate": candidate, "trial": 0, "seed": 7, **values, **changes})
        self.executor.submit(task)
        return task

    def ended(self) -> Trial:
        while True:
            event = self.events.get(timeout=40)
            if isinstance(event, Ended):
                return event.trial

    def wait_for_points(self) -> None:
        while not isinstance(self.events.get(timeout=40), Points):
            pass

    @property
    def pid(self) -> int:
        child = self.executor._slots[0]._process
        assert child is not None
        return child.pid


@pytest.fixture
def rig(make: Make, tmp_path: Path, level: str) -> Iterator[Callable[..., Rig]]:
    made: list[Rig] = []

    def build(candidate: str, *args: Any, **keys: Any) -> Rig:
        made.append(Rig(make(candidate, *args, **keys), level, tmp_path / "study"))
        return made[-1]

    yield build
    for each in made:
        each.executor.close()


def none_with(mark: str) -> bool:
    for name in filter(str.isdigit, os.listdir("/proc")):
        try:
            if mark in Path("/proc", name, "cmdline").read_text():
                return False
        except OSError:
            continue
    return True


def test_a_trial_is_recorded_in_full(run: Run, level: str) -> None:
    trial = run("def answer(): return 2.0\n")
    assert (trial.status, trial.score, trial.metrics, trial.reason, trial.fault) == (
        "ok",
        2.0,
        {"score": 2.0},
        "",
        "",
    )
    assert (trial.sandbox, trial.shape, trial.device, trial.seed, trial.slot, trial.exact) == (
        level,
        "call",
        "cpu",
        7,
        0,
        True,
    )
    assert trial.memory_limit in ("cgroup", "watchdog")
    assert len(trial.evaluator) == 64
    assert trial.seconds > 0
    assert trial.cpu_seconds > 0
    assert trial.memory_mb > 1
    assert not trial.self_reported
    assert decode(*encode(trial)) == trial


def test_an_evaluator_says_itself_whether_its_score_is_exact(run: Run) -> None:
    assert (
        run("", "def evaluate(trial):\n    trial.exact = False\n    return {'score': 1}\n").exact
        is False
    )
    assert run("", "def evaluate(trial):\n    return {'score': 1}\n", noise="run").exact is False


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("return {'score': {}['x']}", "evaluate.py line 3: KeyError: 'x'"),
        (
            "return {'loss': 1, 'acc': 2}",
            "evaluate.py returned no metric 'score'; it returned: loss, acc",
        ),
        (
            "return {'score': float('nan')}",
            "evaluate.py returned score = nan; only finite numbers can be compared",
        ),
        ("return {'score': '1'}", "evaluate.py returned score = '1', which is no number"),
        ("return None", "evaluate.py returned NoneType and not a dict of metrics"),
        (
            "import train",
            "evaluate.py line 3: ImportError: train is candidate code; start it with trial.start('train.py')",
        ),
    ],
)
def test_a_fault_of_the_evaluator_is_nobody_elses(make: Make, body: str, reason: str) -> None:
    experiment = make("def answer(): return 1.0\n", f"\ndef evaluate(trial):\n    {body}\n")
    trial = run_once(experiment, experiment.program(), 1, sandbox="off")
    assert (trial.status, trial.fault, trial.reason) == ("lost", "evaluator", trial.reason)
    assert trial.reason.startswith(reason)


def test_an_evaluator_may_fail_or_convict_a_candidate(make: Make) -> None:
    for name, status in (("CandidateFailed", "failed"), ("Cheated", "cheated")):
        experiment = make(
            "",
            f"from workbench.evaluate import {name}\ndef evaluate(trial):\n    raise {name}('peeks at\\nthe answer')\n",
        )
        trial = run_once(experiment, experiment.program(), 1, sandbox="off")
        assert (trial.status, trial.reason, trial.score) == (status, "peeks at the answer", None)


def test_data_is_prepared_once_and_its_digest_recorded(rig: Callable[..., Rig]) -> None:
    bench = rig(
        "",
        """
        def prepare(folder, settings):
            (folder.parent / "prepared.log").open("a").write("once ")
            (folder / "text").write_text(str(settings["size"]))
        def evaluate(trial):
            trial.report("measured", 1, 0.5)
            return {"score": float((trial.data / "text").read_text()) + trial.settings["size"]}
        """,
    )
    trials = []
    for candidate in (1, 2):
        bench.submit(candidate, settings={"size": 3})
        point = bench.events.get(timeout=40)
        assert isinstance(point, Points)
        assert (point.series, point.points, point.self_reported) == (
            "measured",
            ((1.0, 0.5),),
            False,
        )
        trials.append(bench.ended())
    assert [trial.score for trial in trials] == [6.0, 6.0], trials
    assert (bench.folder / "prepared.log").read_text() == "once "
    assert len(trials[0].data) == 64
    assert trials[0].data == trials[1].data


def test_changed_protected_files_are_noticed(rig: Callable[..., Rig]) -> None:
    bench = rig("def answer(): return 1.0\n")
    bench.submit(1)
    assert bench.ended().status == "ok"
    digest = bench.experiment.digest
    with (bench.experiment.folder / "evaluate.py").open("a") as file:
        file.write("# changed\n")
    bench.submit(2, digest=digest)
    trial = bench.ended()
    assert (trial.status, trial.fault) == ("lost", "evaluator")
    assert "have changed since the study began" in trial.reason


def test_curves_stream_while_the_trial_runs_and_a_person_can_end_it(
    rig: Callable[..., Rig],
) -> None:
    mark = f"cancel-{time.monotonic_ns()}"
    bench = rig(FOREVER.replace("MARK", mark))
    bench.submit()
    with pytest.raises(RuntimeError, match="all 1 slots are taken"):
        bench.submit(2)
    bench.wait_for_points()
    began = time.monotonic()
    bench.executor.cancel(1, 0, "not this way")
    bench.executor.cancel(1, 0, "twice")
    trial = bench.ended()
    assert (trial.status, trial.fault, trial.reason) == ("killed", "person", "not this way")
    assert time.monotonic() - began < 10
    assert none_with(mark)
    bench.executor.cancel(1, 0, "too late")
    assert bench.events.empty()


def test_a_trial_process_that_is_killed_leaves_nothing_and_one_record(
    rig: Callable[..., Rig],
) -> None:
    mark = f"killed-{time.monotonic_ns()}"
    bench = rig(FOREVER.replace("MARK", mark))
    bench.submit()
    bench.wait_for_points()
    os.kill(bench.pid, signal.SIGKILL)
    trial = bench.ended()
    assert (trial.status, trial.fault) == ("lost", "process")
    assert "signal 9" in trial.reason
    until(lambda: none_with(mark))
    assert bench.events.empty()
    bench.submit(2)
    bench.wait_for_points()  # the slot lives again
    bench.executor.close()
    assert bench.ended().status == "killed"
    assert none_with(mark)


def test_an_evaluator_that_does_not_end_is_ended(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.evaluate.local.GRACE_SECONDS", 0.5)
    experiment = make(
        "", "import time\ndef evaluate(trial): time.sleep(600)\n", limits={"wall_seconds": 0.5}
    )
    trial = run_once(experiment, experiment.program(), 1, sandbox="off")
    assert (trial.status, trial.fault) == ("lost", "evaluator")
    assert trial.reason.startswith("the evaluator did not end")


def test_when_the_loop_dies_its_trials_die(make: Make, tmp_path: Path, level: str) -> None:
    mark = f"orphan-{time.monotonic_ns()}"
    make(FOREVER.replace("MARK", mark))
    program = f"""
import sys
from pathlib import Path
from workbench import experiment
from workbench.evaluate.once import run_once
e = experiment.read(Path({str(tmp_path / "experiment")!r}))
run_once(e, e.program(), 1, sandbox={level!r}, folder=Path({str(tmp_path / "out")!r}), on_points=lambda _: print("running", flush=True))
"""
    root = Path(__file__).parents[2]
    loop = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=root)
    assert loop.stdout is not None
    assert loop.stdout.readline() == b"running\n"
    assert not none_with(mark)
    loop.kill()
    loop.wait()
    loop.stdout.close()
    until(lambda: none_with(mark))


def test_a_claimed_score_is_read_from_the_end_block_and_marked(run: Run) -> None:
    source = """
        import helper, sys
        print(f"\\rstep 00001 (50.0%) | loss: 2.0 | dt: 310ms", end="", flush=True)
        print()
        print("---")
        print("score:          0.997900")
        print("num_steps:      953")
        """
    keys = {"shape": "claimed", "command": ["python", "train.py"]}
    failed = run(source, **keys)
    assert failed.reason.startswith("ModuleNotFoundError: No module named 'helper'")
    trial = run(source.replace("helper, ", ""), **keys)
    assert (trial.status, trial.score, trial.metrics["num_steps"]) == ("ok", 0.9979, 953.0), trial
    assert trial.self_reported
    assert trial.shape == "claimed"


NO_CLAIM = "the output has no line 'score: NUMBER' after its last line '---', if it has one"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("print('score: 1\\n---')", f"{NO_CLAIM} (found: none)"),
        ("print('---\\nscore: nan\\nother: 1')", "score was nan; only finite numbers count"),
        ("print('---\\nscore: 1\\nscore = -inf')", "score was -inf; only finite numbers count"),
        ("print('---\\nscore: 1'); print('FAIL'); exit(1)", "python train.py exited with status 1"),
    ],
)
def test_a_claim_without_a_block_is_no_score(make: Make, source: str, reason: str) -> None:
    experiment = make(source + "\n", shape="claimed", command=["python", "train.py"])
    trial = run_once(experiment, experiment.program(), 1, sandbox="off")
    assert (trial.status, trial.score, trial.reason) == ("failed", None, reason)


def test_many_trials_leave_nothing_behind(rig: Callable[..., Rig]) -> None:
    bench = rig("def answer(): return 1.0\n")

    def state() -> tuple[int, int, int]:
        return (
            *(len(os.listdir(f"/proc/{bench.pid}/{name}")) for name in ("fd", "task")),
            len(os.listdir("/proc/self/fd")),
        )

    bench.submit(0)
    assert bench.ended().status == "ok"
    before, pid = state(), bench.pid
    for candidate in range(1, 16):
        bench.submit(candidate)
        assert bench.ended().status == "ok"
    assert bench.pid == pid
    until(
        lambda: all(now <= then for now, then in zip(state(), before, strict=True)),
        told=lambda: (before, state()),
    )
