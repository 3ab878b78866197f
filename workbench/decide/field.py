"""Collects the trials that a test compares, and names those that can still be had."""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.records import Trial

TrialRequest = tuple[int, int]  # a candidate's number and the index of a seed: a trial to run


@dataclass(frozen=True)
class Field:
    """The ok trials that a test compares, by seed index, and the trials that can still be had.

    Attributes:
        candidate: number of the candidate under test.
        incumbent: number of the incumbent.
        indices: seed indices of this comparison, in their order, without those that made the
            incumbent the incumbent.
        candidate_trials: the candidate's ok trials; the screening trial comes first.
        reference_trials: the incumbent's ok trials on `indices`.
        untried: indices on which the incumbent has not run.
    """

    candidate: int
    incumbent: int
    indices: tuple[int, ...]
    candidate_trials: dict[int, Trial]
    reference_trials: dict[int, Trial]
    untried: tuple[int, ...]

    @classmethod
    def of(cls, study: Study, candidate: int, incumbent: int, size: int) -> "Field":
        """The field over the first `size` seeds that can be used."""
        rival = study.candidates[incumbent]
        spent_seeds = _deciding_seeds(rival)
        index_of_seed = {study.seed(index): index for index in range(size + len(spent_seeds))}
        usable = [index for seed, index in index_of_seed.items() if seed not in spent_seeds]
        indices = tuple(usable[:size])
        rival_trials = _by_index(rival, index_of_seed)
        # A lost trial says nothing of the program, so its seed may be tried again.
        tried = {index_of_seed.get(trial.seed) for trial in rival.trials if trial.status != "lost"}
        return cls(
            candidate=candidate,
            incumbent=incumbent,
            indices=indices,
            candidate_trials=_by_index(study.candidates[candidate], index_of_seed),
            reference_trials={
                index: rival_trials[index] for index in indices if index in rival_trials
            },
            untried=tuple(index for index in indices if index not in tried),
        )

    @property
    def next_trial(self) -> TrialRequest | None:
        """The candidate's next trial; None when every seed is used."""
        for index in self.indices:
            if index not in self.candidate_trials:
                return self.candidate, index
        return None

    @property
    def missing_pairs(self) -> tuple[TrialRequest, ...]:
        """Trials that the incumbent still needs to have one under each seed of the candidate."""
        indices = [index for index in self.candidate_trials if index in self.untried]
        return tuple((self.incumbent, index) for index in indices)

    @property
    def paired_trials(self) -> dict[int, Trial]:
        """The candidate's trials under seeds on which the incumbent has an ok trial too."""
        return {
            index: trial
            for index, trial in self.candidate_trials.items()
            if index in self.reference_trials
        }

    def missing_reference(self, n_wanted: int) -> tuple[TrialRequest, ...]:
        """Trials that the incumbent still needs to have `n_wanted` of them."""
        n_missing = max(0, n_wanted - len(self.reference_trials))
        return tuple((self.incumbent, index) for index in self.untried[:n_missing])


def scores(trials: Mapping[int, Trial]) -> dict[int, float]:
    """The scores of ok trials, by seed index."""
    return {index: trial.score for index, trial in trials.items() if trial.score is not None}


def _deciding_seeds(history: CandidateHistory) -> set[int]:
    """Seeds on which a candidate was found to be good.

    It was chosen for its scores there, so they are too good to compare others with.
    """
    if history.record.parent is None:
        return set()
    seeds = {trial.seed for trial in history.trials[:1]}
    for decision in reversed(history.decisions):
        if decision.verdict == "keep":
            return seeds | set(decision.evidence.seeds)
    return seeds


def _by_index(history: CandidateHistory, index_of_seed: Mapping[int, int]) -> dict[int, Trial]:
    known_trials = [trial for trial in history.scored if trial.seed in index_of_seed]
    return {index_of_seed[trial.seed]: trial for trial in known_trials}
