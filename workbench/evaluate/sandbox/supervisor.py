"""One sandbox as the evaluator's thread sees it: starts it, and has the candidate do something.

A second thread, the `reaper`, holds it to its limits and is the only one that kills. Whatever ends
a sandbox goes through `end`. The evaluator's thread notices the closed pipe, and then waits for the
verdict (`messenger`).
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from workbench.evaluate.answers import Question, Returns, check_answer
from workbench.evaluate.sandbox import levels, watchdog
from workbench.evaluate.sandbox.cgroup import Group
from workbench.evaluate.sandbox.channel import AnswerTimeout, Channel
from workbench.evaluate.sandbox.cpu_clock import ClockError, CpuClock
from workbench.evaluate.sandbox.dialogue import Dialogue
from workbench.evaluate.sandbox.messenger import MAX_REASON, Messenger
from workbench.evaluate.sandbox.reaper import Reaper
from workbench.evaluate.sandbox.spec import SandboxSpec, make_rlimits
from workbench.records import TrialStatus

SPARE_PROCESSES = 2  # bubblewrap's first process and the guest


class Supervisor:
    """A context in which one sandbox lives.

    Attributes:
        level: `bwrap`, `landlock` or `off`.
        spec: what the sandbox is given.
        memory_limit: what enforces the limit on memory, `cgroup` or `watchdog`.
    """

    def __init__(
        self,
        level: str,
        spec: SandboxSpec,
        *,
        deadline: float,
        output: Callable[[bytes], None] = lambda data: None,
        group: Group | None = None,
    ) -> None:
        """Starts the sandbox, without any candidate code yet.

        Args:
            level: `bwrap`, `landlock` or `off`.
            spec: what the sandbox is given.
            deadline: of the trial, on the monotonic clock.
            output: called from another thread with what the candidate prints.
            group: a control group that no other sandbox uses meanwhile.
        """
        self.level = level
        self.spec = spec
        self.memory_limit = "watchdog"
        self._group = group
        self._is_in_group = False
        self._module = ""  # the candidate's module whose functions are called
        self._began = time.monotonic()
        if group is not None:
            group.begin()
        has_own_mounts = level == "bwrap"
        if not has_own_mounts:
            _make_candidate_folder(level, spec)
        channel, log = self._spawn()
        self._reaper = Reaper(
            self._process,
            log,
            spec.limits,
            deadline=deadline,
            output=output,
            group=group,
            # With its own mounts, the folder's file system limits its size.
            folder=None if has_own_mounts else spec.folder,
            has_init=has_own_mounts,
        )
        self._channel = channel
        self._messenger = Messenger(channel, self._reaper, level, output)
        self._clock = CpuClock(self._process.pid, self._reaper.watchdog)

    @property
    def pid(self) -> int:
        """The process at the top of the sandbox's tree."""
        return self._process.pid

    @property
    def seconds(self) -> float:
        """Wall time of the sandbox; 0 until it has ended."""
        ended_at = self._reaper.ended_at
        return 0.0 if ended_at is None else ended_at - self._began

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all its processes; 0 until it has ended."""
        return self._reaper.cpu_seconds

    @property
    def peak_mb(self) -> float:
        """The most memory that it held."""
        return self._reaper.watchdog.peak_mb

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Ends the sandbox; returns when its last process is dead and its folder removed."""
        if not self._reaper.close():
            return
        self._channel.close()
        if self.level != "bwrap":
            shutil.rmtree(self.spec.folder, ignore_errors=True)

    def end(self, status: TrialStatus, reason: str) -> None:
        """Asks for the sandbox to be killed, from any thread; only the first reason is kept."""
        self._reaper.end(status, reason)

    def start(self, module: str, files: Mapping[str, bytes], executable: Sequence[str]) -> None:
        """Writes the files into the sandbox and imports one module of them.

        Args:
            module: path such as `train.py`; empty for none.
            files: path to contents.
            executable: paths of files that can be run.

        Raises:
            CandidateFailed: the import failed.
            OSError: the sandbox could not be set up, which is not the program's fault.
        """
        counts_cpu = self._group is not None and self._group.counts_cpu
        limit = _limit_processes(self.level, self.spec, self._group)
        setup = {
            **self._launch.setup,
            "files": dict(files),
            "executable": list(executable),
            "cgroups": self._entrances,
            "limits": make_rlimits(self.spec, limit),
            "counts_cpu": counts_cpu,
        }
        answer = self._messenger.exchange(setup)
        if "broken" in answer:
            reason = str(answer["broken"])[:MAX_REASON]
            raise OSError(f"the sandbox ({self.level}) could not be set up: {reason}")
        # No candidate code has run so far, so this answer can be believed.
        self._is_in_group = bool(answer["value"]["cgroup"])
        if self._is_in_group:
            self.memory_limit = "cgroup"
        else:
            self._reaper.watchdog.group = None
        if module:
            self._module = module.removesuffix(".py").replace("/", ".")
            self._messenger.request({"do": "import", "module": self._module})

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
        """Calls one of the candidate's functions, and returns its checked answer.

        The function may ask questions before it answers. A question is another kind of answer to
        the same request, and its answer is the next request: the two sides take turns.

        Raises:
            CandidateFailed: it raised, answered or asked something else, or has ended.
            TimedOut: it took longer than `timeout` seconds, without the time that the evaluator
                took to answer.
            RuntimeError: the candidate is waiting for an answer itself.
        """
        dialogue = Dialogue(name, questions, max_questions)
        max_header, max_raw = dialogue.next_frame_bounds(returns)
        message = {
            "do": "call",
            "module": self._module,
            "name": name,
            "args": list(args),
            "kwargs": dict(kwargs),
            "questions": sorted(questions),
        }
        seconds_used = 0.0
        while True:
            seconds_left = None if timeout is None else timeout - seconds_used
            began = time.monotonic()
            try:
                answer = self._messenger.exchange(message, max_header, max_raw, seconds_left)
            except AnswerTimeout:
                self.end("timeout", f"{name}() took longer than {timeout:g} s")
                raise self._messenger.wait_for_verdict() from None
            seconds_used += time.monotonic() - began
            if "ask" not in answer:
                value = self._messenger.get_value(answer)
                return check_answer(value, returns, f"{name}() answered")
            message = self._messenger.reply(dialogue, answer)

    def run(self, argv: Sequence[str]) -> int:
        """Runs a command to its end; returns its exit status."""
        value = self._messenger.request({"do": "run", "argv": list(argv)})
        return int(check_answer(value, int, "run() answered"))

    def read_file(self, path: str, max_bytes: int) -> bytes:
        """Returns the bytes of a regular file in the candidate's folder."""
        request = {"do": "read", "path": path, "limit": max_bytes}
        value = self._messenger.request(request, max_raw=max_bytes)
        return bytes(check_answer(value, bytes, "read_file() answered"))

    def seal(self) -> None:
        """Forbids new processes and threads until the sandbox ends.

        Called before any candidate code runs, nothing inside can prevent it.
        """
        check_answer(self._messenger.request({"do": "seal"}), None, "seal() answered")
        if self._is_in_group and self._group is not None:
            self._group.seal()

    def read_cpu_clock(self) -> float:
        """Returns the CPU seconds so far, exactly; every process has to wait when it is read.

        Raises:
            CandidateFailed: a process does not stop working, or the time cannot be known.
        """
        try:
            return self._clock.read()
        except ClockError as error:
            self.end("failed", str(error))
            raise self._messenger.wait_for_verdict() from None

    def data_path(self, name: str) -> str:
        """Returns the path of a data file inside the sandbox."""
        return self._launch.data[name]

    def _spawn(self) -> tuple[Channel, int]:
        """Starts the process; returns our ends of its pipes and of its log."""
        inside_requests, requests = os.pipe()
        answers, inside_answers = os.pipe()
        log, inside_log = os.pipe()
        self._entrances: list[int] = []
        if self._group is not None:
            self._entrances = self._group.open_entrances()
        to_close = [inside_requests, inside_answers, inside_log, *self._entrances]
        try:
            self._launch = levels.prepare_launch(
                self.level, self.spec, inside_requests, inside_answers
            )
            to_close += self._launch.keep
            # This has to run in a thread that lives as long as the trial process: the kernel sends
            # the parent-death signal when the thread that forked ends.
            self._process = subprocess.Popen(
                self._launch.argv,
                stdin=subprocess.DEVNULL,
                stdout=inside_log,
                stderr=inside_log,
                cwd="/",
                start_new_session=True,
                env=self._launch.environment,
                pass_fds=(*self._launch.keep, *self._entrances),
            )
        except BaseException:
            for fd in (requests, answers, log):
                os.close(fd)
            raise
        finally:
            # An inside end that stayed open here would keep its pipe from ever ending.
            for fd in dict.fromkeys(to_close):
                os.close(fd)
        return Channel(requests, answers), log


def _make_candidate_folder(level: str, spec: SandboxSpec) -> None:
    spec.folder.mkdir(mode=0o700)
    if spec.user and level != levels.OFF:
        os.chown(spec.folder, spec.user, spec.user)


def _limit_processes(level: str, spec: SandboxSpec, group: Group | None) -> int:
    """Returns the limit on the processes of the candidate's user, 0 for none."""
    # RLIMIT_NPROC counts all that the user runs, so the group's own limit is better.
    if group is not None and group.limits_processes:
        return 0
    # Bubblewrap gives our own user a user namespace, within which processes are counted.
    if level == "bwrap" and not spec.user:
        return spec.limits.processes + SPARE_PROCESSES
    return spec.limits.processes + watchdog.count_tasks(spec.user or os.getuid())
