"""Limits on a whole process tree, which rlimits cannot give: CPU time, memory, processes and disk.

It only looks and reports, several times a second; `reaper` kills.
"""

import os
from pathlib import Path

from workbench.evaluate.sandbox import process_tree
from workbench.evaluate.sandbox.cgroup import Group
from workbench.experiment import MB, Limits

MAX_FILES = 20_000  # more would take too long to count, several times a second
SPARE_THREADS = 8  # the guard, or bubblewrap's processes, are below the leader too
BYTES_PER_BLOCK = 512


class Watchdog:
    """Looks at the process tree of one sandbox.

    Attributes:
        limits: what the tree may use.
        leader: the process at its top, which is ours.
        group: the tree's control group; None where there is none, or the tree is not in it.
        folder: the candidate's folder, where nothing else limits what it writes there.
    """

    def __init__(
        self, limits: Limits, leader: int, group: Group | None, folder: Path | None
    ) -> None:
        self.limits = limits
        self.leader = leader
        self.group = group
        self.folder = folder
        self._peak_kb = 0

    @property
    def counter(self) -> Group | None:
        """The control group, if it counts CPU time."""
        return self.group if self.group is not None and self.group.counts_cpu else None

    @property
    def peak_mb(self) -> float:
        """The most memory that was seen."""
        return self._peak_kb / 1024

    def find_violation(self) -> str | None:
        """Returns the limit that the tree exceeds, with its value; None when it exceeds none."""
        if self._cpu_seconds() > self.limits.cpu_seconds:
            return f"used more than {self.limits.cpu_seconds:g} s of CPU (limits.cpu_seconds)"
        if self.group is not None:
            self.group.sample()
            if self.group.was_killed_for_memory():
                return self.memory_reason
        elif violation := self._find_violation_without_group():
            return violation
        if self.folder is not None and _is_larger_than(self.folder, self.limits.disk_mb * MB):
            return f"wrote more than {self.limits.disk_mb} MB (limits.disk_mb)"
        return None

    def _find_violation_without_group(self) -> str | None:
        members = process_tree.list_descendants(self.leader)
        limit_kb = self.limits.memory_mb * 1024
        memory_kb = sum(map(process_tree.read_memory_kb, members))
        # This sum counts memory once for each process that shares it, so it may be too large. The
        # exact one is slower to read.
        if memory_kb > limit_kb:
            memory_kb = sum(map(process_tree.read_memory_share_kb, members))
        self._peak_kb = max(self._peak_kb, memory_kb)
        if memory_kb > limit_kb:
            return self.memory_reason
        threads = sum(map(_count_threads, members))
        if threads > self.limits.processes + SPARE_THREADS:
            return f"more than {self.limits.processes} processes"
        return None

    def _cpu_seconds(self) -> float:
        if self.counter is not None:
            return self.counter.cpu_seconds()
        pids = (self.leader, *process_tree.list_descendants(self.leader))
        return sum(map(process_tree.read_cpu_seconds, pids))

    @property
    def memory_reason(self) -> str:
        return f"used more than {self.limits.memory_mb} MB of memory (limits.memory_mb)"

    def take_last_look(self) -> str | None:
        """Notes the peak before the tree is killed.

        Returns:
            The limit on memory, if the kernel killed a process for it; else None.
        """
        # A group does not count what a process held before it entered: the few megabytes of the
        # interpreter itself. So the peak of the processes is noted as well.
        members = process_tree.list_descendants(self.leader)
        resident = sum(process_tree.read_memory_kb(pid, peak=True) for pid in members)
        self._peak_kb = max(self._peak_kb, resident)
        if self.group is None:
            return None
        self._peak_kb = max(self._peak_kb, self.group.peak_bytes() // 1024)
        return self.memory_reason if self.group.was_killed_for_memory() else None


def _count_threads(pid: int) -> int:
    try:
        return len(os.listdir(f"/proc/{pid}/task"))
    except OSError:
        return 0


def _is_larger_than(folder: Path, limit: int) -> bool:
    """Returns whether the files below a folder take more bytes, or are too many to count."""
    total = 0
    count = 0
    waiting = [str(folder)]
    while waiting:
        try:
            with os.scandir(waiting.pop()) as entries:
                for entry in entries:
                    count += 1
                    if entry.is_dir(follow_symlinks=False):
                        waiting.append(entry.path)
                    else:
                        # Blocks, because a sparse file takes less of the disk than its size says.
                        status = entry.stat(follow_symlinks=False)
                        total += status.st_blocks * BYTES_PER_BLOCK
                    if total > limit or count > MAX_FILES:
                        return True
        except OSError:
            continue  # the candidate removed it meanwhile
    return False


def count_tasks(user: int) -> int:
    """Returns how many threads a user runs, all of which RLIMIT_NPROC counts."""
    count = 0
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                if os.stat(f"/proc/{name}").st_uid == user:
                    count += _count_threads(int(name))
            except OSError:
                continue  # the process ended while it was looked at
    return count
