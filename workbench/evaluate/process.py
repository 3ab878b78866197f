"""The trial process: trusted, warm, one per slot; runs one trial after another. `python -m workbench.evaluate.process FD`.

Lines of JSON come on stdin: first the configuration, then tasks and cancellations. Lines of events go out on FD: `hello`,
`points` (at most ten messages a second), `started`, `ended`; for a smoke run `checked`. When stdin ends, the loop is gone: every
process of the trial is killed at once, and this one exits. It never sees the journal.
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

from workbench import experiment as experiments
from workbench.errors import EvaluatorFault, WorkbenchError
from workbench.evaluate.answers import CandidateFailed
from workbench.evaluate.evaluator import Evaluator
from workbench.evaluate.executor import Incumbent, Task
from workbench.evaluate.output import clean
from workbench.evaluate.prepared import prepare_once
from workbench.evaluate.sandbox import confine, tree
from workbench.evaluate.sandbox.bench import Bench
from workbench.evaluate.sandbox.supervisor import Cancelled
from workbench.evaluate.sandbox.view import View
from workbench.evaluate.smoke import smoke
from workbench.evaluate.trial import Evaluation
from workbench.experiment import Experiment, Limits
from workbench.program import Program
from workbench.records import Trial, encode

FLUSH_SECONDS = 0.1
POINTS_PER_MESSAGE = 2000
MAX_REASON = 500


def encode_task(task: Task, level: str, do: Literal["task", "check"] = "task") -> str:
    """A task as one line; `check`: only a smoke run of its program."""
    beside = task.incumbent
    body = {
        "do": do, "candidate": task.candidate, "trial": task.trial, "seed": task.seed, "program": _plain(task.program),
        "experiment": str(task.experiment), "digest": task.digest, "data": str(task.data), "folder": str(task.folder),
        "settings": dict(task.settings), "stages": dict(task.stages), "sandbox": level,
        "incumbent": beside and {"candidate": beside.candidate, "program": _plain(beside.program)},
    }  # fmt: skip
    return json.dumps(body) + "\n"


def _plain(program: Program) -> dict[str, Any]:
    return {"files": dict(program.files), "executable": sorted(program.executable)}


def _program(plain: dict[str, Any]) -> Program:
    return Program(plain["files"], frozenset(plain["executable"]))


def _decode_task(body: dict[str, Any]) -> Task:
    beside = body["incumbent"]
    values: dict[str, Any] = {name: Path(body[name]) for name in ("experiment", "data", "folder")}
    values |= {
        name: body[name]
        for name in ("candidate", "trial", "seed", "digest", "settings", "stages", "sandbox")
    }
    values["incumbent"] = beside and Incumbent(beside["candidate"], _program(beside["program"]))
    return Task(program=_program(body["program"]), **values)


class Events:
    """Writes event lines; points wait for each other a tenth of a second. From any thread."""

    def __init__(self, fd: int) -> None:
        self._fd, self._lock = fd, threading.Lock()
        self._points: dict[tuple[str, bool], list[tuple[float, float]]] = {}
        self._flushed = 0.0

    def send(self, event: dict[str, Any]) -> None:
        with self._lock:
            self._flush()
            self._write(event)

    def point(self, series: str, step: float, value: float, self_reported: bool) -> None:
        with self._lock:
            self._points.setdefault((series, self_reported), []).append((step, value))
            if time.monotonic() - self._flushed >= FLUSH_SECONDS:
                self._flush()

    def flush_due(self) -> None:
        with self._lock:
            if self._points and time.monotonic() - self._flushed >= FLUSH_SECONDS:
                self._flush()

    def _flush(self) -> None:
        groups, self._points = self._points, {}
        self._flushed = time.monotonic()
        for (series, self_reported), points in groups.items():
            for start in range(0, len(points), POINTS_PER_MESSAGE):
                part = points[start : start + POINTS_PER_MESSAGE]
                self._write(
                    {
                        "event": "points",
                        "series": series,
                        "points": part,
                        "self_reported": self_reported,
                    }
                )

    def _write(self, event: dict[str, Any]) -> None:
        data = (json.dumps(event, allow_nan=False) + "\n").encode()
        try:
            while data:
                data = data[os.write(self._fd, data) :]
        except BrokenPipeError:
            os._exit(1)  # nobody is left to hear it; guards and bubblewrap end the rest


class TrialProcess:
    """Runs trials in the main thread, and listens in another."""

    def __init__(self, config: dict[str, Any], events: Events) -> None:
        self.events, self.config = events, config
        self.bench = Bench(
            View.decode(config["view"]),
            Limits(**config["limits"]),
            slot=config["slot"],
            gpu=config["gpu"],
        )
        self.tasks: queue.SimpleQueue[tuple[str, Task]] = queue.SimpleQueue()
        self.current: Evaluation | None = None
        self._cancelled: dict[tuple[int, int], str] = {}
        self._evaluators: dict[str, Evaluator] = {}
        self._busy = False
        self._lock = threading.Lock()

    def listen(self, rest: bytes) -> None:
        """Handles what comes on stdin, until it ends."""
        while True:
            *lines, rest = rest.split(b"\n")
            for line in lines:
                self._handle(json.loads(line))
            if select.select([0], [], [], FLUSH_SECONDS if self._busy else None)[0]:
                data = os.read(0, 1 << 16)
                if not data:
                    break
                rest += data
            self.events.flush_due()
        self._leave()

    def _handle(self, message: dict[str, Any]) -> None:
        if message["do"] in ("task", "check"):
            self._busy = True
            self.tasks.put((message["do"], _decode_task(message)))
            return
        key = (int(message["candidate"]), int(message["trial"]))
        with self._lock:
            self._cancelled[key] = str(message["reason"])
            running = self.current
        if running is not None and (running.task.candidate, running.task.trial) == key:
            running.cancel(str(message["reason"]))

    def _leave(self) -> None:
        with self._lock:
            if self.current is not None:
                self.current.cancel("the loop is gone")
        tree.end_below(os.getpid())
        self.bench.close()
        os._exit(0)

    def run(self) -> None:
        while True:
            do, task = self.tasks.get()
            if do == "check":
                found = smoke(
                    task, self._evaluator, self.bench, self.config["trials_on"], self._begun
                )
                event: dict[str, Any] = {"event": "checked", "finding": dataclasses.asdict(found)}
            else:
                trial = self._trial(task)
                event = {
                    "event": "ended",
                    "candidate": task.candidate,
                    "trial": task.trial,
                    "record": encode(trial)[1],
                }
            self._busy = False
            self.events.send(event)
            tree.end_below(os.getpid())  # what the evaluator itself left behind

    def _begun(self, running: Evaluation | None) -> None:
        with self._lock:
            self.current = running

    def _trial(self, task: Task) -> Trial:
        """Runs one trial; whatever happens becomes its record."""
        values: dict[str, Any] = {
            "candidate": task.candidate,
            "trial": task.trial,
            "seed": task.seed,
            "sandbox": task.sandbox,
        }
        values |= {"slot": self.config["slot"], "device": self.bench.device}
        try:
            task.folder.mkdir(parents=True, exist_ok=True)
            with _Notes(task.folder / "evaluator.txt"):
                evaluator = self._evaluator(task)
                experiment = evaluator.experiment
                values |= {
                    "shape": experiment.shape,
                    "evaluator": task.digest,
                    "self_reported": experiment.self_reported,
                }
                values["data"] = prepare_once(task.data, evaluator.prepare, task.settings)
                self.events.send({"event": "started"})
                return self._measured(task, evaluator, values)
        except EvaluatorFault as error:
            return Trial(**values, status="lost", fault="evaluator", reason=_reason(error))
        except (WorkbenchError, OSError) as error:
            return Trial(**values, status="lost", fault="loop", reason=_reason(error))

    def _measured(self, task: Task, evaluator: Evaluator, values: dict[str, Any]) -> Trial:
        began, usage = time.monotonic(), time.process_time()
        running = Evaluation(
            task, evaluator.experiment, self.bench, task.sandbox, self.events.point
        )
        with self._lock:
            self.current = running
            early = self._cancelled.get((task.candidate, task.trial))
        if early is not None:
            running.cancel(early)
        outcome: dict[str, Any] = {}
        try:
            metrics = running.stages.joined(evaluator.evaluate(running))
            running.check()
            score = metrics[evaluator.experiment.objective.name]
            outcome = {
                "status": "ok",
                "metrics": metrics,
                "score": score,
                "units": running.units_of(score),
            }
        except CandidateFailed as error:
            outcome = {"status": error.status, "reason": _reason(error)}
        except Cancelled as error:
            outcome = {"status": "killed", "fault": "person", "reason": str(error)}
        except EvaluatorFault as error:
            outcome = {"status": "lost", "fault": "evaluator", "reason": _reason(error)}
        finally:
            running.close()
            with self._lock:
                self.current = None
                self._cancelled.pop((task.candidate, task.trial), None)
        if running.cancelled is not None:
            outcome = {"status": "killed", "fault": "person", "reason": running.cancelled}
        elif running.stages.missed:  # whatever the evaluator made of it
            outcome = {"status": "killed", "ended_by": "cascade", "reason": running.stages.missed}
        outcome = {"metrics": running.stages.values, **outcome}
        (task.folder / "log.txt").write_text(
            running.output.text(), encoding="utf-8", errors="backslashreplace"
        )
        return Trial(
            **values, **outcome, exact=bool(running.exact), beside=running.beside, seconds=time.monotonic() - began,
            cpu_seconds=running.cpu_seconds + time.process_time() - usage, memory_mb=running.peak_mb, memory_limit=running.memory_limit,
        )  # fmt: skip

    def _evaluator(self, task: Task) -> Evaluator:
        """The evaluator of the frozen copy, which must be what it was when the study began."""
        known = self._evaluators.get(str(task.experiment))
        experiment = known.experiment if known else self._read(task)
        found = experiment.digest
        if found != task.digest:
            difference = f"{found[:12]} != {task.digest[:12]}"
            raise EvaluatorFault(
                f"the protected files in {task.experiment} have changed since the study began ({difference})"
            )
        if known is None:
            known = self._evaluators[str(task.experiment)] = Evaluator(experiment)
        return known

    def _read(self, task: Task) -> Experiment:
        try:
            experiment = experiments.read(task.experiment)
        except WorkbenchError as error:
            raise EvaluatorFault(str(error)) from error
        # The frozen copy has no .venv, by which an autoresearch checkout names its interpreter.
        return dataclasses.replace(experiment, command=tuple(self.config["command"]))


def _reason(error: BaseException) -> str:
    """One bounded line; what a candidate wrote into it is shown, and neither moves nor hides text."""
    text = " ".join(str(error)[: 4 * MAX_REASON].split())
    return clean(text.encode("utf-8", "backslashreplace"))[:MAX_REASON] or type(error).__name__


class _Notes:
    """While a trial runs, what its evaluator prints goes to a file of its own, which is removed when empty."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __enter__(self) -> None:
        fd = os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)
        for standard in (1, 2):
            os.dup2(fd, standard)
        os.close(fd)

    def __exit__(self, *_: object) -> None:
        sys.stdout.flush()
        sys.stderr.flush()
        null = os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        for standard in (1, 2):
            os.dup2(null, standard)
        os.close(null)
        if not self.file.stat().st_size:
            self.file.unlink()


def main() -> None:
    """Reads the configuration, says hello, and runs trials until stdin ends."""
    sys.dont_write_bytecode = True  # nothing is written into the frozen copy
    confine.adopt_orphans()
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    events, rest = Events(int(sys.argv[1])), b""
    while b"\n" not in rest:
        data = os.read(0, 1 << 16)
        if not data:
            return
        rest += data
    line, _, rest = rest.partition(b"\n")
    process = TrialProcess(json.loads(line), events)
    events.send(
        {"event": "hello", "folder": str(process.bench.folder), "groups": process.bench.groups}
    )
    threading.Thread(target=process.listen, args=(rest,), name="control", daemon=True).start()
    process.run()


if __name__ == "__main__":
    main()
