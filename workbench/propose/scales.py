"""How a literal may move: a coordinate in which one unit is one natural step, and a tidy way to write the value back.

Standard library only; knows nothing of where a literal stands.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal

Value = bool | int | float | str
Kind = Literal["log", "double", "count", "inside", "ladder", "choice"]

ZERO_FLOATS: tuple[Value, ...] = (0.0, 0.01, 0.03, 0.1, 0.3)
ZERO_INTS: tuple[Value, ...] = (0, 1, 3, 10, 30, 100)


@dataclass(frozen=True)
class Scale:
    """The coordinate of a knob; for every kind but `choice`, larger is a larger size of the value (its sign is kept).

    Attributes:
        kind: `log` (one unit is a factor of two), `double` (integers times powers of two), `count` (one unit is `step`),
            `inside` (stays between 0 and 1: one unit halves the distance to the nearer end, or doubles it),
            `ladder` (one unit is one rung of `values`), `choice` (`values` without an order).
        factor: the odd part that `double` keeps.
    """

    kind: Kind
    integer: bool = False
    sign: int = 1
    step: int = 1
    factor: int = 1
    values: tuple[Value, ...] = ()

    @property
    def is_ordered(self) -> bool:
        return self.kind != "choice"

    @property
    def is_fine(self) -> bool:
        """Whether half a unit makes a difference."""
        return self.kind in ("log", "inside")

    def at(self, value: Value) -> float:
        """The coordinate of a value, nearest where the scale does not hold it."""
        if self.values:
            if value in self.values:
                return float(self.values.index(value))
            if self.kind == "choice" or isinstance(value, str):
                return float(len(self.values))
            return float(
                min(
                    range(len(self.values)), key=lambda i: abs(float(self.values[i]) - float(value))
                )
            )
        size = abs(float(value))
        if self.kind == "count":
            return size / self.step
        if self.kind == "inside" and 0 < size < 1:
            return math.log2(2 * size) if size <= 0.5 else -math.log2(2 * (1 - size))
        return math.log2(max(size, 1e-300) / self.factor)

    def value(self, x: float) -> Value:
        """The tidy value nearest to a coordinate."""
        if self.values:
            return self.values[min(max(round(x), 0), len(self.values) - 1)]
        if self.kind == "count":
            return self.sign * max(1, round(x * self.step))
        if self.kind == "double":
            return self.sign * self.factor << max(0, round(x))
        if self.kind == "inside":
            return self.sign * (
                _rounded(2.0 ** (x - 1)) if x <= 0 else round(1 - _rounded(2.0 ** (-x - 1)), 15)
            )
        if self.integer:
            return self.sign * max(1, int(_rounded(2.0 ** min(x, 60))))
        return self.sign * _rounded(2.0**x)


def scale_for(value: Value, choices: tuple[Value, ...] = (), counted: bool = False) -> Scale:
    """The scale that suits a value; `counted` says that its name means a small number of things (layers)."""
    if choices:
        plain = all(
            isinstance(choice, int | float) and not isinstance(choice, bool) for choice in choices
        )
        return (
            Scale("ladder", values=tuple(sorted(choices)))
            if plain
            else Scale("choice", values=choices)
        )
    if isinstance(value, bool):
        return Scale("choice", values=(False, True))
    if isinstance(value, str):
        return Scale("choice", values=(value,))
    if value == 0:
        return Scale("ladder", values=ZERO_FLOATS if isinstance(value, float) else ZERO_INTS)
    sign, size = (-1 if value < 0 else 1), abs(value)
    if isinstance(size, float):
        return Scale("inside" if size < 1 else "log", sign=sign)
    twos = size & -size
    if counted or size < 4 or (size < 8 and twos != size):
        return Scale("count", integer=True, sign=sign, step=max(1, size // 8))
    if size // twos <= 9 and (twos >= 8 or twos == size):
        return Scale("double", integer=True, sign=sign, factor=size // twos)
    return Scale("log", integer=True, sign=sign)


def write(value: Value, like: str) -> str:
    """The literal for a value in the manner of the one it replaces: `3e-3` stays scientific, `50_304` keeps underscores.

    Args:
        value: of the same type as the literal `like`.
        like: the literal as it stands in the source, a minus sign included.
    """
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        quote = re.match(r"[A-Za-z]*('''|\"\"\"|'|\")", like)
        mark = quote[1] if quote else '"'
        return f"{mark}{value}{mark}"
    if isinstance(value, int):
        return f"{value:_}" if "_" in like else str(value)
    text = repr(float(value))
    scientific = re.search(r"[eE]", like)
    if scientific or "e" in text:
        mantissa, exponent = f"{value:.14e}".split("e")
        mantissa = mantissa.rstrip("0").rstrip(".")
        return f"{mantissa}{scientific[0] if scientific else 'e'}{int(exponent)}"
    return f"{value:_}" if "_" in like else text


def _rounded(value: float) -> float:
    """Two significant digits."""
    return float(f"{value:.1e}")
