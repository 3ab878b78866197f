"""Made-up objectives over the constants of a small program, for simulated studies.

Trusted; no candidate runs it.

Each has a loss of 1 at the program as it is given and 0 at its best, so that gains of different
ones can be averaged. Nothing that a
candidate hands over is executed: its text is parsed, and only the values of its constants are
    looked at.
"""

import ast
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]
Shape = Callable[[Array, "Drawn"], float]
Value = bool | int | float

TELLING: dict[str, Value] = {
    "LEARNING_RATE": 1e-3,
    "BATCH_SIZE": 32,
    "N_LAYER": 4,
    "N_EMBD": 64,
    "N_HEAD": 4,
    "WARMUP": 0.05,
    "BETA1": 0.9,
    "BETA2": 0.99,
    "WEIGHT_DECAY": 0.1,
    "DROPOUT": 0.1,
    "INIT_STD": 0.02,
    "GRAD_CLIP": 1.0,
    "MLP_RATIO": 4.0,
    "FINAL_LR": 0.1,
    "BIAS": True,
    "TIE_WEIGHTS": False,
}
NEUTRAL = tuple(f"C{number:02}" for number in range(len(TELLING)))
MAX_CHARS = 10_000
FALLOFF = 0.65  # of the depths, from the knob that matters most to the next
REACH = (0.5, 3.0)  # how far the best value lies, in factors of two


class NotAProgram(ValueError):
    """A text that is not the given program with other values."""


@dataclass(frozen=True)
class Drawn:
    """What was drawn for one objective.

    `(knobs,)` depths that sum to 1, targets, and partners of the knobs.
    """

    depth: Array
    target: Array
    partner: npt.NDArray[np.int_]


def wells(x: Array, drawn: Drawn) -> float:
    """One well per knob, quadratic near its bottom, linear far away."""
    return float(drawn.depth @ _huber(x - drawn.target))


def valley(x: Array, drawn: Drawn) -> float:
    """As `wells`, in coordinates in which each knob leans on another: one alone gains little."""
    offset = x - drawn.target
    return float(drawn.depth @ _huber(offset + 0.6 * offset[drawn.partner]))


def cliff(x: Array, drawn: Drawn) -> float:
    """As `wells`.

    A program that goes more than a step past the best value of the knob that matters most fails.
    """
    first = int(np.argmax(drawn.depth))
    past = (x[first] - drawn.target[first]) * np.sign(drawn.target[first])
    return math.inf if past > 1.0 else wells(x, drawn)


def bump(x: Array, drawn: Drawn) -> float:
    """Flat far from each best value, so that small steps tell nothing."""
    return float(drawn.depth @ (1 - np.exp(-((x - drawn.target) ** 2) / 4)))


def bottleneck(x: Array, drawn: Drawn) -> float:
    """The worst knobs count most: the rest gains little until they are mended."""
    return float(np.sqrt(np.sum((drawn.depth * _huber(x - drawn.target)) ** 2)))


def few(x: Array, drawn: Drawn) -> float:
    """Two knobs matter, the others do next to nothing."""
    share = np.where(np.argsort(np.argsort(-drawn.depth)) < 2, 1.0, 0.02)
    return float((drawn.depth * share) @ _huber(x - drawn.target))


SHAPES: dict[str, tuple[Shape, ...]] = {
    "search": (wells, valley, cliff),
    "held_out": (bump, bottleneck, few),
}


class Objective:
    """One made-up objective, drawn by a generator.

    Attributes:
        source: the program that it begins with. number: 32 bits for the chance of who improves it,
            of the source alone, so that they tell nothing else.
    """

    def __init__(self, shape: Shape, rng: np.random.Generator) -> None:
        names = list(rng.permutation(list(TELLING)))[: int(rng.integers(6, len(TELLING) + 1))]
        names_in_source = NEUTRAL if rng.random() < 0.5 else tuple(names)
        self.base = {
            names_in_source[i]: _move(TELLING[str(name)], int(rng.integers(-1, 2)))
            for i, name in enumerate(names)
        }
        n = len(self.base)
        depth = rng.permutation(FALLOFF ** np.arange(n))
        target = rng.choice([-1.0, 1.0], n) * rng.uniform(*REACH, n)
        flags = np.array([isinstance(value, bool) for value in self.base.values()])
        target[flags] = rng.integers(0, 2, flags.sum())
        self._drawn = Drawn(depth / depth.sum(), target, np.roll(rng.permutation(n), 1))
        self._shape, self._scale = shape, shape(np.zeros(n), self._drawn)
        self.source = "".join(f"{name} = {value!r}\n" for name, value in self.base.items())
        self.number = zlib.crc32(self.source.encode())

    def loss(self, text: str) -> float:
        """The loss without noise; infinite where the program fails.

        Raises:
            NotAProgram: it is not the given program with other values of the same kind.
        """
        values = _values(text)
        if values.keys() != self.base.keys():
            raise NotAProgram(
                f"it has the constants {', '.join(values)[:200] or 'none'} and not "
                f"{', '.join(self.base)}"
            )
        x = np.array([_steps(name, values[name], base) for name, base in self.base.items()])
        return self._shape(x, self._drawn) / self._scale


def draw(kinds: str, studies: int, seed: int) -> list[Objective]:
    """So many objectives, the kinds in turn; the same for the same seed."""
    shapes = SHAPES[kinds]
    return [
        Objective(shapes[i % len(shapes)], np.random.default_rng([seed, i])) for i in range(studies)
    ]


def _values(text: str) -> dict[str, Value]:
    if len(text) > MAX_CHARS:
        raise NotAProgram(f"it has {len(text)} characters")
    try:
        lines = ast.parse(text).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise NotAProgram(f"it does not parse: {' '.join(str(error).split())[:100]}") from None
    values: dict[str, Value] = {}
    for node in lines:
        match node:
            case ast.Assign([ast.Name(name)], ast.Constant(bool() | int() | float() as value)):
                values[name] = value
            case _:
                raise NotAProgram(f"line {node.lineno} is not a constant")
    return values


def _steps(name: str, value: Value, base: Value) -> float:
    """How far a value lies from the given one, in factors of two; at most 20."""
    if type(value) is not type(base) or not math.isfinite(value):
        raise NotAProgram(f"{name} = {value!r:.40}; it is a {type(base).__name__}")
    if isinstance(base, bool):
        return float(value != base)
    if value <= 0:
        return -20.0
    if 0.5 < base < 1:  # shares near 1 count by what is missing
        return -math.log2(max(1 - value, 1e-6) / (1 - base))
    return max(-20.0, min(20.0, math.log2(value / base)))


def _move(value: Value, steps: int) -> Value:
    """Another value to begin with, so that what a proposer takes for usual is not always right."""
    if isinstance(value, bool):
        return value if steps else not value
    if isinstance(value, int):
        return max(1, round(value * 2.0**steps))
    return value if 0.5 < value < 1 else float(f"{value * 2.0**steps:.2g}")


def _huber(x: Array) -> Array:
    size = np.abs(x)
    return np.where(size < 2, size * size / 2, 2 * size - 2)
