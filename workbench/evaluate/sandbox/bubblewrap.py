"""The arguments of bubblewrap for one sandbox: namespaces, and what is mounted.

The file system starts empty, and only allowed paths are bound into it.
"""

import os
from collections.abc import Iterator
from pathlib import Path

from workbench.evaluate.sandbox.devices import list_nodes
from workbench.evaluate.sandbox.readable_paths import ETC, SYSTEM, ReadablePaths
from workbench.evaluate.sandbox.spec import SandboxSpec
from workbench.experiment import MB

# Paths inside.
BOX = "/box"
DATA = "/data"
SUPPORT = "/support"

TMP_MB = 64
NAMESPACES = (
    "--unshare-pid",
    "--unshare-net",
    "--unshare-ipc",
    "--unshare-uts",
    "--unshare-cgroup-try",
)


def make_arguments(
    program: str, spec: SandboxSpec, environment: dict[str, str], seccomp: int
) -> list[str]:
    """Returns bubblewrap and its options, with the `--` after which the command follows.

    Args:
        program: bubblewrap's executable.
        spec: the sandbox.
        environment: variables inside.
        seccomp: descriptor from which bubblewrap reads the filter of system calls.
    """
    args = [program, *NAMESPACES]
    args += ["--die-with-parent", "--new-session", "--seccomp", str(seccomp)]
    # Root needs no user namespace. `guest` gives up root itself, for a user of the slot: limits
    # per user do not hold for root.
    if os.geteuid() != 0:
        args += ["--unshare-user", "--cap-drop", "ALL"]
    for name, value in environment.items():
        args += ["--setenv", name, value]
    args += [*_bind_system(), "--proc", "/proc", "--dev", "/dev"]
    # DataLoader's workers hand over batches through /dev/shm, and some batches are large. A
    # control group counts it as memory.
    args += _mount_memory("/dev/shm", spec.limits.memory_mb // 2, "1777")
    args += _mount_memory("/tmp", TMP_MB, "1777")
    args += _mount_memory(BOX, spec.limits.disk_mb, "0777")
    # Before what may be bound below the home, such as the interpreter.
    if spec.home:
        args += [*_make_parents(spec.home), *_mount_memory(spec.home, TMP_MB, "0777")]
    args += _bind_python(spec.readable)
    for path in spec.readable.read_only:
        args += [*_make_parents(path), "--ro-bind-try", path, path]
    for name, source in spec.data.items():
        target = f"{DATA}/{name}"
        args += [*_make_parents(target), "--ro-bind", str(source), target]
    args += ["--ro-bind", str(spec.support), SUPPORT]
    args += _bind_devices(spec)
    # Last, when everything is in place. This makes only the mount points' own file systems
    # read-only; what is mounted in them stays as it is.
    return [*args, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"]


def _mount_memory(folder: str, megabytes: int, mode: str) -> list[str]:
    return ["--perms", mode, "--size", str(megabytes * MB), "--tmpfs", folder]


def _bind_system() -> Iterator[str]:
    for root in SYSTEM:
        if os.path.islink(root):
            yield from ("--symlink", os.readlink(root).lstrip("/"), root)
        elif os.path.isdir(root):
            yield from ("--ro-bind", root, root)
    for path in ETC:
        yield from (*_make_parents(path), "--ro-bind-try", path, path)


def _bind_python(readable: ReadablePaths) -> Iterator[str]:
    """Binds the interpreter and the allowed packages; a masked folder appears empty."""
    if readable.python_lib:
        for path in (readable.python, readable.python_lib):
            yield from (*_make_parents(path), "--ro-bind", path, path)
    for folder in readable.masked:
        yield from _mount_memory(folder, 1, "0755")
    # Some allowed packages are in a masked folder, so it stays writable until they are bound.
    for path in readable.allowed_packages:
        yield from (*_make_parents(path), "--ro-bind-try", path, path)
    for folder in readable.masked:
        yield from ("--remount-ro", folder)


def _bind_devices(spec: SandboxSpec) -> Iterator[str]:
    if spec.device == "cpu":
        yield from ("--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu")
        return
    for node in list_nodes(spec.gpu):
        yield from (*_make_parents(node), "--dev-bind-try", node, node)
    yield from ("--ro-bind-try", "/sys", "/sys")


def _make_parents(path: str) -> Iterator[str]:
    """Makes the folders above a bind, so that every user may pass through them.

    Bubblewrap would give them the mode that they have outside, or 0700.
    """
    for parent in reversed(Path(path).parents):
        if str(parent) != "/" and not str(parent).startswith("/usr"):
            yield from ("--perms", "0755", "--dir", str(parent))
