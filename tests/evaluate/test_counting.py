"""All CPU time of a sandbox is counted, whoever reaps what used it.

With a control group, and without one; at both levels.
"""

import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.evaluate.attacks import OUTCOME, list_allowed
from tests.evaluate.sandboxes import LAST_SLOT, sandbox
from tests.waiting import until
from workbench.evaluate import CandidateFailed
from workbench.evaluate.sandbox import cgroup, cpu_clock
from workbench.evaluate.sandbox.spec import choose_user
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
def ignore_children(flags=0):
    '''Ignores SIGCHLD, or sets flags such as SA_NOCLDWAIT; goes on where that is refused.'''
    action = bytearray(152)  # struct sigaction: the handler, a mask of 128 bytes, flags, restorer
    action[0] = 0 if flags else 1
    action[136] = flags
    libc.sigaction(signal.SIGCHLD, (ctypes.c_char * 152).from_buffer(action), None)
def child(action, make=os.fork):
    pid = make()
    if pid == 0:
        action()
        os._exit(0)
    return pid
READ, WRITE = os.pipe()
def wait_for_all():
    '''Waits until every other process with the pipe has ended, whoever's child it is.'''
    os.close(WRITE)
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
    "SIGCHLD ignored": "ignore_children(); child(burn); wait()",
    "SA_NOCLDWAIT": "ignore_children(2); child(burn); wait()",
    "SIGCHLD ignored by a child": """
child(lambda: (ignore_children(), child(burn), wait()))
wait()
""",
    "SIGCHLD ignored before another program is run": f"""
ignore_children()
code = '''if True:
    import os, time
    if os.fork() == 0:
        while time.process_time() < {SECONDS}: pass
        os._exit(0)
'''
subprocess.run([sys.executable, "-I", "-S", "-c", code], pass_fds=[WRITE])
wait_for_all()
""",
    "a zombie": "child(burn); wait_for_all()",
    "a daemon that is not a child any more": """
ignore_children()
child(lambda: (os.setsid(), child(burn)))
wait_for_all()
""",
    "an orphan adopted by a process that ignores it": """
libc.prctl(36, 1, 0, 0, 0)  # PR_SET_CHILD_SUBREAPER
ignore_children()
child(lambda: child(burn))
wait()
wait_for_all()
""",
    "a child whose end is not signalled": "clone(0); wait_for_all()",
    "a brother": "ignore_children(); clone(0x8000 | 17); wait_for_all()",  # CLONE_PARENT
    "a thread that has ended": """
thread = threading.Thread(target=burn)
thread.start()
thread.join()
""",
}


@pytest.fixture(params=["control group", "no control group"])
def start(request: pytest.FixtureRequest, tmp_path: Path, level: str) -> Iterator[Start]:
    """Starts a sandbox, as another user where we are root, with and without a control group."""
    group = None
    if request.param == "control group":
        group = cgroup.make_group(f"workbench-{os.getpid()}-{secrets.token_hex(4)}", 1 << 30, 64)
        if group is None:
            pytest.skip("no control group can be made on this machine")
        assert group.counts_cpu
    yield partial(sandbox, tmp_path, level, user=choose_user(LAST_SLOT), group=group)
    if group is not None:
        # Unlike a trial process, this one adopts no orphans, so init reaps them a little later.
        until(lambda: group.list_members() == [])
        group.close()


@pytest.mark.parametrize("way", WAYS)
def test_no_cpu_time_is_lost(start: Start, way: str) -> None:
    body = "\n".join(f"    {line}" for line in WAYS[way].strip().split("\n"))
    with start(f"{BURN}\ndef attack():\n{body}\n") as process:
        process.call("attack", (), {}, object if "clone" in body else None, 25)
    assert process.cpu_seconds > 0.9 * SECONDS  # some counts are in hundredths


def test_the_limit_on_cpu_time_holds_over_all_processes_that_there_ever_were(start: Start) -> None:
    source = f"""{BURN}
def attack():
    ignore_children()
    while True:
        child(burn)
        wait()
"""
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
    signals = []
    signal.signal(signal.SIGCHLD, lambda *arguments: signals.append(1))
    query = libc.sigaction(signal.SIGCHLD, None, ctypes.create_string_buffer(152))
    shell = subprocess.run(["sh", "-c", "true | cat; (exit 3)"]).returncode
    worker = multiprocessing.get_context("fork").Process(target=sys.exit, args=(4,))
    worker.start()
    worker.join()
    return {"signalled": signals != [], "query": query, "shell": shell, "worker": worker.exitcode}
