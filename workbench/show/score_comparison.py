"""Comparison: two candidates of a study by their scores, pair by pair where they can be, as plain dictionaries: `diff A B --scores`."""

from collections.abc import Iterable, Mapping
from statistics import fmean
from typing import Any

from workbench.decide.paired import interval as interval_of
from workbench.decide.paired import paired, significance
from workbench.decide.unpaired import unpaired
from workbench.errors import StudyError
from workbench.experiment import Objective
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.records import Trial

LEVEL = 0.05
View = dict[str, Any]
Trials = dict[int, Trial]  # by seed


def scores(study: Study, name: str, old: int, new: int) -> View:
    """How much better candidate `new` is than `old`: on what both were tried on, else each by its own trials.

    | field | is |
    | --- | --- |
    | `study`, `a`, `b` | its name, and the two candidates |
    | `objective` | `name`, `goal` |
    | `on` | `audit` where both were audited (nothing was chosen by those trials), else `search`; where seeds are equal, if in any |
    | `programs` | of each: `candidate`, `score`, `metrics` (means over these trials), `trials` (how many), `hypothesis` |
    | `pairs` | `units` (items within equal seeds), `seeds`, `trials` where the objective has no noise; `none` without equal seeds |
    | `n`, `seeds` | how many pairs, under which seeds; 0 and none without equal seeds |
    | `effect`, `interval` | mean gain of B over A, above 0 is better; at 95 %, None for a single pair or too few trials |
    | `sd` | of one pair; None without pairs |
    | `p` | two-sided: McNemar's exact test where units are 0 or 1, else Student's, Welch's without equal seeds; None without noise or |
    | | interval |
    | `items` | of units that are 0 or 1: `both`, `a_only`, `b_only`, `neither` have a 1; else None |
    | `verdict` | `B is better`, `A is better`, `not told apart`, `one pair`, `too few trials` (for the spread of one of them) |

    Raises:
        StudyError: no such candidate, or one has no score to compare.
    """
    histories = {number: study.history(number) for number in (old, new)}
    objective = study.opened.objective
    on, trials, is_paired = _comparable(histories)
    own, reference = trials[new], trials[old]
    compared = (
        _pairs(objective, old, own, reference) if is_paired else _samples(objective, own, reference)
    )
    return {
        "study": name, "a": old, "b": new, "objective": {"name": objective.name, "goal": objective.goal}, "on": on,
        "programs": [_program(histories[number], trials[number]) for number in (old, new)], **compared,
    }  # fmt: skip


def _comparable(histories: Mapping[int, CandidateHistory]) -> tuple[str, dict[int, Trials], bool]:
    """The ok trials to compare, by candidate and seed, and whether they are those under seeds that both have; of audits if possible."""
    found = {
        on: {
            number: _scored(history.audits if on == "audit" else history.trials)
            for number, history in histories.items()
        }
        for on in ("audit", "search")
    }
    for on, trials in found.items():
        if seeds := sorted(set.intersection(*(set(by_seed) for by_seed in trials.values()))):
            return (
                on,
                {
                    number: {seed: by_seed[seed] for seed in seeds}
                    for number, by_seed in trials.items()
                },
                True,
            )
    for on, trials in found.items():
        if all(trials.values()):
            return on, trials, False
    lacking = next(number for number, by_seed in found["search"].items() if not by_seed)
    raise StudyError(
        f"candidate {lacking} has no score that could be compared; log says which candidates have one"
    )


def _scored(trials: Iterable[Trial]) -> Trials:
    return {trial.seed: trial for trial in trials if trial.status == "ok"}


def _pairs(objective: Objective, old: int, own: Trials, reference: Trials) -> View:
    """What is said of trials under equal seeds."""
    units = objective.noise == "units"
    n = sum(len(trial.units) for trial in own.values()) if units else len(own)
    single = objective.noise != "none" and n < 2
    effect = fmean(
        objective.gain(own[seed].score or 0.0, reference[seed].score or 0.0) for seed in own
    )
    evidence = None if single else paired(objective, own, reference, old)
    interval = None if evidence is None else interval_of(evidence)[1:]
    p = None if single or objective.noise == "none" else significance(objective, own, reference)
    return {
        "pairs": "units" if units else "trials" if objective.noise == "none" else "seeds", "n": n, "seeds": list(own),
        "effect": effect, "interval": None if interval is None else list(interval), "sd": None if evidence is None else evidence.sd, "p": p,
        "items": _items(own, reference) if units else None, "verdict": "one pair" if interval is None else _verdict(interval, p),
    }  # fmt: skip


def _samples(objective: Objective, own: Trials, reference: Trials) -> View:
    """What is said of trials that have no seed in common."""
    mine, theirs = (
        [trial.score or 0.0 for trial in trials.values()] for trials in (own, reference)
    )
    found = unpaired(objective, mine, theirs)
    return {
        "pairs": "none", "n": 0, "seeds": [], "effect": objective.gain(fmean(mine), fmean(theirs)),
        "interval": None if found is None else [found.low, found.high], "sd": None, "p": None if found is None else found.p,
        "items": None, "verdict": "too few trials" if found is None else _verdict((found.low, found.high), found.p),
    }  # fmt: skip


def _program(history: CandidateHistory, trials: Mapping[int, Trial]) -> View:
    names = sorted(set.intersection(*(set(trial.metrics) for trial in trials.values())))
    return {
        "candidate": history.number,
        "score": fmean(trial.score or 0.0 for trial in trials.values()),
        "metrics": {
            name: fmean(trial.metrics[name] for trial in trials.values()) for name in names
        },
        "trials": len(trials),
        "hypothesis": history.record.hypothesis,
    }


def _items(own: Mapping[int, Trial], reference: Mapping[int, Trial]) -> View | None:
    pairs = [
        pair for seed in own for pair in zip(reference[seed].units, own[seed].units, strict=True)
    ]
    if not all(value in (0.0, 1.0) for pair in pairs for value in pair):
        return None
    return {
        "both": pairs.count((1.0, 1.0)), "a_only": pairs.count((1.0, 0.0)), "b_only": pairs.count((0.0, 1.0)),
        "neither": pairs.count((0.0, 0.0)),
    }  # fmt: skip


def _verdict(interval: tuple[float, float], p: float | None) -> str:
    """A difference counts where the interval leaves out 0, and the test agrees."""
    low, high = interval
    if low <= 0 <= high or (p is not None and p >= LEVEL):
        return "not told apart"
    return "B is better" if low > 0 else "A is better"
