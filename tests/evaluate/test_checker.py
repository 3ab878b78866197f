"""Smoke runs: a real sandbox, words and no score, no data of the study, nothing left behind."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from threading import Event

import pytest

from tests.evaluate.processes import processes_with
from tests.waiting import until
from workbench.evaluate import checker as module
from workbench.evaluate.checker import Checker
from workbench.evaluate.evaluator import has_check
from workbench.evaluate.smoke import Finding
from workbench.experiment import Experiment
from workbench.program import Program

GOOD = "def answer():\n    return 2.0\n"
CHECKED = """
from workbench.evaluate import CandidateFailed

def prepare(folder, settings):
    (folder / "hidden.txt").write_text("the hidden data")

def evaluate(trial):
    raise AssertionError("a smoke run is not a trial")

def check(trial):
    assert not trial.data.exists(), "a smoke run sees no data"
    with trial.start("train.py") as process:
        if process.call("answer") < 0:
            raise CandidateFailed("the answer is negative")
"""
Check = Callable[..., Finding]
Make = Callable[..., Experiment]


@pytest.fixture
def checkers() -> Iterator[list[Checker]]:
    checkers: list[Checker] = []
    yield checkers
    for checker in checkers:
        checker.close()


@pytest.fixture
def check(make: Make, level: str, checkers: list[Checker]) -> Check:
    """Makes a smoke run of a program, in the same process as the last one."""

    def run(
        source: str, evaluate: str = CHECKED, cancelled: Event | None = None, **keys: object
    ) -> Finding:
        experiment = make(GOOD, evaluate, **keys)
        if not checkers:
            checkers.append(Checker(experiment, experiment.digest, {}, level))
        return checkers[0].run(Program({"train.py": source}), cancelled or Event())

    return run


def process_of(checker: Checker) -> int:
    return checker._children[0].pid


def test_a_program_passes_or_fails_in_words(check: Check, checkers: list[Checker]) -> None:
    passed = check(GOOD)
    assert (passed.problem, passed.fault) == ("", "")
    assert passed.seconds > 0
    process = process_of(checkers[0])
    failed = check("print('before it fell')\ndef answer():\n    return 1.0 / 0\n")
    assert failed.problem == "ZeroDivisionError: float division by zero (train.py line 3)"
    assert "before it fell" in failed.output
    assert check("def answer():\n    return -1.0\n").problem == "the answer is negative"
    assert "has no function 'answer'" in check("def other(): pass\n").problem
    assert process_of(checkers[0]) == process, "one warm process serves all"


def test_without_a_check_every_module_is_imported(check: Check) -> None:
    plain = "def evaluate(trial):\n    raise AssertionError\n"
    assert (check(GOOD, plain).problem, check(GOOD, plain).fault) == ("", "")
    assert check("import nowhere_to_be_found\n", plain).problem.startswith(
        "ModuleNotFoundError: No module named 'nowhere"
    )


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ("return 3.0", "check in evaluate.py returned float"),
        ("return {'score': 3.0}", "check in evaluate.py returned dict"),
        ("raise ValueError('mine')", "evaluate.py line 4: ValueError: mine"),
    ],
)
def test_a_score_or_a_mistake_of_the_check_says_nothing_of_the_program(
    check: Check, body: str, why: str
) -> None:
    finding = check(GOOD, f"def evaluate(trial): ...\n\ndef check(trial):\n    {body}\n")
    assert finding.problem == ""
    assert finding.fault.startswith(why)


def test_a_changed_evaluator_is_not_run(make: Make, level: str, checkers: list[Checker]) -> None:
    checkers.append(Checker(make(GOOD, CHECKED), "0" * 64, {}, level))
    finding = checkers[0].run(Program({"train.py": GOOD}), Event())
    assert finding.problem == ""
    assert "have changed since the study began" in finding.fault


def test_a_hostile_program_is_as_harmless_as_in_a_trial(
    check: Check, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-made-up")
    secret = tmp_path / "secret"
    secret.write_text("the hidden data")
    secret.chmod(0o644)
    hostile = f"""
import os, socket, subprocess, sys

def outcome(action):
    try:
        return action()
    except Exception as error:
        return type(error).__name__

print(outcome(lambda: open({str(secret)!r}).read()))
print(outcome(lambda: open({str(tmp_path / "experiment" / "evaluate.py")!r}).read()))
print(outcome(lambda: open({str(tmp_path / "new")!r}, "w")))
print(outcome(lambda: socket.socket().connect(("127.0.0.1", 1))))
print(dict(os.environ), os.listdir("."))
subprocess.Popen([sys.executable, "-c", "import os, time; os.setsid(); time.sleep(600)  # SMOKED"])
def answer():
    return -1.0
"""
    finding = check(hostile)
    assert finding.problem == "the answer is negative"
    for hidden in ("the hidden data", "def evaluate", "made-up", "study.db"):
        assert hidden not in finding.output
    assert not (tmp_path / "new").exists()
    until(lambda: processes_with("SMOKED") == [])


@pytest.mark.parametrize(
    ("source", "why"),
    [
        ("x = bytearray(2 << 30)\nx[::4096] = b'x' * len(x[::4096])\n", "limits.memory_mb"),
        ("print('x' * (4 << 20))\n" + GOOD, "printed more than 1 MB"),
    ],
)
def test_limits_hold(check: Check, source: str, why: str) -> None:
    assert why in check(source, limits={"memory_mb": 256}).problem


def test_what_does_not_end_is_ended(check: Check, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 1.0)
    finding = check("import time\ntime.sleep(600)\n")
    assert finding.problem == "it is not done within 1 s"
    assert check(GOOD).problem == ""


def test_a_cancelled_check_is_ended_with_all_its_processes(
    check: Check, checkers: list[Checker]
) -> None:
    forever = """
import subprocess, sys
subprocess.run([sys.executable, "-c", "import time; time.sleep(600)  # WAITED"])
"""
    cancelled = Event()
    began = time.monotonic()
    timer = threading.Timer(1.0, cancelled.set)
    timer.start()
    finding = check(forever, cancelled=cancelled)
    timer.join()
    assert finding.fault == "it was cancelled"
    assert time.monotonic() - began < module.SECONDS
    until(lambda: processes_with("WAITED") == [])
    assert check(GOOD).problem == ""


def test_a_trial_process_that_dies_is_not_the_programs_fault_and_is_replaced(
    check: Check,
) -> None:
    finding = check(
        GOOD, "import os\ndef evaluate(trial): ...\n\ndef check(trial):\n    os._exit(7)\n"
    )
    assert finding.problem == ""
    assert finding.fault == "its process ended: status 7"


def test_nothing_is_left_when_it_is_closed(check: Check, checkers: list[Checker]) -> None:
    check(GOOD)
    process = process_of(checkers[0])
    checkers[0].close()
    until(lambda: not Path("/proc", str(process)).exists())


@pytest.mark.parametrize(
    ("source", "has_one"),
    [
        (CHECKED, True),
        ("from shared import check\n", True),
        ("import fast\nif fast:\n    check = fast.check\n", True),
        ("class Box:\n    def check(self): ...\n", False),
        ("def evaluate(trial):\n    return check(trial)\n", False),
        ("def check(trial:\n", False),  # the baseline's trial says where it is wrong
    ],
)
def test_the_source_tells_whether_there_is_a_check_and_is_not_run(
    make: Make, source: str, has_one: bool
) -> None:
    assert has_check(make(GOOD, source + "\nraise SystemExit\n")) == has_one
