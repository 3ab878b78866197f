"""Each layer by itself: what is held twice over is tested with the other holder left out, so that neither can be lost unseen."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.evaluate.conftest import held
from tests.evaluate.test_limits import processes_with
from tests.evaluate.test_local import FOREVER, Rig, none_with, rig
from tests.waiting import until
from workbench.evaluate import Array, CandidateFailed, local, output
from workbench.evaluate.answers import checked
from workbench.evaluate.sandbox import cgroup, confine, levels, seccomp, tree, view, wire
from workbench.evaluate.sandbox.box import Box, rlimits, user_for
from workbench.evaluate.sandbox.supervisor import Supervisor
from workbench.evaluate.sandbox.watchdog import Watchdog
from workbench.experiment import Limits
from workbench.records import Trial

__all__ = ["rig"]
Run = Callable[..., Trial]
LAST_SLOT = 14  # its user is the least likely to run anything else meanwhile
OUTCOME = """
import os
def outcome(action):
    try:
        return str(action())[:100]
    except OSError as error:
        return "refused: " + type(error).__name__
"""


@contextmanager
def sandbox(
    folder: Path,
    level: str,
    source: str,
    *,
    user: int = 0,
    data: Mapping[str, Path] | None = None,
    group: cgroup.Group | None = None,
    packages: Sequence[str] = (),
    **limits: Any,
) -> Iterator[Supervisor]:
    """A sandbox without a trial process, and without a control group unless one is given; `user` 0 leaves the candidate our own user."""
    folder.chmod(0o755)
    seen = view.make(packages)
    levels.write_support(folder / "support", seen)
    box = Box(
        view=seen, limits=Limits(**{"wall_seconds": 30, **limits}), support=folder / "support", folder=folder / "box",
        links=folder / "links", user=user, data=data or {},
    )  # fmt: skip
    with Supervisor(
        held(level), box, deadline=time.monotonic() + box.limits.wall_seconds, group=group
    ) as process:
        process.start("train.py", {"train.py": textwrap.dedent(source).encode()}, ())
        yield process


def test_the_process_of_bubblewrap_inside_cannot_be_taken_over(tmp_path: Path) -> None:
    """It has our own user where we are not root, and then no limits and nothing that counts its children."""
    source = """
import os
def attack():
    found = {}
    for name in ("mem", "fd/0"):
        try:
            os.close(os.open(f"/proc/1/{name}", os.O_RDWR if name == "mem" else os.O_RDONLY))
            found[name] = "opened"
        except OSError as error:
            found[name] = type(error).__name__
    try:
        os.kill(1, 0)
        found["signal"] = "sent"
    except OSError as error:
        found["signal"] = type(error).__name__
    os.mkdir("here"), os.mkdir("there")
    open("here/file", "w").close()
    os.rename("here/file", "there/file")
    return found
"""
    if confine.landlock_abi() < 2:
        pytest.skip("no Landlock that keeps it apart and lets files be moved")
    with sandbox(tmp_path, "bwrap", source) as process:
        found = process.call("attack", (), {}, dict, 25)
    assert set(found.values()) == {"PermissionError"}, found


def test_landlock_alone_keeps_even_our_own_user_inside(tmp_path: Path) -> None:
    for name in ("secret", "data"):
        (tmp_path / name).write_text(name)
    (tmp_path / "folder").mkdir()
    outside = subprocess.Popen(["sleep", "60"])
    source = (
        OUTCOME
        + """
