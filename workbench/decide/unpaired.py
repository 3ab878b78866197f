"""Compares two programs that were never tried on equal seeds, each by its own trials."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from workbench.experiment import Objective

LEVEL = 0.95  # coverage of the interval


@dataclass(frozen=True, kw_only=True)
class Difference:
    """How much better one mean is than the other, in units of the score; above 0 is better.

    Attributes:
        effect: the difference of the means.
        low: lower end of the 95 % interval.
        high: upper end of the 95 % interval.
        p: two-sided p-value; None where the objective has no noise.
    """

    effect: float
    low: float
    high: float
    p: float | None


def compare_unpaired(
    objective: Objective, scores: Sequence[float], reference: Sequence[float]
) -> Difference | None:
    """The mean gain of `scores` over `reference`, for two samples whose spreads may differ.

    Without noise, and where neither sample varies, the interval is a point.

    Source: Welch, The generalization of "Student's" problem (Biometrika 34, 1947); degrees of
    freedom by Satterthwaite (1946).

    Args:
        scores: of ok trials, at least one.
        reference: of ok trials, at least one.

    Returns:
        None where the objective is noisy and one sample has a single score, so that its spread is
        unknown.
    """
    effect = objective.gain(fmean(scores), fmean(reference))
    if objective.noise == "none":
        return Difference(effect=effect, low=effect, high=effect, p=None)
    samples = (scores, reference)
    if min(map(len, samples)) < 2:
        return None
    from scipy.special import stdtr, stdtrit  # 0.1 s to import; only noisy objectives need it

    # Variance of each mean; they add up to that of the difference.
    variances = [variance(sample) / len(sample) for sample in samples]
    error = math.sqrt(sum(variances))
    if not error:
        return Difference(effect=effect, low=effect, high=effect, p=float(not effect))
    weights = [
        share**2 / (len(sample) - 1) for share, sample in zip(variances, samples, strict=True)
    ]
    freedom = sum(variances) ** 2 / sum(weights)
    half_width = float(stdtrit(freedom, (1 + LEVEL) / 2)) * error
    return Difference(
        effect=effect,
        low=effect - half_width,
        high=effect + half_width,
        p=2 * float(stdtr(freedom, -abs(effect) / error)),
    )
