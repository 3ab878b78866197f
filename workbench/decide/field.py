"""Field: the trials of a candidate and of the incumbent that a test compares, and those that may still be had."""

from collections.abc import Mapping
from dataclasses import dataclass

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.records import Trial

Pair = tuple[int, int]  # a candidate and the index of a seed: a trial to run


@dataclass(frozen=True)
class Field:
    """The ok trials that a test compares, by seed index, and the trials that may still be had.

    Attributes:
        indices: the seeds of this comparison in their order: those that did not decide about the incumbent.
        own: the candidate's trials, the screening trial first. reference: the incumbent's on `indices`.
        untried: indices on which the incumbent has not run.
    """

    candidate: int
    incumbent: int
    indices: tuple[int, ...]
    own: dict[int, Trial]
    reference: dict[int, Trial]
    untried: tuple[int, ...]

    @classmethod
    def of(cls, study: Study, candidate: int, incumbent: int, size: int) -> "Field":
        """The field over the first `size` seeds that may be used."""
        rival = study.candidates[incumbent]
        used = _deciding(rival)
        seeds = {study.seed(index): index for index in range(size + len(used))}
        indices = tuple(index for seed, index in seeds.items() if seed not in used)[:size]
        trials = _by_index(rival, seeds)
        tried = {seeds.get(trial.seed) for trial in rival.trials if trial.status != "lost"}
        return cls(
            candidate,
            incumbent,
            indices,
            _by_index(study.candidates[candidate], seeds),
            {index: trials[index] for index in indices if index in trials},
            tuple(index for index in indices if index not in tried),
        )

    @property
    def next(self) -> Pair | None:
        """The candidate's next trial; None where every seed is used."""
        return next(
            ((self.candidate, index) for index in self.indices if index not in self.own), None
        )

    @property
    def beside(self) -> tuple[Pair, ...]:
        """Trials that the incumbent lacks to have one under each seed of the candidate's."""
        return tuple((self.incumbent, index) for index in self.own if index in self.untried)

    @property
    def paired(self) -> dict[int, Trial]:
        """The candidate's trials under seeds that the incumbent has an ok trial under too."""
        return {index: trial for index, trial in self.own.items() if index in self.reference}

    def missing(self, reference: int) -> tuple[Pair, ...]:
        """Trials that the incumbent lacks to have `reference` of them."""
        return tuple(
            (self.incumbent, index)
            for index in self.untried[: max(0, reference - len(self.reference))]
        )


def scores(trials: Mapping[int, Trial]) -> dict[int, float]:
    """The scores of ok trials, by seed index."""
    return {index: trial.score for index, trial in trials.items() if trial.score is not None}


def _deciding(history: CandidateHistory) -> set[int]:
    """Seeds on which a candidate was found good: its score there is too good to be compared with."""
    if history.record.parent is None:
        return set()
    keep = next(
        (decision for decision in reversed(history.decisions) if decision.verdict == "keep"), None
    )
    return {trial.seed for trial in history.trials[:1]} | set(keep.evidence.seeds if keep else ())


def _by_index(history: CandidateHistory, seeds: Mapping[int, int]) -> dict[int, Trial]:
    return {seeds[trial.seed]: trial for trial in history.scored if trial.seed in seeds}
