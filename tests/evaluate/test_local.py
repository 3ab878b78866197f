"""Trials in slots: every task ends with one record, whatever happens to its processes."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.evaluate.conftest import SEED, Make, MakeRig, Run
from tests.evaluate.processes import processes_with
from tests.evaluate.rigs import FOREVER, count_open
from tests.waiting import until
from workbench.evaluate.executor import Points
from workbench.evaluate.single_trial import run_trial
from workbench.record_json import decode, encode


def test_a_trial_is_recorded_in_full(run: Run, level: str) -> None:
    trial = run("def answer(): return 2.0\n")
    assert (trial.status, trial.reason, trial.fault) == ("ok", "", "")
    assert (trial.score, trial.metrics) == (2.0, {"score": 2.0})
    assert (trial.sandbox, trial.shape, trial.device) == (level, "call", "cpu")
    assert (trial.seed, trial.slot, trial.exact) == (SEED, 0, True)
    assert trial.memory_limit in ("cgroup", "watchdog")
    assert len(trial.evaluator) == 64
    assert trial.seconds > 0
    assert trial.cpu_seconds > 0
    assert trial.memory_mb > 1
    assert not trial.self_reported
    assert decode(*encode(trial)) == trial


def test_an_evaluator_may_declare_that_its_score_is_not_exact(run: Run) -> None:
    inexact = "def evaluate(trial):\n    trial.exact = False\n    return {'score': 1}\n"
    assert run("", inexact).exact is False
    noisy = "def evaluate(trial):\n    return {'score': 1}\n"
    assert run("", noisy, noise="run").exact is False


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
        ("return {'score': '1'}", "evaluate.py returned score = '1'; a metric must be a number"),
        ("return None", "evaluate.py returned NoneType; it must return a dict of metrics"),
        (
            "import train",
            "evaluate.py line 3: ImportError: train is candidate code; "
            "start it with trial.start('train.py')",
        ),
    ],
)
def test_a_fault_of_the_evaluator_is_blamed_on_no_one_else(
    make: Make, body: str, reason: str
) -> None:
    experiment = make("def answer(): return 1.0\n", f"\ndef evaluate(trial):\n    {body}\n")
    trial = run_trial(experiment, experiment.program(), 1, sandbox="off")
    assert (trial.status, trial.fault) == ("lost", "evaluator")
    assert trial.reason.startswith(reason)


def test_an_evaluator_may_fail_or_convict_a_candidate(make: Make) -> None:
    for name, status in (("CandidateFailed", "failed"), ("Cheated", "cheated")):
        experiment = make(
            "",
            f"""
            from workbench.evaluate import {name}
            def evaluate(trial):
                raise {name}('peeks at\\nthe answer')
            """,
        )
        trial = run_trial(experiment, experiment.program(), 1, sandbox="off")
        assert (trial.status, trial.reason, trial.score) == (status, "peeks at the answer", None)


def test_data_are_prepared_once_and_their_digest_is_recorded(make_rig: MakeRig) -> None:
    rig = make_rig(
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
        rig.submit(candidate, settings={"size": 3})
        point = rig.events.get(timeout=40)
        assert isinstance(point, Points)
        assert (point.series, point.points) == ("measured", ((1.0, 0.5),))
        assert not point.self_reported
        trials.append(rig.wait_for_end())
    assert [trial.score for trial in trials] == [6.0, 6.0], trials
    assert (rig.folder / "prepared.log").read_text() == "once "
    assert len(trials[0].data) == 64
    assert trials[0].data == trials[1].data


def test_changed_protected_files_are_noticed(make_rig: MakeRig) -> None:
    rig = make_rig("def answer(): return 1.0\n")
    rig.submit(1)
    assert rig.wait_for_end().status == "ok"
    digest = rig.experiment.digest
    with (rig.experiment.folder / "evaluate.py").open("a") as file:
        file.write("# changed\n")
    rig.submit(2, digest=digest)
    trial = rig.wait_for_end()
    assert (trial.status, trial.fault) == ("lost", "evaluator")
    assert "have changed since the study began" in trial.reason


def test_curves_stream_while_the_trial_runs_and_a_person_can_end_it(
    make_rig: MakeRig,
) -> None:
    mark = f"cancel-{time.monotonic_ns()}"
    rig = make_rig(FOREVER.replace("MARK", mark))
    rig.submit()
    with pytest.raises(RuntimeError, match="all 1 slots are taken"):
        rig.submit(2)
    rig.wait_for_points()
    began = time.monotonic()
    rig.executor.cancel(1, 0, "not this way")
    rig.executor.cancel(1, 0, "again")
    trial = rig.wait_for_end()
    assert (trial.status, trial.fault, trial.reason) == ("killed", "person", "not this way")
    assert time.monotonic() - began < 10
    assert processes_with(mark) == []
    rig.executor.cancel(1, 0, "too late")
    assert rig.events.empty()


def test_a_trial_process_that_is_killed_leaves_nothing_and_one_record(
    make_rig: MakeRig,
) -> None:
    mark = f"killed-{time.monotonic_ns()}"
    rig = make_rig(FOREVER.replace("MARK", mark))
    rig.submit()
    rig.wait_for_points()
    os.kill(rig.pid, signal.SIGKILL)
    trial = rig.wait_for_end()
    assert (trial.status, trial.fault) == ("lost", "process")
    assert "signal 9" in trial.reason
    until(lambda: processes_with(mark) == [])
    assert rig.events.empty()
    rig.submit(2)
    rig.wait_for_points()  # the slot works again
    rig.executor.close()
    assert rig.wait_for_end().status == "killed"
    assert processes_with(mark) == []


def test_an_evaluator_that_does_not_end_is_ended(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workbench.evaluate.local.GRACE_SECONDS", 0.5)
    experiment = make(
        "", "import time\ndef evaluate(trial): time.sleep(600)\n", limits={"wall_seconds": 0.5}
    )
    trial = run_trial(experiment, experiment.program(), 1, sandbox="off")
    assert (trial.status, trial.fault) == ("lost", "evaluator")
    assert trial.reason.startswith("the evaluator did not end")


def test_when_the_loop_dies_its_trials_die(make: Make, tmp_path: Path, level: str) -> None:
    mark = f"orphan-{time.monotonic_ns()}"
    # Longer than the test waits, so that the wall clock does not end the trial.
    make(FOREVER.replace("MARK", mark), limits={"wall_seconds": 300})
    program = f"""
