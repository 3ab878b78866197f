"""LocalExecutor: runs trials in slots of this machine, each slot a warm trial process of its own."""

import contextlib
import dataclasses
import json
import os
import select
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from workbench.evaluate.executor import Ended, Points, Report, Task
from workbench.evaluate.process import encode_task
from workbench.evaluate.sandbox import cgroup, devices, levels, view
from workbench.experiment import Experiment
from workbench.records import Options, Trial, TrialStatus, decode

GRACE_SECONDS = 10.0  # past its wall clock, for an evaluator that does not end by itself
CANCEL_SECONDS = 3.0
PREPARE_SECONDS = 24 * 3600.0


class LocalExecutor:
    """Implements Executor on this machine.

    Attributes:
        slots: how many trials run at a time. sandbox: the level that was chosen.
    """

    def __init__(self, experiment: Experiment, options: Options, report: Report) -> None:
        """Chooses the sandbox; trial processes start with their first trial.

        Raises:
            SandboxUnavailable: no acceptable level holds here.
        """
        self.sandbox = levels.choose(options.sandbox)
        found = devices.gpus()
        self.slots = options.slots or len(found) or max(1, (os.cpu_count() or 1) // 2)
        config = {
            "view": view_of(experiment).encode(),
            "limits": dataclasses.asdict(experiment.limits),
            "command": experiment.command,
        }
        self._lock = threading.Lock()
        gpus = [found[slot % len(found)] if found else "" for slot in range(self.slots)]
        self._slots = [
            Slot({**config, "slot": slot, "gpu": gpu}, report, experiment.keys)
            for slot, gpu in enumerate(gpus)
        ]
        self._closed = False

    def submit(self, task: Task) -> None:
        """Starts a trial in a free slot; returns at once.

        Raises:
            RuntimeError: none is free. SandboxUnavailable: the level that the task names does not hold.
        """
        level = self.sandbox if task.sandbox == "auto" else levels.choose(task.sandbox)
        with self._lock:
            slot = (
                None if self._closed else next((slot for slot in self._slots if slot.is_free), None)
            )
            if slot is None:
                raise RuntimeError(
                    "the executor is closed"
                    if self._closed
                    else f"all {self.slots} slots are taken"
                )
            slot.submit(task, level)

    def cancel(self, candidate: int, trial: int, reason: str) -> None:
        for slot in self._slots:
            slot.cancel(candidate, trial, reason)

    def close(self) -> None:
        with self._lock:
            self._closed = True
        for slot in self._slots:
            slot.stop()
        for slot in self._slots:
            slot.join()


def view_of(experiment: Experiment) -> view.View:
    """What the sandboxes of an experiment may read."""
    first = experiment.command[0] if experiment.command else ""
    interpreter = (
        first if os.path.isabs(first) and os.path.basename(first).startswith("python") else ""
    )
    return view.make(experiment.packages, interpreter, experiment.read_only)


class Slot:
    """One trial process and the thread that listens to it; it is started when there is something to do, and after each death."""

    def __init__(self, config: dict[str, Any], report: Report, keys: Sequence[str]) -> None:
        self._config, self._report, self._keys = config, report, keys
        self._wake, self._lock = threading.Condition(), threading.Lock()
        self._task: Task | None = None
        self._level = ""
        self._cancelled: str | None = None
        self._stopping = self._started = False
        self._process: Child | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"slot {config['slot']}", daemon=True
        )
        self._thread.start()

    @property
    def is_free(self) -> bool:
        return self._task is None

    def submit(self, task: Task, level: str) -> None:
        with self._wake:
            self._task, self._level, self._cancelled = task, level, None
            self._wake.notify()

    def cancel(self, candidate: int, trial: int, reason: str) -> None:
        with self._wake:
            task, process = self._task, self._process
            if (
                task is None
                or (task.candidate, task.trial) != (candidate, trial)
                or self._cancelled is not None
            ):
                return
            self._cancelled = reason
            if process is not None:
                process.send(
                    json.dumps(
                        {"do": "cancel", "candidate": candidate, "trial": trial, "reason": reason}
                    )
                    + "\n"
                )

    def stop(self) -> None:
        with self._wake:
            self._stopping = True
            self._wake.notify()
            if self._process is not None:
                self._process.hang_up()

    def join(self) -> None:
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                while self._task is None and not self._stopping:
                    self._wake.wait()
                task, stopping = self._task, self._stopping
            if task is None:
                break
            trial = (
                self._lost(task, "loop", "the executor was closed", "killed")
                if stopping
                else self._one(task)
            )
            with self._wake:  # free before it is told, so that whoever hears it may submit
                self._task = None
            self._report(Ended(task, trial))
        self._drop(kill=False)

    def _one(self, task: Task) -> Trial:
        """Runs one trial; whatever becomes of its process, there is a record."""
        began, self._started = time.monotonic(), False
        try:
            with self._wake:
                if self._process is None:
                    self._process = Child(self._config, self._keys)
                child = self._process
                child.send(encode_task(task, self._level))
                if self._cancelled is not None:
                    body = {
                        "do": "cancel",
                        "candidate": task.candidate,
                        "trial": task.trial,
                        "reason": self._cancelled,
                    }
                    child.send(json.dumps(body) + "\n")
            return self._listen(task, child)
        except (OSError, EOFError) as error:
            died = self._drop(kill=True) or str(error)
            reason = (
                "the executor was closed" if self._stopping else f"the trial process ended: {died}"
            )
            if self._cancelled is not None:
                return self._lost(task, "person", self._cancelled, "killed", began)
            # Before it began with this candidate, the candidate has no part in its death.
            fault = "process" if self._started and not self._stopping else "loop"
            return self._lost(task, fault, reason, "killed" if self._stopping else "lost", began)

    def _listen(self, task: Task, child: "Child") -> Trial:
        began, limit, asked_to_end = time.monotonic(), PREPARE_SECONDS, False
        while True:
            if self._cancelled is not None and not asked_to_end:
                asked_to_end, limit = True, time.monotonic() - began + CANCEL_SECONDS
            left = began + limit - time.monotonic()
            event = child.next(max(0.0, min(left, 0.5)))
            if event is None:
                if left <= 0:
                    break
                continue
            kind = event["event"]
            self._started |= kind == "started"
            if kind == "started" and not asked_to_end:
                began, limit = (
                    time.monotonic(),
                    float(self._config["limits"]["wall_seconds"]) + GRACE_SECONDS,
                )
            elif kind == "points":
                points = tuple((float(step), float(value)) for step, value in event["points"])
                self._report(Points(task, event["series"], points, bool(event["self_reported"])))
            elif kind == "ended":
                trial = decode("trial", event["record"])
                assert isinstance(trial, Trial)
                return trial
        self._drop(kill=True)
        if self._cancelled is not None:
            return self._lost(task, "person", self._cancelled, "killed", began)
        wall = self._config["limits"]["wall_seconds"]
        return self._lost(
            task,
            "evaluator",
            f"the evaluator did not end {GRACE_SECONDS:g} s after the trial's {wall:g} s",
            "lost",
            began,
        )

    def _lost(
        self, task: Task, fault: Any, reason: str, status: TrialStatus, began: float | None = None
    ) -> Trial:
        seconds = 0.0 if began is None else time.monotonic() - began
        return Trial(
            candidate=task.candidate, trial=task.trial, seed=task.seed, status=status, fault=fault, reason=reason[:500], seconds=seconds,
            sandbox=self._level, evaluator=task.digest, slot=self._config["slot"], device="cuda" if self._config["gpu"] else "cpu",
        )  # fmt: skip

    def _drop(self, kill: bool) -> str:
        """Ends the trial process and clears up after it; says how it ended."""
        with self._wake:
            child, self._process = self._process, None
        return child.end(kill) if child is not None else ""