def attack(folder, pid):
    secret = folder + "/secret"
    return {
        "read": outcome(lambda: open(secret).read()), "list": outcome(lambda: os.listdir(folder)),
        "write": outcome(lambda: open(secret, "w")), "truncate": outcome(lambda: os.truncate(secret, 0)),
        "make": outcome(lambda: open(folder + "/new", "w")), "mkdir": outcome(lambda: os.mkdir(folder + "/new")),
        "link": outcome(lambda: os.link(secret, folder + "/new")), "symlink": outcome(lambda: os.symlink("x", folder + "/new")),
        "fifo": outcome(lambda: os.mkfifo(folder + "/new")), "remove": outcome(lambda: os.unlink(secret)),
        "rmdir": outcome(lambda: os.rmdir(folder + "/folder")), "rename": outcome(lambda: os.rename(secret, folder + "/new")),
        "take": outcome(lambda: os.rename(secret, "taken")), "write data": outcome(lambda: open(folder + "/data", "w")),
        "truncate data": outcome(lambda: os.truncate(folder + "/data", 0)), "system": outcome(lambda: open("/usr/new", "w")),
        "process": outcome(lambda: open(f"/proc/{pid}/cmdline").read()), "processes": outcome(lambda: os.listdir("/proc")),
        "signal": outcome(lambda: os.kill(pid, 9)), "data": open(folder + "/data").read(),
    }
