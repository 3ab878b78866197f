"""Paired: two programs on equal seeds that decided about neither of them, and what the difference says of a claim."""

import math
from collections.abc import Mapping
from statistics import fmean, stdev

from workbench.decide.units import differences
from workbench.experiment import Objective
from workbench.ledger.repeats import ROUNDING, Repeats
from workbench.records import AuditVerdict, Evidence, Trial, Weight

LEVEL = 0.95


def paired(
    objective: Objective, own: Mapping[int, Trial], reference: Mapping[int, Trial], against: int
) -> Evidence:
    """The mean gain of `own` over `reference`, with Student's interval at 95 % of the differences under equal seeds.

    Where the objective's noise is `units` the differences are those of units (`units.differences`); without noise the gain is
    the gain, and its interval a point.

    Args:
        own, reference: ok trials by seed, the same seeds in both; two at least where there is noise in the seeds.

    Raises:
        ValueError: the seeds differ, or there are too few.
    """
    if own.keys() != reference.keys() or not own:
        raise ValueError(
            f"{len(own)} and {len(reference)} trials; a paired comparison needs the same seeds in both"
        )
    gains = _gains(objective, own, reference)
    effect, half, sd = fmean(gains), 0.0, 0.0
    if objective.noise == "units":
        found = differences(
            objective, Repeats(), own, reference, 0
        )  # no word of the search's trials goes into an audit
        if found is None:
            raise ValueError("a trial has fewer than two units")
        effect, half, sd = found.gain, found.half((1 - LEVEL) / 2), found.sd
    elif objective.noise != "none":
        from scipy.special import stdtrit  # 0.1 s, and only a noisy objective needs it

        sd = stdev(gains)
        half = float(stdtrit(len(gains) - 1, (1 + LEVEL) / 2)) * sd / math.sqrt(len(gains))
    return Evidence(
        against=against,
        effect=effect,
        low=effect - half,
        high=effect + half,
        trials=len(own),
        seeds=tuple(own),
        sd=sd,
        level=1.0 if objective.noise == "none" else LEVEL,
        reference_trials=len(reference),
    )


def significance(
    objective: Objective, own: Mapping[int, Trial], reference: Mapping[int, Trial]
) -> float:
    """Two-sided: how likely programs that are equally good differ at least as much as these, pair by pair under equal seeds.

    Where all units are 0 or 1 it is McNemar's exact test on the pairs that differ (Psychometrika 12, 1947), else Student's.

    Args:
        own, reference: as for `paired`; of an objective with noise.
    """
    if objective.noise == "units":
        pairs = [
            pair
            for seed in own
            for pair in zip(own[seed].units, reference[seed].units, strict=True)
        ]
        if all(value in (0.0, 1.0) for pair in pairs for value in pair):
            from scipy.special import bdtr

            won, lost = pairs.count((1.0, 0.0)), pairs.count((0.0, 1.0))
            return min(1.0, 2 * float(bdtr(min(won, lost), won + lost, 0.5))) if won + lost else 1.0
        found = differences(objective, Repeats(), own, reference, 0)
        if found is None:
            raise ValueError("a trial has fewer than two units")
        one_sided = found.p_value()
        return min(1.0, 2 * min(one_sided, 1 - one_sided))
    from scipy.special import stdtr

    gains = _gains(objective, own, reference)
    error = stdev(gains) / math.sqrt(len(gains))
    if not error:
        return float(not fmean(gains))
    return 2 * float(stdtr(len(gains) - 1, -abs(fmean(gains)) / error))


def _gains(
    objective: Objective, own: Mapping[int, Trial], reference: Mapping[int, Trial]
) -> list[float]:
    """Seed by seed; what only rounding explains is 0."""
    scores = [(own[seed].score or 0.0, reference[seed].score or 0.0) for seed in own]
    return [
        0.0 if math.isclose(mine, theirs, rel_tol=ROUNDING) else objective.gain(mine, theirs)
        for mine, theirs in scores
    ]


def audited(objective: Objective, evidence: Evidence) -> AuditVerdict:
    """What an audit says of a claimed improvement: the gain is above 0 beyond chance, and worth having."""
    effect, low, _ = interval(evidence)
    if low <= 0:
        return "does not hold"
    return "holds" if effect >= objective.min_effect else "too small"


def weight(objective: Objective, evidence: Evidence) -> Weight:
    """What a change carries, by the gain of the program without it over the one with it.

    `no weight`: taking it out costs at most `min_effect`, by the whole interval. That the interval crosses 0 says nothing yet.
    """
    _, low, high = interval(evidence)
    if high < 0:
        return "carries"
    return "no weight" if -low <= objective.min_effect else "unclear"


def interval(evidence: Evidence) -> tuple[float, float, float]:
    """Effect, low and high; raises ValueError where nothing was measured."""
    if evidence.effect is None or evidence.low is None or evidence.high is None:
        raise ValueError("this evidence has no effect; nothing was measured")
    return evidence.effect, evidence.low, evidence.high
