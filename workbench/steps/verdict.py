"""Verdict: did a step reproduce, and if not, by how much did it miss? Pure arithmetic over trials; runs and shows nothing.

Four ways to judge, and which one applies is part of the verdict:

- **exact**: the recorded trials were exact, and nothing that could change them differs: every score is equal bit for bit;
- **spread**: the mean score lies within the noise of the recorded trials (`workbench.steps.spread`);
- **effect**: the machine, a version or the data differ, so that scores are not comparable: the gain over the parent, measured
  here on the same seeds, has the recorded sign and size;
- **failure**: the recorded candidate failed, and fails again.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Literal

from workbench.experiment import Objective
from workbench.records import Trial
from workbench.show.layout import decimals_for, number
from workbench.steps.spread import Spread, multiplier, spread_of

Mode = Literal["exact", "spread", "effect", "failure"]
FAILURES = ("failed", "timeout", "cheated")
COUNTED = (
    "python",
    "torch",
    "numpy",
    "machine",
    "processor",
    "platform",
)  # of the environment: what may change a score
FLOOR = 0.01  # of the score: the tolerance where no spread was recorded
EFFECT_FLOOR = 0.5  # of the effect: the same for effects
ROUNDING = 1e-9  # of the score: what equal means between repeats that do not vary


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """The verdict in one `line`; `got`, `recorded` and `tolerance` are gains over the parent where `mode` is `effect`.

    Attributes:
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
    """What the study knows of a step, as far as a verdict needs it. `spread` is that of other candidates, lent where its trials are few."""

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
        own = any(trial.self_reported for trial in self.trials)
        return self.objective.name + (" (self-reported)" if own else "")


def differences(
    recorded: Recorded, trials: Sequence[Trial], environment: Mapping[str, str]
) -> list[str]:
    """What differs between the recorded trials and these: data, evaluator, device, then versions and machine."""
    found = trial_differences(recorded, trials)
    on_gpu = any(trial.device == "cuda" for trial in (*recorded.trials, *trials))
    for key in (*COUNTED, *(("gpu",) if on_gpu else ())):
        then, now = (recorded.environment or {}).get(key), environment.get(key)
        if then and now and then != now:
            found.append(f"{key}: recorded {then}, here {now}")
    return found


def trial_differences(recorded: Recorded, trials: Sequence[Trial]) -> list[str]:
    """Those of the differences that make scores incomparable even where they happen to be equal."""
    found = []
    for name in ("data", "evaluator", "device"):
        then = {str(getattr(trial, name)) for trial in (*recorded.trials, *recorded.parent)} - {""}
        now = {str(getattr(trial, name)) for trial in trials} - {""}
        if then and now - then:
            found.append(
                f"{name}: recorded {', '.join(sorted(t[:40] for t in then))}, here {', '.join(sorted(t[:40] for t in now))}"
            )
    return found


def is_bitwise(recorded: Recorded, trials: Sequence[Trial]) -> bool | None:
    """Whether every score is equal to that of the recorded trial under its seed; None where not all of them were exact."""
    exact = {trial.seed: trial.score for trial in recorded.trials if trial.exact}
    if not trials or any(trial.seed not in exact for trial in trials):
        return None
    return all(trial.score == exact[trial.seed] for trial in trials)


