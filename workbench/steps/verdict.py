"""Decides whether a step reproduced, and if not, by how much it missed.

Pure arithmetic over trials; runs and shows nothing. There are four ways to judge, and the verdict
says which one applied:

- **exact**: the recorded trials were exact and nothing that could change them differs, so every
  score must be equal bit for bit.
- **spread**: the mean score must lie within the noise of the recorded trials (`steps.spread`).
- **effect**: the machine, a version or the data differ, so scores are not comparable. The gain over
  the parent, measured here on the same seeds, must have the recorded sign and size.
- **failure**: the recorded candidate failed, and must fail again.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from workbench.experiment import Objective
from workbench.records import FAILURES, Trial
from workbench.show.layout import decimals_for, number
from workbench.steps.spread import Spread, multiplier, spread_of

Mode = Literal["exact", "spread", "effect", "failure"]
# The parts of the environment that may change a score.
COUNTED = ("python", "torch", "numpy", "machine", "processor", "platform")
FLOOR = 0.01  # tolerance where no spread was recorded, as a share of the score
EFFECT_FLOOR = 0.5  # the same for effects, as a share of the effect
ROUNDING = 1e-9  # as a share of the score: a smaller difference counts as equal


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a step reproduced.

    Attributes:
        reproduced: the verdict.
        mode: how it was judged.
        line: the verdict in one line.
        got: the score here; a gain over the parent where `mode` is `effect`.
        recorded: the recorded score, or gain.
        tolerance: the largest miss that was accepted.
        differences: what differs from where the step was recorded, one phrase each.
    """

    reproduced: bool
    mode: Mode
    line: str
    got: float | None = None
    recorded: float | None = None
    tolerance: float | None = None
    differences: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Recorded:
    """What the study knows of a step, as far as a verdict needs it.

    Attributes:
        objective: how it is scored.
        trials: the candidate's trials.
        parent: the parent's trials.
        spread: the spread of other candidates, for a candidate with few trials.
        environment: versions and machine.
    """

    objective: Objective
    trials: tuple[Trial, ...]
    parent: tuple[Trial, ...] = ()
    spread: Spread | None = None
    environment: Mapping[str, str] | None = None

    @property
    def failing(self) -> tuple[Trial, ...]:
        return tuple(trial for trial in self.trials if trial.status in FAILURES)

    @property
    def metric(self) -> str:
        is_self_reported = any(trial.self_reported for trial in self.trials)
        return f"{self.objective.name} (self-reported)" if is_self_reported else self.objective.name


def differences(
    recorded: Recorded, trials: Sequence[Trial], environment: Mapping[str, str]
) -> list[str]:
    """What differs from the recorded trials: data, evaluator, device, then versions and machine."""
    phrases = trial_differences(recorded, trials)
    keys = list(COUNTED)
    if any(trial.device == "cuda" for trial in (*recorded.trials, *trials)):
        keys.append("gpu")
    for key in keys:
        then = (recorded.environment or {}).get(key)
        now = environment.get(key)
        if then and now and then != now:
            phrases.append(f"{key}: recorded {then}, here {now}")
    return phrases


def trial_differences(recorded: Recorded, trials: Sequence[Trial]) -> list[str]:
    """The differences that make scores incomparable even if they happen to be equal."""
    phrases = []
    for name in ("data", "evaluator", "device"):
        recorded_trials = (*recorded.trials, *recorded.parent)
        then = {str(getattr(trial, name)) for trial in recorded_trials} - {""}
        now = {str(getattr(trial, name)) for trial in trials} - {""}
        if then and now - then:
            phrases.append(f"{name}: recorded {_list(then)}, here {_list(now)}")
    return phrases


def _list(values: set[str]) -> str:
    return ", ".join(value[:40] for value in sorted(values))


def is_bitwise(recorded: Recorded, trials: Sequence[Trial]) -> bool | None:
    """Whether every score equals that of the recorded trial under its seed.

    None if not all of the recorded trials were exact.
    """
    exact_scores = {trial.seed: trial.score for trial in recorded.trials if trial.exact}
    if not trials or any(trial.seed not in exact_scores for trial in trials):
        return None
    return all(trial.score == exact_scores[trial.seed] for trial in trials)


