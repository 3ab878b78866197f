"""A control group (version 1 or 2), where one can be made.

It limits memory and the number of processes of a whole tree, and counts its CPU time. Groups are
made once per trial process and used again by one sandbox after another. A process enters by itself,
through a descriptor that was opened here, before it runs any candidate code. Whether it got in is
asked, never assumed.
"""

import contextlib
import os
import signal
from pathlib import Path

from workbench.evaluate.sandbox import process_tree

ROOT = Path("/sys/fs/cgroup")
PREFIX = "workbench-"


class Group:
    """A control group, for one sandbox at a time.

    Attributes:
        version: 1 or 2.
        folders: its folders: one in version 2, one per controller in version 1.
    """

    def __init__(self, folders: dict[str, Path], version: int, processes: int) -> None:
        """Takes over a group that was made.

        Args:
            folders: controller to folder, of `memory`, and of `pids` and `cpuacct` where these
                could be made.
            version: 1 or 2.
            processes: the limit, which `begin` sets again after a seal.
        """
        self._memory = folders["memory"]
        self._pids = folders.get("pids")
        self._cpu = folders.get("cpuacct")
        self.version = version
        self.folders = tuple(dict.fromkeys(folders.values()))
        self._processes = processes
        # The kernel's counters only grow, so they are compared with their values at `begin`.
        self._kills_before = 0
        self._cpu_before = 0.0
        self._cpu_last = 0.0
        self._largest_sample = 0

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
        self._kills_before = self._count_kills()
        self._cpu_before = self._read_cpu_seconds()
        self._largest_sample = 0
        peak = "memory.max_usage_in_bytes" if self.version == 1 else "memory.peak"
        # Before Linux 6.12 the peak of version 2 cannot be reset, so `sample` is used for it.
        with contextlib.suppress(OSError):
            (self._memory / peak).write_text("0")

    def open_entrances(self) -> list[int]:
        """Returns open descriptors; a process that writes `0` into each becomes a member."""
        return [
            os.open(folder / "cgroup.procs", os.O_WRONLY | os.O_CLOEXEC) for folder in self.folders
        ]

    def cpu_seconds(self) -> float:
        """Returns the CPU time of all that was ever a member since `begin`.

        It includes processes that have ended, no matter which process reaped them. Returns 0 where
        the group does not count CPU time.
        """
        return self._read_cpu_seconds() - self._cpu_before

    def _read_cpu_seconds(self) -> float:
        if self._cpu is None:
            return 0.0
        # Someone may remove the group from outside. That takes an empty group, so the value that
        # was read last is complete.
        with contextlib.suppress(OSError):
            if self.version == 1:
                nanoseconds = int((self._cpu / "cpuacct.usage").read_text())
                self._cpu_last = nanoseconds / 1e9
            else:
                microseconds = _find_field(self._cpu / "cpu.stat", "usage_usec")
                self._cpu_last = microseconds / 1e6
        return self._cpu_last

    def seal(self) -> None:
        """Lets no process or thread start in it any more, until the next sandbox begins."""
        if self._pids is not None:
            _write(self._pids / "pids.max", 0)

    def list_members(self) -> list[int]:
        members: set[int] = set()
        for folder in self.folders:
            try:
                members.update(map(int, (folder / "cgroup.procs").read_text().split()))
            except OSError:
                continue  # removed from outside
        return sorted(members - {0})  # 0 is a process of another pid namespace

    def was_killed_for_memory(self) -> bool:
        """Returns whether the kernel killed a member because of the limit on memory."""
        return self._count_kills() > self._kills_before

    def sample(self) -> None:
        """Notes how much memory is used now."""
        name = "memory.usage_in_bytes" if self.version == 1 else "memory.current"
        self._largest_sample = max(self._largest_sample, _read_number(self._memory / name))

    def peak_bytes(self) -> int:
        """Returns the most memory that was used, in version 2 as far as it was sampled."""
        if self.version == 1:
            return _read_number(self._memory / "memory.max_usage_in_bytes")
        self.sample()
        return self._largest_sample

    def _count_kills(self) -> int:
        name = "memory.oom_control" if self.version == 1 else "memory.events"
        try:
            return _find_field(self._memory / name, "oom_kill")
        except OSError:
            return 0

    def close(self) -> None:
        for folder in self.folders:
            remove_group(folder)


def remove_group(folder: Path) -> None:
    """Kills what is left in a group's folder and removes it.

    A folder that the kernel still uses stays, until the next trial process removes it.
    """
    try:
        for pid in (folder / "cgroup.procs").read_text().split():
            process_tree.send_signal(int(pid), signal.SIGKILL)
        folder.rmdir()
    except OSError:
        return


