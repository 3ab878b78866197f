"""Compares two programs on equal seeds that no decision used, as audits and ablations do.

Also says what such a comparison means for a claim.
"""

import math
from collections.abc import Mapping
from statistics import fmean, stdev

from workbench.decide.units import Differences, compare_units
from workbench.experiment import Objective
from workbench.ledger.repeats import ROUNDING, Repeats
from workbench.records import AuditVerdict, Evidence, Trial, Weight

LEVEL = 0.95  # coverage of the interval


def compare_paired(
    objective: Objective, trials: Mapping[int, Trial], reference: Mapping[int, Trial], against: int
) -> Evidence:
    """The mean gain of `trials` over `reference`, with Student's 95 % interval of the differences.

    Where the objective's noise is `units`, the differences are those of units. Without noise the
    interval is a point.

    Args:
        trials: ok trials by seed.
        reference: ok trials by the same seeds; at least two where the seeds are noisy.
        against: number of the reference's candidate.

    Raises:
        ValueError: the seeds differ, or there are too few.
    """
    if trials.keys() != reference.keys() or not trials:
        raise ValueError(
            f"a paired comparison needs the same seeds on both sides; "
            f"got {len(trials)} and {len(reference)} trials"
        )
    gains = _gains(objective, trials, reference)
    effect = fmean(gains)
    half_width = 0.0
    sd = 0.0
    if objective.noise == "units":
        differences = _unit_differences(objective, trials, reference)
        effect = differences.gain
        half_width = differences.half_width((1 - LEVEL) / 2)
        sd = differences.sd
    elif objective.noise != "none":
        from scipy.special import stdtrit  # 0.1 s to import; only noisy objectives need it

        sd = stdev(gains)
        quantile = float(stdtrit(len(gains) - 1, (1 + LEVEL) / 2))
        half_width = quantile * sd / math.sqrt(len(gains))
    return Evidence(
        against=against,
        effect=effect,
        low=effect - half_width,
        high=effect + half_width,
        trials=len(trials),
        seeds=tuple(trials),
        sd=sd,
        level=1.0 if objective.noise == "none" else LEVEL,
        reference_trials=len(reference),
    )


def significance(
    objective: Objective, trials: Mapping[int, Trial], reference: Mapping[int, Trial]
) -> float:
    """Two-sided p-value: how likely equally good programs differ at least this much, pair by pair.

    Where every unit is 0 or 1 this is McNemar's exact test on the pairs that differ (Psychometrika
    12, 1947), else Student's.

    Args:
        trials: as for `compare_paired`, of an objective with noise.
        reference: likewise.
    """
    if objective.noise == "units":
        return _significance_of_units(objective, trials, reference)
    from scipy.special import stdtr

    gains = _gains(objective, trials, reference)
    error = stdev(gains) / math.sqrt(len(gains))
    if not error:
        return float(not fmean(gains))
    return 2 * float(stdtr(len(gains) - 1, -abs(fmean(gains)) / error))


def _significance_of_units(
    objective: Objective, trials: Mapping[int, Trial], reference: Mapping[int, Trial]
) -> float:
    pairs: list[tuple[float, float]] = []
    for seed, trial in trials.items():
        pairs += zip(trial.units, reference[seed].units, strict=True)
    if all(value in (0.0, 1.0) for pair in pairs for value in pair):
        return _mcnemar(n_won=pairs.count((1.0, 0.0)), n_lost=pairs.count((0.0, 1.0)))
    one_sided = _unit_differences(objective, trials, reference).p_value()
    return min(1.0, 2 * min(one_sided, 1 - one_sided))


def _mcnemar(n_won: int, n_lost: int) -> float:
    from scipy.special import bdtr

    n_differing = n_won + n_lost
    if not n_differing:
        return 1.0
    return min(1.0, 2 * float(bdtr(min(n_won, n_lost), n_differing, 0.5)))


def _unit_differences(
    objective: Objective, trials: Mapping[int, Trial], reference: Mapping[int, Trial]
) -> Differences:
    # Empty Repeats: what the search learned of its noise must not colour an audit.
    differences = compare_units(objective, Repeats(), trials, reference, skip_first=0)
    if differences is None:
        raise ValueError("a trial has fewer than two units; a comparison of units needs two")
    return differences


def _gains(
    objective: Objective, trials: Mapping[int, Trial], reference: Mapping[int, Trial]
) -> list[float]:
    """Gains seed by seed; differences that rounding explains count as 0."""
    gains = []
    for seed, trial in trials.items():
        score = trial.score or 0.0
        reference_score = reference[seed].score or 0.0
        is_equal = math.isclose(score, reference_score, rel_tol=ROUNDING)
        gains.append(0.0 if is_equal else objective.gain(score, reference_score))
    return gains


def judge_claim(objective: Objective, evidence: Evidence) -> AuditVerdict:
    """What an audit says of a claimed gain.

    `holds` if it is above 0 beyond chance and worth having.
    """
    effect, low, _ = interval(evidence)
    if low <= 0:
        return "does not hold"
    return "holds" if effect >= objective.min_effect else "too small"


def judge_weight(objective: Objective, evidence: Evidence) -> Weight:
    """What a change carries, from the gain of the program without it over the program with it.

    `no weight` needs the whole interval: taking the change out costs at most `min_effect`. An
        interval
    that merely crosses 0 is `unclear`.
    """
    _, low, high = interval(evidence)
    if high < 0:
        return "carries"
    return "no weight" if -low <= objective.min_effect else "unclear"


def interval(evidence: Evidence) -> tuple[float, float, float]:
    """Effect, low and high.

    Raises:
        ValueError: nothing was measured.
    """
    if evidence.effect is None or evidence.low is None or evidence.high is None:
        raise ValueError("this evidence has no effect; nothing was measured")
    return evidence.effect, evidence.low, evidence.high
