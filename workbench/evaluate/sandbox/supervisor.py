"""One sandboxed process tree, from its start to the death of its last process, held to its limits.

Two threads meet here: the evaluator's, which starts the sandbox and exchanges messages, and one of this class, which reads the
output, looks at the limits, and is the only one to kill and reap. Everything that ends a sandbox goes through `end`; the
evaluator's thread learns it from the closed pipe and then reads the verdict.
"""

import os
import select
import selectors
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from workbench.evaluate.answers import CandidateFailed, Question, Returns, TimedOut, checked
from workbench.evaluate.sandbox import levels, tree, watchdog, wire
from workbench.evaluate.sandbox.box import Box, rlimits
from workbench.evaluate.sandbox.cgroup import Group
from workbench.evaluate.sandbox.channel import Channel, Gone, Late
from workbench.evaluate.sandbox.questions import Asking
from workbench.experiment import MB

TICK_SECONDS = 0.2
REST_SECONDS = 5.0
BLOCK = 1 << 16
Ending = tuple[str, str]  # a trial's status, and the reason


class Cancelled(BaseException):
    """A person ended the trial; no `except Exception` of an evaluator catches it."""


class Supervisor:
    """A context in which one sandbox lives.

    Attributes:
        seconds, cpu_seconds: wall and CPU time of the tree, known when it has ended.
        peak_mb: the most memory it held. memory_limit: `cgroup` or `watchdog`.
        ending: why it was ended before its time; None otherwise.
    """

    def __init__(
        self,
        level: str,
        box: Box,
        *,
        deadline: float,
        output: Callable[[bytes], None] = lambda data: None,
        group: Group | None = None,
    ) -> None:
        """Starts the tree, without any candidate code yet.

        Args:
            deadline: of the trial, on the monotonic clock.
            output: takes what the candidate prints; called from another thread.
            group: a control group that nobody else uses meanwhile.
        """
        self.level, self.box, self.deadline, self.output = level, box, deadline, output
        self.seconds = self.cpu_seconds = 0.0
        self.memory_limit, self.ending = (
            "watchdog",
            None if deadline > time.monotonic() else ("timeout", "no time is left"),
        )
        self._group, self._lock, self._done = group, threading.Lock(), threading.Event()
        self._joined, self._printed, self._answering = False, 0, False
        self._clocks: dict[int, float] = {}
        self._wake, self._module = -1, ""
        self._began = time.monotonic()
        if group is not None:
            group.begin()
        if level != "bwrap":
            self._make_folder()
        self._spawn()
        self._watch_thread = threading.Thread(target=self._watch, name="sandbox", daemon=True)
        self._watch_thread.start()

    @property
    def peak_mb(self) -> float:
        return self._watchdog.peak_mb

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the tree; returns when its last process is dead and its folder gone."""
        if self._wake < 0:
            return
        self.end("", "")
        self._done.wait()
        self._watch_thread.join()
        self._channel.close()
        with self._lock:
            for fd in (self._wake, self._log, self._pidfd):
                os.close(fd)
            self._wake = -1
        if self.level != "bwrap":
            shutil.rmtree(self.box.folder, ignore_errors=True)

    def end(self, status: str, reason: str) -> None:
        """Has the tree killed; the first reason counts. From any thread, returns at once."""
        with self._lock:
            if self.ending is None and status:
                self.ending = (status, reason)
            if self._wake >= 0:
                os.eventfd_write(self._wake, 1)

    def start(self, module: str, files: Mapping[str, bytes], executable: Sequence[str]) -> None:
        """Hands the files over and imports a module of them (a path such as `train.py`; empty for none).

        Raises:
            CandidateFailed: the import failed. OSError: the sandbox could not be set up, which is nobody's fault in the program.
        """
        setup = {
            **self._launch.setup,
            "files": dict(files),
            "executable": list(executable),
            "cgroups": self._entrances,
        }
        setup["limits"] = rlimits(self.box, self._process_limit())
        setup["counts_cpu"] = self._group is not None and self._group.counts_cpu
        answer = self._exchange(setup, 1 << 16, 0, None)
        if "broken" in answer:
            raise OSError(
                f"the sandbox ({self.level}) could not be set up: {str(answer['broken'])[:500]}"
            )
        self._joined = bool(answer["value"]["cgroup"])
        self.memory_limit = "cgroup" if self._joined else "watchdog"
        if not self._joined:
            self._watchdog.group = None
        if module:
            self._module = module.removesuffix(".py").replace("/", ".")
            self._value(self._exchange({"do": "import", "module": self._module}, 1 << 16, 0, None))

    def call(
        self,
        name: str,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        returns: Returns,
        timeout: float | None,
        questions: Mapping[str, Question] = MappingProxyType({}),
        max_questions: int = 0,
    ) -> Any:
        """The checked answer of one of the candidate's functions, which may ask questions before it.

        A question is an answer of another kind to the same request, and what it is told is the next request: the two sides take turns.

        Raises:
            CandidateFailed: it raised, answered or asked something else, or is gone. TimedOut: it took too long.
            RuntimeError: the candidate is waiting for an answer itself.
        """
        asking = Asking(name, questions, max_questions)
        message = {
            "do": "call",
            "module": self._module,
            "name": name,
            "args": list(args),
            "kwargs": dict(kwargs),
        }
        message["questions"] = sorted(questions)
        spent = 0.0
        while True:
            began = time.monotonic()
            answer = self._exchange(message, *asking.bounds(returns), timeout, f"{name}()", spent)
            spent += (
                time.monotonic() - began
            )  # what the evaluator takes to answer is not the candidate's time
            if "ask" not in answer:
                return checked(self._value(answer), returns, f"{name}() answered")
            message = self._reply(asking, answer)

    def run(self, argv: Sequence[str]) -> int:
        """Runs a command to its end; returns its exit status."""
        answer = self._exchange({"do": "run", "argv": list(argv)}, 1 << 16, 0, None, argv[-1])
        return int(checked(self._value(answer), int, "run() answered"))

    def read_file(self, path: str, max_bytes: int) -> bytes:
        """The bytes of a regular file of the box."""
        answer = self._exchange(
            {"do": "read", "path": path, "limit": max_bytes}, 1 << 16, max_bytes, None, path
        )
        return bytes(checked(self._value(answer), bytes, "read_file() answered"))

    def seal(self) -> None:
        """Forbids new processes and threads for good; before any code of the candidate runs, nothing in there can be in its way."""
        checked(
            self._value(self._exchange({"do": "seal"}, 1 << 16, 0, None)), None, "seal() answered"
        )
        if self._joined and self._group is not None:
            self._group.seal()

    def cpu_clock(self) -> float:
        """CPU seconds so far, exact: read when every process waits, since the kernel adds up what one uses when it pauses, or at a tick.

        Raises:
            CandidateFailed: one does not stop working, or ended where no control group counts what it had used.
        """
        end = time.monotonic() + REST_SECONDS
        while not tree.at_rest(members := tree.descendants(self._process.pid)):
            if time.monotonic() > end:
                self.end(
                    "failed", f"the candidate still worked {REST_SECONDS:g} s after its answer"
                )
                raise self._verdict()
            time.sleep(REST_SECONDS / 1e5)
        if (counter := self._watchdog.counter) is not None:
            return counter.cpu_seconds()
        before, self._clocks = (
            self._clocks,
            {pid: clock for pid in members if (clock := tree.cpu_clock(pid))},
        )
        if before.keys() - self._clocks.keys():
            self.end(
                "failed",
                "a process of the candidate ended under the clock, and what it had used cannot be known",
            )
            raise self._verdict()
        return sum(self._clocks.values())

    def data_path(self, name: str) -> str:
        return self._launch.data[name]

    # ------------------------------------------------------------------ the evaluator's thread

    def _make_folder(self) -> None:
        self.box.folder.mkdir(mode=0o700)
        if self.box.user and self.level != levels.OFF:
            os.chown(self.box.folder, self.box.user, self.box.user)

    def _spawn(self) -> None:
        theirs_in, requests = os.pipe()
        answers, theirs_out = os.pipe()
        self._log, theirs_log = os.pipe()
        self._entrances: list[int] = self._group.entrances() if self._group is not None else []
        ours = [theirs_in, theirs_out, theirs_log, *self._entrances]
        try:
            self._launch: levels.Launch = levels.launch(self.level, self.box, theirs_in, theirs_out)
            ours += [fd for fd in self._launch.keep if fd not in ours]
            # From the thread that lives as long as the trial process: the kernel ties the parent-death signal to the thread.
            self._process = subprocess.Popen(
                self._launch.argv, stdin=subprocess.DEVNULL, stdout=theirs_log, stderr=theirs_log, cwd="/", start_new_session=True,
                env=self._launch.environment, pass_fds=(*self._launch.keep, *self._entrances),
            )  # fmt: skip
        except BaseException:
            for fd in (requests, answers, self._log):
                os.close(fd)
            raise
        finally:
            for fd in dict.fromkeys(ours):
                os.close(fd)
        self._pidfd: int = os.pidfd_open(self._process.pid)
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._channel: Channel = Channel(requests, answers)
        os.set_blocking(self._log, False)
        folder = None if self.level == "bwrap" else self.box.folder
        self._watchdog: watchdog.Watchdog = watchdog.Watchdog(
            self.box.limits, self._process.pid, self._group, folder
        )

    def _process_limit(self) -> int:
        """RLIMIT_NPROC, 0 for none: it counts all that the user runs, so the group's own limit is better where there is one."""
        if self._group is not None and self._group.limits_processes:
            return 0
        if self.level == "bwrap" and not self.box.user:
            return self.box.limits.processes + 2  # counted within the sandbox's own user namespace
        return self.box.limits.processes + watchdog.tasks_of(self.box.user or os.getuid())

    def _exchange(
        self,
        message: dict[str, Any],
        max_header: int,
        max_raw: int,
        timeout: float | None,
        what: str = "the candidate",
        spent: float = 0.0,
    ) -> dict[str, Any]:
        if self._answering:
            raise RuntimeError(
                "the candidate waits for the answer to its question; it cannot be asked anything meanwhile"
            )
        try:
            return self._channel.ask(
                message,
                max_header,
                max_raw,
                None if timeout is None else time.monotonic() + timeout - spent,
            )
        except Gone:
            pass
        except Late:
            self.end("timeout", f"{what} took longer than {timeout:g} s")
        except wire.WireError as error:
            self.end("failed", f"the candidate broke the protocol: {error}")
        raise self._verdict()

    def _reply(self, asking: Asking, frame: Mapping[str, Any]) -> dict[str, Any]:
        self._answering = True
        try:
            return asking.reply(frame)
        except BaseException:
            self.end("failed", f"{asking.name}() was left without the answer to its question")
            raise
        finally:
            self._answering = False

    def _value(self, answer: dict[str, Any]) -> Any:
        if "value" in answer:
            return answer["value"]
        trace, error = answer.get("trace"), _line(answer.get("error"))
        if isinstance(trace, str) and trace:
            self.output(("\n" + trace + "\n").encode("utf-8", "backslashreplace"))
            error += levels.remedy(self.level, error, trace)
        raise CandidateFailed(error)

    def _verdict(self) -> BaseException:
        """Why the sandbox is gone; waits until it is."""
        if not self._done.wait(0.5):  # it may have closed its pipes and live on
            self.end("failed", "the candidate closed its pipes before it answered")
            self._done.wait()
        status, reason = self.ending or ("failed", "the candidate is gone")
        if status == "killed":
            return Cancelled(reason)
        return TimedOut(reason) if status == "timeout" else CandidateFailed(reason)

    # ------------------------------------------------------------------ the sandbox's own thread

    def _watch(self) -> None:
        try:
            self._watch_until_over()
        finally:
            memory = self._watchdog.last_look()
            status = self._kill()
            self._drain()
            with self._lock:
                if memory:
                    self.ending = ("failed", memory)
                elif self.ending is None:
                    self.ending = self._how_it_ended(status)
            self.seconds = time.monotonic() - self._began
            self._done.set()

    def _watch_until_over(self) -> None:
        with selectors.DefaultSelector() as selector:
            for fd in (self._log, self._pidfd, self._wake):
                selector.register(fd, selectors.EVENT_READ)
            look = time.monotonic() + TICK_SECONDS
            while True:
                now = time.monotonic()
                if now >= self.deadline:
                    self.end(
                        "timeout",
                        f"the trial took longer than {self.box.limits.wall_seconds:g} s (limits.wall_seconds)",
                    )
                    return
                if now >= look:
                    look = now + TICK_SECONDS
                    if reason := self._watchdog.violation():
                        self.end("failed", reason)
                        return
                ready = {
                    key.fd for key, _ in selector.select(max(0.0, min(look, self.deadline) - now))
                }
                if self._log in ready and not self._read_log():
                    selector.unregister(self._log)
                if self._pidfd in ready or self._wake in ready:
                    return

    def _read_log(self) -> bool:
        """Takes one block of output; false when there will be none any more."""
        try:
            data = os.read(self._log, BLOCK)
        except BlockingIOError:
            return True
        if not data:
            return False
        self._printed += len(data)
        if self._printed > self.box.limits.output_mb * MB:
            self.end(
                "failed", f"printed more than {self.box.limits.output_mb} MB (limits.output_mb)"
            )
        else:
            self.output(data)
        return True

    def _drain(self) -> None:
        for _ in range(64):  # what a pipe can hold, no matter who still writes
            try:
                data = os.read(self._log, BLOCK)
            except BlockingIOError:
                return
            if not data:
                return
            self.output(data)
            if (
                time.monotonic() > self.deadline
            ):  # a timeout whatever the rest says, and reading it may take long
                return

    def _kill(self) -> int:
        """Kills the whole tree and reaps what is ours of it; returns the leader's wait status."""
        pid = self._process.pid
        members = tree.freeze(pid)
        if self._group is not None:
            members += [member for member in self._group.members() if member not in members]
        used = sum(map(tree.cpu_seconds, (pid, *members)))
        first = set(members[:1]) if self.level == "bwrap" else set()
        for member in members:
            if member not in first:
                tree.strike(member, signal.SIGKILL)
        # The pid namespace's first process reaps the candidate and then ends by itself; killed, it would lose the count of its CPU time.
        if not first or not self._ends_soon():
            for member in (*first, pid):
                tree.strike(member, signal.SIGKILL)
        _, status, usage = os.wait4(pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        self.cpu_seconds = usage.ru_utime + usage.ru_stime
        for member in members:
            tree.strike(member, signal.SIGKILL)
            try:
                _, _, usage = os.wait4(member, 0)
                self.cpu_seconds += usage.ru_utime + usage.ru_stime
            except ChildProcessError:
                continue  # its own parent reaped it
        counter = self._watchdog.counter
        self.cpu_seconds = max(
            self.cpu_seconds, used, counter.cpu_seconds() if counter is not None else 0.0
        )
        return status

    def _ends_soon(self) -> bool:
        for member in tree.children(self._process.pid):
            tree.strike(member, signal.SIGCONT)
        return bool(select.select([self._pidfd], [], [], 1.0)[0])

    def _how_it_ended(self, status: int) -> Ending:
        code = os.waitstatus_to_exitcode(status)
        number = -code if code < 0 else code - 128 if code > 128 else 0
        if number == signal.SIGXCPU or (
            number == signal.SIGKILL and self.cpu_seconds >= self.box.limits.cpu_seconds
        ):
            return (
                "failed",
                f"used more than {self.box.limits.cpu_seconds:g} s of CPU (limits.cpu_seconds)",
            )
        if number:
            try:
                return ("failed", f"the candidate was killed by {signal.Signals(number).name}")
            except ValueError:
                pass  # an exit status that looks like a signal
        return ("failed", f"the candidate exited with status {code} before it answered")


def _line(text: Any) -> str:
    """One line of what the candidate says about its failure."""
    words = (
        " ".join(text.split())
        if isinstance(text, str)
        else "the candidate broke the protocol: an answer without a value"
    )
    return words[:500]
