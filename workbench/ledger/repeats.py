"""Repeats: what the trials of a study say about its noise, pooled over its candidates.

Only running sums are kept, so that no trial is read again. This file also has the arithmetic of
pooled standard deviations for everyone else.
"""

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

# A candidate is an outlier if chance alone would make its spread smaller with this probability.
OUTLIER_LEVEL = 0.999
# Scores that differ by less than this share count as equal.
ROUNDING = 1e-12
# Quantile of the normal distribution for a one-sided limit of 95 %.
Z_95 = 1.645


class Squares(NamedTuple):
    """A sum of squared deviations.

    Attributes:
        total: the sum.
        freedom: its degrees of freedom.
    """

    total: float = 0.0
    freedom: int = 0

    @property
    def spread(self) -> float | None:
        """The standard deviation that it estimates; None without degrees of freedom."""
        return math.sqrt(self.total / self.freedom) if self.freedom else None

    def plus(self, total: float, freedom: int) -> "Squares":
        return Squares(self.total + total, self.freedom + freedom)


class MeanSquares(NamedTuple):
    """A one-way analysis of variance of values in groups.

    Attributes:
        within: mean square within the groups.
        within_freedom: its degrees of freedom.
        between: mean square between the groups.
        between_freedom: its degrees of freedom.
    """

    within: float
    within_freedom: int
    between: float
    between_freedom: int


def sum_squares(values: Sequence[float]) -> Squares:
    """Returns the squared deviations of values from their mean."""
    if len(values) < 2:
        return Squares()
    mean = fmean(values)
    return Squares(math.fsum((value - mean) ** 2 for value in values), len(values) - 1)


def pool_squares(groups: Iterable[Sequence[float]]) -> Squares:
    """Returns the squared deviations of values from the mean of their group."""
    pool = Squares()
    for group in groups:
        pool = pool.plus(*sum_squares(group))
    return pool


def standard_deviation(values: Sequence[float]) -> float | None:
    """Returns the sample standard deviation; None for fewer than two values."""
    return sum_squares(values).spread


def mean_squares(groups: Sequence[Sequence[float]]) -> MeanSquares | None:
    """Returns the mean squares of values in groups.

    One group alone has 0 between groups, at no degrees of freedom. The result is None if a group is
    empty, or if none has two values.
    """
    n_values = sum(map(len, groups))
    if not all(groups) or n_values <= len(groups):
        return None
    within = pool_squares(groups)
    grand_mean = fmean(itertools.chain(*groups))
    between = math.fsum(len(group) * (fmean(group) - grand_mean) ** 2 for group in groups)
    between_freedom = len(groups) - 1
    return MeanSquares(
        within=within.total / within.freedom,
        within_freedom=within.freedom,
        between=between / max(1, between_freedom),
        between_freedom=between_freedom,
    )


