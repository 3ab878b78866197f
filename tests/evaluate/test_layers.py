"""Each layer by itself.

What is protected twice is tested without the other protection, so that neither can be lost
unnoticed.
"""

import os
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from tests.evaluate.attacks import STRICT_OUTCOME, list_allowed
from tests.evaluate.conftest import MakeRig, Run, require_level
from tests.evaluate.processes import processes_with
from tests.evaluate.rigs import FOREVER
from tests.evaluate.sandboxes import LAST_SLOT, sandbox
from tests.waiting import until
from workbench.evaluate import Array, CandidateFailed, child, output
from workbench.evaluate.answers import check_answer
from workbench.evaluate.sandbox import (
    cgroup,
    confine,
    levels,
    probe,
    process_tree,
    readable_paths,
    seccomp,
    wire,
)
from workbench.evaluate.sandbox.spec import choose_user
from workbench.evaluate.sandbox.supervisor import _limit_processes
from workbench.evaluate.sandbox.watchdog import Watchdog
from workbench.experiment import Limits


def test_the_process_of_bubblewrap_inside_cannot_be_taken_over(tmp_path: Path) -> None:
    """Where we are not root it has our own user, no limits, and nothing counts its children."""
    source = (
        STRICT_OUTCOME
        + """
def attack():
    outcomes = {
        "memory": outcome(lambda: os.open("/proc/1/mem", os.O_RDWR)),
        "file": outcome(lambda: os.open("/proc/1/fd/0", os.O_RDONLY)),
        "signal": outcome(lambda: os.kill(1, 0)),
    }
    os.mkdir("a"), os.mkdir("b")
    open("a/file", "w").close()
    os.rename("a/file", "b/file")
    return outcomes
"""
    )
    if confine.find_landlock_abi() < 2:
        pytest.skip("no Landlock that keeps it apart and lets files be moved")
    with sandbox(tmp_path, "bwrap", source) as process:
        outcomes = process.call("attack", (), {}, dict, 25)
    assert len(outcomes) == 3
    assert set(outcomes.values()) == {"refused: PermissionError"}


