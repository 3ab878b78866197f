"""Units: how much better a candidate is where the observations within a trial are the sample: items, timing pairs."""

import itertools
import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean

from workbench.decide.comparison import OUTLYING, Comparison
from workbench.experiment import Objective
from workbench.ledger.repeats import MeanSquares, Repeats, mean_squares
from workbench.records import Trial

DECLARED = 4  # degrees of freedom; what noise = "units" says of the seeds counts as much as five seeds that were seen to add nothing


@dataclass(frozen=True, kw_only=True)
class Differences(Comparison):
    """Mean of `n` paired differences between units of a candidate and of the incumbent; `sd` is that of one difference.

    Attributes:
        freedom_per_trial: degrees of freedom that a further trial adds.
    """

    n: int
    freedom_per_trial: int

    @property
    def error(self) -> float:
        """Standard error of the gain."""
        return self.sd / math.sqrt(self.n)

    def p_value(self) -> float:
        """One-sided, and never below 2^-n, the least that a test of the differences' signs could say.

        Without that floor two units that happen to differ by the same amount would prove anything.
        """
        return max(super().p_value(), 0.5**self.n)

    def planned(self, trials: int, reference: int) -> "Differences":
        """The same with more trials, each beside one of the incumbent's, as far as it can be known before they have run."""
        more = max(0, trials - self.trials)
        freedom, n = (
            self.freedom + more * self.freedom_per_trial,
            self.n + more * self.n // self.trials,
        )
        return replace(self, trials=trials, reference=trials, freedom=freedom, n=n)


def differences(
    objective: Objective,
    repeats: Repeats,
    own: Mapping[int, Trial],
    reference: Mapping[int, Trial],
    left_out: int,
) -> Differences | None:
    """Compares the units of a candidate's trials, by seed index, with the incumbent's under the same seeds; None without units.

    The gain is the mean over all trials but the first `left_out`; the spread is taken from all of them. Where the means of
    seeds vary more than the units within a seed explain, the seeds are the sample and no longer the units: the mean square
    between seeds takes the place of that within, with its few degrees of freedom (random effects: Searle, Casella and McCulloch,
    Variance Components, 1992, chapter 3). What the study has seen of that in other candidates is pooled with the candidate's
    own, and with the experiment's word that there is no such thing, which weighs as `DECLARED` degrees of freedom (a moderated
    variance: Smyth, Statistical Applications in Genetics and Molecular Biology 3, 2004, section 3); the own one is believed alone
    where it is larger by more than chance (F-test). The larger of the two mean squares is taken, not the significantly larger: a
    spread of the seeds is rarely significant where it already matters, and the price is that some winners need more trials.

    Raises:
        ValueError: two trials under one seed have different numbers of units.
    """
    seeds = [
        [
            objective.gain(mine, theirs)
            for mine, theirs in zip(trial.units, reference[index].units, strict=True)
        ]
        for index, trial in own.items()
    ]
    found, tested = mean_squares(seeds), list(itertools.chain(*seeds[left_out:]))
    if found is None or not tested:
        return None
    square, freedom, per_trial = (
        found.within,
        found.within_freedom,
        found.within_freedom // len(seeds),
    )
    known, mine = DECLARED + repeats.seeds_freedom, found.between_freedom
    elsewhere = found.within * (DECLARED + repeats.dispersion * repeats.seeds_freedom) / known
    pooled = (elsewhere * known + found.between * mine) / (known + mine)
    if mine and _is_outlying(found, max(square, elsewhere), known):
        square, freedom, per_trial = found.between, mine, 1
    elif pooled > square:
        square, freedom, per_trial = pooled, known + mine, 1
    trials = len(seeds) - left_out
    return Differences(
        fmean(tested),
        trials,
        trials,
        math.sqrt(square),
        freedom,
        n=len(tested),
        freedom_per_trial=per_trial,
    )


def _is_outlying(found: MeanSquares, square: float, freedom: int) -> bool:
    from scipy.special import fdtri

    return found.between > square * float(fdtri(found.between_freedom, freedom, OUTLYING))