class Child:
    """A running trial process: its pipes, its events, and what it leaves behind when it is killed.

    Args:
        keys: environment variables with secrets that its evaluator needs, all the same.
    """

    def __init__(self, config: dict[str, Any], keys: Sequence[str] = ()) -> None:
        self._events, theirs = os.pipe()
        self._errors = tempfile.TemporaryFile()
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "workbench.evaluate.process", str(theirs)], stdin=subprocess.PIPE, stdout=self._errors,
                stderr=self._errors, pass_fds=(theirs,), start_new_session=True, cwd=_import_root(), env=_environment(keys),
            )  # fmt: skip
        except BaseException:
            os.close(self._events)
            raise
        finally:
            os.close(theirs)
        self._rest, self._folder, self._groups = b"", "", list[str]()
        self._waiting: list[dict[str, Any]] = []
        self._send_lock = threading.Lock()
        self.send(json.dumps(config) + "\n")

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, line: str) -> None:
        """Writes a line to it; that nobody reads it shows as the end of its events."""
        with self._send_lock:
            try:
                assert self._process.stdin is not None
                self._process.stdin.write(line.encode())
                self._process.stdin.flush()
            except (BrokenPipeError, ValueError):
                return

    def next(self, seconds: float) -> dict[str, Any] | None:
        """Its next event, None when none comes in time.

        Raises:
            EOFError: it is gone.
        """
        if not self._waiting:
            if not select.select([self._events], [], [], seconds)[0]:
                return None
            data = os.read(self._events, 1 << 16)
            if not data:
                raise EOFError
            *lines, self._rest = (self._rest + data).split(b"\n")
            self._waiting += map(json.loads, lines)
        while self._waiting:
            event: dict[str, Any] = self._waiting.pop(0)
            if event["event"] != "hello":
                return event
            self._folder, self._groups = event["folder"], event["groups"]
        return None

    def hang_up(self) -> None:
        """Closes its stdin: it ends what it runs, and itself."""
        with self._send_lock:
            assert self._process.stdin is not None
            with contextlib.suppress(BrokenPipeError):  # it is gone already
                self._process.stdin.close()

    def end(self, kill: bool) -> str:
        if kill:
            self._process.kill()
        self.hang_up()
        try:
            self._process.wait(5.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
        code = self._process.wait()
        os.close(self._events)
        for group in (
            self._groups
        ):  # a killed process cannot do it; its sandboxes die with it, but not its folders
            cgroup.remove(Path(group))
        if self._folder:
            shutil.rmtree(self._folder, ignore_errors=True)
        self._errors.seek(0)
        said = self._errors.read()[-2000:].decode("utf-8", "replace").strip().splitlines()
        self._errors.close()
        return (f"signal {-code}" if code < 0 else f"status {code}") + (
            f" ({said[-1]})" if said else ""
        )


def _import_root() -> str:
    return str(Path(__file__).parents[2])


def _environment(keys: Sequence[str] = ()) -> dict[str, str]:
    """Ours, without what no evaluator needs: keys stay in the loop, but for those that the experiment names (`keys`)."""
    secret = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")
    return {
        name: value
        for name, value in os.environ.items()
        if name in keys or not any(word in name.upper() for word in secret)
    }
