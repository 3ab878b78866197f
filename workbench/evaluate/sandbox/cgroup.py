"""Limits on memory and processes and the count of CPU time for a whole tree, by a control group (version 1 or 2), where one can be made.

Groups are made once per trial process and used again. A process enters by itself, through a descriptor opened here, before
it runs anything of the candidate; whether it got in is asked, never assumed.
"""

import contextlib
import os
from pathlib import Path

from workbench.evaluate.sandbox import tree

ROOT = Path("/sys/fs/cgroup")


class Group:
    """A control group for one sandbox at a time.

    Attributes:
        folders: its folders: one in version 2, one per controller in version 1.
    """

    def __init__(self, folders: dict[str, Path], version: int, processes: int) -> None:
        self._memory, self._pids, self._cpu, self.version = (
            folders["memory"],
            folders.get("pids"),
            folders.get("cpuacct"),
            version,
        )
        self.folders, self._processes = tuple(dict.fromkeys(folders.values())), processes
        self._kills_before = self._sampled = 0
        self._cpu_seen = self._cpu_before = 0.0

    @property
    def limits_processes(self) -> bool:
        return self._pids is not None

    @property
    def counts_cpu(self) -> bool:
        return self._cpu is not None

    def begin(self) -> None:
        """Forgets the last sandbox: its peak, its kills, its CPU time and its seal."""
        if self._pids is not None:
            _write(self._pids / "pids.max", self._processes)
        self._kills_before, self._sampled, self._cpu_before = self._kills(), 0, self._cpu_used()
        # Before Linux 6.12 the peak of version 2 cannot be forgotten; `sample` stands in.
        with contextlib.suppress(OSError):
            (
                self._memory / ("memory.max_usage_in_bytes" if self.version == 1 else "memory.peak")
            ).write_text("0")

    def entrances(self) -> list[int]:
        """Open descriptors; a process that writes `0` into each becomes a member."""
        return [
            os.open(folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for folder in self.folders
        ]

    def cpu_seconds(self) -> float:
        """CPU time of all that was ever a member since `begin`, ended or not, whoever reaped it; 0 where the group does not count it."""
        return self._cpu_used() - self._cpu_before

    def _cpu_used(self) -> float:
        if self._cpu is None:
            return 0.0
        with contextlib.suppress(
            OSError
        ):  # removed from outside, which needs that no member is left: the last look has it all
            if self.version == 1:
                self._cpu_seen = int((self._cpu / "cpuacct.usage").read_text()) / 1e9
            else:
                lines = (self._cpu / "cpu.stat").read_text().splitlines()
                self._cpu_seen = (
                    next(int(line.split()[1]) for line in lines if line.startswith("usage_usec "))
                    / 1e6
                )
        return self._cpu_seen

    def seal(self) -> None:
        """No process or thread can be started in it any more, until the next sandbox begins."""
        if self._pids is not None:
            _write(self._pids / "pids.max", 0)

    def members(self) -> list[int]:
        found: set[int] = set()
        for folder in self.folders:
            try:
                found.update(map(int, (folder / "cgroup.procs").read_text().split()))
            except OSError:
                continue  # removed from outside
        return sorted(found - {0})

    def killed_for_memory(self) -> bool:
        return self._kills() > self._kills_before

    def sample(self) -> None:
        name = "memory.usage_in_bytes" if self.version == 1 else "memory.current"
        self._sampled = max(self._sampled, _number(self._memory / name))

    def peak_bytes(self) -> int:
        if self.version == 1:
            return _number(self._memory / "memory.max_usage_in_bytes")
        self.sample()
        return self._sampled

    def _kills(self) -> int:
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        try:
            lines = (self._memory / name).read_text().splitlines()
        except OSError:
            return 0
        return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), 0)

    def close(self) -> None:
        for folder in self.folders:
            remove(folder)


def remove(folder: Path) -> None:
    """Kills what is left in a group's folder and removes it; one that is in use by the kernel stays until the next start."""
    try:
        for pid in (folder / "cgroup.procs").read_text().split():
            tree.strike(int(pid), 9)
        folder.rmdir()
    except OSError:
        return


def make(name: str, memory_bytes: int, processes: int) -> Group | None:
    """A group with these limits, or None where this process may not make one."""
    for parent in _parents_v2():
        if made := _make_v2(parent, name, memory_bytes, processes):
            return made
    return _make_v1(_parents_v1(), name, memory_bytes, processes)


def _make_v2(parent: Path, name: str, memory_bytes: int, processes: int) -> Group | None:
    folder = parent / name
    try:
        if "memory" not in (parent / "cgroup.controllers").read_text().split():
            return None
        if not {"memory", "pids"} <= set((parent / "cgroup.subtree_control").read_text().split()):
            (parent / "cgroup.subtree_control").write_text("+memory +pids")
        _sweep(parent)
        folder.mkdir()
        _write(folder / "memory.max", memory_bytes)
        _write(folder / "pids.max", processes)
    except OSError:
        _rmdir(folder)
        return None
    for optional, value in (("memory.swap.max", 0), ("memory.oom.group", 1)):
        try:
            _write(folder / optional, value)
        except OSError:
            continue  # a kernel without swap accounting
    return Group(
        {"memory": folder, "pids": folder, "cpuacct": folder}, 2, processes
    )  # the count needs no controller


def _make_v1(
    parents: list[tuple[str, Path]], name: str, memory_bytes: int, processes: int
) -> Group | None:
    made: dict[str, Path] = {}
    for controller, parent in parents:
        if controller in made:
            continue
        folder = parent / name
        try:
            _sweep(parent)
            folder.mkdir()
            if controller == "memory":
                _write(folder / "memory.limit_in_bytes", memory_bytes)
            elif controller == "pids":
                _write(folder / "pids.max", processes)
            made[controller] = folder
        except OSError:
            _rmdir(folder)
    if "memory" in made:
        return Group(made, 1, processes)
    for folder in made.values():
        _rmdir(folder)
    return None


def _own() -> dict[str, str]:
    """Controller to this process's group; the key is empty for version 2."""
    own: dict[str, str] = {}
    try:
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            own |= dict.fromkeys(controllers.split(","), path)
    except OSError:
        return {}
    return own


def _parents_v2() -> list[Path]:
    path = _own().get("")
    if path is None or not (ROOT / "cgroup.controllers").exists():
        return []  # absent, or mounted aside without controllers
    here = ROOT / path.lstrip("/")
    return [
        folder
        for folder in (here, *here.parents)
        if folder.is_relative_to(ROOT) and (folder / "cgroup.procs").exists()
    ]


def _parents_v1() -> list[tuple[str, Path]]:
    own = _own()
    found: list[tuple[str, Path]] = []
    for controller in ("memory", "pids", "cpuacct"):
        mount = (
            ROOT / controller
        ).resolve()  # `cpuacct` may be a link to where `cpu` is mounted too
        places = (mount / own.get(controller, "/").lstrip("/"), mount)
        found += [(controller, folder) for folder in places if (folder / "cgroup.procs").exists()]
    return found


def _sweep(parent: Path) -> None:
    """Removes groups of trial processes that are gone."""
    for folder in parent.glob("workbench-*"):
        pid = folder.name.split("-")[1]
        if pid.isdigit() and not Path("/proc", pid).exists():
            remove(folder)


def _rmdir(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def _write(file: Path, value: int) -> None:
    file.write_text(str(value))


def _number(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0
