"""Comparison: how much better a candidate's trials are than the incumbent's, and how well that is known."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from workbench.experiment import Objective
from workbench.ledger.repeats import Repeats
from workbench.ledger.study import Study
from workbench.records import Evidence

OUTLYING = 0.99  # an own spread that is larger than this share of what chance makes of the pooled one is believed instead


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

        return float(stdtr(self.freedom, -self.gain / self.error)) if self.error else float(self.gain <= 0)

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


def compare(objective: Objective, repeats: Repeats, own: Mapping[int, float], reference: Mapping[int, float]) -> Comparison | None:
    """Compares scores by seed index of a candidate (`own`) and of the incumbent; None where no spread was measured.

    The standard deviation is pooled over all repeats of the study; the candidate's own one takes its place where it is larger by
    more than chance (F-test), since a change may make the score noisier. Where scores under one seed go together, the incumbent's
    deviation under the candidate's seeds is a control variate (Lavenberg and Welch, Management Science 27, 1981), with the
    correlation taken at its lower 95 % limit, and 0 below that.
    """
    if repeats.spread is None or not own or not reference:
        return None
    sd, freedom = repeats.spread, repeats.freedom
    if len(own) > 2:
        from scipy.special import fdtri

        center = _mean(own)
        mine = sum((score - center) ** 2 for score in own.values()) / (len(own) - 1)
        if mine > sd**2 * float(fdtri(len(own) - 1, freedom, OUTLYING)):
            sd, freedom = math.sqrt(mine), len(own) - 1
    paired = repeats.correlation if own.keys() <= reference.keys() else 0.0
    mean = _mean(reference)
    beside = _mean({index: reference[index] for index in own}) if paired else mean
    gain = objective.gain(_mean(own), mean + paired * (beside - mean))
    return Comparison(gain, len(own), len(reference), sd, freedom, paired)


def _mean(scores: Mapping[int, float]) -> float:
    return sum(scores.values()) / len(scores)
