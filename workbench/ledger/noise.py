"""Noise: how much the scores of a study vary by chance, and the statistical tests so far.

It collects what policies need; the tests themselves are in `decide/`.
"""

from dataclasses import dataclass, field

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.repeats import Repeats
from workbench.records import Decision, Trial


@dataclass
class Noise:
    """How much scores vary by chance, and the statistical tests so far.

    Attributes:
        repeats: running sums for the spread of a trial, over all candidates.
        n_tests: how many candidates have been through a statistical test.
        discoveries: which of these tests (1, 2, ...) found a gain.
        n_units_by_seed: how many unit observations a trial has, as its seed's first ok trial had.
    """

    repeats: Repeats = field(default_factory=Repeats)
    n_tests: int = 0
    discoveries: list[int] = field(default_factory=list)
    n_units_by_seed: dict[int, int] = field(default_factory=dict)

    def add_trial(self, history: CandidateHistory, record: Trial) -> None:
        """Takes in a trial, which is already part of its candidate's history."""
        if record.score is None:
            return
        self.n_units_by_seed.setdefault(record.seed, len(record.units))
        # Trials of an audit run under other settings, so their scores belong to another scale.
        if not record.purpose:
            self.repeats.add(history.number, history.unbiased_scores)

    def count_test(
        self, history: CandidateHistory, rival: CandidateHistory | None, decision: Decision
    ) -> None:
        """Counts the test behind a decision, and takes in what it showed about the noise.

        Args:
            history: the candidate that was tested.
            rival: what it was compared with, if the evidence names it.
            decision: the first decision after the test. Later ones, by people, are not tests.
        """
        evidence = decision.evidence
        self.n_tests += 1
        is_gain = (
            decision.verdict in ("keep", "defer")
            and evidence.p is not None
            and evidence.alpha is not None
            and evidence.p <= evidence.alpha
        )
        if is_gain:
            self.discoveries.append(self.n_tests)
        if rival is not None:
            self._add_comparison(history, rival, evidence.seeds)

    def _add_comparison(
        self, history: CandidateHistory, rival: CandidateHistory, seeds: tuple[int, ...]
    ) -> None:
        """Takes in trials of both under equal seeds, which show what chance they share."""
        scores = []
        for seed in seeds:
            trial = history.find_trial(seed)
            rival_trial = rival.find_trial(seed)
            if trial is None or rival_trial is None:
                continue
            if trial.score is not None and rival_trial.score is not None:
                scores.append((trial.score, rival_trial.score))
        self.repeats.add_pairs(scores)
        differences = []
        for trial in history.scored:
            rival_trial = rival.find_trial(trial.seed)
            if trial.units and rival_trial is not None:
                pairs = zip(trial.units, rival_trial.units, strict=True)
                differences.append([unit - rival_unit for unit, rival_unit in pairs])
        self.repeats.add_differences(differences)
