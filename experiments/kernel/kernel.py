"""One program's kernel in its sandbox, on the evaluator's side.

It is called under the clock, and its answers and memory are judged.
"""

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
LIBRARY = "kernel.so"
LIBRARY_BYTES = 16 << 20
NOTHING = Program({})
CALL_SECONDS = 60.0


@dataclass(frozen=True)
class Request:
    """What one request asks for.

    `calls` of the kernel, each on the inputs rolled and scaled anew, and the weighted sum of the
    outputs.
    """

    task: Task
    dims: Dims
    inputs: Arrays
    calls: list[list[Any]]  # [weight, [[offset, scale] for each input]]

    @classmethod
    def draw(cls, rng: np.random.Generator, task: Task, dims: Dims, n_calls: int) -> "Request":
        """Inputs, offsets, scales and weights that no one can know.

        A single call is made on the inputs as they are.
        """
        inputs = task.draw(rng, dims)
        if n_calls == 1:
            return cls(task, dims, inputs, [[1.0, [[0, 1.0] for _ in inputs]]])
        changes = [
            [[int(rng.integers(array.size)), _about_one(rng)] for array in inputs]
            for _ in range(n_calls)
        ]
        return cls(task, dims, inputs, [[_about_one(rng), change] for change in changes])

    def of_call(self, index: int) -> Arrays:
        """The inputs of one call, to the bit as the driver makes them."""
        changes = self.calls[index][1]
        pairs = zip(self.inputs, changes, strict=True)
        return [
            np.roll(array.reshape(-1), -offset).reshape(array.shape) * np.float32(scale)
            for array, (offset, scale) in pairs
        ]

    @functools.cached_property
    def right(self) -> tuple[np.ndarray, np.ndarray]:
        """The right answer in float64, and the size by which each element's error is measured."""
        answer, size = np.zeros((2, *self.task.output(self.dims)))
        for index, (weight, _) in enumerate(self.calls):
            one, its_size = self.task.answer(
                *(array.astype(np.float64) for array in self.of_call(index))
            )
            answer += weight * one
            size += weight * its_size
        return answer, size


class Kernel:
    """A kernel in its sandbox, built and ready; use it as a context.

    A C kernel is built in a sandbox that is gone when this one starts, of whose files only the
    library comes along. In this one no
    process or thread can be started, which is settled before any code of the candidate runs there:
        none can work beside a request.

    Attributes:
        role: `mine` is the candidate's; `base` the baseline's, `incumbent` that of the incumbent,
            both for comparison; `none` is only the driver, which does everything but build and call
            a kernel.
        error: the worst of the answers that were judged, 1 being just tolerated.
        clocked_seconds: on the clock, all requests together.
        cpu_seconds: of the whole tree; known at the end.
    """

    def __init__(self, trial: Any, task: Task, program: Program, role: str) -> None:
        self.task = task
        self.role = role
        backend = trial.settings["backend"]
        self.error = 0.0
        self.clocked_seconds = 0.0
        self._trial = trial
        self._on_gpu = backend != "c"
        files: dict[str, Any] = {name: FOLDER / name for name in (DRIVERS[backend], "layout.py")}
        with self._blaming():
            if self._on_gpu:
                self._process = trial.start(
                    DRIVERS[backend], files=files, threads=1, program=program
                )
            else:
                files |= {} if role == "none" else {LIBRARY: self._built(program)}
                self._process = trial.start(
                    DRIVERS[backend], files=files, threads=1, program=NOTHING
                )
                self._process.seal()
        if role != "none":
            self._call("begin", task.name if self._on_gpu else LIBRARY, returns=None)

    def _built(self, program: Program) -> bytes:
        """The library that the candidate's `flags()` and gcc make of its source."""
        with self._trial.start(
            "builder.py", files={"builder.py": FOLDER / "builder.py"}, program=program
        ) as process:
            process.call(
                "compile_kernel", self.task.name, LIBRARY, returns=None, timeout=CALL_SECONDS
            )
            return bytes(process.read_file(LIBRARY, LIBRARY_BYTES))

    def __enter__(self) -> "Kernel":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.close()

    @property
    def cpu_seconds(self) -> float:
        return float(self._process.cpu_seconds)

    def run(self, request: Request) -> tuple[float, bytes]:
        """Seconds from before the request to after the last byte of its answer, and the answer."""
        shape = self.task.output(request.dims)
        arguments = (
            request.inputs,
            list(request.dims),
            list(shape),
            request.calls,
            self.role == "none",
        )
        began = self._clock()
        answer: bytes = self._call("run", *arguments, returns=bytes)
        duration = self._clock() - began
        self.clocked_seconds += duration
        return duration, answer

    def _clock(self) -> float:
        """Waiting does not move the clock of the CPU, and nothing else is steady on a busy one.

        A GPU is not on it.
        """
        if self._on_gpu:
            return time.perf_counter()
        with self._blaming():
            return float(self._process.cpu_clock())

    def judge(self, request: Request, output: bytes) -> None:
        """Compares an answer with the right one, and raises CandidateFailed where it is wrong."""
        shape = self.task.output(request.dims)
        if len(output) != layout.ITEM_BYTES * math.prod(shape):
            raise self._wrong(request, f"{len(output)} bytes for an output {shape}")
        answer = np.frombuffer(output, np.float32).reshape(shape)
        if wild := int(np.count_nonzero(~np.isfinite(answer))):
            raise self._wrong(
                request,
                f"{wild} of {answer.size} numbers are NaN or infinite, or were never written",
            )
        error = self.task.error(answer, *request.right)
        if error > 1:
            raise self._wrong(
                request, f"wrong, the error is {error:.3g} times what float32 is allowed"
            )
        self.error = max(self.error, error)

    def inspect(self, request: Request) -> None:
        """Raises CandidateFailed if the last call of a request changed an input or a guard zone."""
        memory = np.frombuffer(self._call("memory", returns=bytes), np.uint8)
        spans, width = layout.spans(
            [*self.task.inputs(request.dims), self.task.output(request.dims)]
        )
        expected = np.full(width, layout.POISON, np.uint8)
        for (start, end), array in zip(spans, request.of_call(-1), strict=False):
            expected[start:end] = array.reshape(-1).view(np.uint8)
        if len(memory) != width:
            raise self._wrong(request, f"{len(memory)} bytes of memory instead of {width}")
        start, end = spans[-1]
        changed = [
            int(place) for place in np.flatnonzero(memory != expected) if not start <= place < end
        ]
        if changed:
            is_input = any(start <= changed[0] < end for start, end in spans)
            what = "changes its input" if is_input else "writes outside of its buffers"
            raise self._wrong(
                request, f"{what} (byte {changed[0]} of {width}, {len(changed)} in all)"
            )

    def failure(self, problem: str, kind: type[CandidateFailed] = CandidateFailed) -> Exception:
        """What to raise.

        The candidate's failure, and where the kernel is another's an error that does not blame the
        candidate.
        """
        if self.role == "mine":
            return kind(problem)
        whose = (
            "the incumbent fails beside a candidate (reject it if it does again)"
            if self.role == "incumbent"
            else "the baseline fails"
        )
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
                # when the trial's time is over, whoever is at work then is not to blame
                self._trial.check()
                raise self.failure(str(error)) from error
            raise


def _about_one(rng: np.random.Generator) -> float:
    return float(np.float32(rng.uniform(0.5, 1.5)))
