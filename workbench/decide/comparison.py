"""Comparison: how much better a candidate's trials are than the incumbent's, and how well that is known."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean, stdev, variance

from workbench.experiment import Objective
from workbench.ledger.repeats import ROUNDING, Repeats
from workbench.ledger.study import Study
from workbench.records import Evidence

OUTLYING = 0.95  # an own spread that is larger than this share of what chance makes of the pooled one is believed instead


@dataclass(frozen=True)
class Comparison:
    """Mean gain of `trials` of a candidate over `reference` trials of the incumbent; above 0 is better, in units of the score.

    Attributes:
        sd: standard deviation of one trial, known with `freedom` degrees of freedom.
        paired: how much of the incumbent's deviation under the same seeds is taken off, 0 (none) to 1 (differences of pairs).
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
        alone, common = (1 - self.paired**2) / self.trials, (1 - self.paired) ** 2 / self.reference
        return self.sd * math.sqrt(alone + common)

    def half(self, tail: float) -> float:
        """How far the gain may lie from the truth, to one side, except with the probability `tail`: Student's t."""
        from scipy.special import stdtrit  # 0.1 s, and only a noisy objective needs it

        return float(-stdtrit(self.freedom, tail)) * self.error

    def p_value(self) -> float:
        """One-sided: how likely a candidate without effect shows this gain."""
        from scipy.special import stdtr

        return (
            float(stdtr(self.freedom, -self.gain / self.error))
            if self.error
            else float(self.gain <= 0)
        )

    def planned(self, trials: int, reference: int) -> "Comparison":
        """The same with more trials, as far as it can be known before they have run."""
        reference = max(reference, self.reference)
        freedom = self.freedom + max(0, trials - self.trials) + reference - self.reference
        return replace(self, trials=trials, reference=reference, freedom=freedom)

    def evidence(self, study: Study, against: int, indices: list[int], tail: float) -> Evidence:
        """As it goes into a decision, with the interval that leaves out `tail` on either side."""
        half = self.half(tail)
        return Evidence(
            against=against,
            effect=self.gain,
            low=self.gain - half,
            high=self.gain + half,
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


def hoped(
    objective: Objective, repeats: Repeats, own: Mapping[int, float], reference: Mapping[int, float]
) -> Comparison | None:
    """How good a candidate may be, for a guess: its scores by seed index with the incumbent's; None where no spread was measured.

    Where scores under one seed go together, the incumbent's deviation under the candidate's seeds is a control variate (Lavenberg
    and Welch, Management Science 27, 1981), with the correlation of an average candidate. So it proves nothing of this one.
    """
    if repeats.spread is None or not own or not reference:
        return None
    paired = repeats.correlation if own.keys() <= reference.keys() else 0.0
    mean = fmean(reference.values())
    beside = fmean(reference[index] for index in own) if paired else mean
    gain = objective.gain(fmean(own.values()), mean + paired * (beside - mean))
    return _made(own, reference, gain, *_spread(repeats, own), paired)


def proved(
    objective: Objective,
    repeats: Repeats,
    own: Mapping[int, float],
    reference: Mapping[int, float],
    left_out: int,
    tail: float,
) -> Comparison | None:
    """How good a candidate is: its scores but the first `left_out` with the incumbent's; None where no spread was measured.

    Student's test of two means with the pooled standard deviation, or that of the candidate's own differences from the incumbent
    under equal seeds: the one of which narrower limits, with the probability `tail` beyond them, could be expected beforehand, from
    what the study knows of other candidates. Each is exact for the candidate, whatever the others are like: nothing that they have
    in common with the incumbent (or all of them, where they change nothing) is taken for granted of this one.
    """
    fresh = dict(list(own.items())[left_out:])
    if repeats.spread is None or not fresh or not reference:
        return None
    n, (known, freedom) = len(fresh), (repeats.spread, repeats.pooled.freedom)
    if n > 1 and repeats.correlation and fresh.keys() <= reference.keys():
        from scipy.special import stdtrit

        flat = -float(stdtrit(freedom, tail)) * known * math.sqrt(1 / n + 1 / len(reference))
        if (
            -float(stdtrit(n - 1, tail)) * known * math.sqrt(2 * (1 - repeats.correlation) / n)
            < flat
        ):
            gains = [objective.gain(score, reference[index]) for index, score in fresh.items()]
            return _made(fresh, reference, fmean(gains), stdev(gains), n - 1, kind=Pairs)
    gain = objective.gain(fmean(fresh.values()), fmean(reference.values()))
    return _made(fresh, reference, gain, *_spread(repeats, own))


def _spread(repeats: Repeats, own: Mapping[int, float]) -> tuple[float, int]:
    """The standard deviation of one trial and its degrees of freedom: pooled over the study (`Repeats.pooled`).

    The candidate's own one takes its place where it is larger by more than chance (F-test), since a change may make the score
    noisier.
    """
    total, freedom = repeats.pooled
    if len(own) > 1:
        from scipy.special import fdtri

        mine = variance(own.values())
        if mine > total / freedom * float(fdtri(len(own) - 1, freedom, OUTLYING)):
            return math.sqrt(mine), len(own) - 1
    return math.sqrt(total / freedom), freedom


def _made(
    own: Mapping[int, float], reference: Mapping[int, float], gain: float, sd: float, freedom: int, paired: float = 0.0,
    kind: type[Comparison] = Comparison,
) -> Comparison:  # fmt: skip
    """A comparison in which what only rounding explains is 0."""
    least = ROUNDING * max(map(abs, [*own.values(), *reference.values()]))
    gain, sd = (value if abs(value) > least else 0.0 for value in (gain, sd))
    return kind(gain, len(own), len(reference), sd, freedom, paired)
