"""All CPU time of a sandbox is counted, whoever reaps what used it: with a control group, and without one, at both levels."""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.evaluate.attacks import OUTCOME
from tests.evaluate.test_layers import LAST_SLOT, sandbox
from tests.waiting import until
from workbench.evaluate import CandidateFailed
from workbench.evaluate.sandbox import cgroup, supervisor
from workbench.evaluate.sandbox.box import user_for
from workbench.evaluate.sandbox.supervisor import Supervisor

Start = Callable[..., AbstractContextManager[Supervisor]]
SECONDS = 0.3
BURN = f"""
import ctypes, os, platform, signal, subprocess, sys, threading, time
libc = ctypes.CDLL(None, use_errno=True)
CLONE = {{"x86_64": 56, "aarch64": 220}}[platform.machine()]
def burn(seconds={SECONDS}):
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        pass
def nobody_waits(flags=0):
    '''SIGCHLD is ignored, or children are not to be zombies; where that is refused, they are forked all the same.'''
    action = bytearray(152)  # struct sigaction: the handler, a mask of 128 bytes, flags, restorer
    action[0] = 0 if flags else 1
    action[136] = flags
    libc.sigaction(signal.SIGCHLD, (ctypes.c_char * 152).from_buffer(action), None)
def child(what, make=os.fork):
    pid = make()
    if pid == 0:
        what()
        os._exit(0)
    return pid
READ, HELD = os.pipe()
def all_end():
    '''Waits until every other process that holds the pipe has ended, whoever's child it is.'''
    os.close(HELD)
    os.read(READ, 1)
def wait():
    try:
        while True:
            os.wait()
    except ChildProcessError:
        pass
def clone(flags):
    return child(burn, lambda: libc.syscall(CLONE, flags, 0, 0, 0, 0))
"""
WAYS = {
    "a child that is waited for": "child(burn); wait()",
    "SIGCHLD ignored": "nobody_waits(); child(burn); wait()",
    "SA_NOCLDWAIT": "nobody_waits(2); child(burn); wait()",
    "SIGCHLD ignored by a child": "child(lambda: (nobody_waits(), child(burn), wait())); wait()",
    "SIGCHLD ignored before another program is run": f"""
nobody_waits()
text = "import os, time\\nif os.fork() == 0:\\n    while time.process_time() < {SECONDS}: pass\\n    os._exit(0)"
subprocess.run([sys.executable, "-I", "-S", "-c", text], pass_fds=[HELD])
all_end()
""",
    "a zombie": "child(burn); all_end()",
    "a daemon that is no child any more": "nobody_waits(); child(lambda: (os.setsid(), child(burn))); all_end()",
    "an orphan that comes back to one who ignores it": """
libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
nobody_waits()
child(lambda: child(burn))
wait()
all_end()
""",
    "a child whose end is not signalled": "clone(0); all_end()",
    "a brother": "nobody_waits(); clone(0x8000 | 17); all_end()",  # CLONE_PARENT
    "a thread that has ended": "thread = threading.Thread(target=burn); thread.start(); thread.join()",
}


@pytest.fixture(params=["control group", "no control group"])
def start(request: pytest.FixtureRequest, tmp_path: Path, level: str) -> Iterator[Start]:
    """Starts a sandbox, as another user where we are root, with and without a control group."""
    group = (
        cgroup.make(f"workbench-{os.getpid()}-{secrets.token_hex(4)}", 1 << 30, 64)
        if request.param == "control group"
        else None
    )
    if request.param == "control group" and group is None:
        pytest.skip("no control group can be made here")
    assert group is None or group.counts_cpu
    yield partial(sandbox, tmp_path, level, user=user_for(LAST_SLOT), group=group)
    if group is not None:
        until(
            lambda: group.members() == []
        )  # what it adopted init reaps, since this process, unlike a trial process, is no subreaper
        group.close()


@pytest.mark.parametrize("way", WAYS)
def test_no_cpu_time_is_lost(start: Start, way: str) -> None:
    body = "\n".join(f"    {line}" for line in WAYS[way].strip().split("\n"))
    with start(f"{BURN}\ndef attack():\n{body}\n") as process:
        process.call("attack", (), {}, object if "clone" in body else None, 25)
    assert process.cpu_seconds > 0.9 * SECONDS  # some counts are in hundredths


def test_the_limit_on_cpu_time_holds_over_all_processes_that_there_ever_were(start: Start) -> None:
    source = (
        BURN + "\ndef attack():\n    nobody_waits()\n    while True:\n        child(burn); wait()\n"
    )
    words = r"used more than 1.6 s of CPU \(limits.cpu_seconds\)"
    with start(source, cpu_seconds=1.6) as process, pytest.raises(CandidateFailed, match=words):
        process.call("attack", (), {}, None, 25)
    assert process.cpu_seconds > 1.6


def test_honest_programs_start_others_and_wait_for_them(start: Start) -> None:
    source = (
        BURN
        + """
import multiprocessing
def answer():
    seen = []
    signal.signal(signal.SIGCHLD, lambda *given: seen.append(1))
    asked = libc.sigaction(signal.SIGCHLD, None, ctypes.create_string_buffer(152))
    shell = subprocess.run(["sh", "-c", "true | cat; (exit 3)"]).returncode
    worker = multiprocessing.get_context("fork").Process(target=sys.exit, args=(4,))
    worker.start()
    worker.join()
    return {"seen": len(seen) > 0, "asked": asked, "shell": shell, "worker": worker.exitcode}
"""
    )
    with start(source) as process:
        found = process.call("answer", (), {}, dict, 25)
        counted = process._group is not None
    assert found == {"seen": counted, "asked": 0, "shell": 3, "worker": 4}


