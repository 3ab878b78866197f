"""Pairing: a candidate's gain over the incumbent under one seed, or the trials that are missing to know it."""

from workbench.decide.policy import Wanted
from workbench.experiment import Objective
from workbench.ledger.study import Study


def gain_at(
    study: Study, objective: Objective, candidate: int, incumbent: int, index: int
) -> float | Wanted | None:
    """The gain (above 0 is better, in units of the score) with seed number `index`; the candidate's own trial is wanted first.

    None where the incumbent itself fails under this seed: it tells nothing about the candidate.
    """
    seed = study.seed(index)
    trials = {number: study.candidates[number].trial_at(seed) for number in (candidate, incumbent)}
    scores = {
        number: trial.score
        for number, trial in trials.items()
        if trial is not None and trial.score is not None
    }
    if len(scores) == len(trials):
        return objective.gain(scores[candidate], scores[incumbent])
    if incumbent not in scores and any(
        trial.seed == seed and trial.status != "lost"
        for trial in study.candidates[incumbent].trials
    ):
        return None
    return Wanted(tuple((number, index) for number in trials if number not in scores))
