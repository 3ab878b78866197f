"""The trial process: trusted, warm, one per slot; runs one trial after another.

Started as `python -m workbench.evaluate.trial_process FD`. Each line on stdin is JSON: first the
configuration, then tasks and cancellations. Each line that it writes to FD is an event:

- `hello`: what has to be removed after this process
- `started`: the evaluator of a trial starts
- `points`: points of curves, at most ten lines a second
- `ended`: the record of a trial
- `checked`: the finding of a smoke run

When stdin ends, the loop is gone: the process kills every process of its trial at once, and exits.
It never sees the journal.
"""

import dataclasses
import json
import os
import queue
import resource
import select
import sys
import threading
import time
from pathlib import Path
from typing import Any, Literal

from workbench import experiment_file
from workbench.errors import EvaluatorFault, WorkbenchError
from workbench.evaluate.answers import Cancelled, CandidateFailed
from workbench.evaluate.evaluator import Evaluator
from workbench.evaluate.executor import Incumbent, Task
from workbench.evaluate.output import clean
from workbench.evaluate.sandbox import confine, process_tree
from workbench.evaluate.sandbox.readable_paths import ReadablePaths
from workbench.evaluate.sandbox.slot_resources import SlotResources
from workbench.evaluate.smoke import run_smoke_check
from workbench.evaluate.study_data import prepare_once
from workbench.evaluate.trial import Evaluation
from workbench.experiment import Experiment, Limits
from workbench.program import Program
from workbench.record_json import encode
from workbench.records import Trial

FLUSH_SECONDS = 0.1
POINTS_PER_EVENT = 2000
MAX_REASON = 500  # characters
SHOWN_DIGITS = 12  # of a digest in a message
BLOCK = 1 << 16
STDIN = 0
STANDARD_OUTPUTS = (1, 2)


def encode_task(task: Task, level: str, do: Literal["task", "check"] = "task") -> str:
    """Returns a task as one line.

    Args:
        task: the task.
        level: sandbox level that was chosen for it.
        do: `task` to run a trial, `check` for only a smoke run of its program.
    """
    incumbent = None
    if task.incumbent is not None:
        incumbent = {
            "candidate": task.incumbent.candidate,
            "program": _encode_program(task.incumbent.program),
        }
    body = {
        "do": do,
        "candidate": task.candidate,
        "trial": task.trial,
        "seed": task.seed,
        "program": _encode_program(task.program),
        "experiment": str(task.experiment),
        "digest": task.digest,
        "data": str(task.data),
        "folder": str(task.folder),
        "settings": dict(task.settings),
        "stages": dict(task.stages),
        "sandbox": level,
        "incumbent": incumbent,
    }
    return json.dumps(body) + "\n"


def encode_cancel(task: Task, reason: str) -> str:
    """Returns the cancellation of a task as one line."""
    body = {
        "do": "cancel",
        "candidate": task.candidate,
        "trial": task.trial,
        "reason": reason,
    }
    return json.dumps(body) + "\n"


def _encode_program(program: Program) -> dict[str, Any]:
    return {"files": dict(program.files), "executable": sorted(program.executable)}


def _decode_program(body: dict[str, Any]) -> Program:
    return Program(body["files"], frozenset(body["executable"]))


def _decode_task(body: dict[str, Any]) -> Task:
    incumbent = None
    if body["incumbent"] is not None:
        program = _decode_program(body["incumbent"]["program"])
        incumbent = Incumbent(body["incumbent"]["candidate"], program)
    return Task(
        candidate=body["candidate"],
        trial=body["trial"],
        seed=body["seed"],
        program=_decode_program(body["program"]),
        experiment=Path(body["experiment"]),
        digest=body["digest"],
        data=Path(body["data"]),
        folder=Path(body["folder"]),
        settings=body["settings"],
        stages=body["stages"],
        incumbent=incumbent,
        sandbox=body["sandbox"],
    )


class Events:
    """Writes events from any thread; collects points for a tenth of a second."""

    def __init__(self, fd: int) -> None:
        self._fd = fd
        self._lock = threading.Lock()
        self._points: dict[tuple[str, bool], list[tuple[float, float]]] = {}
        self._flushed_at = 0.0

    def send(self, event: dict[str, Any]) -> None:
        with self._lock:
            self._flush()  # so that points come before the end of their trial
            self._write(event)

    def add_point(self, series: str, step: float, value: float, self_reported: bool) -> None:
        with self._lock:
            self._points.setdefault((series, self_reported), []).append((step, value))
            self._flush_if_due()

    def flush_due(self) -> None:
        """Writes the points that have waited long enough."""
        with self._lock:
            if self._points:
                self._flush_if_due()

    def _flush_if_due(self) -> None:
        if time.monotonic() - self._flushed_at >= FLUSH_SECONDS:
            self._flush()

    def _flush(self) -> None:
        groups = self._points
        self._points = {}
        self._flushed_at = time.monotonic()
        for (series, self_reported), points in groups.items():
            for start in range(0, len(points), POINTS_PER_EVENT):
                event = {
                    "event": "points",
                    "series": series,
                    "points": points[start : start + POINTS_PER_EVENT],
                    "self_reported": self_reported,
                }
                self._write(event)

    def _write(self, event: dict[str, Any]) -> None:
        data = (json.dumps(event, allow_nan=False) + "\n").encode()
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except BrokenPipeError:
            # The loop is gone. Guards and bubblewrap notice the death of this process and end the
            # sandboxes.
            os._exit(1)