"""
    )
    try:
        with sandbox(tmp_path, "landlock", source, data={"data": tmp_path / "data"}) as process:
            found = process.call("attack", (str(tmp_path), outside.pid), {}, dict, None)
        assert found.pop("data") == "data"
        assert all(result.startswith("refused: ") for result in found.values()), found
        assert outside.poll() is None
        assert ((tmp_path / "secret").read_text(), (tmp_path / "data").read_text()) == (
            "secret",
            "data",
        )
    finally:
        outside.kill()
        outside.wait()


def test_before_landlock_had_scopes_no_signal_is_sent_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    held("landlock")
    monkeypatch.setattr(levels, "_abi", lambda: levels.LANDLOCK_SCOPES_SIGNALS - 1)
    source = OUTCOME + "def attack(): return outcome(lambda: os.kill(os.getpid(), 0))\n"
    with sandbox(tmp_path, "landlock", source) as process:
        assert process.call("attack", (), {}, str, None) == "refused: PermissionError"


def test_packages_that_nobody_declared_cannot_be_read_beside_the_standard_library(
    tmp_path: Path, level: str
) -> None:
    roots = [*view.SYSTEM, os.path.join(os.path.realpath(sys.base_prefix), "lib")]
    folders = dict.fromkeys(
        folder for root in roots if not os.path.islink(root) for folder in view.site_folders(root)
    )
    masked = [
        file
        for folder in folders
        for file in sorted(Path(folder).glob("*/*.py"))[:20]
        if os.access(file, os.R_OK)
    ]
    if not masked:
        pytest.skip(
            "no site-packages folder with a readable package lies where the system or the interpreter does"
        )
    source = (
        OUTCOME
        + "def attack(paths): return [outcome(lambda: open(path).read()) for path in paths]\n"
    )
    with sandbox(tmp_path, level, source) as process:
        found = process.call("attack", ([str(file) for file in masked],), {}, list, None)
    assert all(result.startswith("refused: ") for result in found), found


def test_bubblewrap_gives_namespaces_of_their_own(tmp_path: Path) -> None:
    names = ["ipc", "mnt", "net", "pid", "uts"]
    source = "import os\ndef look(names): return [os.readlink('/proc/self/ns/' + name) for name in names]\n"
    with sandbox(tmp_path, "bwrap", source, user=user_for(LAST_SLOT)) as process:
        inside = process.call("look", (names,), {}, list, None)
    ours = [os.readlink(f"/proc/self/ns/{name}") for name in names]
    assert [
        name for name, one, other in zip(names, inside, ours, strict=True) if one == other
    ] == []


HOLD = """
import os, time
def hold(megabytes):
    held = []
    for _ in range(megabytes // 10):
        held.append(b"x" * (10 << 20))
        time.sleep(0.02)
    time.sleep(20)
    return 1.0
"""
FORK = """
import os, time
def fork(wanted):
    made = 0
    for _ in range(wanted):
        try:
            if os.fork() == 0:
                time.sleep(20)
                os._exit(0)
            made += 1
        except OSError:
            break
    return made
def answer(): return float(fork(64))
"""


def test_memory_is_held_without_a_control_group(tmp_path: Path, level: str) -> None:
    with sandbox(tmp_path, level, HOLD, user=user_for(LAST_SLOT), memory_mb=150) as process:
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
    block, children = bytearray(os.urandom(1) * (megabytes << 20)), []
    for _ in range(4):
        children.append(os.fork())
        if children[-1] == 0:
            for place in range(0, len(block), 4096):
                DO
            time.sleep(SECONDS)  # the watchdog looks some times a second
            os._exit(0)
    for child in children:
        os.waitpid(child, 0)
    return float(len(block))
"""
    for name, text in zip(
        ("DO", "SECONDS"),
        ("block[place]", "1.5") if each == "looks at it" else ("block[place] = 7", "20"),
        strict=True,
    ):
        source = source.replace(name, text)
    with sandbox(tmp_path, level, source, user=user_for(LAST_SLOT), memory_mb=200) as process:
        if each == "looks at it":
            assert process.call("hold", (100,), {}, float, 25) == 100 << 20
        else:
            with pytest.raises(CandidateFailed, match="used more than 200 MB"):
                process.call("hold", (100,), {}, float, 25)


def test_processes_are_held_without_a_control_group(tmp_path: Path, level: str) -> None:
    with sandbox(tmp_path, level, FORK, user=user_for(LAST_SLOT), processes=16) as process:
        if (
            os.geteuid() == 0 or level == "bwrap"
        ):  # a plain user's own processes come and go beside ours
            assert process.call("fork", (64,), {}, int, 15) <= 24
        else:
            assert rlimits(process.box, process._process_limit())["RLIMIT_NPROC"] > 0


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
        until(lambda: strict.violation() == "more than 2 processes")
        assert lenient.violation() is None
    finally:
        os.killpg(family.pid, signal.SIGKILL)
        family.wait()


def test_the_limits_of_a_single_process_are_in_force(tmp_path: Path, level: str) -> None:
    names = ["RLIMIT_CORE", "RLIMIT_CPU", "RLIMIT_FSIZE", "RLIMIT_NOFILE"]
    source = "import resource\ndef look(names): return [resource.getrlimit(getattr(resource, name))[1] for name in names]\n"
    with sandbox(
        tmp_path, level, source, user=user_for(LAST_SLOT), cpu_seconds=7, disk_mb=32
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
            os.execv(sys.executable, [sys.executable, "-c", "import time; time.sleep(20)  # " + mark])
        os._exit(0)
    time.sleep(0.3)
    return 1.0
def stay(mark):
    held = open(mark, "w")
    time.sleep(20)
"""


def test_a_daemon_is_dead_afterwards_without_a_control_group(tmp_path: Path, level: str) -> None:
    mark = f"alone-{time.monotonic_ns()}"
    with sandbox(tmp_path, level, DAEMON, user=user_for(LAST_SLOT)) as process:
        process.call("leave", (mark,), {}, float, None)
    assert processes_with(mark) == []


def test_a_daemon_is_dead_afterwards_as_a_member_of_its_control_group(
    tmp_path: Path, level: str
) -> None:
    group = cgroup.make(f"workbench-{os.getpid()}-layers", 1 << 30, 100)
    if group is None:
        pytest.skip("no control group can be made here")
    mark = f"member-{time.monotonic_ns()}"
    try:
        with sandbox(tmp_path, level, DAEMON, user=user_for(LAST_SLOT), group=group) as process:
            process.call("leave", (mark,), {}, float, None)
            assert process.memory_limit == "cgroup"
        assert processes_with(mark) == []
    finally:
        group.close()


def test_a_candidate_dies_with_its_guard(tmp_path: Path, level: str) -> None:
    mark = f"guard-{time.monotonic_ns()}"
    with (
        sandbox(tmp_path, level, DAEMON, user=user_for(LAST_SLOT)) as process,
        ThreadPoolExecutor(1) as pool,
    ):
        call = pool.submit(process.call, "stay", (mark,), {}, float, None)
        until(lambda: processes_with(mark) != [])
        os.kill(process._process.pid, signal.SIGKILL)
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
from tests.evaluate.test_layers import DAEMON, LAST_SLOT, sandbox, user_for
with sandbox(Path({str(tmp_path)!r}), {level!r}, DAEMON, user=user_for(LAST_SLOT)) as process:
    process.call("stay", ({mark!r},), {{}}, float, None)
"""
    trial_process = subprocess.Popen([sys.executable, "-c", program], cwd=Path(__file__).parents[2])
    try:
        until(lambda: processes_with(f"/{mark}") != [])
        for pid in tree.descendants(trial_process.pid)[:stopped]:
            os.kill(pid, signal.SIGSTOP)
    finally:
        trial_process.kill()
        trial_process.wait()
    until(lambda: processes_with(f"/{mark}") == [], 8)


def test_the_control_groups_of_a_killed_trial_process_are_cleared(
    rig: Callable[..., Rig], monkeypatch: pytest.MonkeyPatch
) -> None:
    """By whoever started it; a folder may stay until its last process is reaped, and the next trial process clears it too."""
    cleared: list[Path] = []
    real = cgroup.remove
    monkeypatch.setattr(cgroup, "remove", lambda folder: (cleared.append(folder), real(folder))[1])
    bench = rig(FOREVER.replace("MARK", "groups"))
    bench.submit()
    bench.wait_for_points()
    child = bench.executor._slots[0]._process
    assert child is not None
    groups = [Path(group) for group in child._groups]
    if not groups:
        pytest.skip("no control group can be made here")
    os.kill(bench.pid, signal.SIGKILL)
    assert bench.ended().status == "lost"
    assert cleared == groups


def test_a_probe_that_escapes_speaks_against_its_level(monkeypatch: pytest.MonkeyPatch) -> None:
    level = held("landlock")
    monkeypatch.setattr(
        levels, "_try_to_escape", lambda level: ["reads a file outside", "makes a socket"]
    )
    assert (
        levels._reason_against.__wrapped__(level) == "a probe reads a file outside, makes a socket"
    )


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give candidates users of their own")
def test_slots_have_users_of_their_own() -> None:
    users = {user_for(slot) for slot in range(10)}
    assert len(users) == 10
    assert 0 not in users


def test_what_no_candidate_may_ask_of_the_kernel_is_on_the_list() -> None:
    never = {
        "ptrace", "process_vm_readv", "process_vm_writev", "unshare", "setns", "mount", "pivot_root",
        "chroot", "open_by_handle_at", "bpf", "perf_event_open", "userfaultfd", "io_uring_setup", "add_key", "keyctl",
        "clock_settime", "settimeofday", "init_module", "finit_module", "kexec_load", "reboot", "shmget", "msgget", "semget",
        "mq_open",
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


def test_bytes_without_the_mark_of_a_frame_are_none() -> None:
    reader = wire.Reader()
    reader.room()[:] = wire.PREFIX.pack(b"wbf0", 50, 0)
    with pytest.raises(wire.WireError, match="no frame"):
        reader.filled(wire.PREFIX.size)


@pytest.mark.parametrize("value", [[1.0], 1.0, None, b"\0\0\0\0"])
def test_only_an_array_is_an_array(value: Any) -> None:
    with pytest.raises(CandidateFailed, match="the evaluator expects an array"):
        checked(value, Array("float32", (1,)), "f")


def test_points_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(output, "MAX_POINTS", 10)
    taken: list[float] = []
    found = output.Output(lambda series, step, value: taken.append(value))
    found.feed(b"".join(b"step %d | loss: 1\n" % step for step in range(30)))
    assert (len(taken), found.dropped) == (10, 20)


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


def test_what_an_evaluator_leaves_running_is_ended(rig: Callable[..., Rig]) -> None:
    mark = f"evaluator-{time.monotonic_ns()}"
    bench = rig(
        "",
        f"""
        import subprocess, sys
        def evaluate(trial):
            subprocess.Popen([sys.executable, "-c", "import time; time.sleep(20)  # {mark}"], start_new_session=True)
            return {{"score": 1.0}}
        """,
    )
    bench.submit()
    assert bench.ended().status == "ok"
    until(lambda: none_with(mark), 10)


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
    assert "sk-secret" not in local._environment().values()
    assert local._environment()["HARMLESS"] == "kept"
