"""Which paths a sandbox without mounts may use, as Landlock rules; `confine` puts them into force inside.

Landlock has rules that allow and none that deny, so that a folder with a masked one in it is taken apart into its children.
What may be listed may be listed at any depth: names of hidden packages can show, their contents cannot be read.
"""

import os
from pathlib import Path

from workbench.evaluate.sandbox.box import Box
from workbench.evaluate.sandbox.devices import nodes
from workbench.evaluate.sandbox.view import ETC, SYSTEM, View, allowed_below, is_reachable

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


def rules(box: Box) -> list[list[str]]:
    """`[kind, path]` for `confine.restrict`, the process's own /proc left out."""
    found = [*_of_view(box.view), ["write", str(box.folder)]]
    found += [["read", str(path)] for path in (*box.data.values(), *box.view.read_only)]
    if box.view.packages:
        found.append(["read", str(box.links)])
    if box.device != "cpu":
        found += [["device", node] for node in nodes(box.gpu)]
        found += [["read", "/sys"], ["read", "/proc/driver"], ["read", "/proc/devices"]]
    return found


def needs_search(box: Box) -> bool:
    """True where root's substitute could not reach something that is allowed."""
    return box.view.needs_search or not all(is_reachable(str(path)) for path in box.data.values())


def make_links(view: View, folder: Path) -> list[str]:
    """Fills a folder with links to the allowed packages; returns what belongs on `sys.path` inside.

    A search of site-packages itself would need the right to list it, and with it the names of all that is installed.
    """
    folder.mkdir(exist_ok=True)
    path = []
    for site, names in view.packages.items():
        if names == ("*",):
            path.append(site)
            continue
        for name in names:
            if not (folder / name).is_symlink():
                (folder / name).symlink_to(os.path.join(site, name))
        path.append(str(folder))
    return list(dict.fromkeys(path))


def _of_view(view: View) -> tuple[list[str], ...]:
    if (known := _known.get(id(view))) and known[0] is view:
        return known[1]
    roots = dict.fromkeys(
        os.path.realpath(root)
        for root in (*SYSTEM, *([view.python_lib] if view.python_lib else []))
    )
    found = [
        ["read", path]
        for root in roots
        if os.path.isdir(root)
        for path in allowed_below(root, view.masked)
    ]
    found += [["read", path] for path in (view.python, *view.allowed_packages)]
    found += [["read", path] for path in (*ETC, *READABLE)] + [
        ["device", path] for path in WRITABLE_DEVICES
    ]
    found += [["list", view.stdlib], ["read", "/sys/devices/system/cpu"]]
    rules = tuple(rule for rule in found if os.path.exists(rule[1]))
    _known.clear()
    _known[id(view)] = (view, rules)
    return rules


_known: dict[
    int, tuple[View, tuple[list[str], ...]]
] = {}  # of the last view: there is one per process