class TrialProcess:
    """Runs trials in the main thread, and listens in another.

    Attributes:
        events: where events go.
        config: its configuration.
        resources: what its trials share.
        tasks: what is to be done, with `task` or `check`.
        current: the trial that runs; None while none does.
    """

    def __init__(self, config: dict[str, Any], events: Events) -> None:
        self.events = events
        self.config = config
        self.resources = SlotResources(
            ReadablePaths.decode(config["readable"]),
            Limits(**config["limits"]),
            slot=config["slot"],
            gpu=config["gpu"],
        )
        self.tasks: queue.SimpleQueue[tuple[str, Task]] = queue.SimpleQueue()
        self.current: Evaluation | None = None
        # A cancellation may come before its trial runs: (candidate, trial) to the reason.
        self._cancelled: dict[tuple[int, int], str] = {}
        self._evaluators: dict[str, Evaluator] = {}
        self._is_busy = False
        self._lock = threading.Lock()  # protects `current` and `_cancelled`

    def listen(self, rest: bytes) -> None:
        """Handles what comes on stdin, until it ends.

        Args:
            rest: what was read already.
        """
        while True:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                self._handle(json.loads(line))
            timeout = FLUSH_SECONDS if self._is_busy else None
            if select.select([STDIN], [], [], timeout)[0]:
                data = os.read(STDIN, BLOCK)
                if not data:
                    break
                rest += data
            self.events.flush_due()
        self._leave()

    def _handle(self, message: dict[str, Any]) -> None:
        if message["do"] in ("task", "check"):
            self._is_busy = True
            self.tasks.put((message["do"], _decode_task(message)))
            return
        key = (int(message["candidate"]), int(message["trial"]))
        reason = str(message["reason"])
        with self._lock:
            self._cancelled[key] = reason
            running = self.current
        if running is not None and (running.task.candidate, running.task.trial) == key:
            running.cancel(reason)

    def _leave(self) -> None:
        """Ends everything, and this process."""
        with self._lock:
            if self.current is not None:
                self.current.cancel("the loop is gone")
        process_tree.kill_descendants(os.getpid())
        self.resources.close()
        os._exit(0)

    def run(self) -> None:
        """Runs one task after another, for ever."""
        while True:
            do, task = self.tasks.get()
            event = self._check(task) if do == "check" else self._run_trial(task)
            self._is_busy = False
            self.events.send(event)
            # What the evaluator itself left behind.
            process_tree.kill_descendants(os.getpid())

    def _check(self, task: Task) -> dict[str, Any]:
        """Makes a smoke run; returns its event."""
        finding = run_smoke_check(
            task,
            self._load_evaluator,
            self.resources,
            self.config["trials_on"],
            self._note_running,
        )
        return {"event": "checked", "finding": dataclasses.asdict(finding)}

    def _note_running(self, running: Evaluation | None) -> None:
        with self._lock:
            self.current = running

    def _run_trial(self, task: Task) -> dict[str, Any]:
        """Runs one trial; returns its event."""
        trial = self._make_record(task)
        return {
            "event": "ended",
            "candidate": task.candidate,
            "trial": task.trial,
            "record": encode(trial)[1],
        }

    def _make_record(self, task: Task) -> Trial:
        """Runs one trial; whatever happens becomes its record."""
        values: dict[str, Any] = {
            "candidate": task.candidate,
            "trial": task.trial,
            "seed": task.seed,
            "sandbox": task.sandbox,
            "slot": self.config["slot"],
            "device": self.resources.device,
        }
        try:
            task.folder.mkdir(parents=True, exist_ok=True)
            with _EvaluatorOutput(task.folder / "evaluator.txt"):
                evaluator = self._load_evaluator(task)
                experiment = evaluator.experiment
                values |= {
                    "shape": experiment.shape,
                    "evaluator": task.digest,
                    "self_reported": experiment.self_reported,
                }
                values["data"] = prepare_once(task.data, evaluator.prepare, task.settings)
                self.events.send({"event": "started"})
                return self._evaluate(task, evaluator, values)
        except EvaluatorFault as error:
            return Trial(**values, status="lost", fault="evaluator", reason=_describe_error(error))
        except (WorkbenchError, OSError) as error:
            return Trial(**values, status="lost", fault="loop", reason=_describe_error(error))

    def _evaluate(self, task: Task, evaluator: Evaluator, values: dict[str, Any]) -> Trial:
        """Lets the evaluator score the candidate; returns the record.

        Args:
            task: the task.
            evaluator: its evaluator.
            values: fields of the record that are known already.
        """
        began = time.monotonic()
        cpu_began = time.process_time()
        running = Evaluation(
            task, evaluator.experiment, self.resources, task.sandbox, self.events.add_point
        )
        key = (task.candidate, task.trial)
        with self._lock:
            self.current = running
            cancel_reason = self._cancelled.get(key)
        if cancel_reason is not None:
            running.cancel(cancel_reason)
        try:
            outcome = _score(running, evaluator)
        finally:
            running.close()
            with self._lock:
                self.current = None
                self._cancelled.pop(key, None)
        # These count whatever the evaluator made of it: it may have caught what ended its trial.
        if running.cancelled is not None:
            outcome = {"status": "killed", "fault": "person", "reason": running.cancelled}
        elif running.stages.shortfall:
            reason = running.stages.shortfall
            outcome = {"status": "killed", "ended_by": "cascade", "reason": reason}
        log = running.output.text()
        (task.folder / "log.txt").write_text(log, encoding="utf-8", errors="backslashreplace")
        evaluator_cpu_seconds = time.process_time() - cpu_began
        return Trial(
            **values,
            **{"metrics": running.stages.values, **outcome},
            exact=bool(running.exact),
            beside=running.incumbent_number,
            seconds=time.monotonic() - began,
            cpu_seconds=running.cpu_seconds + evaluator_cpu_seconds,
            memory_mb=running.peak_mb,
            memory_limit=running.memory_limit,
        )

    def _load_evaluator(self, task: Task) -> Evaluator:
        """Returns the evaluator of the frozen copy, loaded once per process.

        Raises:
            EvaluatorFault: it cannot be loaded, or the protected files are not what they were when
                the study began.
        """
        evaluator = self._evaluators.get(str(task.experiment))
        experiment = evaluator.experiment if evaluator else self._read_experiment(task)
        # Computed anew for each trial, from the files as they are now.
        digest = experiment.digest
        if digest != task.digest:
            difference = f"{digest[:SHOWN_DIGITS]} != {task.digest[:SHOWN_DIGITS]}"
            raise EvaluatorFault(
                f"the protected files in {task.experiment} have changed since the study began "
                f"({difference})"
            )
        if evaluator is None:
            evaluator = Evaluator(experiment)
            self._evaluators[str(task.experiment)] = evaluator
        return evaluator

    def _read_experiment(self, task: Task) -> Experiment:
        try:
            experiment = experiment_file.read(task.experiment)
        except WorkbenchError as error:
            raise EvaluatorFault(str(error)) from error
        # The frozen copy has no .venv, which tells which interpreter an autoresearch checkout uses.
        return dataclasses.replace(experiment, command=tuple(self.config["command"]))