@dataclass
class Repeats:
    """Running sums for the spread of one trial, over candidates that were tried on several seeds.

    A candidate gets repeats because its first trial was good. That trial is therefore biased, and
    counts for the baseline only.

    Attributes:
        by_candidate: squared deviations of a candidate's scores from their mean.
        candidate_total: the same for decided candidates, over the seeds that their rival has too.
        rival_total: the same for what they were compared with, over these seeds.
        product_total: sum of the products of the two deviations.
        pair_freedom: degrees of freedom of these three.
        within_seeds: squared deviations of unit differences (candidate minus rival) within a seed.
        between_seeds: squared deviations of the seeds' mean differences.
    """

    by_candidate: dict[int, Squares] = field(default_factory=dict)
    candidate_total: float = 0.0
    rival_total: float = 0.0
    product_total: float = 0.0
    pair_freedom: int = 0
    within_seeds: Squares = field(default_factory=Squares)
    between_seeds: Squares = field(default_factory=Squares)
    _pooled: Squares | None = None

    @property
    def pooled(self) -> Squares:
        """The squares of the baseline and all candidates, with outliers cut off.

        A candidate that trains unstably, and is rejected for it, would otherwise hide what the
        others gain.
        """
        if self._pooled is None:
            self._pooled = self._pool()
        return self._pooled

    @property
    def spread(self) -> float | None:
        """Pooled standard deviation; None until something was repeated."""
        return self.pooled.spread

    @property
    def correlation(self) -> float:
        """How far two programs' scores under one seed go together: 0 if that is not known.

        This is the lower 95 % limit by Fisher's z, and at least 0. It describes an average
        candidate; a particular one may be far from it.
        """
        if self.pair_freedom < 4 or self.candidate_total <= 0 or self.rival_total <= 0:
            return 0.0
        estimate = self.product_total / (self.candidate_total * self.rival_total) ** 0.5
        # The z of a correlation of 1 is infinite.
        if estimate >= 1 - 1e-12:
            return 1.0
        z = math.atanh(max(estimate, -0.999)) - Z_95 / (self.pair_freedom - 2) ** 0.5
        return max(0.0, math.tanh(z))

    @property
    def dispersion(self) -> float:
        """Variance between seeds, as a multiple of what the units within a seed explain.

        It is 1 if that is not known.
        """
        within, between = self.within_seeds, self.between_seeds
        if not between.freedom or not within.total:
            return 1.0
        return between.total / between.freedom / (within.total / within.freedom)

    def add(self, candidate: int, scores: Sequence[float]) -> None:
        """Takes in the last of a candidate's scores.

        This is Welford's update of a sum of squares (Technometrics 4, 1962).
        """
        n_scores = len(scores)
        if n_scores < 2:
            return
        mean_before = fmean(scores[:-1])
        step = scores[-1] - mean_before
        # Otherwise rounding errors would give a deterministic score a tiny spread.
        if math.isclose(scores[-1], mean_before, rel_tol=ROUNDING):
            step = 0.0
        squares = self.by_candidate.get(candidate, Squares())
        self.by_candidate[candidate] = squares.plus(step**2 * (n_scores - 1) / n_scores, 1)
        self._pooled = None

    def add_pairs(self, pairs: Sequence[tuple[float, float]]) -> None:
        """Takes in a candidate's scores, each with its rival's under the same seed.

        If all pairs are equal, the two programs compute the same, and that says nothing about the
        correlation of different ones.
        """
        n_pairs = len(pairs)
        is_same = all(math.isclose(score, other, rel_tol=ROUNDING) for score, other in pairs)
        if n_pairs < 2 or is_same:
            return
        mean = sum(score for score, _ in pairs) / n_pairs
        rival_mean = sum(other for _, other in pairs) / n_pairs
        self.candidate_total += sum((score - mean) ** 2 for score, _ in pairs)
        self.rival_total += sum((other - rival_mean) ** 2 for _, other in pairs)
        self.product_total += sum((score - mean) * (other - rival_mean) for score, other in pairs)
        self.pair_freedom += n_pairs - 1

    def add_differences(self, differences: Sequence[Sequence[float]]) -> None:
        """Takes in how a candidate's units differ from its rival's: for each seed, unit by unit."""
        squares = mean_squares(differences)
        if squares is None:
            return
        within_total = squares.within * squares.within_freedom
        between_total = squares.between * squares.between_freedom
        self.within_seeds = self.within_seeds.plus(within_total, squares.within_freedom)
        self.between_seeds = self.between_seeds.plus(between_total, squares.between_freedom)

    def _pool(self) -> Squares:
        """Pools the baseline with the candidates in order of their variance.

        Each is compared with those before it by an F-test. Of an outlier, only as much is added as
        the test would still accept.
        """
        from scipy.special import fdtri  # takes 0.1 s to import, and only noisy objectives need it

        candidates = sorted(
            (squares for number, squares in self.by_candidate.items() if number > 0),
            key=lambda squares: squares.total / squares.freedom,
        )
        if 0 in self.by_candidate:
            pool = self.by_candidate[0]
        elif candidates:
            pool = candidates.pop(0)
        else:
            return Squares()
        for squares in candidates:
            max_total = math.inf
            if pool.total:
                ratio = float(fdtri(squares.freedom, pool.freedom, OUTLIER_LEVEL))
                max_total = pool.total / pool.freedom * ratio * squares.freedom
            pool = pool.plus(min(squares.total, max_total), squares.freedom)
        return pool
