"""The thread that lives with one sandbox, and the only one that kills and reaps its processes.

It reads the output, looks at the limits, and ends the whole tree when the trial's time is over, a
limit is exceeded, or someone calls `end`. Because no other thread reaps, a process id cannot come
to mean another process while a signal is on its way.
"""

import os
import select
import selectors
import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from workbench.evaluate.sandbox import process_tree
from workbench.evaluate.sandbox.cgroup import Group
from workbench.evaluate.sandbox.watchdog import Watchdog
from workbench.experiment import MB, Limits
from workbench.records import TrialStatus

TICK_SECONDS = 0.2  # between two looks at the limits
BLOCK = 1 << 16
MAX_DRAINED_BLOCKS = 64  # as much as a pipe can hold, however many processes still write
INIT_SECONDS = 1.0


class Ending(NamedTuple):
    """Why a sandbox ended.

    Attributes:
        status: of the trial, should its evaluator wait for an answer.
        reason: of the trial, in one line.
    """

    status: TrialStatus
    reason: str


class Reaper:
    """Watches the process tree of one sandbox until its last process is dead.

    Attributes:
        ending: why the tree ended; None while it lives.
        ended_at: when the last process was dead, on the monotonic clock; None before that.
        cpu_seconds: CPU time of all its processes, known when it has ended.
        watchdog: looks at the limits.
    """

    def __init__(
        self,
        process: "subprocess.Popen[bytes]",
        log: int,
        limits: Limits,
        *,
        deadline: float,
        output: Callable[[bytes], None],
        group: Group | None,
        folder: Path | None,
        has_init: bool,
    ) -> None:
        """Starts to watch.

        Args:
            process: the leader of the tree.
            log: our end of the pipe that the tree prints to; belongs to the reaper from now on.
            limits: of the tree.
            deadline: of the trial, on the monotonic clock.
            output: called with what is printed.
            group: the control group that the tree may enter.
            folder: the candidate's folder, where nothing else limits its size.
            has_init: whether the leader has one child that is the first process of a pid namespace.
        """
        self.ended_at: float | None = None
        self.cpu_seconds = 0.0
        self.ending: Ending | None = None
        self.watchdog = Watchdog(limits, process.pid, group, folder)
        if deadline <= time.monotonic():
            self.ending = Ending("timeout", "no time is left")
        self._process = process
        self._log = log
        self._limits = limits
        self._deadline = deadline
        self._output = output
        self._group = group
        self._has_init = has_init
        self._printed = 0  # bytes
        # The lock protects `ending`, and `_wake` from being closed while it is used.
        self._lock = threading.Lock()
        self._is_dead = threading.Event()
        self._is_closed = False
        os.set_blocking(log, False)
        self._pidfd = os.pidfd_open(process.pid)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._thread = threading.Thread(target=self._run, name="sandbox", daemon=True)
        self._thread.start()

    def end(self, status: TrialStatus, reason: str) -> None:
        """Asks for the tree to be killed, from any thread; only the first reason is kept."""
        with self._lock:
            if self.ending is None:
                self.ending = Ending(status, reason)
            self._wake_up()

    def wait(self, timeout: float | None = None) -> bool:
        """Waits until the last process is dead; returns whether it is."""
        return self._is_dead.wait(timeout)

    def close(self) -> bool:
        """Ends the tree; returns, when its last process is dead, whether this is the first call."""
        if self._is_closed:
            return False
        with self._lock:
            self._wake_up()
        self._is_dead.wait()
        self._thread.join()
        with self._lock:
            self._is_closed = True
            for fd in (self._wake, self._log, self._pidfd):
                os.close(fd)
        return True

    def _wake_up(self) -> None:
        if not self._is_closed:
            os.eventfd_write(self._wake, 1)

    # Everything below runs in the reaper's own thread.

    def _run(self) -> None:
        try:
            self._watch()
        finally:
            memory_reason = self.watchdog.take_last_look()
            status = self._kill()
            self._drain_log()
            with self._lock:
                # The kernel kills for memory before anyone else sees it, and the evaluator's thread
                # may have found only a closed pipe.
                if memory_reason:
                    self.ending = Ending("failed", memory_reason)
                elif self.ending is None:
                    self.ending = self._explain_exit(status)
            self.ended_at = time.monotonic()
            self._is_dead.set()

    def _watch(self) -> None:
        """Returns when the tree has to be killed, or its leader has ended."""
        with selectors.DefaultSelector() as selector:
            for fd in (self._log, self._pidfd, self._wake):
                selector.register(fd, selectors.EVENT_READ)
            next_look = time.monotonic() + TICK_SECONDS
            while True:
                now = time.monotonic()
                # Checked in each round, so that no flood of output keeps the clock from being read.
                if now >= self._deadline:
                    seconds = self._limits.wall_seconds
                    reason = f"the trial took longer than {seconds:g} s (limits.wall_seconds)"
                    self.end("timeout", reason)
                    return
                if now >= next_look:
                    next_look = now + TICK_SECONDS
                    if violation := self.watchdog.find_violation():
                        self.end("failed", violation)
                        return
                timeout = max(0.0, min(next_look, self._deadline) - now)
                ready = {key.fd for key, _ in selector.select(timeout)}
                if self._log in ready and not self._read_log():
                    selector.unregister(self._log)
                if self._pidfd in ready or self._wake in ready:
                    return

    def _read_log(self) -> bool:
        """Takes one block of output; returns whether more may come."""
        try:
            data = os.read(self._log, BLOCK)
        except BlockingIOError:
            return True
        if not data:
            return False
        self._printed += len(data)
        limit = self._limits.output_mb
        if self._printed > limit * MB:
            self.end("failed", f"printed more than {limit} MB (limits.output_mb)")
        else:
            self._output(data)
        return True

    def _drain_log(self) -> None:
        """Takes what is left in the pipe once the tree is dead."""
        for _ in range(MAX_DRAINED_BLOCKS):
            try:
                data = os.read(self._log, BLOCK)
            except BlockingIOError:
                return
            if not data:
                return
            self._output(data)
            # The trial is a timeout whatever the rest says. Reading it may take so long that the
            # evaluator would be blamed.
            if time.monotonic() > self._deadline:
                return

    def _kill(self) -> int:
        """Kills the whole tree, reaps what is ours of it, and adds up its CPU time.

        Returns:
            The leader's wait status.
        """
        pid = self._process.pid
        members = process_tree.freeze(pid)
        # A process may have left the tree, and is still a member of its group.
        if self._group is not None:
            in_group = self._group.list_members()
            members += [member for member in in_group if member not in members]
        # Read before anything dies: what another process reaps is lost to us.
        seen_seconds = sum(map(process_tree.read_cpu_seconds, (pid, *members)))
        init = members[:1] if self._has_init else []
        for member in members:
            if member not in init:
                process_tree.send_signal(member, signal.SIGKILL)
        # The first process of a pid namespace reaps the candidate, and then ends by itself. If it
        # were killed, the count of the CPU time that it reaped would be lost.
        if not init or not self._wait_for_init():
            for member in (*init, pid):
                process_tree.send_signal(member, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        reaped_seconds = usage.ru_utime + usage.ru_stime
        # The trial process adopts orphans, so some members may be its children now.
        for member in members:
            process_tree.send_signal(member, signal.SIGKILL)
            try:
                _, _, usage = os.wait4(member, 0)
                reaped_seconds += usage.ru_utime + usage.ru_stime
            except ChildProcessError:
                continue  # its own parent reaped it
        # Each count can miss something, and none counts too much.
        self.cpu_seconds = max(reaped_seconds, seen_seconds)
        counter = self.watchdog.counter
        if counter is not None:
            self.cpu_seconds = max(self.cpu_seconds, counter.cpu_seconds())
        return status

    def _wait_for_init(self) -> bool:
        """Lets the first process of the namespace end; returns whether the leader ended too."""
        for member in process_tree.list_children(self._process.pid):
            process_tree.send_signal(member, signal.SIGCONT)
        return bool(select.select([self._pidfd], [], [], INIT_SECONDS)[0])

    def _explain_exit(self, status: int) -> Ending:
        """Returns why the tree ended by itself, as its leader's wait status says."""
        code = os.waitstatus_to_exitcode(status)
        number = 0
        if code < 0:
            number = -code
        elif code > 128:  # so bubblewrap and the guard report a signal
            number = code - 128
        limit = self._limits.cpu_seconds
        # SIGXCPU can be ignored; a second later the kernel sends SIGKILL.
        was_killed_for_cpu = number == signal.SIGKILL and self.cpu_seconds >= limit
        if number == signal.SIGXCPU or was_killed_for_cpu:
            return Ending("failed", f"used more than {limit:g} s of CPU (limits.cpu_seconds)")
        if number:
            try:
                name = signal.Signals(number).name
                return Ending("failed", f"the candidate was killed by {name}")
            except ValueError:
                pass  # an exit status that only looks like a signal
        return Ending("failed", f"the candidate exited with status {code} before it answered")
