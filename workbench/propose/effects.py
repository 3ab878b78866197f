"""Effects: what the scores so far tell about each knob, as a Gaussian process over the knobs' coordinates.

The score is modelled as a sum of one smooth curve per knob, plus a weaker term in which all knobs act together, plus noise:
additive models learn from few evaluations in many dimensions (Duvenaud, Nickisch, Rasmussen 2011, "Additive Gaussian processes").
Only numpy; knows nothing of programs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.propose.settings import TunerSettings

Array = npt.NDArray[np.float64]

DEFAULTS = TunerSettings()
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)


@dataclass(frozen=True)
class Axes:
    """The knobs as dimensions.

    Attributes:
        ordered: `(knobs,)` booleans; the others are choices, whose coordinates are only equal or not.
        weights: `(knobs,)` expected size of an effect, above 0. directions: `(knobs,)` prior lean, -1 to 1.
    """

    ordered: npt.NDArray[np.bool_]
    weights: Array
    directions: Array


class Effects:
    """The posterior over gains, given evaluations; immutable once made.

    Args:
        axes: the dimensions.
        points: `(n, knobs)` coordinates relative to the baseline. roots: `(n,)` lineage of each; the level of each lineage is free.
        gains: `(n,)` scores turned so that larger is better. counts: `(n,)` trials behind each, at least 1; 0 where a score is still
            awaited (then the model's own expectation is put in its place, so that its neighbourhood counts as known).
        noise: standard deviation of one trial; None when it is not known.
        settings: its `length`, `linear`, `together`, `lean` and `flatten` are the prior.
    """

    def __init__(
        self,
        axes: Axes,
        points: Array,
        roots: Sequence[int],
        gains: Array,
        counts: Array,
        noise: float | None,
        settings: TunerSettings = DEFAULTS,
    ) -> None:
        self.axes, self.settings = axes, settings
        self.roots = np.asarray(roots)
        known = counts > 0
        spread = max(
            float(np.std(gains[known])) if known.sum() > 1 else 0.0, 2 * (noise or 0.0), 1e-9
        )
        if known.sum() <= 1 and not noise:
            spread = 1.0
        counts = np.maximum(counts, 1.0)
        best = -math.inf
        self._given(points[known], self.roots[known])
        for scale in SCALES:
            for share in (None,) if noise is not None else (0.05, 0.2, 0.6):
                sd = (
                    noise
                    if share is None and noise is not None
                    else (share or 0.0) * spread * scale
                )
                fitted = self._fit(spread * scale, sd, gains[known], counts[known])
                if fitted > best:
                    best, chosen = fitted, (spread * scale, sd)
        self.scale, self.noise = chosen
        self._fit(*chosen, gains[known], counts[known])
        if not known.all():  # the "kriging believer" of Ginsbourger, Le Riche, Carraro (2010)
            believed = gains.copy()
            believed[~known] = self._level(points[~known], self.roots[~known])
            self._given(points, self.roots)
            self._fit(*chosen, believed, counts)

    def gain(self, moves: Array, root: int, reference: Array) -> tuple[Array, Array]:
        """Mean and standard deviation of the gain of each of `(m, knobs)` points over one `(knobs,)` point of the same lineage."""
        points = np.vstack([moves, reference[None, :]])
        cross = self.scale**2 * self._kernel(points, np.full(len(points), root), self._at, self._in)
        mean = self.scale * self._mean(points) + cross @ self._weights
        solved = np.linalg.solve(self._factor, (cross[:-1] - cross[-1:]).T)  # (n, m)
        variance = self._own(moves, reference) - np.sum(solved**2, axis=0)
        return mean[:-1] - mean[-1], np.sqrt(np.maximum(variance, 1e-12 * self.scale**2))

    def _given(self, points: Array, roots: npt.NDArray[np.int_]) -> None:
        """The points to condition on, with what does not hang on the scale."""
        self._at, self._in = points, roots
        self._base, self._lean = self._kernel(points, roots, points, roots), self._mean(points)

    def _fit(self, scale: float, noise: float, gains: Array, counts: Array) -> float:
        """Conditions on gains at the given points; returns the log likelihood."""
        self.offset = float(np.mean(gains)) if len(gains) else 0.0
        covariance = scale**2 * (self._base + 1e-6 * np.eye(len(gains))) + np.diag(
            noise**2 / counts
        )
        self._factor = np.linalg.cholesky(covariance)
        half = np.linalg.solve(self._factor, gains - self.offset - scale * self._lean)
        self._weights = np.linalg.solve(self._factor.T, half)
        return float(-0.5 * half @ half - np.log(np.diag(self._factor)).sum())

    def _level(self, points: Array, roots: npt.NDArray[np.int_]) -> Array:
        cross = self.scale**2 * self._kernel(points, roots, self._at, self._in)
        return np.asarray(self.offset + self.scale * self._mean(points) + cross @ self._weights)

    def _mean(self, points: Array) -> Array:
        """Prior mean for a scale of 1."""
        x = np.where(self.axes.ordered, points, 0.0)
        lean = self.settings.lean * self.axes.directions * np.tanh(x)
        return np.asarray(
            (lean - self.settings.flatten * np.minimum(x**2, 16.0)) @ self.axes.weights
        )

    def _kernel(
        self, a: Array, roots_a: npt.NDArray[np.int_], b: Array, roots_b: npt.NDArray[np.int_]
    ) -> Array:
        """Prior covariance for a scale of 1."""
        total = 25.0 * (roots_a[:, None] == roots_b[None, :]).astype(
            float
        )  # the free level of a lineage
        distance = np.zeros((len(a), len(b)))
        for k, weight in enumerate(self.axes.weights):
            if not (a[:, k].any() or b[:, k].any()):
                total += weight**2
                continue
            if self.axes.ordered[k]:
                square = (a[:, None, k] - b[None, :, k]) ** 2
                total += weight**2 * (
                    np.exp(-square / (2 * self.settings.length**2))
                    + self.settings.linear * a[:, None, k] * b[None, :, k]
                )
            else:
                square = 4.0 * (a[:, None, k] != b[None, :, k])
                total += 0.5 * weight**2 * (1.0 - square / 4.0)
            distance += min(float(weight), 2.0) ** 2 * square
        return np.asarray(
            total
            + self.settings.together * np.exp(-distance / (2 * (2 * self.settings.length) ** 2))
        )

    def _own(self, moves: Array, reference: Array) -> Array:
        """Prior variance of the difference between each move and the reference."""
        variance = np.zeros(len(moves))
        distance = np.zeros(len(moves))
        for k, weight in enumerate(self.axes.weights):
            delta = moves[:, k] - reference[k]
            if not delta.any():
                continue
            if self.axes.ordered[k]:
                variance += weight**2 * (
                    2 * (1 - np.exp(-(delta**2) / (2 * self.settings.length**2)))
                    + self.settings.linear * delta**2
                )
                distance += min(float(weight), 2.0) ** 2 * delta**2
            else:
                variance += weight**2 * (delta != 0)
                distance += min(float(weight), 2.0) ** 2 * 4.0 * (delta != 0)
        return np.asarray(
            self.scale**2
            * (
                variance
                + 2
                * self.settings.together
                * (1 - np.exp(-distance / (2 * (2 * self.settings.length) ** 2)))
            )
        )


def expected_improvement(mean: Array, sd: Array, threshold: float) -> Array:
    """`E[max(0, gain - threshold)]` for normal gains.

    Source: Jones, Schonlau, Welch (1998), "Efficient global optimization of expensive black-box functions", equation 15.
    """
    z = (mean - threshold) / sd
    below = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z])
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return np.asarray((mean - threshold) * below + sd * density)
