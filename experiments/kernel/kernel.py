"""One program's kernel in its sandbox, on the evaluator's side: it is called under the clock, and its answers and memory are judged."""

import contextlib
import functools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import layout
import numpy as np
from tasks import Arrays, Dims, Task

from workbench.evaluate import CandidateFailed
from workbench.program import Program

FOLDER = Path(__file__).parent
DRIVERS = {"c": "driver.py", "triton": "driver_triton.py"}
CALL_SECONDS = 60.0


@dataclass(frozen=True)
class Request:
    """What one request asks for: `calls` of the kernel, each on the inputs rolled and scaled anew, and the weighted sum of the outputs."""

    task: Task
    dims: Dims
    inputs: Arrays
    calls: list[list[Any]]  # [weight, [[offset, scale] for each input]]

    @classmethod
    def draw(cls, rng: np.random.Generator, task: Task, dims: Dims, n_calls: int) -> "Request":
        """Inputs, offsets, scales and weights that nobody could know; a single call is made on the inputs as they are."""
        inputs = task.draw(rng, dims)
        if n_calls == 1:
            return cls(task, dims, inputs, [[1.0, [[0, 1.0] for _ in inputs]]])
        changes = [[[int(rng.integers(array.size)), _about_one(rng)] for array in inputs] for _ in range(n_calls)]
        return cls(task, dims, inputs, [[_about_one(rng), change] for change in changes])

    def of_call(self, index: int) -> Arrays:
        """The inputs of one call, to the bit as the driver makes them."""
        changes = self.calls[index][1]
        pairs = zip(self.inputs, changes, strict=True)
        return [np.roll(array.reshape(-1), -offset).reshape(array.shape) * np.float32(scale) for array, (offset, scale) in pairs]

    @functools.cached_property
    def right(self) -> tuple[np.ndarray, np.ndarray]:
        """The right answer in float64, and the size that an error of each element is measured by."""
        answer, size = np.zeros((2, *self.task.output(self.dims)))
        for index, (weight, _) in enumerate(self.calls):
            one, its_size = self.task.answer(*(array.astype(np.float64) for array in self.of_call(index)))
            answer += weight * one
            size += weight * its_size
        return answer, size


class Kernel:
    """A kernel in its sandbox, built and ready; use it as a context.

    Attributes:
        role: `mine` is the candidate's; `base` the baseline's, `incumbent` that of the incumbent, both for comparison; `none` is
            only the driver, which does everything but build and call a kernel.
        error: the worst of the answers that were judged, 1 being just tolerated.
        clocked_seconds: on the clock, all requests together.
        cpu_seconds: of the whole tree; known at the end.
    """

    def __init__(self, trial: Any, task: Task, program: Program, role: str) -> None:
        self.task, self.role, backend = task, role, trial.settings["backend"]
        self.error, self.clocked_seconds, self._trial, self._on_gpu = 0.0, 0.0, trial, backend != "c"
        drivers = {name: FOLDER / name for name in (DRIVERS[backend], "layout.py")}
        with self._blaming():
            self._process = trial.start(DRIVERS[backend], files=drivers, threads=1, program=program)
        if role != "none":
            self._call("begin", task.name, returns=None)

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()

    @property
    def cpu_seconds(self) -> float:
        return float(self._process.cpu_seconds)

    def run(self, request: Request) -> tuple[float, bytes]:
        """Seconds on the clock from before the request to after the last byte of its answer, and the answer."""
        shape = self.task.output(request.dims)
        arguments = (request.inputs, list(request.dims), list(shape), request.calls, self.role == "none")
        began = self._clocks()
        found: bytes = self._call("run", *arguments, returns=bytes)
        ended = self._clocks()
        if began.keys() - ended.keys():
            raise self._wrong(request, "a process of it ended during a request, and what it used cannot be known")
        taken = sum(ended.values()) - sum(began.values())
        self.clocked_seconds += taken
        return taken, found

    def _clocks(self) -> dict[int, float]:
        """Of every process: waiting does not move the clock of the CPU, and nothing else is steady on a busy one; a GPU is not on it."""
        return {0: time.perf_counter()} if self._on_gpu else self._process.cpu_clocks()

    def judge(self, request: Request, found: bytes) -> None:
        """Compares an answer with the right one, and raises CandidateFailed where it is wrong."""
        shape = self.task.output(request.dims)
        if len(found) != layout.ITEM_BYTES * math.prod(shape):
            raise self._wrong(request, f"{len(found)} bytes for an output {shape}")
        answer = np.frombuffer(found, np.float32).reshape(shape)
        if wild := int(np.count_nonzero(~np.isfinite(answer))):
            raise self._wrong(request, f"{wild} of {answer.size} numbers are NaN or infinite, or were never written")
        error = self.task.error(answer, *request.right)
        if error > 1:
            raise self._wrong(request, f"wrong, the error is {error:.3g} times what float32 is allowed")
        self.error = max(self.error, error)

    def inspect(self, request: Request) -> None:
        """Raises CandidateFailed where the last call of a request has changed an input or a guard zone."""
        found = np.frombuffer(self._call("memory", returns=bytes), np.uint8)
        spans, width = layout.spans([*self.task.inputs(request.dims), self.task.output(request.dims)])
        expected = np.full(width, layout.POISON, np.uint8)
        for (start, end), array in zip(spans, request.of_call(-1), strict=False):
            expected[start:end] = array.reshape(-1).view(np.uint8)
        if len(found) != width:
            raise self._wrong(request, f"{len(found)} bytes of memory instead of {width}")
        start, end = spans[-1]
        changed = [int(place) for place in np.flatnonzero(found != expected) if not start <= place < end]
        if changed:
            is_input = any(start <= changed[0] < end for start, end in spans)
            what = "changes its input" if is_input else "writes outside of its buffers"
            raise self._wrong(request, f"{what} (byte {changed[0]} of {width}, {len(changed)} in all)")

    def failure(self, problem: str, kind: type[CandidateFailed] = CandidateFailed) -> Exception:
        """What to raise: the candidate's failure, and where the kernel is another's an error that does not blame the candidate."""
        if self.role == "mine":
            return kind(problem)
        whose = "the incumbent fails beside a candidate (reject it if it does again)" if self.role == "incumbent" else "the baseline fails"
        return RuntimeError(f"{whose}: {problem}")

    def _wrong(self, request: Request, problem: str) -> Exception:
        return self.failure(f"{self.task.name} {'x'.join(map(str, request.dims))}: {problem}")

    def _call(self, name: str, *arguments: Any, returns: Any) -> Any:
        with self._blaming():
            return self._process.call(name, *arguments, returns=returns, timeout=CALL_SECONDS)

    @contextlib.contextmanager
    def _blaming(self) -> Iterator[None]:
        try:
            yield
        except CandidateFailed as error:
            if self.role != "mine":
                self._trial.check()  # when the trial's time is over, whoever is at work then is not to blame
                raise self.failure(str(error)) from error
            raise


def _about_one(rng: np.random.Generator) -> float:
    return float(np.float32(rng.uniform(0.5, 1.5)))
