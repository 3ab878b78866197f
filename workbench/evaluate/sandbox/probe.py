"""Finds out which sandbox levels hold on this machine, and chooses one.

A level is believed only after a sandbox of that level has run a program that tries to escape.
"""

import functools
import platform
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import SandboxUnavailable
from workbench.evaluate.sandbox import levels
from workbench.evaluate.sandbox.levels import LEVELS, OFF
from workbench.evaluate.sandbox.readable_paths import find_readable_paths
from workbench.evaluate.sandbox.spec import SandboxSpec, choose_user
from workbench.evaluate.sandbox.supervisor import Supervisor
from workbench.experiment import Limits

SECONDS = 30.0
USER_NAMESPACE_SETTINGS = (
    "kernel.apparmor_restrict_unprivileged_userns=0 kernel.unprivileged_userns_clone=1"
)
_PROBE = b"""
import os, socket

def attempt(secret, other, port, pid):
    escapes = []

    def note(escape, action):
        try:
            action()
        except (OSError, ValueError):
            return
        escapes.append(escape)

    note("reads a file outside", lambda: open(secret).read())
    note("writes a file outside", lambda: open(other, "w").write("x"))
    note("makes a socket", lambda: socket.socket().connect(("127.0.0.1", port)))
    note("sees the environment of a process outside", lambda: open(f"/proc/{pid}/environ").read(1))
    note("signals a process outside", lambda: os.kill(pid, 0))
    open("inside", "w").write("x")
    return escapes
"""


@functools.cache
def probe_levels() -> dict[str, str | None]:
    """Returns the reason against each level, None where it holds.

    Starts a sandbox of each level that tries to escape; once per process.
    """
    return {level: _find_reason_against(level) for level in LEVELS}


def choose_level(sandbox: str) -> str:
    """Returns the level to use.

    Args:
        sandbox: a level by name, or `auto` for the best that holds. `auto` never chooses `off`.

    Raises:
        SandboxUnavailable: no such level holds here. The message says why, and what to do.
    """
    if sandbox == OFF:
        return OFF
    if sandbox not in ("auto", *LEVELS):
        raise SandboxUnavailable(
            f"no sandbox level {sandbox!r}; choose auto, {', '.join(LEVELS)} or {OFF}"
        )
    reasons: dict[str, str] = {}
    for level in LEVELS if sandbox == "auto" else (sandbox,):
        reason = _find_reason_against(level)
        if reason is None:
            return level
        reasons[level] = reason
    problems = "; ".join(f"{level}: {reason}" for level, reason in reasons.items())
    advice = _advise(reasons)
    raise SandboxUnavailable(f"no sandbox holds on this machine ({problems}). {advice}")


def _advise(reasons: dict[str, str]) -> str:
    if platform.system() != "Linux":
        return "Run it on Linux (a container will do), or trust the code and say --sandbox off."
    advice = []
    if "bwrap" in reasons and "not installed" in reasons["bwrap"]:
        advice.append("Install bubblewrap (apt install bubblewrap)")
    elif "bwrap" in reasons:
        advice.append(f"Allow user namespaces (sudo sysctl {USER_NAMESPACE_SETTINGS})")
    if "landlock" in reasons:
        advice.append(
            "boot a kernel from 5.13 with Landlock (lsm=landlock,... on its command line)"
        )
    return f"{', or '.join(advice)}; or trust the code and say --sandbox off."


@functools.cache
def _find_reason_against(level: str) -> str | None:
    """Returns why a level cannot be used here, None where it holds."""
    if platform.system() != "Linux":
        return f"{platform.system()} has neither namespaces nor Landlock"
    if level == "bwrap" and not shutil.which("bwrap"):
        return "bubblewrap is not installed"
    if level == "landlock" and not levels.find_landlock_abi():
        return "this kernel has no Landlock, or it is switched off"
    try:
        escapes = _try_to_escape(level)
    except Exception as error:  # whatever goes wrong in a probe is a reason against the level
        lines = str(error).strip().splitlines()
        return lines[0] if lines else type(error).__name__
    if escapes:
        return f"a probe {', '.join(escapes)}"
    return None


def _try_to_escape(level: str) -> list[str]:
    """Runs the probe in a sandbox; returns what it could do that no candidate may."""
    with (
        tempfile.TemporaryDirectory(prefix="workbench-probe-") as name,
        socket.create_server(("127.0.0.1", 0)) as server,
        _start_process_outside() as pid,
    ):
        folder = Path(name)
        # These files are open to everyone, so that only the sandbox can stop the probe.
        folder.chmod(0o755)
        secret = folder / "secret"
        secret.write_text(secrets.token_hex())
        secret.chmod(0o644)
        public = folder / "public"
        public.mkdir()
        public.chmod(0o777)
        spec = _make_spec(folder)
        with Supervisor(level, spec, deadline=time.monotonic() + SECONDS) as process:
            process.start("probe.py", {"probe.py": _PROBE}, ())
            port = server.getsockname()[1]
            arguments = (str(secret), str(public / "file"), port, pid)
            escapes = process.call("attempt", arguments, {}, list, None)
    return [str(escape) for escape in escapes]


def _make_spec(folder: Path) -> SandboxSpec:
    readable = find_readable_paths(())
    levels.write_support(folder / "support", readable)
    return SandboxSpec(
        readable=readable,
        limits=Limits(wall_seconds=SECONDS),
        support=folder / "support",
        folder=folder / "box",
        links=folder / "links",
        user=choose_user(0),
    )


@contextmanager
def _start_process_outside() -> Iterator[int]:
    """Runs an idle process of our own user; yields its id.

    The candidate must neither see nor signal it. It is used in our place, so that a probe that
    escapes does no harm.
    """
    idle = [sys.executable, "-I", "-S", "-c", "import sys; sys.stdin.read()"]
    process = subprocess.Popen(idle, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL)
    try:
        yield process.pid
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait()