@pytest.mark.slow
def test_workers_of_a_data_loader_work(start: Start, level: str) -> None:
    """They hand over tensors through shared memory and local sockets, and torch has SIGCHLD tell it sooner that one has died."""
    source = """
import torch
from torch.utils.data import DataLoader
def answer():
    items = [torch.full((80 << 20,), number, dtype=torch.uint8) for number in range(2)]  # of 80 MiB each
    return [int(batch[0, -1]) for batch in DataLoader(items, batch_size=1, num_workers=2)]
"""
    with start(source, packages=["torch"], wall_seconds=300) as process:
        if level == "bwrap":
            assert process.call("answer", (), {}, list, 280) == [0, 1]
        else:
            with pytest.raises(CandidateFailed, match=r"between processes .*: install bubblewrap"):
                process.call("answer", (), {}, list, 280)


HURRY = """
import sys, time
send, behind = sys.modules["wire"].send, 0.0
def hurry(*given):
    send(*given)
    spin(behind)
def spin(seconds):
    began = time.process_time()
    while time.process_time() - began < seconds:
        pass
def work(seconds):
    global behind
    behind = seconds
sys.modules["wire"].send = hurry
"""


def test_the_clock_is_exact_also_where_the_answer_comes_before_the_next_tick(start: Start) -> None:
    """The kernel adds up what runs at its ticks: read while the candidate still works, the clock would not have moved."""
    with start(HURRY) as process:
        for seconds in (
            0.02,
            0.04,
            0.06,
            0.08,
        ):  # ever more, so that what the call before has left to do cannot make up for it
            began = process.cpu_clock()
            process.call("work", (seconds,), {}, None, 25)
            assert process.cpu_clock() - began >= seconds


def test_who_never_rests_has_no_time(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(supervisor, "REST_SECONDS", 0.5)
    source = (
        BURN
        + "\ndef work():\n    threading.Thread(target=burn, args=(600,), daemon=True).start()\n"
    )
    with start(source) as process:
        process.call("work", (), {}, None, 25)
        with pytest.raises(CandidateFailed, match=r"still worked 0.5 s after its answer"):
            process.cpu_clock()


def test_a_process_that_ends_under_the_clock_takes_no_time_along(start: Start) -> None:
    source = f"""{BURN}
def begin():
    global helper
    helper = child(lambda: (burn(), os.close(HELD), time.sleep(600)))
    all_end()
def end():
    os.kill(helper, signal.SIGKILL)
    wait()
"""
    with start(source) as process:
        process.call("begin", (), {}, None, 25)
        began = process.cpu_clock()
        process.call("end", (), {}, None, 25)
        if process._group is not None:
            assert process.cpu_clock() >= began > SECONDS
        else:
            with pytest.raises(CandidateFailed, match="ended under the clock"):
                process.cpu_clock()


def test_a_sealed_sandbox_starts_neither_process_nor_thread(start: Start) -> None:
    source = f"""{BURN}{OUTCOME}
import resource
def begin(thread):
    threading.Thread(target=print).start()
    return os.waitpid(child(print), 0)[1]
def attack():
    return {{
        "fork": outcome(os.fork), "vfork": outcome(lambda: subprocess.run(["true"])), "clone": outcome(lambda: 0 / (1 + clone(17))),
        "thread": outcome(threading.Thread(target=print).start),
        "limit": outcome(lambda: resource.setrlimit(resource.RLIMIT_NPROC, (9, 9))),
    }}
"""
    for _ in range(2):  # the seal is the sandbox's, and not that of the group
        with start(source) as process:
            assert process.call("begin", (0,), {}, int, 25) == 0
            process.seal()
            found = process.call("attack", (), {}, dict, 25)
        assert all(result.startswith("refused: ") for result in found.values()), found


def test_a_control_group_alone_seals_and_counts(tmp_path: Path, level: str) -> None:
    group = cgroup.make(f"workbench-{os.getpid()}-{secrets.token_hex(4)}", 1 << 30, 64)
    if group is None:
        pytest.skip("no control group can be made here")
    source = OUTCOME + "def attack(): return outcome(os.fork)\n"
    try:
        with sandbox(tmp_path, level, source, user=user_for(LAST_SLOT), group=group) as process:
            group.seal()
            assert process.call("attack", (), {}, str, 25) == "refused: BlockingIOError"
            assert 0 < group.cpu_seconds() < 25
    finally:
        group.close()


def test_version_2_counts_in_microseconds(tmp_path: Path) -> None:
    """No machine has both versions in use: the file, as the kernel writes it, says what is read."""
    for name in ("memory.events", "memory.peak", "pids.max"):
        (tmp_path / name).touch()
    (tmp_path / "cpu.stat").write_text(
        "usage_usec 2500000\nuser_usec 2000000\nsystem_usec 500000\n"
    )
    group = cgroup.Group(dict.fromkeys(("memory", "pids", "cpuacct"), tmp_path), 2, 66)
    assert group.counts_cpu
    group.begin()
    assert (tmp_path / "pids.max").read_text() == "66"
    (tmp_path / "cpu.stat").write_text(
        "usage_usec 4000000\nuser_usec 2000000\nsystem_usec 2000000\n"
    )
    assert group.cpu_seconds() == 1.5
    group.seal()
    assert (tmp_path / "pids.max").read_text() == "0"
    (tmp_path / "cpu.stat").unlink()
    assert group.cpu_seconds() == 1.5
