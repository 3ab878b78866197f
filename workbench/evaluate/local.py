"""LocalExecutor: runs trials in slots of this machine.

Each slot has a warm trial process, and a thread that listens to it.
"""

import dataclasses
import os
import threading
import time
from collections.abc import Sequence
from typing import Any

from workbench.evaluate.child import Child
from workbench.evaluate.executor import Ended, Points, Report, Task
from workbench.evaluate.sandbox import devices, probe
from workbench.evaluate.sandbox.readable_paths import find_experiment_paths
from workbench.evaluate.trial_process import encode_cancel, encode_task
from workbench.experiment import Experiment
from workbench.record_json import decode
from workbench.records import Fault, Options, Trial, TrialStatus

GRACE_SECONDS = 10.0  # beyond its wall clock, for an evaluator that does not end by itself
CANCEL_SECONDS = 3.0
PREPARE_SECONDS = 24 * 3600.0
POLL_SECONDS = 0.5
MAX_REASON = 500  # characters


class LocalExecutor:
    """Implements Executor on this machine.

    Attributes:
        slots: how many trials run at a time.
        sandbox: the level that was chosen.
    """

    def __init__(self, experiment: Experiment, options: Options, report: Report) -> None:
        """Chooses the sandbox; a trial process starts with the first trial in its slot.

        Raises:
            SandboxUnavailable: no acceptable level holds here.
        """
        self.sandbox = probe.choose_level(options.sandbox)
        gpus = devices.list_gpus()
        half_the_cores = max(1, (os.cpu_count() or 1) // 2)
        self.slots = options.slots or len(gpus) or half_the_cores
        self._lock = threading.Lock()
        self._is_closed = False
        config = {
            "readable": find_experiment_paths(experiment).encode(),
            "limits": dataclasses.asdict(experiment.limits),
            "command": experiment.command,
        }
        self._slots = []
        for number in range(self.slots):
            gpu = gpus[number % len(gpus)] if gpus else ""
            slot_config = {**config, "slot": number, "gpu": gpu}
            self._slots.append(Slot(slot_config, report, experiment.keys))

    def submit(self, task: Task) -> None:
        """Starts a trial in a free slot; returns at once.

        Raises:
            RuntimeError: no slot is free, or the executor is closed.
            SandboxUnavailable: the level that the task names does not hold.
        """
        level = self.sandbox
        if task.sandbox != "auto":
            level = probe.choose_level(task.sandbox)
        with self._lock:
            if self._is_closed:
                raise RuntimeError("the executor is closed")
            slot = next((slot for slot in self._slots if slot.is_free), None)
            if slot is None:
                raise RuntimeError(f"all {self.slots} slots are taken")
            slot.submit(task, level)

    def cancel(self, candidate: int, trial: int, reason: str) -> None:
        for slot in self._slots:
            slot.cancel(candidate, trial, reason)

    def close(self) -> None:
        with self._lock:
            self._is_closed = True
        # Stop all of them before waiting for the first, so that they end at the same time.
        for slot in self._slots:
            slot.stop()
        for slot in self._slots:
            slot.join()


class Slot:
    """One trial process and the thread that listens to it.

    The process is started when there is something to do, and again after it has died.
    """

    def __init__(self, config: dict[str, Any], report: Report, keys: Sequence[str]) -> None:
        self._config = config
        self._report = report
        self._keys = keys
        # Protects changes of what follows; the thread waits on it for a task.
        self._wake = threading.Condition()
        self._task: Task | None = None
        self._level = ""
        self._cancel_reason: str | None = None
        self._is_stopping = False
        self._process: Child | None = None
        self._has_started = False  # the evaluator of the running trial
        self._thread = threading.Thread(
            target=self._run, name=f"slot {config['slot']}", daemon=True
        )
        self._thread.start()

    @property
    def is_free(self) -> bool:
        return self._task is None

    def submit(self, task: Task, level: str) -> None:
        with self._wake:
            self._task = task
            self._level = level
            self._cancel_reason = None
            self._wake.notify()

    def cancel(self, candidate: int, trial: int, reason: str) -> None:
        with self._wake:
            task = self._task
            if task is None or (task.candidate, task.trial) != (candidate, trial):
                return
            if self._cancel_reason is not None:
                return
            self._cancel_reason = reason
            if self._process is not None:
                self._process.send(encode_cancel(task, reason))

    def stop(self) -> None:
        with self._wake:
            self._is_stopping = True
            self._wake.notify()
            if self._process is not None:
                self._process.hang_up()

    def join(self) -> None:
        # `report` runs in this thread, and may close the executor.
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while True:
            with self._wake:
                while self._task is None and not self._is_stopping:
                    self._wake.wait()
                task = self._task
                is_stopping = self._is_stopping
            if task is None:
                break
            if is_stopping:
                trial = self._make_record(task, "killed", "loop", "the executor was closed")
            else:
                trial = self._run_trial(task)
            # Free the slot before reporting the end, so that `report` may submit the next task.
            with self._wake:
                self._task = None
            self._report(Ended(task, trial))
        self._end_process(kill=False)

    def _run_trial(self, task: Task) -> Trial:
        """Runs one trial; whatever becomes of its process, there is a record."""
        began = time.monotonic()
        self._has_started = False
        try:
            with self._wake:
                if self._process is None:
                    self._process = Child(self._config, self._keys)
                child = self._process
                child.send(encode_task(task, self._level))
                # `cancel` could not tell a process that did not run yet.
                if self._cancel_reason is not None:
                    child.send(encode_cancel(task, self._cancel_reason))
            return self._listen(task, child)
        except (OSError, EOFError) as error:
            ending = self._end_process(kill=True) or str(error)
        if self._cancel_reason is not None:
            return self._make_record(task, "killed", "person", self._cancel_reason, began)
        if self._is_stopping:
            return self._make_record(task, "killed", "loop", "the executor was closed", began)
        # Before the evaluator has started, the candidate has no part in the death of the process.
        fault: Fault = "process" if self._has_started else "loop"
        return self._make_record(task, "lost", fault, f"the trial process ended: {ending}", began)

    def _listen(self, task: Task, child: Child) -> Trial:
        """Reports what the trial process says until the trial ends; ends it when it is overdue.

        Raises:
            EOFError: the process is gone.
        """
        wall_seconds = float(self._config["limits"]["wall_seconds"])
        began = time.monotonic()
        end = began + PREPARE_SECONDS
        is_cancelled = False
        while True:
            if self._cancel_reason is not None and not is_cancelled:
                is_cancelled = True
                end = time.monotonic() + CANCEL_SECONDS
            seconds_left = end - time.monotonic()
            event = child.receive(max(0.0, min(seconds_left, POLL_SECONDS)))
            if event is None:
                if seconds_left <= 0:
                    break
                continue
            kind = event["event"]
            if kind == "started":
                self._has_started = True
                if not is_cancelled:
                    began = time.monotonic()
                    end = began + wall_seconds + GRACE_SECONDS
            elif kind == "points":
                points = tuple((float(step), float(value)) for step, value in event["points"])
                self._report(Points(task, event["series"], points, bool(event["self_reported"])))
            elif kind == "ended":
                trial = decode("trial", event["record"])
                assert isinstance(trial, Trial)
                return trial
        self._end_process(kill=True)
        if self._cancel_reason is not None:
            return self._make_record(task, "killed", "person", self._cancel_reason, began)
        reason = (
            f"the evaluator did not end {GRACE_SECONDS:g} s after the trial's {wall_seconds:g} s"
        )
        return self._make_record(task, "lost", "evaluator", reason, began)

    def _make_record(
        self,
        task: Task,
        status: TrialStatus,
        fault: Fault,
        reason: str,
        began: float | None = None,
    ) -> Trial:
        """Returns the record of a trial whose process could not write it."""
        return Trial(
            candidate=task.candidate,
            trial=task.trial,
            seed=task.seed,
            status=status,
            fault=fault,
            reason=reason[:MAX_REASON],
            seconds=0.0 if began is None else time.monotonic() - began,
            sandbox=self._level,
            evaluator=task.digest,
            slot=self._config["slot"],
            device="cuda" if self._config["gpu"] else "cpu",
        )

    def _end_process(self, kill: bool) -> str:
        """Ends the trial process, if there is one; returns how it ended."""
        with self._wake:
            child = self._process
            self._process = None
        return child.end(kill) if child is not None else ""
