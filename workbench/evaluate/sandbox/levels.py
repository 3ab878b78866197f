"""Sandbox levels: which one holds on this machine, by a live probe, and how a candidate is started in it.

Protected at `bwrap` and `landlock`:
- files: only an allow-list can be read (`view`): the system, Python without its site-packages, declared distributions, the data
  that the evaluator names; only the candidate's box can be written. No home, no study, no key, no other candidate;
- the network, and the kernel's calls for tracing, namespaces, mounts, clocks, keys (`seccomp`); local sockets work at `bwrap`, between the
  candidate's own processes (as do semaphores and shared memory: DataLoader's workers need all three), and are denied at `landlock`;
- other processes: no signal reaches them, /proc shows nothing of theirs, and the environment is a new one;
- the machine: wall clock, CPU, memory and number of processes of the tree, disk and output are limited (`supervisor`);
- the count of CPU time: of all processes that there ever were, by the control group; without one SIGCHLD stays as it is (`seccomp`),
  so that nothing ends uncounted, and who hears of a child's end by that signal alone waits for ever: dash where it has to `wait`, node.

Not protected:
- against faults of the kernel, of a GPU driver (its device nodes are open where a slot has a GPU) and of the processor;
- names of installed packages below the standard library's folder can be listed at `landlock`, their contents not;
- at `landlock` the disk limit is a watchdog's: a fast writer passes it for a fraction of a second; without a control group
  so is the memory limit at either level, which then misses files in /box, /tmp and /dev/shm; `memory_limit` of the trial says so;
- what a folder holds that the candidate may read, local sockets included: at `bwrap` it may connect to one that its user may write to;
- at `bwrap` under our own user without Landlock and Yama: a candidate can change bubblewrap's process in there, which has the same walls
  and no limits, and have it reap what no control group counts;
- at `landlock` under our own user (not root), modes and times of files cannot be changed, in the box neither;
- CPU, caches and memory bandwidth are shared with other slots: a candidate can disturb a neighbour's clock;
- the page cache is shared with all that comes later: which pages of /usr lie in it cannot be asked, but a read that has to wait for the
  disk takes longer and is counted (`getrusage`), so that a candidate can still leave a message to a later one there;
- at `off` nothing but the limits and a clean environment, and children that the kernel reaps are in no count without a control group.
"""

import functools
import os
import platform
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import SandboxUnavailable
from workbench.evaluate.sandbox import bubblewrap, landlock, seccomp
from workbench.evaluate.sandbox.box import Box, environment
from workbench.evaluate.sandbox.view import View

LEVELS = ("bwrap", "landlock")
OFF = "off"
HOST_FILES = ("wire", "tree", "confine", "host")
LANDLOCK_SCOPES_SIGNALS = 6  # the ABI from which signals stay inside


@dataclass(frozen=True)
class Launch:
    """How to start a sandbox: the command, its environment, the descriptors it keeps, and what the host is told first."""

    argv: list[str]
    environment: dict[str, str]
    keep: list[int]
    setup: dict[str, Any]
    data: dict[str, str]


def launch(level: str, box: Box, requests: int, answers: int) -> Launch:
    """Prepares a start at a level; the descriptors in `keep` beyond the two given are the caller's to close."""
    mounts = level == "bwrap"
    inside = bubblewrap.BOX if mounts else str(box.folder)
    support = bubblewrap.SUPPORT if mounts else str(box.support)
    host = next(name for name in ("host.pyc", "host.py") if (box.support / name).exists())
    command = [
        box.view.python,
        "-I",
        "-S",
        "-B",
        "-u",
        f"{support}/{host}",
        str(requests),
        str(answers),
    ]
    path = list(box.view.search_path) if mounts else landlock.make_links(box.view, box.links)
    setup: dict[str, Any] = {
        "level": level, "box": inside, "path": path, "guard": not mounts, "user": 0 if level == OFF else box.user,
        "own_proc": bool(mounts and box.user and (box.device != "cpu" or box.home)),
    }  # fmt: skip
    variables = environment(box, inside, support, path, alone=level != "off")
    if level != OFF:
        setup["uncounted"] = _keeps_children()
    if mounts:
        filter_fd = os.memfd_create("seccomp")
        os.write(filter_fd, _program(signals=True, metadata=True, sockets=True))
        os.lseek(filter_fd, 0, os.SEEK_SET)
        argv = [*bubblewrap.arguments(_bwrap(), box, variables, filter_fd), *command]
        data = {name: f"{bubblewrap.DATA}/{name}" for name in box.data}
        return Launch(argv, variables, [requests, answers, filter_fd], setup, data)
    if level == "landlock":
        keeps_signals = bool(box.user) or _abi() >= LANDLOCK_SCOPES_SIGNALS
        setup |= {
            "rules": landlock.rules(box),
            "seccomp": _program(signals=keeps_signals, metadata=bool(box.user), sockets=False),
        }
        setup["keep_search"] = bool(box.user) and landlock.needs_search(box)
    return Launch(
        command,
        variables,
        [requests, answers],
        setup,
        {name: str(path) for name, path in box.data.items()},
    )


@functools.cache
def _program(*, signals: bool, metadata: bool, sockets: bool) -> bytes:
    return seccomp.program(signals, metadata=metadata, sockets=sockets)


@functools.cache
def _keeps_children() -> bytes:
    return seccomp.keeps_children()


@functools.cache
def _abi() -> int:
    from workbench.evaluate.sandbox import confine

    return confine.landlock_abi()


def _bwrap() -> str:
    return shutil.which("bwrap") or "bwrap"


