"""Compares programs unit by unit, where the observations within a trial are the sample.

Such observations are the items of a test set, or pairs of timings.
"""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from workbench.decide.comparison import OUTLYING, Comparison
from workbench.experiment import Objective
from workbench.ledger.repeats import MeanSquares, Repeats, mean_squares
from workbench.records import Trial

# Degrees of freedom: when an experiment declares noise = "units", that says its seeds add nothing.
# The claim weighs as much as five seeds that were seen to add nothing.
DECLARED = 4


@dataclass(frozen=True, kw_only=True)
class Differences(Comparison):
    """Mean of paired differences between units of a candidate and of the incumbent.

    Attributes:
        n: how many differences; `sd` is that of one of them.
        freedom_per_trial: degrees of freedom that a further trial adds.
    """

    n: int
    freedom_per_trial: int

    @property
    def error(self) -> float:
        """Standard error of the gain."""
        return self.sd / math.sqrt(self.n)

    def p_value(self) -> float:
        """One-sided, and never below 2^-n, the least that a sign test could say.

        Without that floor, two units that happen to differ by the same amount would prove anything.
        """
        return max(super().p_value(), 0.5**self.n)

    def with_more_trials(self, trials: int, reference: int) -> "Differences":
        """The comparison as it can be expected after more trials, each paired."""
        n_added = max(0, trials - self.trials)
        n_added_units = n_added * self.n // self.trials
        return replace(
            self,
            trials=trials,
            reference=trials,
            freedom=self.freedom + n_added * self.freedom_per_trial,
            n=self.n + n_added_units,
        )


def compare_units(
    objective: Objective,
    repeats: Repeats,
    trials: Mapping[int, Trial],
    reference: Mapping[int, Trial],
    skip_first: int,
) -> Differences | None:
    """Compares the units of a candidate's trials with the incumbent's under the same seeds.

    The gain is the mean over all trials but the first `skip_first`; the spread is taken from all of
    them. Normally the units are the sample. Where the means of seeds vary more than the units
    within a
    seed explain, the seeds become the sample instead: the mean square between seeds replaces the
        one
    within, with its few degrees of freedom (random effects: Searle, Casella and McCulloch, Variance
    Components, 1992, chapter 3).

    How much the seeds vary is pooled from three sources: this candidate, the study's other
        candidates,
    and the experiment's declaration that they do not vary at all, which weighs `DECLARED` degrees
    of freedom (a moderated variance: Smyth, Statistical Applications in Genetics and Molecular
    Biology 3, 2004, section 3). The candidate's own value is believed alone where the F-test finds
    it larger by more than chance. The larger of the two mean squares is taken even when it is not
    significantly larger: a spread of the seeds is rarely significant where it already matters. The
    price is that some winners need more trials.

    Args:
        trials: by seed index, in the order in which they ran.
        reference: the incumbent's trials, by seed index.
        skip_first: how many of the first trials chose the candidate, and so count only for the
            spread.

    Returns:
        None where there are too few units.

    Raises:
        ValueError: two trials under one seed have different numbers of units.
    """
    gains_by_seed = [
        _unit_gains(objective, trial, reference[index]) for index, trial in trials.items()
    ]
    squares = mean_squares(gains_by_seed)
    fresh_gains = list(itertools.chain(*gains_by_seed[skip_first:]))
    if squares is None or not fresh_gains:
        return None
    square, freedom, freedom_per_trial = _sample(squares, repeats, len(gains_by_seed))
    n_fresh_trials = len(gains_by_seed) - skip_first
    return Differences(
        fmean(fresh_gains),
        n_fresh_trials,
        n_fresh_trials,
        math.sqrt(square),
        freedom,
        n=len(fresh_gains),
        freedom_per_trial=freedom_per_trial,
    )


def _unit_gains(objective: Objective, trial: Trial, reference: Trial) -> list[float]:
    pairs = zip(trial.units, reference.units, strict=True)
    return [objective.gain(value, reference_value) for value, reference_value in pairs]


def _sample(squares: MeanSquares, repeats: Repeats, n_seeds: int) -> tuple[float, int, int]:
    """The mean square to test with, its degrees of freedom, and those that a trial adds."""
    # What is known of the seeds apart from this candidate: the declaration and the other
    # candidates.
    prior_freedom = DECLARED + repeats.between_seeds.freedom
    prior_ratio = (DECLARED + repeats.dispersion * repeats.between_seeds.freedom) / prior_freedom
    prior_square = squares.within * prior_ratio
    own_freedom = squares.between_freedom
    if own_freedom and _is_outlying(squares, max(squares.within, prior_square), prior_freedom):
        return squares.between, own_freedom, 1
    pooled_freedom = prior_freedom + own_freedom
    weighted_sum = prior_square * prior_freedom + squares.between * own_freedom
    pooled_square = weighted_sum / pooled_freedom
    if pooled_square > squares.within:
        return pooled_square, pooled_freedom, 1
    return squares.within, squares.within_freedom, squares.within_freedom // n_seeds


def _is_outlying(squares: MeanSquares, square: float, freedom: int) -> bool:
    """Whether the mean square between seeds exceeds `square` by more than chance (F-test)."""
    from scipy.special import fdtri

    return squares.between > square * float(fdtri(squares.between_freedom, freedom, OUTLYING))
