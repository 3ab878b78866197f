"""A candidate's gain over the incumbent under one seed, or the trials still needed for it."""

from workbench.decide.policy import Wanted
from workbench.experiment import Objective
from workbench.ledger.study import Study


def gain_at(
    study: Study, objective: Objective, candidate: int, incumbent: int, index: int
) -> float | Wanted | None:
    """The gain under seed number `index`; above 0 is better, in units of the score.

    Returns:
        The gain; or the trials that are missing, the candidate's first; or None where the incumbent
        itself fails under this seed, which says nothing about the candidate.
    """
    seed = study.seed(index)
    scores = {}
    for number in (candidate, incumbent):
        trial = study.candidates[number].find_trial(seed)
        if trial is not None and trial.score is not None:
            scores[number] = trial.score
    missing = [number for number in (candidate, incumbent) if number not in scores]
    if not missing:
        return objective.gain(scores[candidate], scores[incumbent])
    incumbent_was_tried = any(
        trial.seed == seed and trial.status != "lost"
        for trial in study.candidates[incumbent].trials
    )
    if incumbent in missing and incumbent_was_tried:
        return None
    return Wanted(tuple((number, index) for number in missing))
