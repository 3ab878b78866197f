"""Compares a candidate's trials with the incumbent's: how large the gain is, and how sure that is.

Two questions are kept apart. `estimate_gain` guesses from everything that is known, to decide
whether more trials are worth their time. `confirm_gain` uses only trials that chose no one, to
decide whether the candidate is kept.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean, stdev, variance

from workbench.experiment import Objective
from workbench.ledger.repeats import ROUNDING, Repeats
from workbench.ledger.study import Study
from workbench.records import Evidence

# A candidate's own variance is believed instead of the pooled one when the F-test puts it beyond
# this share of what chance alone would give.
OUTLYING = 0.95


@dataclass(frozen=True)
class Comparison:
    """Mean gain of a candidate over the incumbent; above 0 is better, in units of the score.

    Attributes:
        gain: the mean gain.
        trials: how many trials of the candidate were used.
        reference: how many trials of the incumbent were used.
        sd: standard deviation of one trial.
        freedom: degrees of freedom with which `sd` is known.
        paired: share of the incumbent's deviation under the same seeds that is subtracted, from 0
            (none) to 1 (differences of pairs).
    """

    gain: float
    trials: int
    reference: int
    sd: float
    freedom: int
    paired: float = 0.0

    @property
    def error(self) -> float:
        """Standard error of the gain."""
        candidate_part = (1 - self.paired**2) / self.trials
        incumbent_part = (1 - self.paired) ** 2 / self.reference
        return self.sd * math.sqrt(candidate_part + incumbent_part)

    def half_width(self, tail: float) -> float:
        """Distance from the gain to a one-sided limit that is exceeded with probability `tail`.

        The limit is Student's t.
        """
        from scipy.special import stdtrit  # 0.1 s to import; only noisy objectives need it

        return float(-stdtrit(self.freedom, tail)) * self.error

    def p_value(self) -> float:
        """One-sided: how likely a candidate without effect shows at least this gain."""
        from scipy.special import stdtr

        if not self.error:
            return float(self.gain <= 0)
        return float(stdtr(self.freedom, -self.gain / self.error))

    def with_more_trials(self, trials: int, reference: int) -> "Comparison":
        """The comparison as it can be expected to look after more trials, before they have run."""
        reference = max(reference, self.reference)
        n_added = max(0, trials - self.trials) + reference - self.reference
        return replace(self, trials=trials, reference=reference, freedom=self.freedom + n_added)

    def evidence(self, study: Study, against: int, indices: list[int], tail: float) -> Evidence:
        """The form that a decision records; its interval leaves out `tail` on each side."""
        half_width = self.half_width(tail)
        return Evidence(
            against=against,
            effect=self.gain,
            low=self.gain - half_width,
            high=self.gain + half_width,
            trials=self.trials,
            seeds=tuple(study.seed(index) for index in indices),
            sd=self.sd,
            level=1 - 2 * tail,
            reference_trials=self.reference,
        )


@dataclass(frozen=True)
class Pairs(Comparison):
    """The mean of `trials` differences under equal seeds; `sd` is that of one difference."""

    @property
    def error(self) -> float:
        """Standard error of the gain."""
        return self.sd / math.sqrt(self.trials)


def estimate_gain(
    objective: Objective,
    repeats: Repeats,
    candidate_scores: Mapping[int, float],
    incumbent_scores: Mapping[int, float],
) -> Comparison | None:
    """A guess at a candidate's gain from all its scores; None while no spread was measured.

    Where scores under one seed vary together, the incumbent's deviation under the candidate's seeds
    is used as a control variate (Lavenberg and Welch, Management Science 27, 1981), with the
    correlation of an average candidate. That correlation may not hold for this candidate, so the
    result is good enough to hope on and not to keep on.

    Args:
        candidate_scores: by seed index, the screening trial included.
        incumbent_scores: by seed index.
    """
    if repeats.spread is None or not candidate_scores or not incumbent_scores:
        return None
    all_paired = candidate_scores.keys() <= incumbent_scores.keys()
    correlation = repeats.correlation if all_paired else 0.0
    expected = fmean(incumbent_scores.values())
    if correlation:
        # The incumbent was lucky or unlucky on these seeds; so was the candidate, in proportion.
        on_same_seeds = fmean(incumbent_scores[index] for index in candidate_scores)
        expected += correlation * (on_same_seeds - expected)
    gain = objective.gain(fmean(candidate_scores.values()), expected)
    sd, freedom = _spread(repeats, candidate_scores)
    return _compare(candidate_scores, incumbent_scores, gain, sd, freedom, correlation)


def confirm_gain(
    objective: Objective,
    repeats: Repeats,
    candidate_scores: Mapping[int, float],
    incumbent_scores: Mapping[int, float],
    skip_first: int,
    tail: float,
) -> Comparison | None:
    """A candidate's gain from fresh scores only; None while no spread was measured.

    Two tests are available. Student's test of two means uses the standard deviation pooled over the
    study; the paired one uses the candidate's own differences from the incumbent under equal seeds.
    The one that promises narrower limits is taken, and the promise rests on other candidates, never
    on this one's scores. Each test is exact for the candidate whatever the others are like: it does
    not assume that this candidate correlates with the incumbent as other candidates did.

    Args:
        candidate_scores: by seed index, in the order in which they ran.
        incumbent_scores: by seed index.
        skip_first: how many of the candidate's scores chose it, and so prove nothing.
        tail: probability beyond each limit.
    """
    fresh = dict(list(candidate_scores.items())[skip_first:])
    if repeats.spread is None or not fresh or not incumbent_scores:
        return None
    can_pair = len(fresh) > 1 and fresh.keys() <= incumbent_scores.keys()
    n_reference = len(incumbent_scores)
    if can_pair and _pairs_are_narrower(repeats, repeats.spread, len(fresh), n_reference, tail):
        gains = [objective.gain(fresh[index], incumbent_scores[index]) for index in fresh]
        freedom = len(fresh) - 1
        return _compare(fresh, incumbent_scores, fmean(gains), stdev(gains), freedom, kind=Pairs)
    gain = objective.gain(fmean(fresh.values()), fmean(incumbent_scores.values()))
    sd, freedom = _spread(repeats, candidate_scores)
    return _compare(fresh, incumbent_scores, gain, sd, freedom)


def _pairs_are_narrower(
    repeats: Repeats, spread: float, n_fresh: int, n_reference: int, tail: float
) -> bool:
    """Whether paired limits can be expected to be narrower than those of two separate means."""
    if not repeats.correlation:
        return False
    from scipy.special import stdtrit

    pooled_freedom = repeats.pooled.freedom
    separate_error = spread * math.sqrt(1 / n_fresh + 1 / n_reference)
    paired_error = spread * math.sqrt(2 * (1 - repeats.correlation) / n_fresh)
    separate_limit = -float(stdtrit(pooled_freedom, tail)) * separate_error
    paired_limit = -float(stdtrit(n_fresh - 1, tail)) * paired_error
    return paired_limit < separate_limit


def _spread(repeats: Repeats, candidate_scores: Mapping[int, float]) -> tuple[float, int]:
    """Standard deviation of one trial and its degrees of freedom, pooled over the study.

    The candidate's own spread replaces it where the F-test finds it larger by more than chance,
    since a change may make the score noisier.
    """
    total, freedom = repeats.pooled
    n_scores = len(candidate_scores)
    if n_scores > 1:
        from scipy.special import fdtri

        own_variance = variance(candidate_scores.values())
        largest_by_chance = total / freedom * float(fdtri(n_scores - 1, freedom, OUTLYING))
        if own_variance > largest_by_chance:
            return math.sqrt(own_variance), n_scores - 1
    return math.sqrt(total / freedom), freedom


def _compare(
    candidate_scores: Mapping[int, float],
    incumbent_scores: Mapping[int, float],
    gain: float,
    sd: float,
    freedom: int,
    paired: float = 0.0,
    kind: type[Comparison] = Comparison,
) -> Comparison:
    """A comparison in which differences that rounding explains count as 0."""
    largest = max(map(abs, [*candidate_scores.values(), *incumbent_scores.values()]))
    smallest = ROUNDING * largest
    if abs(gain) <= smallest:
        gain = 0.0
    if abs(sd) <= smallest:
        sd = 0.0
    return kind(gain, len(candidate_scores), len(incumbent_scores), sd, freedom, paired)
