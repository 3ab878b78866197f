"""Effects: what the scores so far tell about each knob.

It is a Gaussian process over the knobs' coordinates.

The score is modelled as the sum of one smooth curve per knob, a weaker term in which all knobs act
together, and noise. Additive models learn from few evaluations in many dimensions (Duvenaud,
Nickisch, Rasmussen 2011, "Additive Gaussian processes"). Needs only numpy; knows nothing of
programs.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from workbench.propose.settings import TunerSettings

Array = npt.NDArray[np.float64]
Roots = npt.NDArray[np.int_]

DEFAULTS = TunerSettings()
# Candidates for the size of the effects, relative to the spread of the scores; the most likely one
# is used.
SCALES = (0.25, 0.5, 1.0, 2.0, 4.0)
# Candidates for the noise of one trial, relative to the size of the effects; used if the noise is
# not known.
NOISE_SHARES = (0.05, 0.2, 0.6)
LEVEL_VARIANCE = (
    25.0  # of the level of a lineage, relative to an effect: large, so that the scores alone decide
)
CHOICE_DISTANCE = (
    4.0  # square of the distance between two values of a knob whose values have no order
)
MAX_DISTANCE_WEIGHT = 2.0
JITTER = 1e-6  # added to the diagonal, so that equal points do not make the covariance singular


@dataclass(frozen=True)
class Axes:
    """The knobs as dimensions.

    Attributes:
        ordered: booleans, `(knobs,)`. Coordinates of the other knobs are choices: only equal or
            different.
        weights: expected size of an effect, `(knobs,)`; above 0.
        directions: which way an increase is expected to work, `(knobs,)`; -1 to 1.
    """

    ordered: npt.NDArray[np.bool_]
    weights: Array
    directions: Array


class Effects:
    """The posterior over gains, given evaluations. It does not change once it is made.

    Args:
        axes: the dimensions.
        points: coordinates relative to the baseline, `(n, knobs)`.
        roots: lineage of each point, `(n,)`. The level of each lineage is fitted separately.
        gains: scores, turned so that larger is better, `(n,)`.
        counts: trials behind each score, `(n,)`; 0 if a score is still awaited. Then the model's
            own expectation takes the place of the score, so that the neighbourhood of the point
            counts as explored.
        noise: standard deviation of one trial; None if it is not known.
        settings: `length`, `linear`, `together`, `lean` and `flatten` are the prior.
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
        self.axes = axes
        self.settings = settings
        all_roots = np.asarray(roots)
        has_score = counts > 0
        counts = np.maximum(counts, 1.0)
        scored_gains = gains[has_score]
        spread = _spread(scored_gains, noise)
        self._set_points(points[has_score], all_roots[has_score])
        best = -math.inf
        for relative_scale in SCALES:
            scale = spread * relative_scale
            if noise is not None:
                noises = [noise]
            else:
                noises = [share * spread * relative_scale for share in NOISE_SHARES]
            for candidate_noise in noises:
                likelihood = self._fit(scale, candidate_noise, scored_gains, counts[has_score])
                if likelihood > best:
                    best = likelihood
                    self.scale = scale
                    self.noise = candidate_noise
        self._fit(self.scale, self.noise, scored_gains, counts[has_score])
        if not has_score.all():
            # The "kriging believer" of Ginsbourger, Le Riche, Carraro (2010): what is awaited
            # counts as it is expected.
            believed = gains.copy()
            believed[~has_score] = self._predict(points[~has_score], all_roots[~has_score])
            self._set_points(points, all_roots)
            self._fit(self.scale, self.noise, believed, counts)

    def gain(self, moves: Array, root: int, reference: Array) -> tuple[Array, Array]:
        """Gain of each of some points over a reference point of the same lineage.

        Args:
            moves: the points, `(m, knobs)`.
            root: their lineage.
            reference: the point to compare with, `(knobs,)`.

        Returns:
            Mean and standard deviation, `(m,)` each.
        """
        points = np.vstack([moves, reference[None, :]])
        cross = self.scale**2 * self._kernel(
            points, np.full(len(points), root), self._points, self._roots
        )
        mean = self.scale * self._mean(points) + cross @ self._weights
        solved = np.linalg.solve(self._factor, (cross[:-1] - cross[-1:]).T)  # (n, m)
        variance = self._prior_variance(moves, reference) - np.sum(solved**2, axis=0)
        return mean[:-1] - mean[-1], np.sqrt(np.maximum(variance, 1e-12 * self.scale**2))

    def _set_points(self, points: Array, roots: Roots) -> None:
        """Sets the points to condition on, and computes what does not depend on the scale."""
        self._points = points
        self._roots = roots
        self._base = self._kernel(points, roots, points, roots)
        self._lean = self._mean(points)

    def _fit(self, scale: float, noise: float, gains: Array, counts: Array) -> float:
        """Conditions on the gains at the points that were set; returns the log likelihood.

        Source: Rasmussen, Williams (2006), "Gaussian Processes for Machine Learning", algorithm
        2.1.
        """
        self.offset = float(np.mean(gains)) if len(gains) else 0.0
        covariance = scale**2 * (self._base + JITTER * np.eye(len(gains)))
        covariance = covariance + np.diag(noise**2 / counts)
        self._factor = np.linalg.cholesky(covariance)
        half = np.linalg.solve(self._factor, gains - self.offset - scale * self._lean)
        self._weights = np.linalg.solve(self._factor.T, half)
        return float(-0.5 * half @ half - np.log(np.diag(self._factor)).sum())

    def _predict(self, points: Array, roots: Roots) -> Array:
        """The score that is expected at each of some points, `(m,)`."""
        cross = self.scale**2 * self._kernel(points, roots, self._points, self._roots)
        return np.asarray(self.offset + self.scale * self._mean(points) + cross @ self._weights)

    def _mean(self, points: Array) -> Array:
        """Prior mean for a scale of 1, `(len(points),)`.

        It leans where names say so, and falls off far from the baseline.
        """
        x = np.where(self.axes.ordered, points, 0.0)
        lean = self.settings.lean * self.axes.directions * np.tanh(x)
        fall = self.settings.flatten * np.minimum(x**2, 16.0)
        return np.asarray((lean - fall) @ self.axes.weights)

    def _kernel(self, a: Array, roots_a: Roots, b: Array, roots_b: Roots) -> Array:
        """Prior covariance of the scores at points `a` and `b`, for a scale of 1.

        Returns:
            An array, `(len(a), len(b))`.
        """
        settings = self.settings
        is_same_root = roots_a[:, None] == roots_b[None, :]
        total = LEVEL_VARIANCE * is_same_root.astype(float)
        distance = np.zeros((len(a), len(b)))
        for k, weight in enumerate(self.axes.weights):
            if not (a[:, k].any() or b[:, k].any()):  # never turned: a shortcut
                total += weight**2
                continue
            if self.axes.ordered[k]:
                square = (a[:, None, k] - b[None, :, k]) ** 2
                trend = settings.linear * a[:, None, k] * b[None, :, k]
                total += weight**2 * (np.exp(-square / (2 * settings.length**2)) + trend)
            else:
                square = CHOICE_DISTANCE * (a[:, None, k] != b[None, :, k])
                total += 0.5 * weight**2 * (1.0 - square / CHOICE_DISTANCE)
            distance += min(float(weight), MAX_DISTANCE_WEIGHT) ** 2 * square
        return np.asarray(
            total + settings.together * np.exp(-distance / (2 * (2 * settings.length) ** 2))
        )

    def _prior_variance(self, moves: Array, reference: Array) -> Array:
        """Prior variance of the difference between each move and the reference, `(m,)`."""
        settings = self.settings
        variance = np.zeros(len(moves))
        distance = np.zeros(len(moves))
        for k, weight in enumerate(self.axes.weights):
            delta = moves[:, k] - reference[k]
            if not delta.any():
                continue
            distance_weight = min(float(weight), MAX_DISTANCE_WEIGHT) ** 2
            if self.axes.ordered[k]:
                curve = 2 * (1 - np.exp(-(delta**2) / (2 * settings.length**2)))
                variance += weight**2 * (curve + settings.linear * delta**2)
                distance += distance_weight * delta**2
            else:
                variance += weight**2 * (delta != 0)
                distance += distance_weight * CHOICE_DISTANCE * (delta != 0)
        joint = 1 - np.exp(-distance / (2 * (2 * settings.length) ** 2))
        return np.asarray(self.scale**2 * (variance + 2 * settings.together * joint))


def _spread(gains: Array, noise: float | None) -> float:
    """The size of the effects to begin with.

    It is that of the scores, and not below what noise alone gives.
    """
    if len(gains) <= 1 and not noise:
        return 1.0
    spread = float(np.std(gains)) if len(gains) > 1 else 0.0
    return max(spread, 2 * (noise or 0.0), 1e-9)


def expected_improvement(mean: Array, sd: Array, threshold: float) -> Array:
    """`E[max(0, gain - threshold)]` for normal gains, `(m,)`.

    Source: Jones, Schonlau, Welch (1998), "Efficient global optimization of expensive black-box
    functions", equation 15.
    """
    z = (mean - threshold) / sd
    probability = np.array([0.5 * math.erfc(-value / math.sqrt(2)) for value in z])
    density = np.exp(-0.5 * z**2) / math.sqrt(2 * math.pi)
    return np.asarray((mean - threshold) * probability + sd * density)
