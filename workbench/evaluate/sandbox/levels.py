"""Sandbox levels: what each one protects, and how a candidate is started in it.

`probe` finds out which level works on this machine.

Protected at `bwrap` and `landlock`:

- Files. Only an allow-list can be read (`readable_paths`): the system, Python without its
  site-packages, declared distributions, and the data that the evaluator names. Only the candidate's
  own folder can be written. It sees no home, no study, no key and no other candidate.
- The network, and the kernel's calls for tracing, namespaces, mounts, clocks and keys (`seccomp`).
  Local sockets work at `bwrap` between the candidate's own processes, as do semaphores and shared
  memory; DataLoader's workers need all three. At `landlock` they are denied.
- Other processes. They cannot be signalled or seen in /proc, and the candidate's environment is a
  new one.
- The machine. Wall clock, CPU time, memory and number of processes of the whole tree, disk and
  output are limited (`supervisor`).
- The count of CPU time. The control group counts every process that ever ran. Without one, SIGCHLD
  keeps its default (`seccomp`), so that no process ends uncounted. A program that waits for a child
  by that signal alone then waits forever: dash in `wait`, and node.

Not protected:

- Against faults of the kernel, of the processor, and of a GPU driver, whose device nodes are open
  where a slot has a GPU.
- At `landlock` the names of installed packages below the standard library's folder can be listed.
  Their contents cannot be read.
- At `landlock` a watchdog enforces the limit on disk, and a fast writer exceeds it for a fraction
  of a second. Without a control group the same holds for memory, at either level, and files in
  /box, /tmp and /dev/shm are then not counted. The trial's `memory_limit` says which of the two
  was in force.
- The contents of a folder that the candidate may read, including local sockets: at `bwrap` it may
  connect to one that its user may write to.
- At `bwrap` under our own user, without Landlock and without Yama, a candidate can change
  bubblewrap's process inside. That process has the same walls and no limits, and could reap
  children that no control group counts.
- At `landlock` under our own user, who is not root, modes and times of files cannot be changed, not
  even of the candidate's own.
- CPU, caches and memory bandwidth are shared with other slots, so a candidate can disturb the
  timing of its neighbours.
- The page cache is shared with everything that runs later. A candidate cannot ask which pages of
  /usr are in it. But a read that has to wait for the disk takes longer and is counted
  (`getrusage`), so it can still leave a message to a later candidate there.
- At `off` there are only the limits and a clean environment. Children that the kernel reaps are
  not counted without a control group.
"""

import functools
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.evaluate.sandbox import bubblewrap, landlock, seccomp
from workbench.evaluate.sandbox.readable_paths import ReadablePaths
from workbench.evaluate.sandbox.spec import SandboxSpec, make_environment
from workbench.options import SANDBOXES

OFF = "off"
LEVELS = tuple(name for name in SANDBOXES if name not in ("auto", OFF))  # the best one first
GUEST_MODULES = ("wire", "process_tree", "confine", "guest")
LANDLOCK_SCOPES_SIGNALS = 6  # the ABI from which signals stay inside
NO_SEMAPHORES = (
    "; sandbox level landlock has no semaphores between processes "
    "(Pool, Queue, workers of a DataLoader): install bubblewrap"
)


@dataclass(frozen=True)
class Launch:
    """How to start a sandbox.

    Attributes:
        argv: the command.
        environment: its environment variables.
        keep: descriptors that it inherits.
        setup: the first message to `guest`.
        data: name to path inside of each data file.
    """

    argv: list[str]
    environment: dict[str, str]
    keep: list[int]
    setup: dict[str, Any]
    data: dict[str, str]


def prepare_launch(level: str, spec: SandboxSpec, requests: int, answers: int) -> Launch:
    """Prepares the start of a sandbox at a level.

    Descriptors in `keep` beyond the two that are given are for the caller to close.

    Args:
        level: one of LEVELS, or `off`.
        spec: the sandbox.
        requests: the sandbox's end of the pipe of requests.
        answers: the sandbox's end of the pipe of answers.
    """
    if level == "bwrap":
        return _prepare_with_mounts(spec, requests, answers)
    return _prepare_without_mounts(level, spec, requests, answers)


