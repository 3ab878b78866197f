"""Repeats: what the trials of a study say about its noise, pooled over its candidates; running sums, nothing read again."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

WILD = 0.999  # a candidate whose spread is larger than this share of what chance makes of the others' says nothing about theirs
ROUNDING = 1e-12  # of a score: what differs by less is equal


class Squares(NamedTuple):
    """A sum of squared deviations, and its degrees of freedom."""

    total: float = 0.0
    freedom: int = 0


class MeanSquares(NamedTuple):
    """Of values in groups, within and between the groups, with their degrees of freedom: a one-way analysis of variance."""

    within: float
    within_freedom: int
    between: float
    between_freedom: int


def mean_squares(groups: Sequence[Sequence[float]]) -> MeanSquares | None:
    """The mean squares of values in groups; None where no group has two, or one has none. One group has 0 between, at no freedom."""
    n = sum(map(len, groups))
    if not all(groups) or n <= len(groups):
        return None
    means, middle = [fmean(group) for group in groups], fmean(itertools.chain(*groups))
    within = math.fsum(
        (value - mean) ** 2 for group, mean in zip(groups, means, strict=True) for value in group
    )
    between = math.fsum(
        len(group) * (mean - middle) ** 2 for group, mean in zip(groups, means, strict=True)
    )
    return MeanSquares(
        within / (n - len(groups)),
        n - len(groups),
        between / max(1, len(groups) - 1),
        len(groups) - 1,
    )


@dataclass
class Repeats:
    """Running sums for the spread of one trial, pooled over the candidates that were tried on several seeds.

    A candidate's first trial counts for the baseline only: later ones reached their repeats because it was good.

    Attributes:
        squares: by candidate, of its scores about their mean.
        own, beside, together, pairs: of decided candidates and of what they were compared with under equal seeds: sums of squares
            of either, of their products, and their degrees of freedom.
        units, units_freedom, seeds, seeds_freedom: of differences between units of decided candidates and of what they were
            compared with: sums of squares within a seed and between seeds.
    """

    squares: dict[int, Squares] = field(default_factory=dict)
    own: float = 0.0
    beside: float = 0.0
    together: float = 0.0
    pairs: int = 0
    units: float = 0.0
    units_freedom: int = 0
    seeds: float = 0.0
    seeds_freedom: int = 0
    _pooled: Squares | None = None

    @property
    def pooled(self) -> Squares:
        """The squares of all candidates but wild ones: of the baseline, and from the calmest on until one is wilder than those before.

        One candidate that trains unstably, and is rejected for it, would else hide what the others gain.
        """
        if self._pooled is None:
            self._pooled = self._calm()
        return self._pooled

    @property
    def spread(self) -> float | None:
        """Pooled standard deviation; None before there are two repeats of anything."""
        pooled = self.pooled
        return math.sqrt(pooled.total / pooled.freedom) if pooled.freedom else None

    @property
    def correlation(self) -> float:
        """Of two programs' scores under one seed: the lower 95 % limit (Fisher's z), 0 where it is below or not known.

        It is that of an average candidate; another's may be far from it.
        """
        if self.pairs < 4 or self.own <= 0 or self.beside <= 0:
            return 0.0
        found = self.together / (self.own * self.beside) ** 0.5
        if found >= 1 - 1e-12:
            return 1.0
        return max(0.0, math.tanh(math.atanh(max(found, -0.999)) - 1.645 / (self.pairs - 2) ** 0.5))

    @property
    def dispersion(self) -> float:
        """How many times as much the seeds vary as the units within a seed explain; 1 where that is not known."""
        return (
            self.seeds / self.seeds_freedom / (self.units / self.units_freedom)
            if self.seeds_freedom and self.units
            else 1.0
        )

    def add_differences(self, seeds: Sequence[Sequence[float]]) -> None:
        """Takes in a candidate's differences from its rival, unit by unit, for each seed."""
        if found := mean_squares(seeds):
            self.units += found.within * found.within_freedom
            self.units_freedom += found.within_freedom
            self.seeds += found.between * found.between_freedom
            self.seeds_freedom += found.between_freedom

    def add_pairs(self, pairs: list[tuple[float, float]]) -> None:
        """Takes in a candidate's scores, each with that of its rival under the same seed; equal ones say nothing of other programs."""
        n = len(pairs)
        if n >= 2 and not all(math.isclose(a, b, rel_tol=ROUNDING) for a, b in pairs):
            own, beside = (sum(pair[side] for pair in pairs) / n for side in (0, 1))
            self.own += sum((a - own) ** 2 for a, _ in pairs)
            self.beside += sum((b - beside) ** 2 for _, b in pairs)
            self.together += sum((a - own) * (b - beside) for a, b in pairs)
            self.pairs += n - 1

    def add(self, candidate: int, scores: list[float]) -> None:
        """Takes in the last of a candidate's scores, by Welford's update of its sum of squares."""
        n = len(scores)
        if n >= 2:
            before, known = fmean(scores[:-1]), self.squares.get(candidate, Squares())
            step = (
                0.0 if math.isclose(scores[-1], before, rel_tol=ROUNDING) else scores[-1] - before
            )
            self.squares[candidate] = Squares(
                known.total + step**2 * (n - 1) / n, known.freedom + 1
            )
            self._pooled = None

    def _calm(self) -> Squares:
        """What `pooled` says, by F-tests."""
        from scipy.special import fdtri  # 0.1 s, and only a noisy objective needs it

        others = sorted(
            (each for number, each in self.squares.items() if number),
            key=lambda each: each.total / each.freedom,
        )
        pool = self.squares.get(0) or (others.pop(0) if others else Squares())
        for each in others:
            most = (
                pool.total / pool.freedom * float(fdtri(each.freedom, pool.freedom, WILD))
                if pool.total
                else math.inf
            )
            pool = Squares(
                pool.total + min(each.total, most * each.freedom), pool.freedom + each.freedom
            )
        return pool
