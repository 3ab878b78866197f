"""Contracts that every implementation of a role must pass, and a stand-in executor; they ship, for those who add their own.

Inherit a contract in a test class and override its one method that makes the implementation:

    class TestMine(ProposerContract):
        def make(self, experiment, options):
            return Mine("", experiment, options)
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from workbench.decide.policy import Policy, Wanted
from workbench.evaluate.executor import Ended, Executor, Report, Task
from workbench.experiment import Experiment, Goal, Noise, Objective
from workbench.ledger.study import Study
from workbench.program import Patch, Program
from workbench.propose.proposer import Brief, Exhausted, Proposal, Proposer
from workbench.records import (
    PERSON,
    Candidate,
    Decision,
    Entry,
    Options,
    Record,
    StudyOpened,
    Trial,
)
from workbench.search.strategy import Strategy

PROGRAM = Program(
    {
        "train.py": '"""A program with knobs."""\n\nLEARNING_RATE = 0.1\nWIDTH = 8\n\n\ndef answer():\n    return LEARNING_RATE * WIDTH\n'
    }
)


def experiment_for_tests(
    folder: Path, goal: Goal = "minimize", noise: Noise = "seed"
) -> Experiment:
    """An experiment with the program `PROGRAM` and the objective `loss`; its folder holds the program only."""
    PROGRAM.write(folder)
    return Experiment(
        folder=folder,
        name="toy",
        editable=("train.py",),
        objective=Objective(name="loss", goal=goal, noise=noise),
    )


def fold(records: Sequence[Record]) -> Study:
    """The study of some records, as if they had been appended one second apart."""
    return Study().fold(
        Entry(number, float(number), record) for number, record in enumerate(records, 1)
    )


def opening(experiment: Experiment, options: Options | None = None) -> list[Record]:
    """The first two records of a study: itself and its baseline."""
    opened = StudyOpened(
        name="toy-1",
        experiment=experiment.name,
        source=str(experiment.folder),
        experiment_digest="0" * 64,
        objective=experiment.objective,
        options=options or Options(),
        shape=experiment.shape,
    )
    return [opened, Candidate(candidate=0, parent=None, program=PROGRAM.digest, author="baseline")]


class StandInExecutor:
    """An executor that runs nothing: `score(program, seed)` is the score of a trial, at once; None fails it.

    Part of the product, so that a policy or proposer can be tried on thousands of candidates in seconds.
    """

    sandbox = "off"

    def __init__(
        self, score: Callable[[Program, int], float | None], report: Report, slots: int = 1
    ) -> None:
        self._score, self._report, self.slots = score, report, slots

    def submit(self, task: Task) -> None:
        score = self._score(task.program, task.seed)
        trial = Trial(
            candidate=task.candidate,
            trial=task.trial,
            seed=task.seed,
            status="ok" if score is not None else "failed",
            score=score,
        )
        self._report(Ended(task, trial if score is not None else replace(trial, reason="no score")))

    def cancel(self, candidate: int, trial: int, reason: str) -> None:
        """Without effect: every trial has ended already."""

    def close(self) -> None:
        """Nothing is held."""


class StrategyContract:
    """What every strategy owes."""

    N_CANDIDATES = 120

    def make(self, experiment: Experiment, options: Options) -> Strategy:
        raise NotImplementedError("return your strategy")

    def test_it_names_itself_and_asks_for_candidates_that_have_a_score_and_no_veto(
        self, tmp_path: Path
    ) -> None:
        experiment = experiment_for_tests(tmp_path, noise="none")
        strategy, study = self.make(experiment, Options(seed=3)), _kept_baseline(experiment)
        assert strategy.name
        for number in range(self.N_CANDIDATES):
            ask = strategy.ask(study)
            assert ask.parent not in ask.inspirations
            for asked in (ask.parent, *ask.inspirations):
                history = study.candidates[asked]
                assert history.score is not None
                assert history.failure is None
                assert not any(decision.by == PERSON for decision in history.decisions)
            _one_more(study, ask.parent, number)

    def test_a_new_one_asks_the_same_of_the_same_study_as_one_that_saw_it_grow(
        self, tmp_path: Path
    ) -> None:
        experiment = experiment_for_tests(tmp_path, noise="none")
        old, study = self.make(experiment, Options(seed=3)), _kept_baseline(experiment)
        for number in range(self.N_CANDIDATES):
            ask = old.ask(study)
            if number % 10 == 0:
                assert self.make(experiment, Options(seed=3)).ask(study) == ask
            _one_more(study, ask.parent, number)


class ProposerContract:
    """What every proposer owes."""

    def make(self, experiment: Experiment, options: Options) -> Proposer:
        raise NotImplementedError("return your proposer")

    def ask(
        self, experiment: Experiment, study: Study, number: int = 0, seed: int = 0
    ) -> Sequence[Proposal]:
        brief = Brief(experiment=experiment, study=study, parent=0, program=PROGRAM, number=number)
        try:
            given = self.make(experiment, Options(seed=seed)).propose(brief)
        except Exhausted:
            return []
        return [] if given is None else [given] if isinstance(given, Proposal) else list(given)

    def test_a_proposal_is_a_program_of_editable_files_with_a_hypothesis(
        self, tmp_path: Path
    ) -> None:
        experiment = experiment_for_tests(tmp_path)
        proposals = self.ask(experiment, _kept_baseline(experiment))
        assert len(proposals) <= 1, "one is wanted"
        for proposal in proposals:
            assert set(proposal.program.files) <= set(experiment.editable)
            assert proposal.hypothesis.strip()
            assert Patch.between(PROGRAM, proposal.program).apply(PROGRAM) == proposal.program

    def test_it_does_not_change_the_study_that_it_is_shown(self, tmp_path: Path) -> None:
        experiment = experiment_for_tests(tmp_path)
        study = _kept_baseline(experiment)
        before = (study.last_id, len(study.candidates), study.counts.copy(), study.incumbent)
        self.ask(experiment, study)
        assert (study.last_id, len(study.candidates), study.counts, study.incumbent) == before


class PolicyContract:
    """What every policy owes."""

    def make(self, experiment: Experiment, options: Options) -> Policy:
        raise NotImplementedError("return your policy")

    def decide(self, experiment: Experiment, scores: Callable[[int, int], float]) -> Decision:
        """Plays candidate 1 against the baseline, `scores(candidate, seed)` in hand, until the policy decides."""
        policy, records = self.make(experiment, Options()), opening(experiment)
        study = fold(records)
        for number, index in policy.opening(study).trials:
            records.append(_trial(study, records, number, index, scores))
        records.append(Decision(candidate=0, verdict="keep", by="loop"))
        records.append(Candidate(candidate=1, parent=0, program="1" * 64, author="tester"))
        for _ in range(100):
            study = fold(records)
            opinion = policy.judge(study, 1)
            if isinstance(opinion, Decision):
                return opinion
            assert opinion.trials, "a policy that wants nothing must decide"
            for number, index in opinion.trials[:1]:
                records.append(_trial(study, records, number, index, scores))
        raise AssertionError("the policy did not decide within 100 trials")

    def test_a_clear_loser_is_discarded(self, tmp_path: Path) -> None:
        decision = self.decide(
            experiment_for_tests(tmp_path), lambda number, seed: number * 10.0 + _jitter(seed)
        )
        assert decision.verdict == "discard"

    def test_a_clear_winner_is_kept_or_deferred_with_its_effect(self, tmp_path: Path) -> None:
        decision = self.decide(
            experiment_for_tests(tmp_path), lambda number, seed: -number * 10.0 + _jitter(seed)
        )
        assert decision.verdict in ("keep", "defer")
        assert decision.evidence.effect is not None
        assert abs(decision.evidence.effect - 10.0) < 0.1

    def test_the_direction_of_the_metric_is_honoured(self, tmp_path: Path) -> None:
        decision = self.decide(
            experiment_for_tests(tmp_path, goal="maximize"),
            lambda number, seed: number * 10.0 + _jitter(seed),
        )
        assert decision.verdict in ("keep", "defer")

    def test_asked_again_it_says_the_same(self, tmp_path: Path) -> None:
        experiment = experiment_for_tests(tmp_path)
        first, second = (
            self.decide(experiment, lambda number, seed: -number + _jitter(seed)) for _ in range(2)
        )
        assert first == second


class ExecutorContract:
    """What every executor owes. `make` builds one for the toy experiment; trials of `PROGRAM` must be able to end ok in it."""

    def make(self, experiment: Experiment, options: Options, report: Report) -> Executor:
        raise NotImplementedError("return your executor")

    def test_it_has_slots_and_says_its_sandbox(self, tmp_path: Path) -> None:
        executor = self.make(experiment_for_tests(tmp_path), Options(slots=1), lambda event: None)
        try:
            assert executor.slots >= 1
            assert executor.sandbox in ("bwrap", "landlock", "off")
        finally:
            executor.close()


def _kept_baseline(experiment: Experiment) -> Study:
    first = Trial(candidate=0, trial=0, seed=1, status="ok", score=1.0)
    return fold([*opening(experiment), first, Decision(candidate=0, verdict="keep", by="loop")])


def _one_more(study: Study, parent: int, number: int) -> None:
    """One more candidate from `parent`: some fail, some are kept, some of these are vetoed later."""
    candidate, score = len(study.candidates), 1.0 - ((number * 7919) % 101) / 100
    records: list[Record] = [
        Candidate(
            candidate=candidate,
            parent=parent,
            program=f"{candidate:064}",
            author="tester",
            added=number % 5,
        )
    ]
    if number % 7 == 3:
        records.append(
            Trial(candidate=candidate, trial=0, seed=1, status="failed", reason="it broke")
        )
        records.append(Decision(candidate=candidate, verdict="discard", by="loop"))
    else:
        best = min(study.candidates[kept].score or 0.0 for kept in study.kept)
        records.append(Trial(candidate=candidate, trial=0, seed=1, status="ok", score=score))
        records.append(
            Decision(
                candidate=candidate, verdict="keep" if score < best else "discard", by="tester"
            )
        )
    if number % 20 == 19 and study.kept[1:]:
        records.append(Decision(candidate=study.kept[-1], verdict="discard", by=PERSON))
    study.fold(
        Entry(study.last_id + 1 + place, study.last_at, record)
        for place, record in enumerate(records)
    )


def _trial(
    study: Study,
    records: Sequence[Record],
    number: int,
    index: int,
    scores: Callable[[int, int], float],
) -> Trial:
    seed = study.seed(index)
    tried = sum(isinstance(record, Trial) and record.candidate == number for record in records)
    return Trial(candidate=number, trial=tried, seed=seed, status="ok", score=scores(number, seed))


def _jitter(seed: int) -> float:
    return (seed % 1000) / 100_000


__all__ = [
    "PROGRAM",
    "ExecutorContract",
    "PolicyContract",
    "ProposerContract",
    "StandInExecutor",
    "StrategyContract",
    "Wanted",
    "experiment_for_tests",
    "fold",
    "opening",
]