def needs_parent(
    recorded: Recorded, trials: Sequence[Trial], environment: Mapping[str, str]
) -> bool:
    """Whether only the effect over the parent can be judged, so that the parent has to run too."""
    if recorded.failing or not _scores(recorded.parent):
        return False
    if any(trial.status != "ok" for trial in trials):
        return False
    if trial_differences(recorded, trials):
        return True
    return bool(differences(recorded, trials, environment)) and not is_bitwise(recorded, trials)


def judge(
    recorded: Recorded,
    trials: Sequence[Trial],
    parent: Sequence[Trial],
    environment: Mapping[str, str],
    sigmas: float = 3.0,
    tolerance: float | None = None,
) -> Verdict:
    """The verdict over the trials that were run here.

    Args:
        parent: the parent's trials here; empty unless `needs_parent`.
        sigmas: how many standard deviations of the recorded noise a score may miss by.
        tolerance: the largest miss, in units of the score; replaces `sigmas` and exactness.
    """
    phrases = tuple(differences(recorded, trials, environment))
    if recorded.failing:
        return _judge_failure(recorded, trials, phrases)
    for trial in (*trials, *parent):
        if trial.status != "ok":
            return _failed_here(recorded, trial, trial in parent, phrases)
    if parent:
        return _judge_effect(recorded, trials, parent, sigmas, tolerance, phrases)
    is_equal = is_bitwise(recorded, trials)
    # An unequal score is a miss only where nothing differs that could explain it.
    must_be_exact = is_equal or (is_equal is False and not phrases)
    if tolerance is None and must_be_exact:
        return _judge_exact(recorded, trials, phrases)
    return _judge_spread(recorded, trials, sigmas, tolerance, phrases)


def _failed_here(
    recorded: Recorded, trial: Trial, is_parent: bool, phrases: tuple[str, ...]
) -> Verdict:
    subject = "the parent" if is_parent else "the candidate"
    reason = trial.reason or "no reason given"
    line = (
        f"{recorded.metric} did not reproduce: {subject} ended as {trial.status} "
        f"under seed {trial.seed} ({reason})"
    )
    return Verdict(
        reproduced=False,
        mode="spread",
        line=line,
        recorded=_mean(recorded.trials),
        differences=phrases,
    )


def _judge_failure(
    recorded: Recorded, trials: Sequence[Trial], phrases: tuple[str, ...]
) -> Verdict:
    then = recorded.failing[0]
    now = next((trial for trial in trials if trial.status in FAILURES), None)
    if now is not None:
        line = (
            f"the failure reproduced: {now.status} ({now.reason}); "
            f"recorded {then.status} ({then.reason})"
        )
        return Verdict(reproduced=True, mode="failure", line=line, differences=phrases)
    ends = ", ".join(dict.fromkeys(trial.status for trial in trials)) or "nothing"
    line = (
        f"the failure did not reproduce: recorded {then.status} ({then.reason}), "
        f"here it ended as {ends}"
    )
    return Verdict(
        reproduced=False, mode="failure", line=line, got=_mean(trials), differences=phrases
    )


def _judge_exact(recorded: Recorded, trials: Sequence[Trial], phrases: tuple[str, ...]) -> Verdict:
    seeds = [trial.seed for trial in trials]
    then = fmean(_scores(_under_seeds(recorded.trials, seeds)))
    got = fmean(_scores(trials))
    holds = bool(is_bitwise(recorded, trials))
    return _verdict(recorded.metric, "exact", got, then, 0.0, holds, phrases)


def _judge_spread(
    recorded: Recorded,
    trials: Sequence[Trial],
    sigmas: float,
    tolerance: float | None,
    phrases: tuple[str, ...],
) -> Verdict:
    got = fmean(_scores(trials))
    same_seeds = _under_seeds(recorded.trials, [trial.seed for trial in trials])
    # Where a seed means something, compare with the recorded trials under the same seeds only.
    is_paired = len(same_seeds) == len(trials) and recorded.objective.noise != "run"
    base = _scores(same_seeds if is_paired else recorded.trials)
    then = fmean(base)
    if tolerance is None:
        spread = spread_of(_scores(recorded.trials), recorded.spread)
        tolerance = max(FLOOR * abs(then), recorded.objective.min_effect)
        if spread is not None:
            error = spread.sd * math.sqrt(1 / len(base) + 1 / len(trials))
            noise = multiplier(sigmas, spread.degrees) * error
            tolerance = max(noise, ROUNDING * abs(then))
    holds = abs(got - then) <= tolerance
    return _verdict(recorded.metric, "spread", got, then, tolerance, holds, phrases)