def make_group(name: str, memory_bytes: int, processes: int) -> Group | None:
    """Returns a new group with these limits, or None where this process may not make one."""
    for parent in _find_parents_v2():
        group = _make_v2(parent, name, memory_bytes, processes)
        if group is not None:
            return group
    return _make_v1(_find_parents_v1(), name, memory_bytes, processes)


def _make_v2(parent: Path, name: str, memory_bytes: int, processes: int) -> Group | None:
    folder = parent / name
    try:
        if "memory" not in (parent / "cgroup.controllers").read_text().split():
            return None
        enabled = set((parent / "cgroup.subtree_control").read_text().split())
        if not {"memory", "pids"} <= enabled:
            (parent / "cgroup.subtree_control").write_text("+memory +pids")
        _remove_abandoned_groups(parent)
        folder.mkdir()
        _write(folder / "memory.max", memory_bytes)
        _write(folder / "pids.max", processes)
    except OSError:
        _remove_folder(folder)
        return None
    for optional, value in (("memory.swap.max", 0), ("memory.oom.group", 1)):
        try:
            _write(folder / optional, value)
        except OSError:
            continue  # a kernel without swap accounting
    # Version 2 counts CPU time in every group, without a controller.
    return Group({"memory": folder, "pids": folder, "cpuacct": folder}, 2, processes)


def _make_v1(
    parents: list[tuple[str, Path]], name: str, memory_bytes: int, processes: int
) -> Group | None:
    """Makes a folder for each controller, in the first of its parents that allows it."""
    folders: dict[str, Path] = {}
    for controller, parent in parents:
        if controller in folders:
            continue
        folder = parent / name
        try:
            _remove_abandoned_groups(parent)
            folder.mkdir()
            if controller == "memory":
                _write(folder / "memory.limit_in_bytes", memory_bytes)
            elif controller == "pids":
                _write(folder / "pids.max", processes)
            folders[controller] = folder
        except OSError:
            _remove_folder(folder)
    if "memory" in folders:
        return Group(folders, 1, processes)
    for folder in folders.values():
        _remove_folder(folder)
    return None


def _read_own_groups() -> dict[str, str]:
    """Returns this process's group by controller; the key is empty for version 2."""
    groups: dict[str, str] = {}
    try:
        for line in Path("/proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            groups |= dict.fromkeys(controllers.split(","), path)
    except OSError:
        return {}
    return groups


def _find_parents_v2() -> list[Path]:
    """Returns the folders that a group could be made in, from our own group upwards."""
    path = _read_own_groups().get("")
    # Version 2 may be absent, or mounted elsewhere without controllers.
    if path is None or not (ROOT / "cgroup.controllers").exists():
        return []
    own = ROOT / path.lstrip("/")
    return [
        folder
        for folder in (own, *own.parents)
        if folder.is_relative_to(ROOT) and (folder / "cgroup.procs").exists()
    ]


def _find_parents_v1() -> list[tuple[str, Path]]:
    """Returns (controller, folder) pairs: for each controller our own group, then its root."""
    groups = _read_own_groups()
    parents: list[tuple[str, Path]] = []
    for controller in ("memory", "pids", "cpuacct"):
        # `cpuacct` may be a link to where `cpu` is mounted too.
        mount = (ROOT / controller).resolve()
        folders = (mount / groups.get(controller, "/").lstrip("/"), mount)
        parents += [
            (controller, folder) for folder in folders if (folder / "cgroup.procs").exists()
        ]
    return parents


def _remove_abandoned_groups(parent: Path) -> None:
    """Removes the groups of trial processes that have ended."""
    for folder in parent.glob(f"{PREFIX}*"):
        pid = folder.name.split("-")[1]
        if pid.isdigit() and not Path("/proc", pid).exists():
            remove_group(folder)


def _remove_folder(folder: Path) -> None:
    try:
        folder.rmdir()
    except OSError:
        return


def _write(file: Path, value: int) -> None:
    file.write_text(str(value))


def _find_field(file: Path, name: str) -> int:
    """Returns the number in the line `name number` of a file; 0 where it has no such line."""
    for line in file.read_text().splitlines():
        if line.startswith(f"{name} "):
            return int(line.split()[1])
    return 0


def _read_number(file: Path) -> int:
    try:
        return int(file.read_text())
    except (OSError, ValueError):
        return 0
