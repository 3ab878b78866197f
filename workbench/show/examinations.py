"""What an audit or an ablation found, as plain dictionaries."""

from typing import Any

from workbench.ledger.examination import Examination
from workbench.ledger.study import Study
from workbench.records import Ablated, Ablation, Audit, Evidence

View = dict[str, Any]


def progress(study: Study, examination: Examination) -> View:
    """How far an examination is: `verb`, `candidate`, `done` and `trials` (of all its programs together)."""
    seeds = {study.seed(index) for index in examination.indices}
    ended = [
        trial
        for number in examination.programs
        for trial in study.candidates[number].audits
        if trial.seed in seeds
    ]
    return {
        "verb": examination.verb,
        "candidate": examination.candidate,
        "done": sum(trial.status == "ok" for trial in ended),
        "trials": examination.trials * len(examination.programs),
    }


def audit(study: Study, record: Audit) -> View:
    """What an audit found.

    | field | is |
    | --- | --- |
    | `candidate`, `against` | the kept program, and what it was compared with (0, the baseline) |
    | `verdict`, `why` | `holds`, `too small` (below `min_effect`), `does not hold`, `failed`; and in words |
    | `gain`, `interval`, `level` | the corrected gain, above 0 is better; its interval, which covers the truth with `level` |
    | `claimed` | the gain by the study's own scores |
    | `trials`, `settings` | fresh seeds of each program, and the settings that took the place of the study's |
    | `scores` | by seed: `seed`, `score`, `against` (its score), `gain` |
    """
    gain = study.opened.objective.gain
    pairs = [
        (seed, _score(study, record.candidate, seed), _score(study, record.against, seed))
        for seed in record.evidence.seeds
    ]
    return {
        "study": study.opened.name,
        "candidate": record.candidate,
        "against": record.against,
        "verdict": record.verdict,
        "why": record.why,
        "gain": record.evidence.effect,
        "interval": _interval(record.evidence),
        "level": record.evidence.level,
        "claimed": record.claimed,
        "trials": record.evidence.trials,
        "settings": dict(record.settings),
        "scores": [
            {"seed": seed, "score": own, "against": other, "gain": gain(own, other)}
            for seed, own, other in pairs
        ],
    }


def ablation(study: Study, record: Ablation) -> View:
    """What an ablation found.

    | field | is |
    | --- | --- |
    | `candidate` | the kept program whose changes were taken out |
    | `why` | where that program itself failed; else empty |
    | `settings` | that took the place of the study's |
    | `changes` | the oldest first: `without` (the change), `hypothesis`, `weight`, `why`, `cost` (what taking it out costs), |
    | | `interval`, `trials`, `candidate` (the program without it, or None), `status` (`waiting` where it is proposed to revert) |

    `weight` is `carries`, `no weight`, `unclear`, `failed` (without it the program fails) or `not made`.
    """
    return {
        "study": study.opened.name,
        "candidate": record.candidate,
        "why": record.why,
        "settings": dict(record.settings),
        "changes": [_change(study, row) for row in record.rows],
    }


def _change(study: Study, row: Ablated) -> View:
    evidence = row.evidence
    interval = _interval(evidence)
    return {
        "without": row.without,
        "hypothesis": study.candidates[row.without].record.hypothesis,
        "weight": row.weight,
        "why": row.why,
        "cost": None if evidence.effect is None else 0.0 - evidence.effect,
        "interval": None if interval is None else [0.0 - interval[1], 0.0 - interval[0]],
        "trials": evidence.trials,
        "candidate": row.candidate,
        "status": None if row.candidate is None else study.candidates[row.candidate].status,
    }


def _interval(evidence: Evidence) -> list[float] | None:
    return None if evidence.low is None or evidence.high is None else [evidence.low, evidence.high]


def _score(study: Study, number: int, seed: int) -> float:
    return next(
        trial.score
        for trial in study.candidates[number].audits
        if trial.seed == seed and trial.score is not None
    )
