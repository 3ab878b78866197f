"""Process trees as /proc shows them: who descends from whom, what they use, and how to end them all.

Runs on both sides, also alone beside `host.py`: standard library only.
"""

import os
import signal
import time

TICKS = os.sysconf("SC_CLK_TCK")


def children(pid: int) -> "list[int]":
    """Direct children of a process, those of all its threads; empty when it is gone."""
    found: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                found += map(int, file.read().split())
    except FileNotFoundError:
        if os.path.exists(f"/proc/{pid}") and not os.path.exists(
            f"/proc/self/task/{os.getpid()}/children"
        ):
            return _children_by_scan(pid)  # a kernel without CONFIG_PROC_CHILDREN
    except OSError:
        pass  # it ended while it was read
    return found


def _children_by_scan(parent: int) -> "list[int]":
    found = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    if int(file.read().rpartition(b")")[2].split()[1]) == parent:
                        found.append(int(name))
            except OSError:
                continue  # it ended while it was read
    return found


def descendants(pid: int) -> "list[int]":
    """Every process below this one, parents before children."""
    found, waiting, seen = [], [pid], {pid}
    while waiting:
        for child in children(waiting.pop()):
            if child not in seen:
                seen.add(child)
                found.append(child)
                waiting.append(child)
    return found


def memory_kb(pid: int, peak: bool = False) -> int:
    """Memory of its own that a process holds (anonymous and shared, not mapped files), or the most it was resident; 0 when gone."""
    wanted = (b"VmHWM:",) if peak else (b"RssAnon:", b"RssShmem:")
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith(wanted))
    except OSError:
        return 0


def share_kb(pid: int) -> int:
    """As `memory_kb`, but of what several processes hold together (after a fork, as shared memory) its share only; slower."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            return sum(
                int(line.split()[1])
                for line in file
                if line.startswith((b"Pss_Anon:", b"Pss_Shmem:"))
            )
    except OSError:  # gone, or nobody outside may look
        return memory_kb(pid)


def cpu_seconds(pid: int) -> float:
    """CPU time of a process and of the children that it reaped, in hundredths; 0 when gone."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            return sum(map(int, file.read().rpartition(b")")[2].split()[11:15])) / TICKS
    except OSError:
        return 0.0


def cpu_clock(pid: int) -> float:
    """CPU seconds of a process and all its threads so far, ended ones too, in nanoseconds; children are not in it. 0 when gone."""
    try:
        return time.clock_gettime(
            ~pid << 3 | 2
        )  # the clock of another process: clock_getcpuclockid(3), which Python does not have
    except OSError:
        return 0.0


def at_rest(pids: "list[int]") -> bool:
    """True when no thread of these processes runs or is about to."""
    for pid in pids:
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/stat", "rb") as file:
                    if file.read().rpartition(b")")[2].split(None, 1)[0] == b"R":
                        return False
        except OSError:
            continue  # it ended while it was looked at
    return True


def freeze(pid: int, seconds: float = 2.0) -> "list[int]":
    """Stops a process and all below it; returns those below.

    A fork bomb outruns a loop that kills, since each death makes room for a birth. Stopped processes keep their places under
    the limit on processes, so this comes to an end.
    """
    stopped: set[int] = set()
    found: list[int] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = descendants(pid)
        new = [member for member in found if member not in stopped]
        if not new:
            break
        for member in new:
            stopped.add(member)
            strike(member, signal.SIGSTOP)
    return found


def strike(pid: int, number: int) -> bool:
    """Sends a signal; false when there is no such process any more."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def end_below(pid: int) -> "list[int]":
    """Kills every process below this one, which must adopt orphans (a subreaper); returns those that it killed."""
    killed: list[int] = []
    for _ in range(20):
        members = freeze(pid)
        alive = [member for member in members if strike(member, signal.SIGKILL)]
        killed += alive
        if not alive or pid != os.getpid():
            break
        for member in alive:
            try:
                os.waitpid(member, 0)
            except ChildProcessError:
                continue  # adopted by another, or reaped already
    return killed
