"""The observations whose mean is a trial's score, such as items of a benchmark or timing pairs."""

import itertools
import math
from collections.abc import Iterable, Sequence

from workbench.errors import EvaluatorFault
from workbench.experiment import Objective

MAX_UNITS = 256
UNIT_DIGITS = 6
TOLERANCE = 1e-6  # largest difference of score and mean, as a share of the largest unit


class Units:
    """What the evaluator of one trial hands over with `trial.units`."""

    def __init__(self, objective: Objective) -> None:
        self._is_needed = objective.noise == "units"
        self._values: tuple[float, ...] = ()

    def take(self, values: Iterable[float]) -> None:
        """Takes `(n,)` finite numbers, n at least 2; a second call replaces the first.

        Raises:
            ValueError: there are fewer, one is not finite, or the objective has another noise.
        """
        if not self._is_needed:
            raise ValueError(
                'trial.units was called; say objective.noise = "units" in experiment.toml'
            )
        units = tuple(float(value) for value in values)
        if len(units) < 2 or not all(map(math.isfinite, units)):
            raise ValueError(
                "trial.units needs two finite numbers or more; "
                f"it was given {len(units)}, beginning with {units[:3]}"
            )
        self._values = units

    def record(self, score: float) -> tuple[float, ...]:
        """Returns the observations behind a score, as they are recorded.

        Returns none where the objective needs none.

        Raises:
            EvaluatorFault: they are missing, or their mean is not the score.
        """
        if not self._is_needed:
            return ()
        if not self._values:
            raise EvaluatorFault(
                'objective.noise = "units", but evaluate did not call trial.units(values)'
            )
        mean = math.fsum(self._values) / len(self._values)
        if abs(mean - score) > TOLERANCE * max(map(abs, self._values)):
            raise EvaluatorFault(
                f"the mean of trial.units is {mean:.9g}, and the score {score:.9g}; "
                "they must be equal"
            )
        return fold_units(self._values)


def fold_units(units: Sequence[float]) -> tuple[float, ...]:
    """Returns the means of blocks of consecutive units, to six digits.

    Args:
        units: `(n,)` observations.

    Returns:
        `(m,)` means, m at most 256; the sizes of the blocks differ by one at most.
    """
    smallest_block = math.ceil(len(units) / MAX_UNITS)
    n_blocks = math.ceil(len(units) / smallest_block)
    edges = [len(units) * block // n_blocks for block in range(n_blocks + 1)]
    blocks = (units[start:end] for start, end in itertools.pairwise(edges))
    means = (math.fsum(block) / len(block) for block in blocks)
    return tuple(float(f"{mean:.{UNIT_DIGITS}g}") for mean in means)