from pathlib import Path
from workbench import experiment_file
from workbench.evaluate.single_trial import run_trial

experiment = experiment_file.read(Path({str(tmp_path / "experiment")!r}))
run_trial(
    experiment, experiment.program(), 1, sandbox={level!r}, folder=Path({str(tmp_path / "out")!r}),
    on_points=lambda _: print("running", flush=True),
)
"""
    root = Path(__file__).parents[2]
    loop = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, cwd=root)
    assert loop.stdout is not None
    assert loop.stdout.readline() == b"running\n"
    assert processes_with(mark) != []
    loop.kill()
    loop.wait()
    loop.stdout.close()
    until(lambda: processes_with(mark) == [])


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
def test_a_claim_without_a_block_gives_no_score(make: Make, source: str, reason: str) -> None:
    experiment = make(source + "\n", shape="claimed", command=["python", "train.py"])
    trial = run_trial(experiment, experiment.program(), 1, sandbox="off")
    assert (trial.status, trial.score, trial.reason) == ("failed", None, reason)


def test_many_trials_leave_nothing_behind(make_rig: MakeRig) -> None:
    rig = make_rig("def answer(): return 1.0\n")

    def count_all() -> tuple[int, int, int]:
        own_descriptors, _ = count_open("self")
        return (*count_open(rig.pid), own_descriptors)

    rig.submit(0)
    assert rig.wait_for_end().status == "ok"
    before = count_all()
    pid = rig.pid
    for candidate in range(1, 16):
        rig.submit(candidate)
        assert rig.wait_for_end().status == "ok"
    assert rig.pid == pid
    # Some may be closed a little later than the trial's end is reported.
    until(lambda: list_grown(before, count_all()) == [], told=lambda: (before, count_all()))


def list_grown(before: tuple[int, ...], now: tuple[int, ...]) -> list[tuple[int, int]]:
    pairs = zip(before, now, strict=True)
    return [(count, later) for count, later in pairs if later > count]