def needs_parent(
    recorded: Recorded, trials: Sequence[Trial], environment: Mapping[str, str]
) -> bool:
    """Whether only the effect over the parent can be judged, so that the parent has to run here too."""
    if (
        recorded.failing
        or not _scores(recorded.parent)
        or any(trial.status != "ok" for trial in trials)
    ):
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
        parent: the parent's trials here, empty unless `needs_parent`.
        sigmas: how many standard deviations of the recorded noise a score may miss by.
        tolerance: the largest miss, in units of the score; instead of `sigmas`, and of exactness.
    """
    found = tuple(differences(recorded, trials, environment))
    bad = next((trial for trial in (*trials, *parent) if trial.status != "ok"), None)
    if recorded.failing:
        return _judge_failure(recorded, trials, found)
    if bad is not None:
        who = "the parent" if bad in parent else "the candidate"
        line = f"{recorded.metric} did not reproduce: {who} ended as {bad.status} under seed {bad.seed} ({bad.reason or 'no reason given'})"
        return Verdict(
            reproduced=False,
            mode="spread",
            line=line,
            recorded=_mean(recorded.trials),
            differences=found,
        )
    if parent:
        return _judge_effect(recorded, trials, parent, sigmas, tolerance, found)
    if tolerance is None and (
        is_bitwise(recorded, trials) or (is_bitwise(recorded, trials) is False and not found)
    ):
        return _judge_exact(recorded, trials, found)
    return _judge_spread(recorded, trials, sigmas, tolerance, found)


def _judge_failure(recorded: Recorded, trials: Sequence[Trial], found: tuple[str, ...]) -> Verdict:
    then = recorded.failing[0]
    now = next((trial for trial in trials if trial.status in FAILURES), None)
    if now is not None:
        line = f"the failure reproduced: {now.status} ({now.reason}); recorded {then.status} ({then.reason})"
    else:
        ends = ", ".join(dict.fromkeys(trial.status for trial in trials)) or "nothing"
        line = f"the failure did not reproduce: recorded {then.status} ({then.reason}), here it ended as {ends}"
    got = None if now is not None else _mean(trials)
    return Verdict(
        reproduced=now is not None, mode="failure", line=line, got=got, differences=found
    )


def _judge_exact(recorded: Recorded, trials: Sequence[Trial], found: tuple[str, ...]) -> Verdict:
    then = fmean(_scores(_at(recorded.trials, [trial.seed for trial in trials])))
    return _verdict(
        recorded.metric,
        "exact",
        fmean(_scores(trials)),
        then,
        0.0,
        bool(is_bitwise(recorded, trials)),
        found,
    )


def _judge_spread(
    recorded: Recorded,
    trials: Sequence[Trial],
    sigmas: float,
    tolerance: float | None,
    found: tuple[str, ...],
) -> Verdict:
    got, same = fmean(_scores(trials)), _at(recorded.trials, [trial.seed for trial in trials])
    is_paired = len(same) == len(trials) and recorded.objective.noise != "run"
    base = _scores(same if is_paired else recorded.trials)
    then, spread = fmean(base), spread_of(_scores(recorded.trials), recorded.spread)
    if tolerance is None:
        tolerance = max(FLOOR * abs(then), recorded.objective.min_effect)
        if spread:
            known = (
                multiplier(sigmas, spread.degrees)
                * spread.sd
                * math.sqrt(1 / len(base) + 1 / len(trials))
            )
            tolerance = max(known, ROUNDING * abs(then))
    return _verdict(
        recorded.metric, "spread", got, then, tolerance, abs(got - then) <= tolerance, found
    )


def _judge_effect(
    recorded: Recorded,
    trials: Sequence[Trial],
    parent: Sequence[Trial],
    sigmas: float,
    tolerance: float | None,
    found: tuple[str, ...],
) -> Verdict:
    gains = _gains(recorded.objective, recorded.trials, recorded.parent)
    here = _gains(recorded.objective, trials, parent)
    then, got = fmean(gains), fmean(here)
    clear = 0.0  # a smaller effect than this may have either sign
    if tolerance is None:
        tolerance = max(EFFECT_FLOOR * abs(then), recorded.objective.min_effect)
        spread = _spread_of_gains(recorded, gains)
        if spread and spread.sd:
            noise = multiplier(sigmas, spread.degrees) * spread.sd
            tolerance, clear = (
                noise * math.sqrt(1 / len(gains) + 1 / len(here)),
                noise / math.sqrt(len(gains)),
            )
    has_sign = abs(then) <= clear or then * got > 0 or then == got
    what = f"{recorded.metric} (gain over the parent)"
    return _verdict(
        what, "effect", got, then, tolerance, has_sign and abs(got - then) <= tolerance, found
    )


def _spread_of_gains(recorded: Recorded, gains: Sequence[float]) -> Spread | None:
    """Of the gain under one seed; where few seeds are shared, what the spreads of candidate and parent make of it."""
    candidate, parent = (
        spread_of(_scores(trials), recorded.spread) for trials in (recorded.trials, recorded.parent)
    )
    apart = (
        Spread(math.hypot(candidate.sd, parent.sd), min(candidate.degrees, parent.degrees))
        if candidate and parent
        else None
    )
    return spread_of(gains, apart)


def _verdict(
    what: str,
    mode: Mode,
    got: float,
    then: float,
    tolerance: float,
    holds: bool,
    found: tuple[str, ...],
) -> Verdict:
    texts = _told_apart(got, then, tolerance)
    bound = "exactly" if mode == "exact" else f"± {texts[2]}"
    if holds:
        line = f"{what} reproduced: got {texts[0]}, recorded {texts[1]} {bound}"
    else:
        share = f" ({abs(got - then) / abs(then):.1%})".replace("%", " %") if then else ""
        line = f"{what} did not reproduce: got {texts[0]}, recorded {texts[1]} {bound}; off by {texts[3]}{share}"
    return Verdict(
        reproduced=holds,
        mode=mode,
        line=line,
        got=got,
        recorded=then,
        tolerance=tolerance,
        differences=found,
    )


def _told_apart(got: float, then: float, tolerance: float) -> list[str]:
    """The numbers with as many digits as it takes to see that they differ."""
    decimals, off = decimals_for([got, then]), abs(got - then)
    texts = [number(value, decimals) for value in (got, then, tolerance, off)]
    return (
        [f"{value:.12g}" for value in (got, then, tolerance, off)]
        if off and texts[0] == texts[1]
        else texts
    )


def _scores(trials: Sequence[Trial]) -> list[float]:
    return [trial.score for trial in trials if trial.score is not None]


def _mean(trials: Sequence[Trial]) -> float | None:
    scores = _scores(trials)
    return fmean(scores) if scores else None


def _at(trials: Sequence[Trial], seeds: Sequence[int]) -> list[Trial]:
    return [trial for trial in trials if trial.seed in seeds and trial.score is not None]


def _gains(objective: Objective, trials: Sequence[Trial], parent: Sequence[Trial]) -> list[float]:
    """Gains seed by seed; where no seed is shared, the gain between the means."""
    reference = {trial.seed: trial.score for trial in parent if trial.score is not None}
    pairs = [
        (trial.score, reference[trial.seed])
        for trial in trials
        if trial.score is not None and trial.seed in reference
    ]
    return [
        objective.gain(*pair)
        for pair in pairs or [(fmean(_scores(trials)), fmean(_scores(parent)))]
    ]
