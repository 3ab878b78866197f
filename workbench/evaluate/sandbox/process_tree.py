"""Process trees as /proc shows them: who descends from whom, what they use, how to end them all.

Runs on both sides. A copy of it is next to `guest.py` inside the sandbox, without the rest of the
workbench, so it uses only the standard library.

A process can end at any moment, also while its files in /proc are read. Every function treats such
a process as one that uses nothing.
"""

import os
import signal
import time

TICKS = os.sysconf("SC_CLK_TCK")  # per second; CPU times in /proc/PID/stat are counted in ticks
FREEZE_SECONDS = 2.0
MAX_KILL_ROUNDS = 20


def list_children(pid: int) -> "list[int]":
    """Returns the children of all threads of a process; empty when the process has ended."""
    children: list[int] = []
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/children") as file:
                children += map(int, file.read().split())
    except FileNotFoundError:
        lists_children = os.path.exists(f"/proc/self/task/{os.getpid()}/children")
        if os.path.exists(f"/proc/{pid}") and not lists_children:
            return _list_children_by_scan(pid)  # a kernel without CONFIG_PROC_CHILDREN
    except OSError:
        pass  # the process ended while it was read
    return children


def _list_children_by_scan(parent: int) -> "list[int]":
    children = []
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as file:
                    # The command's name may contain anything, so count from the last bracket.
                    fields = file.read().rpartition(b")")[2].split()
                if int(fields[1]) == parent:
                    children.append(int(name))
            except OSError:
                continue  # the process ended while it was read
    return children


def list_descendants(pid: int) -> "list[int]":
    """Returns every process below this one, parents before their children."""
    descendants = []
    waiting = [pid]
    visited = {pid}
    while waiting:
        for child in list_children(waiting.pop()):
            if child not in visited:
                visited.add(child)
                descendants.append(child)
                waiting.append(child)
    return descendants


def read_memory_kb(pid: int, peak: bool = False) -> int:
    """Returns the memory of a process in kilobytes, 0 when it has ended.

    Args:
        pid: the process.
        peak: returns the most that was ever resident, mapped files included. Otherwise returns what
            it holds now: anonymous and shared memory, without mapped files.
    """
    fields = (b"VmHWM:",) if peak else (b"RssAnon:", b"RssShmem:")
    try:
        with open(f"/proc/{pid}/status", "rb") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith(fields))
    except OSError:
        return 0


def read_memory_share_kb(pid: int) -> int:
    """Returns what a process holds now, in kilobytes, with only its share of what it shares.

    Processes share memory after a fork, or by shared memory. Slower than `read_memory_kb`.
    """
    fields = (b"Pss_Anon:", b"Pss_Shmem:")
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:
            return sum(int(line.split()[1]) for line in file if line.startswith(fields))
    except OSError:  # it has ended, or the kernel lets no other process read this file
        return read_memory_kb(pid)


def read_cpu_seconds(pid: int) -> float:
    """Returns the CPU time of a process and of the children it reaped, to a tick; 0 when ended."""
    try:
        with open(f"/proc/{pid}/stat", "rb") as file:
            fields = file.read().rpartition(b")")[2].split()
        # utime, stime, cutime and cstime of proc(5), counted from the field after the command
        return sum(map(int, fields[11:15])) / TICKS
    except OSError:
        return 0.0


def read_cpu_clock(pid: int) -> float:
    """Returns the CPU seconds of a process and all its threads, ended ones too, to a nanosecond.

    Its children are not included. Returns 0 when it has ended.
    """
    # The CPU clock of another process: clock_getcpuclockid(3), which Python does not have.
    clock = ~pid << 3 | 2
    try:
        return time.clock_gettime(clock)
    except OSError:
        return 0.0


def is_at_rest(pids: "list[int]") -> bool:
    """Returns whether no thread of these processes is running or about to run."""
    for pid in pids:
        try:
            for thread in os.listdir(f"/proc/{pid}/task"):
                with open(f"/proc/{pid}/task/{thread}/stat", "rb") as file:
                    if file.read().rpartition(b")")[2].split(None, 1)[0] == b"R":
                        return False
        except OSError:
            continue  # the process ended while it was read
    return True


def freeze(pid: int, seconds: float = FREEZE_SECONDS) -> "list[int]":
    """Stops every process below this one, and returns them.

    A fork bomb outruns a loop that kills, because each death makes room for a birth. A stopped
    process keeps its place under the limit on processes, so stopping comes to an end.
    """
    stopped: set[int] = set()
    descendants: list[int] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        descendants = list_descendants(pid)
        running = [member for member in descendants if member not in stopped]
        if not running:
            break
        for member in running:
            stopped.add(member)
            send_signal(member, signal.SIGSTOP)
    return descendants


def send_signal(pid: int, number: int) -> bool:
    """Sends a signal; returns false when the process has ended or is not ours to signal."""
    try:
        os.kill(pid, number)
    except (ProcessLookupError, PermissionError):
        return False
    return True


def kill_descendants(pid: int) -> "list[int]":
    """Kills every process below this one, and returns those that it killed.

    The process must adopt orphans (PR_SET_CHILD_SUBREAPER), or a daemon would not be below it.
    """
    killed: list[int] = []
    # An orphan is adopted only once its parent is dead, so one round may not reach it.
    for _ in range(MAX_KILL_ROUNDS):
        members = freeze(pid)
        alive = [member for member in members if send_signal(member, signal.SIGKILL)]
        killed += alive
        if not alive or pid != os.getpid():
            break
        for member in alive:
            try:
                os.waitpid(member, 0)
            except ChildProcessError:
                continue  # adopted by another process, or reaped already
    return killed