def _judge_effect(
    recorded: Recorded,
    trials: Sequence[Trial],
    parent: Sequence[Trial],
    sigmas: float,
    tolerance: float | None,
    phrases: tuple[str, ...],
) -> Verdict:
    recorded_gains = _gains(recorded.objective, recorded.trials, recorded.parent)
    gains = _gains(recorded.objective, trials, parent)
    then = fmean(recorded_gains)
    got = fmean(gains)
    smallest_clear = 0.0  # a recorded effect below this may have either sign
    if tolerance is None:
        tolerance = max(EFFECT_FLOOR * abs(then), recorded.objective.min_effect)
        spread = _spread_of_gains(recorded, recorded_gains)
        if spread is not None and spread.sd:
            noise = multiplier(sigmas, spread.degrees) * spread.sd
            tolerance = noise * math.sqrt(1 / len(recorded_gains) + 1 / len(gains))
            smallest_clear = noise / math.sqrt(len(recorded_gains))
    has_same_sign = abs(then) <= smallest_clear or then * got > 0 or then == got
    holds = has_same_sign and abs(got - then) <= tolerance
    subject = f"{recorded.metric} (gain over the parent)"
    return _verdict(subject, "effect", got, then, tolerance, holds, phrases)


def _spread_of_gains(recorded: Recorded, gains: Sequence[float]) -> Spread | None:
    """Spread of the gain under one seed.

    If few seeds are shared, the spreads of candidate and parent are combined to fill it up.
    """
    candidate = spread_of(_scores(recorded.trials), recorded.spread)
    parent = spread_of(_scores(recorded.parent), recorded.spread)
    combined = None
    if candidate is not None and parent is not None:
        degrees = min(candidate.degrees, parent.degrees)
        combined = Spread(math.hypot(candidate.sd, parent.sd), degrees)
    return spread_of(gains, combined)


def _verdict(
    subject: str,
    mode: Mode,
    got: float,
    then: float,
    tolerance: float,
    holds: bool,
    phrases: tuple[str, ...],
) -> Verdict:
    got_text, then_text, tolerance_text, miss_text = _format_distinct(got, then, tolerance)
    bound = "exactly" if mode == "exact" else f"± {tolerance_text}"
    figures = f"got {got_text}, recorded {then_text} {bound}"
    if holds:
        line = f"{subject} reproduced: {figures}"
    else:
        share = ""
        if then:
            share = f" ({100 * abs(got - then) / abs(then):.1f} %)"
        line = f"{subject} did not reproduce: {figures}; off by {miss_text}{share}"
    return Verdict(
        reproduced=holds,
        mode=mode,
        line=line,
        got=got,
        recorded=then,
        tolerance=tolerance,
        differences=phrases,
    )


def _format_distinct(got: float, then: float, tolerance: float) -> list[str]:
    """Both values, the tolerance and the miss, with enough digits to tell the values apart."""
    miss = abs(got - then)
    values = (got, then, tolerance, miss)
    decimals = decimals_for([got, then])
    texts = [number(value, decimals) for value in values]
    looks_equal = texts[0] == texts[1]
    if miss and looks_equal:
        return [f"{value:.12g}" for value in values]
    return texts


def _scores(trials: Sequence[Trial]) -> list[float]:
    return [trial.score for trial in trials if trial.score is not None]


def _mean(trials: Sequence[Trial]) -> float | None:
    scores = _scores(trials)
    return fmean(scores) if scores else None


def _under_seeds(trials: Sequence[Trial], seeds: Sequence[int]) -> list[Trial]:
    return [trial for trial in trials if trial.seed in seeds and trial.score is not None]


def _gains(objective: Objective, trials: Sequence[Trial], parent: Sequence[Trial]) -> list[float]:
    """Gains seed by seed; if no seed is shared, the gain between the means."""
    reference = {trial.seed: trial.score for trial in parent if trial.score is not None}
    gains = [
        objective.gain(trial.score, reference[trial.seed])
        for trial in trials
        if trial.score is not None and trial.seed in reference
    ]
    if gains:
        return gains
    return [objective.gain(fmean(_scores(trials)), fmean(_scores(parent)))]