def _prepare_with_mounts(spec: SandboxSpec, requests: int, answers: int) -> Launch:
    search_path = spec.readable.search_path
    environment = make_environment(
        spec, bubblewrap.BOX, bubblewrap.SUPPORT, search_path, alone=True
    )
    # Bubblewrap reads the filter from a descriptor.
    filter_fd = os.memfd_create("seccomp")
    os.write(filter_fd, _make_filter(signals=True, metadata=True, sockets=True))
    os.lseek(filter_fd, 0, os.SEEK_SET)
    program = shutil.which("bwrap") or "bwrap"
    uses_own_proc = spec.device != "cpu" or spec.home != ""
    setup = {
        "level": "bwrap",
        "box": bubblewrap.BOX,
        "path": list(search_path),
        "guard": False,  # the pid namespace's first process does its work
        "user": spec.user,
        "own_proc": spec.user != 0 and uses_own_proc,
        "sigchld_filter": _make_sigchld_filter(),
    }
    return Launch(
        argv=[
            *bubblewrap.make_arguments(program, spec, environment, filter_fd),
            *_make_guest_command(spec, bubblewrap.SUPPORT, requests, answers),
        ],
        environment=environment,
        keep=[requests, answers, filter_fd],
        setup=setup,
        data={name: f"{bubblewrap.DATA}/{name}" for name in spec.data},
    )


def _prepare_without_mounts(level: str, spec: SandboxSpec, requests: int, answers: int) -> Launch:
    search_path = landlock.make_links(spec.readable, spec.links)
    is_confined = level != OFF
    environment = make_environment(
        spec, str(spec.folder), str(spec.support), search_path, alone=is_confined
    )
    setup: dict[str, Any] = {
        "level": level,
        "box": str(spec.folder),
        "path": search_path,
        "guard": True,
        "user": spec.user if is_confined else 0,
    }
    if is_confined:
        is_other_user = spec.user != 0
        # Another user cannot signal our processes, and a newer Landlock keeps signals inside.
        # Where neither holds, the filter denies every signal.
        keeps_signals = is_other_user or find_landlock_abi() >= LANDLOCK_SCOPES_SIGNALS
        setup |= {
            "rules": landlock.make_rules(spec),
            "call_filter": _make_filter(
                signals=keeps_signals, metadata=is_other_user, sockets=False
            ),
            "keep_search": is_other_user and landlock.needs_search_right(spec),
            "sigchld_filter": _make_sigchld_filter(),
        }
    return Launch(
        argv=_make_guest_command(spec, str(spec.support), requests, answers),
        environment=environment,
        keep=[requests, answers],
        setup=setup,
        data={name: str(path) for name, path in spec.data.items()},
    )


def _make_guest_command(spec: SandboxSpec, support: str, requests: int, answers: int) -> list[str]:
    names = ("guest.pyc", "guest.py")
    guest = next(name for name in names if (spec.support / name).exists())
    # Isolated and without `site`: it imports nothing that the candidate could have put in its way.
    options = ("-I", "-S", "-B", "-u")
    return [spec.readable.python, *options, f"{support}/{guest}", str(requests), str(answers)]


@functools.cache
def _make_filter(*, signals: bool, metadata: bool, sockets: bool) -> bytes:
    return seccomp.make_filter(signals, metadata=metadata, sockets=sockets)


@functools.cache
def _make_sigchld_filter() -> bytes:
    return seccomp.make_sigchld_filter()


@functools.cache
def find_landlock_abi() -> int:
    """Returns the kernel's Landlock ABI, 0 when it has none or has it switched off."""
    from workbench.evaluate.sandbox import confine  # not at the top, because it loads ctypes

    return confine.find_landlock_abi()


def explain_limitation(level: str, error: str, trace: str) -> str:
    """Returns what to add to a candidate's error where honest code fails because of the level."""
    if level == "landlock" and error.startswith("PermissionError") and "multiprocessing/" in trace:
        return NO_SEMAPHORES
    return ""


def write_support(folder: Path, readable: ReadablePaths) -> None:
    """Writes the modules that run inside, and `bin/python`, into a folder.

    They are bytecode where our own interpreter runs them, because parsing them takes as long as
    starting Python. `bin` comes first in PATH, so that `python` in a candidate's own commands means
    the Python that runs the candidate.
    """
    programs = folder / "bin"
    programs.mkdir(parents=True, exist_ok=True)
    for name in ("python", "python3"):
        if not (programs / name).is_symlink():
            (programs / name).symlink_to(readable.python)
    sources = Path(__file__).parent
    for name in GUEST_MODULES:
        source = (sources / f"{name}.py").read_bytes()
        if readable.same:
            (folder / f"{name}.pyc").write_bytes(_compile(name, source))
        else:
            (folder / f"{name}.py").write_bytes(source)


@functools.cache
def _compile(name: str, source: bytes) -> bytes:
    """Returns the contents of a `.pyc` file."""
    import importlib.util
    import marshal

    code = compile(source, f"{name}.py", "exec", dont_inherit=True)
    flags_and_time = bytes(12)  # zero: Python compares it with no source, as there is none
    return importlib.util.MAGIC_NUMBER + flags_and_time + marshal.dumps(code)