def test_landlock_alone_keeps_even_our_own_user_inside(tmp_path: Path) -> None:
    for name in ("secret", "data"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder").mkdir()
    outside = subprocess.Popen(["sleep", "60"])
    source = (
        STRICT_OUTCOME
        + """
def attack(folder, pid):
    secret = folder + "/secret"
    return {
        "read": outcome(lambda: open(secret).read()),
        "list": outcome(lambda: os.listdir(folder)),
        "write": outcome(lambda: open(secret, "w")),
        "truncate": outcome(lambda: os.truncate(secret, 0)),
        "make": outcome(lambda: open(folder + "/new", "w")),
        "mkdir": outcome(lambda: os.mkdir(folder + "/new")),
        "link": outcome(lambda: os.link(secret, folder + "/new")),
        "symlink": outcome(lambda: os.symlink("x", folder + "/new")),
        "fifo": outcome(lambda: os.mkfifo(folder + "/new")),
        "remove": outcome(lambda: os.unlink(secret)),
        "rmdir": outcome(lambda: os.rmdir(folder + "/folder")),
        "rename": outcome(lambda: os.rename(secret, folder + "/new")),
        "take": outcome(lambda: os.rename(secret, "mine")),
        "write data": outcome(lambda: open(folder + "/data", "w")),
        "truncate data": outcome(lambda: os.truncate(folder + "/data", 0)),
        "system": outcome(lambda: open("/usr/new", "w")),
        "process": outcome(lambda: open(f"/proc/{pid}/cmdline").read()),
        "processes": outcome(lambda: os.listdir("/proc")),
        "signal": outcome(lambda: os.kill(pid, 9)),
        "data": open(folder + "/data").read(),
    }
"""
    )
    try:
        with sandbox(tmp_path, "landlock", source, data={"data": tmp_path / "data"}) as process:
            outcomes = process.call("attack", (str(tmp_path), outside.pid), {}, dict, None)
        assert outcomes.pop("data") == "data"
        assert list_allowed(outcomes) == {}
        assert outside.poll() is None
        for name in ("secret", "data"):
            assert (tmp_path / name).read_text() == name
    finally:
        outside.kill()
        outside.wait()


def test_before_landlock_had_scopes_no_signal_is_sent_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    require_level("landlock")
    monkeypatch.setattr(levels, "find_landlock_abi", lambda: levels.LANDLOCK_SCOPES_SIGNALS - 1)
    source = STRICT_OUTCOME + "def attack(): return outcome(lambda: os.kill(os.getpid(), 0))\n"
    with sandbox(tmp_path, "landlock", source) as process:
        assert process.call("attack", (), {}, str, None) == "refused: PermissionError"


def test_undeclared_packages_beside_the_standard_library_cannot_be_read(
    tmp_path: Path, level: str
) -> None:
    roots = [*readable_paths.SYSTEM, os.path.join(os.path.realpath(sys.base_prefix), "lib")]
    folders: set[str] = set()
    for root in roots:
        if not os.path.islink(root):
            folders.update(readable_paths.find_site_folders(root))
    files: list[str] = []
    for folder in sorted(folders):
        sources = sorted(map(str, Path(folder).glob("*/*.py")))[:20]
        files += [file for file in sources if os.access(file, os.R_OK)]
    if not files:
        pytest.skip("no readable package lies below the system's folders or the interpreter's")
    source = f"""{STRICT_OUTCOME}
def attack(paths):
    return {{path: outcome(lambda: open(path).read()) for path in paths}}
"""
    with sandbox(tmp_path, level, source) as process:
        outcomes = process.call("attack", (files,), {}, dict, None)
    assert len(outcomes) == len(files)
    assert list_allowed(outcomes) == {}


def test_bubblewrap_gives_new_namespaces(tmp_path: Path) -> None:
    names = ["ipc", "mnt", "net", "pid", "uts"]
    source = """
import os
def look(names):
    return [os.readlink("/proc/self/ns/" + name) for name in names]
"""
    with sandbox(tmp_path, "bwrap", source, user=choose_user(LAST_SLOT)) as process:
        inside = process.call("look", (names,), {}, list, None)
    ours = [os.readlink(f"/proc/self/ns/{name}") for name in names]
    assert set(inside) & set(ours) == set()


HOLD = """
import os, time
def hold(megabytes):
    blocks = []
    for _ in range(megabytes // 10):
        blocks.append(b"x" * (10 << 20))
        time.sleep(0.02)
    time.sleep(20)
    return 1.0
"""
FORK = """
import os, time
def fork(most):
    count = 0
    for _ in range(most):
        try:
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)
            count += 1
        except OSError:
            break
    return count
def answer(): return float(fork(64))
"""


def test_memory_is_held_without_a_control_group(tmp_path: Path, level: str) -> None:
    with sandbox(tmp_path, level, HOLD, user=choose_user(LAST_SLOT), memory_mb=150) as process:
        with pytest.raises(
            CandidateFailed, match=r"used more than 150 MB of memory \(limits.memory_mb\)"
        ):
            process.call("hold", (400,), {}, float, 15)
        assert process.memory_limit == "watchdog"


@pytest.mark.parametrize("each", ["looks at it", "changes it"])
def test_what_processes_share_counts_once_without_a_control_group(
    tmp_path: Path, level: str, each: str
) -> None:
    source = """
import os, time
def hold(megabytes):
    block = bytearray(os.urandom(1) * (megabytes << 20))
    children = []
    for _ in range(4):
        children.append(os.fork())
        if children[-1] == 0:
            for place in range(0, len(block), 4096):
                DO
            time.sleep(SECONDS)  # the watchdog looks several times a second
            os._exit(0)
    for child in children:
        os.waitpid(child, 0)
    return float(len(block))
"""
    replacements = {"DO": "block[place] = 7", "SECONDS": "20"}
    if each == "looks at it":
        replacements = {"DO": "block[place]", "SECONDS": "1.5"}
    for name, text in replacements.items():
        source = source.replace(name, text)
    with sandbox(tmp_path, level, source, user=choose_user(LAST_SLOT), memory_mb=200) as process:
        if each == "looks at it":
            assert process.call("hold", (100,), {}, float, 25) == 100 << 20
        else:
            with pytest.raises(CandidateFailed, match="used more than 200 MB"):
                process.call("hold", (100,), {}, float, 25)


def test_processes_are_held_without_a_control_group(tmp_path: Path, level: str) -> None:
    with sandbox(tmp_path, level, FORK, user=choose_user(LAST_SLOT), processes=16) as process:
        # At landlock a plain user's other processes count too, and they come and go.
        if os.geteuid() == 0 or level == "bwrap":
            assert process.call("fork", (64,), {}, int, 15) <= 24
        else:
            assert _limit_processes(level, process.spec, None) > 0


def test_processes_are_held(run: Run) -> None:
    trial = run(FORK, limits={"processes": 16})
    assert trial.status == "ok", trial
    assert trial.score is not None
    assert trial.score <= 24


def test_the_watchdog_counts_processes() -> None:
    family = subprocess.Popen(
        ["sh", "-c", "for n in 1 2 3 4 5 6 7 8 9 10 11 12; do sleep 60 & done; wait"],
        start_new_session=True,
    )
    try:
        strict, lenient = (
            Watchdog(Limits(processes=count), family.pid, None, None) for count in (2, 20)
        )
        until(lambda: strict.find_violation() == "more than 2 processes")
        assert lenient.find_violation() is None
    finally:
        os.killpg(family.pid, signal.SIGKILL)
        family.wait()


def test_the_limits_of_a_single_process_are_in_force(tmp_path: Path, level: str) -> None:
    names = ["RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE"]
    source = """
import resource
def look(names):
    return [resource.getrlimit(getattr(resource, name))[1] for name in names]
"""
    with sandbox(
        tmp_path, level, source, user=choose_user(LAST_SLOT), cpu_seconds=7, disk_mb=32
    ) as process:
        core, cpu, size, files = process.call("look", (names,), {}, list, None)
    assert (core, size) == (0, 32 << 20)
    assert 0 < cpu <= 8  # -1 is infinity
    assert 0 < files <= 1024


DAEMON = """
import os, sys, time
def leave(mark):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            code = "import time; time.sleep(20)  # " + mark
            os.execv(sys.executable, [sys.executable, "-c", code])
        os._exit(0)
    time.sleep(0.3)
    return 1.0
def stay(mark):
    file = open(mark, "w")
    time.sleep(20)
"""


def test_a_daemon_is_dead_afterwards_without_a_control_group(tmp_path: Path, level: str) -> None:
    mark = f"alone-{time.monotonic_ns()}"
    with sandbox(tmp_path, level, DAEMON, user=choose_user(LAST_SLOT)) as process:
        process.call("leave", (mark,), {}, float, None)
    assert processes_with(mark) == []


def test_a_daemon_is_dead_afterwards_as_a_member_of_its_control_group(
    tmp_path: Path, level: str
) -> None:
    group = cgroup.make_group(f"workbench-{os.getpid()}-layers", 1 << 30, 100)
    if group is None:
        pytest.skip("no control group can be made here")
    mark = f"member-{time.monotonic_ns()}"
    try:
        with sandbox(tmp_path, level, DAEMON, user=choose_user(LAST_SLOT), group=group) as process:
            process.call("leave", (mark,), {}, float, None)
            assert process.memory_limit == "cgroup"
        assert processes_with(mark) == []
    finally:
        group.close()


def test_a_candidate_dies_with_its_guard(tmp_path: Path, level: str) -> None:
    mark = f"guard-{time.monotonic_ns()}"
    with (
        sandbox(tmp_path, level, DAEMON, user=choose_user(LAST_SLOT)) as process,
        ThreadPoolExecutor(1) as pool,
    ):
        call = pool.submit(process.call, "stay", (mark,), {}, float, None)
        until(lambda: processes_with(mark) != [])
        os.kill(process.pid, signal.SIGKILL)
        until(lambda: processes_with(mark) == [], 8)
        assert isinstance(call.exception(), CandidateFailed)


@pytest.mark.parametrize(
    "stopped",
    [0, 1, None],
    ids=["at work", "about to end what is below", "once it has stopped all below"],
)
def test_a_candidate_dies_with_its_trial_process_without_a_control_group(
    tmp_path: Path, level: str, stopped: int | None
) -> None:
    mark = f"trial-{time.monotonic_ns()}"
    program = f"""
from pathlib import Path
from tests.evaluate.sandboxes import LAST_SLOT, sandbox
from tests.evaluate.test_layers import DAEMON
from workbench.evaluate.sandbox.spec import choose_user
with sandbox(Path({str(tmp_path)!r}), {level!r}, DAEMON, user=choose_user(LAST_SLOT)) as process:
    process.call("stay", ({mark!r},), {{}}, float, None)
"""
    trial_process = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    try:
        until(lambda: processes_with(f"/{mark}") != [])
        for pid in process_tree.list_descendants(trial_process.pid)[:stopped]:
            os.kill(pid, signal.SIGSTOP)
    finally:
        trial_process.kill()
        trial_process.wait()
    until(lambda: processes_with(f"/{mark}") == [], 8)


def test_the_control_groups_of_a_killed_trial_process_are_cleared(
    make_rig: MakeRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its starter does it.

    A folder may stay until its last process is reaped; the next trial process then removes it.
    """
    cleared: list[Path] = []
    remove_group = cgroup.remove_group

    def note_and_remove(folder: Path) -> None:
        cleared.append(folder)
        remove_group(folder)

    monkeypatch.setattr(cgroup, "remove_group", note_and_remove)
    rig = make_rig(FOREVER.replace("MARK", "groups"))
    rig.submit()
    rig.wait_for_points()
    process = rig.executor._slots[0]._process
    assert process is not None
    groups = [Path(group) for group in process._groups]
    if not groups:
        pytest.skip("no control group can be made here")
    os.kill(rig.pid, signal.SIGKILL)
    assert rig.wait_for_end().status == "lost"
    assert cleared == groups


def test_a_probe_that_escapes_speaks_against_its_level(monkeypatch: pytest.MonkeyPatch) -> None:
    level = require_level("landlock")
    escapes = ["reads a file outside", "makes a socket"]
    monkeypatch.setattr(probe, "_try_to_escape", lambda level: escapes)
    reason = probe._find_reason_against.__wrapped__(level)
    assert reason == "a probe reads a file outside, makes a socket"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give each slot a user")
def test_each_slot_has_another_user() -> None:
    users = {choose_user(slot) for slot in range(10)}
    assert len(users) == 10
    assert 0 not in users


def test_the_calls_that_no_candidate_may_make_are_denied() -> None:
    never = {
        "ptrace", "process_vm_readv", "process_vm_writev", "unshare", "setns", "mount",
        "pivot_root", "chroot", "open_by_handle_at", "bpf", "perf_event_open", "userfaultfd",
        "io_uring_setup", "add_key", "keyctl", "clock_settime", "settimeofday", "init_module",
        "finit_module", "kexec_load", "reboot", "shmget", "msgget", "semget", "mq_open",
    }  # fmt: skip
    assert never <= set(seccomp.DENIED)
    assert {"socket", "connect", "bind", "listen", "accept", "accept4"} == set(seccomp.SOCKETS)
    assert {"kill", "tkill", "rt_sigqueueinfo", "pidfd_send_signal"} <= set(seccomp.SIGNALS)
    assert {"prlimit64", "sched_setaffinity"} <= set(seccomp.OWN_ONLY)


@pytest.mark.parametrize(
    ("raw", "data"),
    [
        ('[["a"],"",[5],5],[["b"],"",[-2],-2]', b"xyz"),  # reaches past the end, and back
        ('[["a"],"O",[1],8]', bytes(8)),
        ('[["a"],"float32",[-1],4]', bytes(4)),
        ('[["a"],"float32",[2],4]', bytes(4)),
        ('[["a"],"",[1],1]', b"xy"),
    ],
)
def test_buffers_that_do_not_fit_their_frame_are_a_wire_error(raw: str, data: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.unpack(f'{{"m":{{"a":null,"b":null}},"raw":[{raw}]}}'.encode(), data)


def test_bytes_without_the_magic_are_not_a_frame() -> None:
    reader = wire.Reader()
    reader.free_space[:] = wire.PREFIX.pack(b"wbf0", 50, 0)
    with pytest.raises(wire.WireError, match="not a frame"):
        reader.advance(wire.PREFIX.size)


@pytest.mark.parametrize("value", [[1.0], 1.0, None, b"\0\0\0\0"])
def test_only_an_array_is_an_array(value: Any) -> None:
    with pytest.raises(CandidateFailed, match="the evaluator expects an array"):
        check_answer(value, Array("float32", (1,)), "f")


def test_points_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "MAX_POINTS", 10)
    values: list[float] = []
    log = output.Output(lambda series, step, value: values.append(value))
    log.feed(b"".join(b"step %d | loss: 1\n" % step for step in range(30)))
    assert (len(values), log.dropped) == (10, 20)


def test_what_ended_a_trial_counts_also_when_its_evaluator_catches_it(run: Run) -> None:
    trial = run(
        "import time\ndef answer(): time.sleep(20)\n",
        """
        def evaluate(trial):
            try:
                with trial.start("train.py") as process:
                    process.call("answer")
            except Exception:
                pass
            return {"score": 99.0}
        """,
        limits={"wall_seconds": 1},
    )
    assert (trial.status, trial.score) == ("timeout", None)


def test_what_an_evaluator_leaves_running_is_ended(make_rig: MakeRig) -> None:
    mark = f"evaluator-{time.monotonic_ns()}"
    rig = make_rig(
        "",
        f"""
        import subprocess, sys
        def evaluate(trial):
            command = [sys.executable, "-c", "import time; time.sleep(20)  # {mark}"]
            subprocess.Popen(command, start_new_session=True)
            return {{"score": 1.0}}
        """,
    )
    rig.submit()
    assert rig.wait_for_end().status == "ok"
    until(lambda: processes_with(mark) == [], 10)


def test_an_evaluator_is_started_without_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (
        "ANTHROPIC_API_KEY",
        "GITHUB_TOKEN",
        "aws_secret_access",
        "DB_PASSWORD",
        "MY_CREDENTIALS",
    ):
        monkeypatch.setenv(name, "sk-secret")
    monkeypatch.setenv("HARMLESS", "kept")
    assert "sk-secret" not in child._make_environment().values()
    assert child._make_environment()["HARMLESS"] == "kept"
