"""Screen: which trials may be ended before their end, and what of the incumbent's they are held to."""

from statistics import fmean

from workbench.experiment import Experiment
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.records import Trial


def is_screened(study: Study, candidate: int) -> bool:
    """Whether a candidate's next trial may be ended early: until it has a score.

    Trials after that measure how good a promising candidate is. One that was cut off would measure nothing, and on many seeds an
    unlucky one would end most candidates. So do the trials of an audit. The baseline has nobody to be compared with; of an ablation's
    programs a score is wanted.
    """
    history = study.candidates[candidate]
    return study.incumbent is not None and not history.is_ablation and not history.scored


def trials_of(history: CandidateHistory, experiment: Experiment, seed: int) -> list[Trial]:
    """The ok trials whose mean stands for a program: all of them, but with noise `units`, where a seed draws the items, that one."""
    if experiment.objective.noise == "units":
        return [trial for trial in history.scored if trial.seed == seed]
    return history.scored


def stages(study: Study, experiment: Experiment, candidate: int, seed: int) -> dict[str, float]:
    """The incumbent's values at the stages of the cascade, to which a trial is held; none for a trial that is measured whole."""
    if study.incumbent is None or not is_screened(study, candidate):
        return {}
    trials = trials_of(study.candidates[study.incumbent], experiment, seed)
    values = {
        name: [trial.metrics[name] for trial in trials if name in trial.metrics]
        for name in experiment.cascade
    }
    return {name: fmean(found) for name, found in values.items() if found}