def _score(running: Evaluation, evaluator: Evaluator) -> dict[str, Any]:
    """Runs the evaluator; returns the fields of the record that say how the trial ended."""
    try:
        metrics = running.stages.add_to(evaluator.evaluate(running))
        running.check()
        score = metrics[evaluator.experiment.objective.name]
        units = running.observations.record(score)
        return {"status": "ok", "metrics": metrics, "score": score, "units": units}
    except CandidateFailed as error:
        return {"status": error.status, "reason": _describe_error(error)}
    except Cancelled as error:
        return {"status": "killed", "fault": "person", "reason": str(error)}
    except EvaluatorFault as error:
        return {"status": "lost", "fault": "evaluator", "reason": _describe_error(error)}


def _describe_error(error: BaseException) -> str:
    """Returns one bounded line.

    A candidate may have written part of it, so characters that move or hide text become escapes.
    """
    text = " ".join(str(error)[: 4 * MAX_REASON].split())
    return clean(text.encode("utf-8", "backslashreplace"))[:MAX_REASON] or type(error).__name__


class _EvaluatorOutput:
    """A context in which what the evaluator prints goes to a file, removed if it stays empty."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> None:
        fd = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        _redirect_output(fd)

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        _redirect_output(os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC))
        if not self.file.stat().st_size:
            self.file.unlink()


def _redirect_output(fd: int) -> None:
    """Makes stdout and stderr write to a descriptor, and closes it."""
    for standard in STANDARD_OUTPUTS:
        os.dup2(fd, standard)
    os.close(fd)


def main() -> None:
    """Reads the configuration, says hello, and runs trials until stdin ends."""
    sys.dont_write_bytecode = True  # nothing is written into the frozen copy
    # Daemons of candidates and of the evaluator become children of this process, which kills them.
    confine.adopt_orphans()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    events = Events(int(sys.argv[1]))
    received = b""
    while b"\n" not in received:
        data = os.read(STDIN, BLOCK)
        if not data:
            return
        received += data
    config, _, rest = received.partition(b"\n")
    process = TrialProcess(json.loads(config), events)
    hello = {
        "event": "hello",
        "folder": str(process.resources.folder),
        "groups": process.resources.group_folders,
    }
    events.send(hello)
    threading.Thread(target=process.listen, args=(rest,), name="control", daemon=True).start()
    process.run()


if __name__ == "__main__":
    main()
