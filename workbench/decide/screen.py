"""Which trials may be ended early, and which of the incumbent's values they have to reach."""

from statistics import fmean

from workbench.experiment import Experiment
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.records import Trial


def is_screened(study: Study, candidate: int) -> bool:
    """Whether a candidate's next trial may be ended early: only until the candidate has a score.

    Later trials measure how good a promising candidate is. One that is cut off would measure
    nothing, and over many seeds an unlucky one would end most candidates. The same holds for an
    audit's trials. The baseline has no rival, and an ablation's programs need their scores.
    """
    history = study.candidates[candidate]
    return (
        study.incumbent is not None
        and not history.is_ablation
        and not history.scored
    )  # fmt: skip


def trials_to_match(history: CandidateHistory, experiment: Experiment, seed: int) -> list[Trial]:
    """The ok trials whose mean stands for a program.

    With noise `units` a seed draws the items, so only the trial under the same seed is comparable.
    """
    if experiment.objective.noise == "units":
        return [trial for trial in history.scored if trial.seed == seed]
    return history.scored


def stages(study: Study, experiment: Experiment, candidate: int, seed: int) -> dict[str, float]:
    """The incumbent's values at the stages of the cascade, which a screening trial has to reach.

    Empty for a trial that is measured whole.
    """
    if study.incumbent is None or not is_screened(study, candidate):
        return {}
    trials = trials_to_match(study.candidates[study.incumbent], experiment, seed)
    bars = {}
    for stage in experiment.cascade:
        values = [trial.metrics[stage] for trial in trials if stage in trial.metrics]
        if values:
            bars[stage] = fmean(values)
    return bars
