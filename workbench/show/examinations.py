"""What an audit or an ablation found, as plain dictionaries."""

from typing import Any

from workbench.ledger.examination import Examination
from workbench.ledger.study import Study
from workbench.records import Ablated, Ablation, Audit, Evidence

View = dict[str, Any]


def progress(study: Study, examination: Examination) -> View:
    """How far an examination is.

    | field | is |
    | --- | --- |
    | `verb`, `candidate` | `audit` or `ablate`, and of which candidate |
    | `done`, `trials` | ok trials so far, and all that it needs, over all its programs |
    """
    seeds = {study.seed(index) for index in examination.indices}
    n_done = 0
    for number in examination.programs:
        trials = study.candidates[number].audits
        n_done += sum(trial.status == "ok" and trial.seed in seeds for trial in trials)
    return {
        "verb": examination.verb,
        "candidate": examination.candidate,
        "done": n_done,
        "trials": examination.trials * len(examination.programs),
    }


def audit(study: Study, record: Audit) -> View:
    """What an audit found.

    | field | is |
    | --- | --- |
    | `candidate`, `against` | the kept program, and what it was compared with (0, the baseline) |
    | `verdict` | `holds`, `too small` (below `min_effect`), `does not hold`, `failed` |
    | `why` | the verdict in words |
    | `gain` | the corrected gain; above 0 is better |
    | `interval`, `level` | its interval, and the interval's coverage |
    | `claimed` | the gain by the study's own scores |
    | `trials`, `settings` | fresh seeds per program, and the settings that replaced the study's |
    | `scores` | by seed: `seed`, `score`, `against` (its score), `gain` |
    """
    scores = []
    for seed in record.evidence.seeds:
        score = _score(study, record.candidate, seed)
        against = _score(study, record.against, seed)
        gain = study.opened.objective.gain(score, against)
        scores.append({"seed": seed, "score": score, "against": against, "gain": gain})
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
        "scores": scores,
    }


def ablation(study: Study, record: Ablation) -> View:
    """What an ablation found.

    | field | is |
    | --- | --- |
    | `candidate` | the kept program whose changes were taken out |
    | `why` | why that program itself failed; else empty |
    | `settings` | those that replaced the study's |
    | `changes` | the oldest first: `without` (the change), `hypothesis`, `weight`, `why`, |
    | | `cost` (what taking it out costs), `interval`, `trials`, |
    | | `candidate` (the program without it, or None), |
    | | `status` (`waiting` if it is proposed to revert the change) |

    `weight` is `carries`, `no weight`, `unclear`, `failed` (without it the program fails) or `not
    made`.
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
    if evidence.low is None or evidence.high is None:
        return None
    return [evidence.low, evidence.high]


def _score(study: Study, number: int, seed: int) -> float:
    for trial in study.candidates[number].audits:
        if trial.seed == seed and trial.score is not None:
            return trial.score
    raise LookupError(f"candidate {number} has no audit trial under seed {seed}")
