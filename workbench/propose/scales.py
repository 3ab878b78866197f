"""Scales: coordinates in which one unit is one natural step of a literal.

Also a tidy way to write a value back.

Standard library only; knows nothing of the programs in which the literals occur.
"""

import math
import re
from dataclasses import dataclass
from typing import Literal

Value = bool | int | float | str
Kind = Literal["log", "double", "count", "inside", "ladder", "choice"]

# What a value of 0 may become: 0 has no factor of two.
ZERO_FLOATS: tuple[Value, ...] = (0.0, 0.01, 0.03, 0.1, 0.3)
ZERO_INTS: tuple[Value, ...] = (0, 1, 3, 10, 30, 100)


@dataclass(frozen=True)
class Scale:
    """The coordinate of a knob.

    For every kind but `choice`, a larger coordinate means a larger size of the value.

    Attributes:
        kind: how the value moves. `log`: one unit is a factor of two. `double`: integers times
            powers of two. `count`: one unit is `step`. `inside`: stays between 0 and 1; one unit
            halves the distance to the nearer end, or doubles it. `ladder`: one unit is one rung of
            `values`. `choice`: `values` without an order.
        integer: true if the values are integers.
        sign: 1 or -1; it never changes.
        step: size of a unit of `count`.
        factor: the odd factor that `double` keeps.
        values: of `ladder` and `choice`.
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
        """True if half a unit makes a difference."""
        return self.kind in ("log", "inside")

    def at(self, value: Value) -> float:
        """The coordinate of a value.

        A value that is not on the scale gets that of the nearest one.
        """
        if self.values:
            return float(self._find_index(value))
        size = abs(float(value))
        if self.kind == "count":
            return size / self.step
        if self.kind == "inside" and 0 < size < 1:
            if size <= 0.5:
                return math.log2(2 * size)
            return -math.log2(2 * (1 - size))
        return math.log2(max(size, 1e-300) / self.factor)

    def _find_index(self, value: Value) -> int:
        if value in self.values:
            return self.values.index(value)
        if self.kind == "choice" or isinstance(value, str):
            return len(self.values)  # differs from every known choice
        distances = [abs(float(other) - float(value)) for other in self.values]
        return distances.index(min(distances))

    def value(self, x: float) -> Value:
        """The tidy value nearest to a coordinate."""
        if self.values:
            return self.values[min(max(round(x), 0), len(self.values) - 1)]
        if self.kind == "count":
            return self.sign * max(1, round(x * self.step))
        if self.kind == "double":
            return self.sign * self.factor << max(0, round(x))
        if self.kind == "inside":
            return self.sign * self._size_inside(x)
        if self.integer:
            return self.sign * max(1, int(_round(2.0 ** min(x, 60))))
        return self.sign * _round(2.0**x)

    @staticmethod
    def _size_inside(x: float) -> float:
        """The size between 0 and 1 at a coordinate: rounded as a distance to the nearer end."""
        if x <= 0:
            return _round(2.0 ** (x - 1))
        return round(1 - _round(2.0 ** (-x - 1)), 15)


def choose_scale(value: Value, choices: tuple[Value, ...] = (), is_count: bool = False) -> Scale:
    """The scale that suits a value.

    Args:
        value: the value in the source.
        choices: all that it may be; empty if that is not known.
        is_count: true if its name says that it counts a few things, such as layers.
    """
    if choices:
        if all(_is_number(choice) for choice in choices):
            return Scale("ladder", values=tuple(sorted(choices)))
        return Scale("choice", values=choices)
    if isinstance(value, bool):
        return Scale("choice", values=(False, True))
    if isinstance(value, str):
        return Scale("choice", values=(value,))
    sign = -1 if value < 0 else 1
    if isinstance(value, float):
        return _choose_float_scale(abs(value), sign)
    return _choose_integer_scale(abs(value), sign, is_count)


def _choose_float_scale(size: float, sign: int) -> Scale:
    if size == 0:
        return Scale("ladder", values=ZERO_FLOATS)
    if size < 1:
        return Scale("inside", sign=sign)
    return Scale("log", sign=sign)


def _choose_integer_scale(size: int, sign: int, is_count: bool) -> Scale:
    if size == 0:
        return Scale("ladder", values=ZERO_INTS)
    power_of_two = size & -size  # the largest one that divides the size
    odd_factor = size // power_of_two
    if is_count or size < 4 or (size < 8 and odd_factor != 1):
        return Scale("count", integer=True, sign=sign, step=max(1, size // 8))
    # A batch size of 48 is 3 x 16: the search keeps the 3 and tries 24 and 96.
    if odd_factor <= 9 and (power_of_two >= 8 or odd_factor == 1):
        return Scale("double", integer=True, sign=sign, factor=odd_factor)
    return Scale("log", integer=True, sign=sign)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def format_literal(value: Value, like: str) -> str:
    """The literal for a value, written like the one that it replaces.

    So `3e-3` stays scientific, and `50_304` keeps its underscores.

    Args:
        value: of the same type as the literal `like`.
        like: the literal in the source, a minus sign included.
    """
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        quote = re.match(r"[A-Za-z]*('''|\"\"\"|'|\")", like)
        mark = quote[1] if quote else '"'
        return f"{mark}{value}{mark}"
    text = str(value)
    if isinstance(value, float):
        exponent = re.search(r"[eE]", like)
        if exponent or "e" in text:
            return _format_scientific(value, exponent[0] if exponent else "e")
    if "_" in like:
        return f"{value:_}"
    return text


def _format_scientific(value: float, letter: str) -> str:
    mantissa, exponent = f"{value:.14e}".split("e")
    mantissa = mantissa.rstrip("0").rstrip(".")
    return f"{mantissa}{letter}{int(exponent)}"


def _round(value: float) -> float:
    """A value with two significant digits."""
    return float(f"{value:.1e}")