def remedy(level: str, error: str, trace: str) -> str:
    """What to say behind a candidate's error where honest code fails by the level; empty where it does not."""
    if level == "landlock" and error.startswith("PermissionError") and "multiprocessing/" in trace:
        return "; sandbox level landlock has no semaphores between processes (Pool, Queue, workers of a DataLoader): install bubblewrap"
    return ""


def write_support(folder: Path, view: View) -> None:
    """Puts what runs inside into a folder: bytecode for our own interpreter (parsing it costs as much as starting it), else source.

    Below it `bin/python`, so that a candidate's programs mean the Python that runs it by that name.
    """
    (folder / "bin").mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        if not (folder / "bin" / name).is_symlink():
            (folder / "bin" / name).symlink_to(view.python)
    here = Path(__file__).parent
    for name in HOST_FILES:
        source = (here / f"{name}.py").read_bytes()
        if view.same:
            (folder / f"{name}.pyc").write_bytes(_bytecode(name, source))
        else:
            (folder / f"{name}.py").write_bytes(source)


@functools.cache
def _bytecode(name: str, source: bytes) -> bytes:
    import importlib.util
    import marshal

    code = compile(source, f"{name}.py", "exec", dont_inherit=True)
    return importlib.util.MAGIC_NUMBER + bytes(12) + marshal.dumps(code)


_PROBE = b"""
import os, socket

def attempt(secret, beside, port, parent):
    found = []
    def holds(what, action):
        try:
            action()
        except (OSError, ValueError):
            return
        found.append(what)
    holds("reads a file outside", lambda: open(secret).read())
    holds("writes a file outside", lambda: open(beside, "w").write("x"))
    holds("makes a socket", lambda: socket.socket().connect(("127.0.0.1", port)))
    holds("sees the environment of a process outside", lambda: open(f"/proc/{parent}/environ").read(1))
    holds("signals a process outside", lambda: os.kill(parent, 0))
    open("inside", "w").write("x")
    return found
"""


@functools.cache
def probe() -> dict[str, str | None]:
    """Level to the reason against it, None where it holds. Starts a sandbox of each level that tries to escape; once per process."""
    return {level: _reason_against(level) for level in LEVELS}


def choose(policy: str) -> str:
    """The level to use: the best that holds for `auto`, else the named one.

    Raises:
        SandboxUnavailable: it does not hold here; the message says why, and what to do.
    """
    if policy == OFF:
        return OFF
    if policy not in ("auto", *LEVELS):
        raise SandboxUnavailable(
            f"no sandbox level {policy!r}; choose auto, {', '.join(LEVELS)} or {OFF}"
        )
    reasons: dict[str, str] = {}
    for level in LEVELS if policy == "auto" else (policy,):
        reason = _reason_against(level)
        if reason is None:
            return level
        reasons[level] = reason
    problems = "; ".join(f"{level}: {reason}" for level, reason in reasons.items())
    raise SandboxUnavailable(f"no sandbox holds on this machine ({problems}). {_remedy(reasons)}")


def _remedy(reasons: dict[str, str]) -> str:
    if platform.system() != "Linux":
        return "Run it on Linux (a container will do), or trust the code and say --sandbox off."
    advice = []
    if "bwrap" in reasons and "not installed" in reasons["bwrap"]:
        advice.append("Install bubblewrap (apt install bubblewrap)")
    elif "bwrap" in reasons:
        settings = (
            "kernel.apparmor_restrict_unprivileged_userns=0 kernel.unprivileged_userns_clone=1"
        )
        advice.append(f"Allow user namespaces (sudo sysctl {settings})")
    if "landlock" in reasons:
        advice.append(
            "boot a kernel from 5.13 with Landlock (lsm=landlock,... on its command line)"
        )
    return f"{', or '.join(advice)}; or trust the code and say --sandbox off."


@functools.cache
def _reason_against(level: str) -> str | None:
    if platform.system() != "Linux":
        return f"{platform.system()} has neither namespaces nor Landlock"
    if level == "bwrap" and not shutil.which("bwrap"):
        return "bubblewrap is not installed"
    if level == "landlock" and not _abi():
        return "this kernel has no Landlock, or it is switched off"
    try:
        escapes = _try_to_escape(level)
    except Exception as error:  # whatever goes wrong in a probe is a reason against the level
        return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return f"a probe {', '.join(escapes)}" if escapes else None


def _try_to_escape(level: str) -> list[str]:
    from workbench.evaluate.sandbox import view
    from workbench.evaluate.sandbox.box import user_for
    from workbench.evaluate.sandbox.supervisor import Supervisor
    from workbench.experiment import Limits

    with (
        tempfile.TemporaryDirectory(prefix="workbench-probe-") as name,
        socket.create_server(("127.0.0.1", 0)) as server,
    ):
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "secret").write_text(secrets.token_hex())
        (folder / "secret").chmod(0o644)
        (folder / "public").mkdir()
        (folder / "public").chmod(0o777)
        seen, user = view.make(()), user_for(0)
        write_support(folder / "support", seen)
        box = Box(
            view=seen, limits=Limits(wall_seconds=30), support=folder / "support", folder=folder / "box",
            links=folder / "links", user=user,
        )  # fmt: skip
        # A child of the same user as we are: what the candidate must neither see nor signal, without risk to ourselves.
        idle = [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"]
        outside = subprocess.Popen(idle, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
        try:
            with Supervisor(level, box, deadline=time.monotonic() + 30) as process:
                process.start("probe.py", {"probe.py": _PROBE}, ())
                port = server.getsockname()[1]
                beside = str(folder / "public" / "beside")
                answer = process.call(
                    "attempt", (str(folder / "secret"), beside, port, outside.pid), {}, list, None
                )
        finally:
            assert outside.stdin is not None
            outside.stdin.close()
            outside.wait()
    return [str(line) for line in answer]
