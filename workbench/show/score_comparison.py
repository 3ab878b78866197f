"""Compares two candidates of a study by their scores, as plain dictionaries: `diff A B --scores`.

They are compared pair by pair where they share seeds, else each by its trials alone.
"""

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from workbench.decide.paired import compare_paired, significance
from workbench.decide.paired import interval as interval_of
from workbench.decide.unpaired import compare_unpaired
from workbench.errors import StudyError
from workbench.experiment import Objective
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.records import Trial

LEVEL = 0.05  # a p-value below it counts as a difference
View = dict[str, Any]
Trials = Mapping[int, Trial]  # by seed


def scores(study: Study, name: str, old: int, new: int) -> View:
    """How much better candidate `new` (B) is than candidate `old` (A).

    | field | is |
    | --- | --- |
    | `study`, `a`, `b` | its name, and the two candidates |
    | `objective` | `name`, `goal` |
    | `on` | `audit` if both were audited (those trials chose nothing), else `search`; |
    | | trials under equal seeds come first |
    | `programs` | of each: `candidate`, `score`, `metrics` (means over these trials), |
    | | `trials` (how many), `hypothesis` |
    | `pairs` | `units` (items within equal seeds), `seeds`, `trials` if the objective has no |
    | | noise, `none` without equal seeds |
    | `n`, `seeds` | how many pairs, and their seeds; 0 and empty without equal seeds |
    | `effect`, `interval` | mean gain of B over A (above 0 is better), and its 95 % interval; |
    | | None for a single pair or too few trials |
    | `sd` | standard deviation of one pair; None without pairs |
    | `p` | two-sided: McNemar's exact test if units are 0 or 1, else Student's, or Welch's |
    | | without equal seeds; None without noise or interval |
    | `items` | for units that are 0 or 1, how many have a 1: `both`, `a_only`, `b_only`, |
    | | `neither`; else None |
    | `verdict` | `B is better`, `A is better`, `not told apart`, `one pair`, `too few trials` |

    Raises:
        StudyError: a candidate does not exist, or has no score to compare.
    """
    histories = {number: study.history(number) for number in (old, new)}
    objective = study.opened.objective
    on, trials, is_paired = _comparable_trials(histories)
    if is_paired:
        comparison = _compare_pairs(objective, old, trials[new], trials[old])
    else:
        comparison = _compare_samples(objective, trials[new], trials[old])
    return {
        "study": name,
        "a": old,
        "b": new,
        "objective": {"name": objective.name, "goal": objective.goal},
        "on": on,
        "programs": [_program(histories[number], trials[number]) for number in (old, new)],
        **comparison,
    }


def _comparable_trials(
    histories: Mapping[int, CandidateHistory],
) -> tuple[str, dict[int, Trials], bool]:
    """The ok trials to compare, by candidate and seed.

    Trials under seeds that both have come first, and those of audits before those of the search.

    Returns:
        `audit` or `search`, the trials, and whether they are paired by seed.
    """
    sources: dict[str, dict[int, Trials]] = {
        "audit": {number: _ok_trials(each.audits) for number, each in histories.items()},
        "search": {number: _ok_trials(each.trials) for number, each in histories.items()},
    }
    for on, trials in sources.items():
        shared_seeds = sorted(set.intersection(*(set(by_seed) for by_seed in trials.values())))
        if shared_seeds:
            paired: dict[int, Trials] = {
                number: {seed: by_seed[seed] for seed in shared_seeds}
                for number, by_seed in trials.items()
            }
            return on, paired, True
    for on, trials in sources.items():
        if all(trials.values()):
            return on, trials, False
    lacking = next(number for number, by_seed in sources["search"].items() if not by_seed)
    raise StudyError(
        f"candidate {lacking} has no score that could be compared; "
        "log says which candidates have one"
    )


def _ok_trials(trials: Iterable[Trial]) -> Trials:
    return {trial.seed: trial for trial in trials if trial.status == "ok"}


def _compare_pairs(objective: Objective, old: int, trials: Trials, reference: Trials) -> View:
    """Compares trials under equal seeds."""
    has_units = objective.noise == "units"
    n_pairs = len(trials)
    if has_units:
        n_pairs = sum(len(trial.units) for trial in trials.values())
    gains = [
        objective.gain(trials[seed].score or 0.0, reference[seed].score or 0.0) for seed in trials
    ]
    comparison: View = {
        "pairs": _kind_of_pairs(objective),
        "n": n_pairs,
        "seeds": list(trials),
        "effect": fmean(gains),
        "interval": None,
        "sd": None,
        "p": None,
        "items": _count_items(trials, reference) if has_units else None,
        "verdict": "one pair",
    }
    is_noisy = objective.noise != "none"
    if is_noisy and n_pairs < 2:
        return comparison
    evidence = compare_paired(objective, trials, reference, old)
    _, low, high = interval_of(evidence)
    p = significance(objective, trials, reference) if is_noisy else None
    return comparison | {
        "interval": [low, high],
        "sd": evidence.sd,
        "p": p,
        "verdict": _verdict(low, high, p),
    }


def _kind_of_pairs(objective: Objective) -> str:
    match objective.noise:
        case "units":
            return "units"
        case "none":
            return "trials"
    return "seeds"


def _compare_samples(objective: Objective, trials: Trials, reference: Trials) -> View:
    """Compares trials that have no seed in common."""
    scores = [trial.score or 0.0 for trial in trials.values()]
    reference_scores = [trial.score or 0.0 for trial in reference.values()]
    comparison: View = {
        "pairs": "none",
        "n": 0,
        "seeds": [],
        "effect": objective.gain(fmean(scores), fmean(reference_scores)),
        "interval": None,
        "sd": None,
        "p": None,
        "items": None,
        "verdict": "too few trials",
    }
    difference = compare_unpaired(objective, scores, reference_scores)
    if difference is None:
        return comparison
    return comparison | {
        "interval": [difference.low, difference.high],
        "p": difference.p,
        "verdict": _verdict(difference.low, difference.high, difference.p),
    }


def _program(history: CandidateHistory, trials: Mapping[int, Trial]) -> View:
    shared_metrics = set.intersection(*(set(trial.metrics) for trial in trials.values()))
    return {
        "candidate": history.number,
        "score": fmean(trial.score or 0.0 for trial in trials.values()),
        "metrics": {
            name: fmean(trial.metrics[name] for trial in trials.values())
            for name in sorted(shared_metrics)
        },
        "trials": len(trials),
        "hypothesis": history.record.hypothesis,
    }


def _count_items(trials: Trials, reference: Trials) -> View | None:
    """How many items each got right; None unless every unit is 0 or 1."""
    pairs: list[tuple[float, float]] = []
    for seed, trial in trials.items():
        pairs += zip(reference[seed].units, trial.units, strict=True)
    if not all(value in (0.0, 1.0) for pair in pairs for value in pair):
        return None
    return {
        "both": pairs.count((1.0, 1.0)),
        "a_only": pairs.count((1.0, 0.0)),
        "b_only": pairs.count((0.0, 1.0)),
        "neither": pairs.count((0.0, 0.0)),
    }


def _verdict(low: float, high: float, p: float | None) -> str:
    """A difference counts if the interval excludes 0 and the test agrees."""
    if low <= 0 <= high or (p is not None and p >= LEVEL):
        return "not told apart"
    return "B is better" if low > 0 else "A is better"
