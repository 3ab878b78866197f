"""The exact CPU time of a sandbox's processes, read while they all wait."""

import time

from workbench.evaluate.sandbox import process_tree
from workbench.evaluate.sandbox.watchdog import Watchdog

REST_SECONDS = 5.0
POLL_SECONDS = 5e-5  # short, because a benchmark waits for it after each call


class ClockError(Exception):
    """The CPU time cannot be known; the message says why."""


class CpuClock:
    """Reads the CPU time of the processes below one process."""

    def __init__(self, pid: int, watchdog: Watchdog) -> None:
        self._pid = pid
        self._watchdog = watchdog
        self._last_clocks: dict[int, float] = {}

    def read(self) -> float:
        """Returns the CPU seconds so far of all processes.

        Raises:
            ClockError: a process does not stop working. Or one ended since the last reading, and no
                control group counts what it had used.
        """
        members = self._wait_for_rest()
        counter = self._watchdog.counter
        if counter is not None:
            return counter.cpu_seconds()
        clocks = {pid: process_tree.read_cpu_clock(pid) for pid in members}
        clocks = {pid: seconds for pid, seconds in clocks.items() if seconds}
        vanished = self._last_clocks.keys() - clocks.keys()
        self._last_clocks = clocks
        if vanished:
            raise ClockError(
                "a process of the candidate ended while its CPU time was measured, "
                "so what it had used cannot be known"
            )
        return sum(clocks.values())

    def _wait_for_rest(self) -> list[int]:
        """Waits until no process is running, and returns them all.

        The kernel adds up the time of a process when it pauses, or at the next tick. So the clock
        of one that runs lags behind.
        """
        end = time.monotonic() + REST_SECONDS
        while True:
            members = process_tree.list_descendants(self._pid)
            if process_tree.is_at_rest(members):
                return members
            if time.monotonic() > end:
                raise ClockError(f"the candidate still worked {REST_SECONDS:g} s after its answer")
            time.sleep(POLL_SECONDS)
