"""Unpaired: two programs that were never tried on equal seeds, each by its own trials."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from workbench.experiment import Objective

LEVEL = 0.95


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better one mean is than the other, in units of the score; above 0 is better.

    Attributes:
        low, high: the interval at 95 %. p: two-sided; None where the objective has no noise.
    """

    effect: float
    low: float
    high: float
    p: float | None


def unpaired(
    objective: Objective, own: Sequence[float], reference: Sequence[float]
) -> Difference | None:
    """The mean gain of `own` over `reference`, with the interval for two samples whose spreads may differ; None where one has none.

    Without noise the gain is the gain, and its interval a point. Where all scores of both are equal among themselves, so it is too.

    Args:
        own, reference: scores of ok trials, at least one each; with noise a spread takes two.

    Source: Welch, The generalization of "Student's" problem (Biometrika 34, 1947); degrees of freedom by Satterthwaite (1946).
    """
    effect = objective.gain(fmean(own), fmean(reference))
    if objective.noise == "none":
        return Difference(effect=effect, low=effect, high=effect, p=None)
    if min(len(own), len(reference)) < 2:
        return None
    from scipy.special import stdtr, stdtrit  # 0.1 s, and only a noisy objective needs it

    shares = [variance(scores) / len(scores) for scores in (own, reference)]
    error = math.sqrt(sum(shares))
    if not error:
        return Difference(effect=effect, low=effect, high=effect, p=float(not effect))
    freedom = sum(shares) ** 2 / sum(
        share**2 / (len(scores) - 1) for share, scores in zip(shares, (own, reference), strict=True)
    )
    half = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    return Difference(
        effect=effect,
        low=effect - half,
        high=effect + half,
        p=2 * float(stdtr(freedom, -abs(effect) / error)),
    )
