"""The tasks: what each kernel is given, and what a right answer is.

Each says how exact an answer must be, and how much work it is.

The same for both back ends. Nothing here is in the sandbox.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

Arrays = list[np.ndarray]
Dims = tuple[int, ...]
# honest float32 stays below 2.5e-5, sums of 2000 included; TF32, float16 and bfloat16 are off by
# 4e-4 or more
TOLERANCE = 5e-5
RMS_EPSILON = 1e-6
GPU_FACTOR = 4
SMALLEST = 1e-30  # what float32 rounds to 0 is not an error
ROW_EDGES: tuple[Dims, ...] = ((1, 1), (3, 5), (17, 129), (2, 2049))


@dataclass(frozen=True)
class Task:
    """One operation on float32 arrays.

    Attributes:
        inputs: shapes of the inputs. output: shape of the answer.
        answer: the right answer to inputs in float64, and the size that an error of each element is
            measured by.
        torch: the same in PyTorch, the yardstick of KernelBench.
        flops: multiplications and additions that no algorithm of the textbook kind avoids.
        n_calls: of the kernel in one timed request; the more, the less sending weighs.
        spread: largest factor that inputs are scaled by. edges: small and odd dimensions, checked
            and not timed.
        search, held_out: dimensions that are timed, odd ones among them.
    """

    name: str
    inputs: Callable[[Dims], tuple[Dims, ...]]
    output: Callable[[Dims], Dims]
    answer: Callable[..., tuple[np.ndarray, np.ndarray]]
    torch: Callable[..., Any]
    flops: Callable[[Dims], int]
    n_calls: int
    spread: float
    edges: tuple[Dims, ...]
    search: tuple[Dims, ...]
    held_out: tuple[Dims, ...]

    def shapes(self, split: str, backend: str) -> tuple[Dims, ...]:
        """The dimensions of a split; larger ones for a GPU.

        Raises:
            ValueError: the split is unknown.
        """
        if split not in ("search", "held_out"):
            raise ValueError(f"shapes = {split!r}; it is search or held_out")
        chosen = self.search if split == "search" else self.held_out
        return (
            chosen
            if backend == "c"
            else tuple(tuple(GPU_FACTOR * size for size in dims) for dims in chosen)
        )

    def n_bytes(self, dims: Dims) -> int:
        """Bytes that must be read and written at least."""
        return 4 * sum(math.prod(shape) for shape in (*self.inputs(dims), self.output(dims)))

    def draw(self, rng: np.random.Generator, dims: Dims) -> Arrays:
        """Inputs that no one can know.

        Normal, positive, shifted, with outliers, or with zeros, at a scale drawn as well.
        """
        kind = rng.integers(5)
        return [
            _draw(rng, kind, shape, float(self.spread ** rng.uniform(-1, 1)))
            for shape in self.inputs(dims)
        ]

    def error(self, answer: np.ndarray, right: np.ndarray, size: np.ndarray) -> float:
        """How far a finite answer is off, where 1 is just tolerated.

        The worse of the largest element's error and of the norm's.
        """
        off = np.abs(answer - right)
        return (
            float(max((off / size).max(), np.linalg.norm(off) / max(np.linalg.norm(right), 1e-30)))
            / TOLERANCE
        )


def _draw(rng: np.random.Generator, kind: int, shape: Dims, scale: float) -> np.ndarray:
    values = rng.standard_normal(shape, dtype=np.float32)
    if kind == 1:
        values = np.abs(values)
    elif kind == 2:
        values += np.float32(rng.uniform(-3, 3))
    elif kind == 3:
        values[rng.random(shape, dtype=np.float32) < 0.01] *= 4
    elif kind == 4:
        values[rng.random(shape, dtype=np.float32) < 0.3] = 0
    return values * np.float32(scale)


def _matmul(a: np.ndarray, b: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    return a @ b, np.abs(a) @ np.abs(b) + SMALLEST


def _softmax(x: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    below = x - x.max(axis=-1, keepdims=True)
    weights = np.exp(below)
    answer = weights / weights.sum(axis=-1, keepdims=True)
    return answer, answer * (1 - below) + SMALLEST


def _rmsnorm(x: np.ndarray, weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    answer = weight * x / np.sqrt((x * x).mean(axis=-1, keepdims=True) + RMS_EPSILON)
    return answer, np.abs(answer) + SMALLEST


def _attention(q: np.ndarray, k: np.ndarray, v: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    scale = 1 / math.sqrt(q.shape[-1])
    weights, _ = _softmax(scale * q @ k.swapaxes(-1, -2))
    amplified = 1 + scale * (np.abs(q) @ np.abs(k).swapaxes(-1, -2)).max(axis=-1, keepdims=True)
    return weights @ v, (weights @ np.abs(v)) * amplified + SMALLEST


def _functional() -> Any:
    import torch.nn.functional  # 2 s

    return torch.nn.functional


TASKS: Mapping[str, Task] = {
    task.name: task
    for task in (
        Task(
            name="matmul",
            inputs=lambda d: ((d[0], d[2]), (d[2], d[1])),
            output=lambda d: (d[0], d[1]),
            answer=_matmul,
            torch=lambda a, b: a @ b,
            flops=lambda d: 2 * math.prod(d),
            n_calls=8,
            spread=30.0,
            edges=((1, 1, 1), (3, 5, 7), (17, 33, 2), (64, 1, 65), (130, 70, 259)),
            search=((128, 128, 128), (192, 64, 256), (133, 130, 150), (61, 256, 101)),
            held_out=((160, 160, 160), (96, 192, 128), (127, 95, 211), (201, 77, 100)),
        ),
        Task(
            name="softmax",
            inputs=lambda d: (d,),
            output=lambda d: d,
            answer=_softmax,
            torch=lambda x: _functional().softmax(x, -1),
            flops=lambda d: 4 * math.prod(d),
            n_calls=8,
            spread=10.0,
            edges=ROW_EDGES,
            search=((32, 1024), (128, 256), (23, 1501), (500, 65)),
            held_out=((24, 1536), (150, 200), (17, 2047), (900, 33)),
        ),
        Task(
            name="rmsnorm",
            inputs=lambda d: (d, (d[1],)),
            output=lambda d: d,
            answer=_rmsnorm,
            torch=lambda x, weight: _functional().rms_norm(x, weight.shape, weight, RMS_EPSILON),
            flops=lambda d: 4 * math.prod(d),
            n_calls=128,
            spread=30.0,
            edges=ROW_EDGES,
            search=((32, 1024), (128, 256), (23, 1501), (500, 65)),
            held_out=((24, 1536), (150, 200), (17, 2047), (900, 33)),
        ),
        Task(
            name="attention",
            inputs=lambda d: (d, d, d),
            output=lambda d: d,
            answer=_attention,
            torch=lambda q, k, v: _functional().scaled_dot_product_attention(q, k, v),
            flops=lambda d: 4 * d[0] * d[1] * d[1] * d[2],
            n_calls=4,
            spread=2.0,
            edges=((1, 1, 1), (1, 3, 5), (2, 17, 33), (1, 65, 8), (3, 131, 16)),
            search=((2, 96, 64), (1, 128, 64), (4, 64, 32), (1, 151, 40)),
            held_out=((2, 112, 64), (1, 96, 96), (3, 80, 32), (1, 201, 24)),
        ),
    )
}
