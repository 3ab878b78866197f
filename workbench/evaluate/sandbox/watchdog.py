"""Limits on a whole process tree that rlimits cannot give: CPU time, memory, processes, disk; looked at now and then."""

import os
from pathlib import Path

from workbench.evaluate.sandbox import tree
from workbench.evaluate.sandbox.cgroup import Group
from workbench.experiment import MB, Limits

MAX_FILES = 20_000


class Watchdog:
    """Looks at one sandbox's tree; `violation` names the limit that it is above, `peak_mb` the most memory that was seen."""

    def __init__(
        self, limits: Limits, leader: int, group: Group | None, folder: Path | None
    ) -> None:
        self.limits, self.leader, self.group, self.folder = limits, leader, group, folder
        self._peak_kb = 0

    @property
    def counter(self) -> Group | None:
        """The group, where it counts CPU time."""
        return self.group if self.group is not None and self.group.counts_cpu else None

    def violation(self) -> str | None:
        """The limit that is exceeded, with its value; None when all is well."""
        if self._cpu_seconds() > self.limits.cpu_seconds:
            return f"used more than {self.limits.cpu_seconds:g} s of CPU (limits.cpu_seconds)"
        if self.group is not None:
            self.group.sample()
            if self.group.killed_for_memory():
                return self.memory_reason
        else:
            members = tree.descendants(self.leader)
            limit_kb = self.limits.memory_mb * 1024
            if (memory_kb := sum(map(tree.memory_kb, members))) > limit_kb:
                memory_kb = sum(map(tree.share_kb, members))
            self._peak_kb = max(self._peak_kb, memory_kb)
            if memory_kb > limit_kb:
                return self.memory_reason
            if (
                sum(map(_threads, members)) > self.limits.processes + 8
            ):  # our own guard or init is among them
                return f"more than {self.limits.processes} processes"
        if self.folder is not None and _exceeds(self.folder, self.limits.disk_mb * MB):
            return f"wrote more than {self.limits.disk_mb} MB (limits.disk_mb)"
        return None

    def _cpu_seconds(self) -> float:
        if self.counter is not None:
            return self.counter.cpu_seconds()
        return sum(map(tree.cpu_seconds, (self.leader, *tree.descendants(self.leader))))

    @property
    def memory_reason(self) -> str:
        return f"used more than {self.limits.memory_mb} MB of memory (limits.memory_mb)"

    def last_look(self) -> str | None:
        """Notes the peak before the tree is ended; names the memory limit if the kernel killed for it."""
        # A process brings along, uncharged, what it held before it entered the group: the interpreter's own few megabytes.
        resident = sum(tree.memory_kb(pid, peak=True) for pid in tree.descendants(self.leader))
        self._peak_kb = max(self._peak_kb, resident)
        if self.group is None:
            return None
        self._peak_kb = max(self._peak_kb, self.group.peak_bytes() // 1024)
        return self.memory_reason if self.group.killed_for_memory() else None

    @property
    def peak_mb(self) -> float:
        return self._peak_kb / 1024


def _threads(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def _exceeds(folder: Path, limit: int) -> bool:
    """True when the files below a folder take more than so many bytes, or are too many to count."""
    total, count, waiting = 0, 0, [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        total += entry.stat(follow_symlinks=False).st_blocks * 512
                    if total > limit or count > MAX_FILES:
                        return True
        except OSError:
            continue  # removed meanwhile
    return False


def tasks_of(user: int) -> int:
    """Threads that a user runs now; RLIMIT_NPROC counts them all, not only those of a sandbox."""
    found = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == user:
                    found += _threads(int(name))
            except OSError:
                continue  # it ended while it was looked at
    return found
