"""Comparison: two candidates of a study by their scores, pair by pair, as plain dictionaries: `diff A B --scores`."""

from collections.abc import Mapping
from statistics import fmean
from typing import Any

from workbench.decide.paired import interval as interval_of
from workbench.decide.paired import paired, significance
from workbench.errors import StudyError
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.records import Trial

LEVEL = 0.05
View = dict[str, Any]


def scores(study: Study, name: str, old: int, new: int) -> View:
    """How much better candidate `new` is than `old` on what both were tried on.

    | field | is |
    | --- | --- |
    | `study`, `a`, `b` | its name, and the two candidates |
    | `objective` | `name`, `goal` |
    | `on` | `audit` where both were audited under equal seeds (nothing was chosen by those trials), else `search` |
    | `programs` | of each: `candidate`, `score`, `metrics` (means over these trials), `hypothesis` |
    | `pairs` | `units` (items within equal seeds), `seeds`, or `trials` where the objective has no noise |
    | `n`, `seeds` | how many pairs, under which seeds |
    | `effect`, `interval`, `sd` | mean gain of B over A, above 0 is better; at 95 %, None for a single pair; of one pair |
    | `p` | two-sided: McNemar's exact test where units are 0 or 1, else Student's; None without noise or with a single pair |
    | `items` | of units that are 0 or 1: `both`, `a_only`, `b_only`, `neither` have a 1; else None |
    | `verdict` | `B is better`, `A is better`, `not told apart`, `one pair` |

    Raises:
        StudyError: no such candidate, or no seed under which both were scored.
    """
    histories = {number: study.history(number) for number in (old, new)}
    objective = study.opened.objective
    on, trials = _shared(histories)
    own, reference = trials[new], trials[old]
    if not own:
        remedy = "audit scores the incumbent and the baseline on equal seeds"
        raise StudyError(f"candidates {old} and {new} have no seed under which both were scored; {remedy}")
    units = objective.noise == "units"
    n = sum(len(trial.units) for trial in own.values()) if units else len(own)
    single = objective.noise != "none" and n < 2
    effect = fmean(objective.gain(own[seed].score or 0.0, reference[seed].score or 0.0) for seed in own)
    evidence = None if single else paired(objective, own, reference, old)
    interval = None if evidence is None else interval_of(evidence)[1:]
    p = None if single or objective.noise == "none" else significance(objective, own, reference)
    return {
        "study": name, "a": old, "b": new, "objective": {"name": objective.name, "goal": objective.goal}, "on": on,
        "programs": [_program(histories[number], trials[number]) for number in (old, new)],
        "pairs": "units" if units else "trials" if objective.noise == "none" else "seeds", "n": n, "seeds": sorted(own),
        "effect": effect, "interval": None if interval is None else list(interval), "sd": None if evidence is None else evidence.sd, "p": p,
        "items": _items(own, reference) if units else None, "verdict": _verdict(interval, p),
    }  # fmt: skip


def _shared(histories: Mapping[int, CandidateHistory]) -> tuple[str, dict[int, dict[int, Trial]]]:
    """The ok trials under seeds that both have, of audits where there are any."""
    for on in ("audit", "search"):
        found = {
            number: {trial.seed: trial for trial in (history.audits if on == "audit" else history.trials) if trial.status == "ok"}
            for number, history in histories.items()
        }
        seeds = sorted(set.intersection(*(set(trials) for trials in found.values())))
        if seeds:
            break
    return on, {number: {seed: trials[seed] for seed in seeds} for number, trials in found.items()}


def _program(history: CandidateHistory, trials: Mapping[int, Trial]) -> View:
    names = sorted(set.intersection(*(set(trial.metrics) for trial in trials.values())))
    return {
        "candidate": history.number,
        "score": fmean(trial.score or 0.0 for trial in trials.values()),
        "metrics": {name: fmean(trial.metrics[name] for trial in trials.values()) for name in names},
        "hypothesis": history.record.hypothesis,
    }


def _items(own: Mapping[int, Trial], reference: Mapping[int, Trial]) -> View | None:
    pairs = [pair for seed in own for pair in zip(reference[seed].units, own[seed].units, strict=True)]
    if not all(value in (0.0, 1.0) for pair in pairs for value in pair):
        return None
    return {
        "both": pairs.count((1.0, 1.0)), "a_only": pairs.count((1.0, 0.0)), "b_only": pairs.count((0.0, 1.0)),
        "neither": pairs.count((0.0, 0.0)),
    }  # fmt: skip


def _verdict(interval: tuple[float, float] | None, p: float | None) -> str:
    """A difference counts where the interval leaves out 0, and the test agrees."""
    if interval is None:
        return "one pair"
    low, high = interval
    if low <= 0 <= high or (p is not None and p >= LEVEL):
        return "not told apart"
    return "B is better" if low > 0 else "A is better"
