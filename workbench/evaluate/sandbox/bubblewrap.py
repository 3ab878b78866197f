"""The arguments of bubblewrap for one sandbox: namespaces, and an empty file system into which only allowed paths are bound."""

import os
from collections.abc import Iterator
from pathlib import Path

from workbench.evaluate.sandbox.box import Box
from workbench.evaluate.sandbox.devices import nodes
from workbench.evaluate.sandbox.view import ETC, SYSTEM, View
from workbench.experiment import MB

BOX, DATA, SUPPORT = "/box", "/data", "/support"
TMP_MB = 64


def arguments(program: str, box: Box, environment: dict[str, str], seccomp: int) -> list[str]:
    """bubblewrap and its options, up to and including the `--` after which the command follows.

    Args:
        seccomp: a descriptor with the filter's bytes.
    """
    args = [
        program,
        "--unshare-pid",
        "--unshare-net",
        "--unshare-ipc",
        "--unshare-uts",
        "--unshare-cgroup-try",
    ]
    args += ["--die-with-parent", "--new-session", "--seccomp", str(seccomp)]
    if (
        os.geteuid() != 0
    ):  # root stays root for bubblewrap and is dropped by the host, so that limits per user hold
        args += ["--unshare-user", "--cap-drop", "ALL"]
    for name, value in environment.items():
        args += ["--setenv", name, value]
    args += [*_system(box.view), "--proc", "/proc", "--dev", "/dev"]
    # Through shared memory DataLoader's workers hand over batches, some of which are large; a control group counts it as memory.
    for folder, size in (
        ("/dev/shm", box.limits.memory_mb // 2),
        ("/tmp", TMP_MB),
        (BOX, box.limits.disk_mb),
    ):
        args += [
            "--perms",
            "1777" if folder != BOX else "0777",
            "--size",
            str(size * MB),
            "--tmpfs",
            folder,
        ]
    if box.home:  # before what may be bound below it, the interpreter for one
        args += [
            *_parents(box.home),
            "--perms",
            "0777",
            "--size",
            str(TMP_MB * MB),
            "--tmpfs",
            box.home,
        ]
    args += _python(box.view)
    for path in box.view.read_only:
        args += [*_parents(path), "--ro-bind-try", path, path]
    for name, source in box.data.items():
        target = f"{DATA}/{name}"
        args += [*_parents(target), "--ro-bind", str(source), target]
    args += ["--ro-bind", str(box.support), SUPPORT]
    if box.device != "cpu":
        for node in nodes(box.gpu):
            args += [*_parents(node), "--dev-bind-try", node, node]
        args += ["--ro-bind-try", "/sys", "/sys"]
    else:
        args += ["--ro-bind-try", "/sys/devices/system/cpu", "/sys/devices/system/cpu"]
    # Last: what was mounted inside stays as it is, only the scaffolding itself becomes read-only.
    return [*args, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/", "--"]


def _system(view: View) -> Iterator[str]:
    for root in SYSTEM:
        if os.path.islink(root):
            yield from ("--symlink", os.readlink(root).lstrip("/"), root)
        elif os.path.isdir(root):
            yield from ("--ro-bind", root, root)
    for path in ETC:
        yield from (*_parents(path), "--ro-bind-try", path, path)


def _python(view: View) -> Iterator[str]:
    """The interpreter and the allowed packages; what is masked appears as an empty folder."""
    if view.python_lib:
        for path in (view.python, view.python_lib):
            yield from (*_parents(path), "--ro-bind", path, path)
    for folder in view.masked:
        yield from ("--perms", "0755", "--size", str(MB), "--tmpfs", folder)
    for path in view.allowed_packages:
        yield from (*_parents(path), "--ro-bind-try", path, path)
    for folder in view.masked:
        yield from ("--remount-ro", folder)


def _parents(path: str) -> Iterator[str]:
    """Makes the folders above a bind: bubblewrap would give them the mode that they have outside, or 0700, and shut another user out."""
    for parent in reversed(Path(path).parents):
        if str(parent) != "/" and not str(parent).startswith("/usr"):
            yield from ("--perms", "0755", "--dir", str(parent))
