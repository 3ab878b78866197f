"""Which paths a sandbox without mounts may use, as Landlock rules.

It only decides; `confine` puts the rules into force inside the sandbox.

Landlock's rules allow and never deny. A folder that contains a masked one is therefore allowed
piece by piece, child by child. The right to list a folder holds at any depth, so the names of
hidden packages can show, while their contents cannot be read.
"""

import os
from pathlib import Path

from workbench.evaluate.sandbox.devices import list_nodes
from workbench.evaluate.sandbox.readable_paths import (
    ALL,
    ETC,
    SYSTEM,
    ReadablePaths,
    is_reachable,
    split_around_masked,
)
from workbench.evaluate.sandbox.spec import SandboxSpec

WRITABLE_DEVICES = ("/dev/null", "/dev/zero", "/dev/full")
READABLE = (
    "/dev/random",
    "/dev/urandom",
    "/proc/cpuinfo",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/sys/vm",
    "/proc/filesystems",
)
Rules = list[list[str]]


def make_rules(spec: SandboxSpec) -> Rules:
    """Returns `[kind, path]` rules for `confine.restrict_paths`.

    The process's own folder in /proc is missing, since only the process itself knows it.
    """
    rules = [*_make_common_rules(spec.readable), ["write", str(spec.folder)]]
    rules += [["read", str(path)] for path in (*spec.data.values(), *spec.readable.read_only)]
    if spec.readable.packages:
        rules.append(["read", str(spec.links)])
    if spec.device != "cpu":
        rules += [["device", node] for node in list_nodes(spec.gpu)]
        rules += [["read", "/sys"], ["read", "/proc/driver"], ["read", "/proc/devices"]]
    return rules


def needs_search_right(spec: SandboxSpec) -> bool:
    """Returns whether the user that root gives the candidate could not reach an allowed path."""
    if spec.readable.needs_search:
        return True
    return not all(is_reachable(str(path)) for path in spec.data.values())


def make_links(readable: ReadablePaths, folder: Path) -> list[str]:
    """Fills a folder with links to the allowed packages.

    To search site-packages itself, Python would need the right to list it, and with that the
    candidate would see the names of all installed packages.

    Returns:
        What belongs on `sys.path` inside.
    """
    folder.mkdir(exist_ok=True)
    search_path = []
    for site, names in readable.packages.items():
        if names == ALL:
            search_path.append(site)
            continue
        for name in names:
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(os.path.join(site, name))
        search_path.append(str(folder))
    return list(dict.fromkeys(search_path))


def _make_common_rules(readable: ReadablePaths) -> tuple[list[str], ...]:
    """Returns the rules that all sandboxes of an experiment share."""
    # Finding them walks through /usr. They are kept by identity, since a mapping has no hash.
    last = _last_rules.get(id(readable))
    if last is not None and last[0] is readable:
        return last[1]
    roots = [*SYSTEM]
    if readable.python_lib:
        roots.append(readable.python_lib)
    possible: Rules = []
    for root in dict.fromkeys(map(os.path.realpath, roots)):
        if os.path.isdir(root):
            parts = split_around_masked(root, readable.masked)
            possible += [["read", path] for path in parts]
    further = (readable.python, *readable.allowed_packages, *ETC, *READABLE)
    possible += [["read", path] for path in further]
    possible += [["device", path] for path in WRITABLE_DEVICES]
    possible += [["list", readable.stdlib], ["read", "/sys/devices/system/cpu"]]
    rules = tuple(rule for rule in possible if os.path.exists(rule[1]))
    _last_rules.clear()
    _last_rules[id(readable)] = (readable, rules)
    return rules


# Only for the last value: a process has one.
_last_rules: dict[int, tuple[ReadablePaths, tuple[list[str], ...]]] = {}
