"""Scores circles in the unit square: checks them in exact arithmetic and adds up the radii.

The problem is B.12 of AlphaEvolve (arXiv 2506.13131). A float is a whole number times a power of
two, so the coordinates are taken
as they are given: nothing is rounded, repaired or tolerated. No candidate code is imported here.
"""

import math
from fractions import Fraction
from itertools import combinations
from typing import Any

import numpy as np

from workbench.evaluate import Array, CandidateFailed

MAX_CIRCLES = 200


def evaluate(trial: Any) -> dict[str, float]:
    """`sum_radii` of n circles in the unit square that do not overlap, rounded down.

    Raises:
        CandidateFailed: a circle reaches out of the square or into another one, or the search took
        more than `cpu_cap`.
    """
    n = int(trial.settings["n"])
    cap = float(trial.settings["cpu_cap"])
    if not 1 <= n <= MAX_CIRCLES:
        raise ValueError(f"n = {n}; it is from 1 to {MAX_CIRCLES}")
    with trial.start("pack.py") as process:
        circles = process.call("pack", n, trial.seed, returns=Array("float64", (n, 3)))
    if process.cpu_seconds > cap:
        raise CandidateFailed(
            f"the search took {process.cpu_seconds:.1f} CPU seconds; it may take {cap:g} "
            "(settings.cpu_cap)"
        )
    return {
        "sum_radii": float_below(total_radius(circles)),
        "cpu_seconds": float(process.cpu_seconds),
    }


def total_radius(circles: np.ndarray) -> Fraction:
    """The exact sum of the radii of `(n, 3)` floats x, y, radius.

    Raises:
        CandidateFailed: a radius is below 0, a circle is not inside the unit square, or two
        overlap; touching is allowed.
    """
    ratios = [[value.as_integer_ratio() for value in circle] for circle in circles.tolist()]
    unit = max(below for circle in ratios for _, below in circle)  # all are powers of two
    whole = [tuple(above * (unit // below) for above, below in circle) for circle in ratios]
    for number, (x, y, r) in enumerate(whole):
        if r < 0:
            raise CandidateFailed(
                f"circle {number} has the radius {float(circles[number, 2])}; it is at least 0"
            )
        if not (r <= x <= unit - r and r <= y <= unit - r):
            raise CandidateFailed(
                f"circle {number} reaches out of the unit square; the check is exact, shrink it "
                "by more than rounding"
            )
    for (i, (x, y, r)), (j, (u, v, s)) in combinations(enumerate(whole), 2):
        if (x - u) ** 2 + (y - v) ** 2 < (r + s) ** 2:
            raise CandidateFailed(
                f"circles {i} and {j} overlap; the check is exact, shrink them by more than "
                "rounding"
            )
    return Fraction(sum(r for _, _, r in whole), unit)


def float_below(value: Fraction) -> float:
    """The largest float that is not above `value`."""
    nearest = float(value)
    return math.nextafter(nearest, -math.inf) if Fraction(nearest) > value else nearest
