"""Curves: the series that trials report over time, and the bytes that they are stored as."""

import struct
import zlib
from collections.abc import Iterable
from typing import NamedTuple

MAX_FLOAT32 = 3.4028234663852886e38


class Curve(NamedTuple):
    """One series of one trial.

    Attributes:
        steps: when the values were reported, in the trial's own unit.
        values: as many as there are steps.
        self_reported: whether the candidate printed it; else the evaluator measured it.
    """

    steps: tuple[float, ...]
    values: tuple[float, ...]
    self_reported: bool


class LivePoint(NamedTuple):
    """One point of a series of a running trial."""

    candidate: int
    trial: int
    series: str
    step: float
    value: float
    self_reported: bool


def collect(points: Iterable[tuple[str, bool, float, float]]) -> dict[str, Curve]:
    """Collects points of one trial into curves.

    To a series that the evaluator measures, a candidate cannot add anything.

    Args:
        points: series, whether it is self-reported, step and value, in order.
    """
    points = list(points)
    measured = {series for series, self_reported, _, _ in points if not self_reported}
    steps: dict[str, list[float]] = {}
    values: dict[str, list[float]] = {}
    for series, self_reported, step, value in points:
        if self_reported and series in measured:
            continue
        steps.setdefault(series, []).append(step)
        values.setdefault(series, []).append(value)
    return {
        series: Curve(tuple(steps[series]), tuple(values[series]), series not in measured)
        for series in steps
    }


def pack(curve: Curve) -> bytes:
    """Returns a curve as compressed bytes.

    These are the number of points (uint32), the steps as float64 and the values as float32, all
    little-endian.
    """
    n_points = len(curve.steps)
    values = (max(-MAX_FLOAT32, min(MAX_FLOAT32, value)) for value in curve.values)
    return zlib.compress(struct.pack(f"<I{n_points}d{n_points}f", n_points, *curve.steps, *values))


def unpack(body: bytes, self_reported: bool) -> Curve:
    """Returns the curve that `pack` wrote."""
    data = zlib.decompress(body)
    n_points = struct.unpack_from("<I", data)[0]
    numbers = struct.unpack_from(f"<{n_points}d{n_points}f", data, 4)
    return Curve(numbers[:n_points], numbers[n_points:], self_reported)