"""
    )
    with start(source) as process:
        answer = process.call("answer", (), {}, dict, 25)
        has_group = process._group is not None
    # Without a control group the signal keeps its default, so that no child ends uncounted.
    assert answer == {"signalled": has_group, "query": 0, "shell": 3, "worker": 4}


@pytest.mark.slow
def test_workers_of_a_data_loader_work(start: Start, level: str) -> None:
    """They hand over tensors through shared memory and local sockets.

    torch also uses SIGCHLD, to hear sooner that a worker has died.
    """
    source = """
import torch
from torch.utils.data import DataLoader
SIZE = 80 << 20
def answer():
    items = [torch.full((SIZE,), number, dtype=torch.uint8) for number in range(2)]
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
send = sys.modules["wire"].send
seconds_behind = 0.0
def hurry(*arguments):
    send(*arguments)
    spin(seconds_behind)
def spin(seconds):
    began = time.process_time()
    while time.process_time() - began < seconds:
        pass
def work(seconds):
    global seconds_behind
    seconds_behind = seconds
sys.modules["wire"].send = hurry
"""


def test_the_clock_is_exact_also_where_the_answer_comes_before_the_next_tick(start: Start) -> None:
    """The kernel adds up what runs at its ticks.

    If the clock was read while the candidate still works, it would not have moved.
    """
    with start(HURRY) as process:
        # Ever more, so that what is left of the last call cannot make up for it.
        for seconds in (0.02, 0.04, 0.06, 0.08):
            began = process.read_cpu_clock()
            process.call("work", (seconds,), {}, None, 25)
            assert process.read_cpu_clock() - began >= seconds


def test_the_time_of_a_candidate_that_never_rests_is_not_known(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpu_clock, "REST_SECONDS", 0.5)
    source = f"""{BURN}
def work():
    threading.Thread(target=burn, args=(600,), daemon=True).start()
"""
    with start(source) as process:
        process.call("work", (), {}, None, 25)
        with pytest.raises(CandidateFailed, match=r"still worked 0.5 s after its answer"):
            process.read_cpu_clock()


def test_a_process_that_ends_while_it_is_measured_takes_no_time_along(start: Start) -> None:
    source = f"""{BURN}
def begin():
    global helper
    helper = child(lambda: (burn(), os.close(WRITE), time.sleep(600)))
    wait_for_all()
def end():
    os.kill(helper, signal.SIGKILL)
    wait()
"""
    with start(source) as process:
        process.call("begin", (), {}, None, 25)
        began = process.read_cpu_clock()
        process.call("end", (), {}, None, 25)
        if process._group is not None:
            assert process.read_cpu_clock() >= began > SECONDS
        else:
            with pytest.raises(CandidateFailed, match="ended while its CPU time was measured"):
                process.read_cpu_clock()


def test_a_sealed_sandbox_starts_neither_process_nor_thread(start: Start) -> None:
    source = f"""{BURN}{OUTCOME}
import resource
def begin(thread):
    threading.Thread(target=print).start()
    return os.waitpid(child(print), 0)[1]
def attack():
    return {{
        "fork": outcome(os.fork),
        "vfork": outcome(lambda: subprocess.run(["true"])),
        "clone": outcome(lambda: 0 / (1 + clone(17))),  # -1 when it fails
        "thread": outcome(threading.Thread(target=print).start),
        "limit": outcome(lambda: resource.setrlimit(resource.RLIMIT_NPROC, (9, 9))),
    }}
"""
    for _ in range(2):  # the seal is the sandbox's, and does not stay with the group
        with start(source) as process:
            assert process.call("begin", (0,), {}, int, 25) == 0
            process.seal()
            outcomes = process.call("attack", (), {}, dict, 25)
        assert len(outcomes) == 5
        assert list_allowed(outcomes) == {}


def test_a_control_group_alone_seals_and_counts(tmp_path: Path, level: str) -> None:
    group = cgroup.make_group(f"workbench-{os.getpid()}-{secrets.token_hex(4)}", 1 << 30, 64)
    if group is None:
        pytest.skip("no control group can be made here")
    source = OUTCOME + "def attack(): return outcome(os.fork)\n"
    try:
        with sandbox(tmp_path, level, source, user=choose_user(LAST_SLOT), group=group) as process:
            group.seal()
            assert process.call("attack", (), {}, str, 25) == "refused: BlockingIOError"
            assert 0 < group.cpu_seconds() < 25
    finally:
        group.close()


def test_version_2_counts_in_microseconds(tmp_path: Path) -> None:
    """No machine uses both versions, so the kernel's files are written here."""
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
