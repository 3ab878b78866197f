"""Scores step functions for Erdős' minimum overlap problem, exactly, in whole numbers.

The problem is B.5 of AlphaEvolve (arXiv 2506.13131). Heights are whole numbers of 1 / HEIGHT, so
that nothing is rounded, repaired or tolerated. No candidate code is imported here.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from operator import mul
from typing import Any

from workbench.evaluate import Array, CandidateFailed

HEIGHT = 10**9
MAX_STEPS = 1000


def evaluate(trial: Any) -> dict[str, float]:
    """`overlap`: an upper bound of the constant, never less than what the step function proves.

    Raises:
        CandidateFailed: a height outside 0..HEIGHT, heights that do not add up, or a search that
        took more than `cpu_cap`.
    """
    steps = int(trial.settings["steps"])
    cap = float(trial.settings["cpu_cap"])
    if not 2 <= steps <= MAX_STEPS:
        raise ValueError(f"steps = {steps}; it is from 2 to {MAX_STEPS}")
    with trial.start("construct.py") as process:
        heights = process.call("construct", steps, trial.seed, returns=Array("int64", (steps,)))
    if process.cpu_seconds > cap:
        raise CandidateFailed(
            f"the search took {process.cpu_seconds:.1f} CPU seconds; it may take {cap:g} "
            "(settings.cpu_cap)"
        )
    return {
        "overlap": float_above(largest_overlap(heights.tolist())),
        "cpu_seconds": float(process.cpu_seconds),
    }


def largest_overlap(heights: Sequence[int]) -> Fraction:
    """The largest value over x of the integral of f(t) (1 - f(t + x)), t and t + x in [-1, 1].

    f is the step function on equal parts of [-1, 1] with these heights, in units of 1 / HEIGHT.
    Between two shifts by whole steps the integral is linear in x, so that the largest value is
    taken at one of them.

    Raises:
        CandidateFailed: a height is outside 0..HEIGHT, or the integral of f is not 1.
    """
    steps = len(heights)
    if min(heights) < 0 or max(heights) > HEIGHT:
        raise CandidateFailed(
            f"heights go from {min(heights)} to {max(heights)}; they lie between 0 and {HEIGHT}"
        )
    if 2 * sum(heights) != steps * HEIGHT:
        raise CandidateFailed(
            f"heights add up to {sum(heights)}; the integral of f is 1 where they add up to "
            f"{steps * HEIGHT / 2:.1f}"
        )
    rest = [HEIGHT - height for height in heights]
    ahead = (sum(map(mul, heights, rest[shift:])) for shift in range(steps))
    behind = (sum(map(mul, heights[shift:], rest)) for shift in range(1, steps))
    return Fraction(2 * max(*ahead, *behind), steps * HEIGHT**2)


def float_above(value: Fraction) -> float:
    """The smallest float that is not below `value`."""
    nearest = float(value)
    return math.nextafter(nearest, math.inf) if Fraction(nearest) < value else nearest
