"""Repeats: what the trials of a study say about its noise, pooled over all candidates; running sums, nothing read again."""

import math
from dataclasses import dataclass


@dataclass
class Repeats:
    """Running sums for the spread of one trial, pooled over all candidates that were tried on several seeds.

    A candidate's first trial counts for the baseline only: later ones reached their repeats because it was good.

    Attributes:
        squares: sum of squared deviations from each candidate's mean. freedom: its degrees of freedom.
        own, beside, together, pairs: the same for decided candidates and for what they were compared with under equal seeds:
            sums of squares of either, of their products, and their degrees of freedom.
    """

    squares: float = 0.0
    freedom: int = 0
    own: float = 0.0
    beside: float = 0.0
    together: float = 0.0
    pairs: int = 0

    @property
    def spread(self) -> float | None:
        """Pooled standard deviation; None before there are two repeats of anything."""
        return float((max(self.squares, 0.0) / self.freedom) ** 0.5) if self.freedom else None

    @property
    def correlation(self) -> float:
        """Of two programs' scores under one seed: the lower 95 % limit (Fisher's z), 0 where it is below or not known."""
        if self.pairs < 4 or self.own <= 0 or self.beside <= 0:
            return 0.0
        found = self.together / (self.own * self.beside) ** 0.5
        if found >= 1 - 1e-12:
            return 1.0
        return max(0.0, math.tanh(math.atanh(max(found, -0.999)) - 1.645 / (self.pairs - 2) ** 0.5))

    def add_pairs(self, pairs: list[tuple[float, float]]) -> None:
        """Takes in a candidate's scores, each with that of its rival under the same seed."""
        n = len(pairs)
        if n >= 2:
            own, beside = (sum(pair[side] for pair in pairs) / n for side in (0, 1))
            self.own += sum((a - own) ** 2 for a, _ in pairs)
            self.beside += sum((b - beside) ** 2 for _, b in pairs)
            self.together += sum((a - own) * (b - beside) for a, b in pairs)
            self.pairs += n - 1

    def add(self, scores: list[float]) -> None:
        """Takes in the last of a candidate's scores, by Welford's update of its sum of squares."""
        n = len(scores)
        if n >= 2:
            before = sum(scores[:-1]) / (n - 1)
            self.squares += (scores[-1] - before) ** 2 * (n - 1) / n
            self.freedom += 1
