import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from workbench.decide import discovery, tested
from workbench.decide.greedy import Greedy
from workbench.decide.policy import Policy, Wanted
from workbench.decide.review import Review
from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.records import Adopted, Candidate, Decision, Options, Record, Trial
from workbench.testing import PolicyContract, experiment_for_tests, fold, opening


class TestGreedy(PolicyContract):
    def make(self, experiment: Experiment, options: Options) -> Policy:
        return Greedy(experiment, options)


class TestTested(PolicyContract):
    def make(self, experiment: Experiment, options: Options) -> Policy:
        return tested.Tested(experiment, options)

    def noise(self, mean: float, sd: float, rng: random.Random) -> Callable[[int, int], float]:
        return lambda number, seed: rng.gauss(0.0 if number == 0 else -mean, sd)

    def test_noise_is_not_kept(self, tmp_path: Path) -> None:
        experiment, rng = experiment_for_tests(tmp_path), random.Random(1)
        verdicts = [self.decide(experiment, self.noise(0.0, 1.0, rng)).verdict for _ in range(300)]
        assert verdicts.count("keep") <= 2

    def test_effects_of_two_and_three_standard_deviations_are_mostly_kept(
        self, tmp_path: Path
    ) -> None:
        experiment, rng = experiment_for_tests(tmp_path), random.Random(2)
        twice, thrice = (
            [self.decide(experiment, self.noise(size, 1.0, rng)).verdict for _ in range(100)]
            for size in (2.0, 3.0)
        )
        assert twice.count("keep") >= 80
        assert thrice.count("keep") >= 95

    def test_clear_losers_cost_one_trial_and_clear_winners_few(self, tmp_path: Path) -> None:
        experiment, rng = experiment_for_tests(tmp_path), random.Random(3)
        losers = [self.decide(experiment, self.noise(-5.0, 1.0, rng)).evidence for _ in range(50)]
        assert {evidence.trials for evidence in losers} == {1}
        winners = [self.decide(experiment, self.noise(25.0, 1.0, rng)) for _ in range(50)]
        assert {winner.verdict for winner in winners} == {"keep"}
        assert sum(winner.evidence.trials == 3 for winner in winners) >= 40

    def test_a_candidate_that_is_noisier_than_the_others_does_not_pass_by_it(
        self, tmp_path: Path
    ) -> None:
        experiment, rng = experiment_for_tests(tmp_path), random.Random(4)
        verdicts = [
            self.decide(experiment, lambda number, seed: rng.gauss(0.0, 1.0 + 3.0 * number)).verdict
            for _ in range(200)
        ]
        assert verdicts.count("keep") <= 3

    def test_a_deterministic_objective_needs_one_trial(self, tmp_path: Path) -> None:
        decision = self.decide(
            experiment_for_tests(tmp_path, noise="none"), lambda number, seed: -0.001 * number
        )
        assert (decision.verdict, decision.evidence.trials) == ("keep", 1)

    def test_the_evidence_says_how_large_the_effect_is(self, tmp_path: Path) -> None:
        evidence = self.decide(
            experiment_for_tests(tmp_path), lambda number, seed: -5.0 * number + (seed % 97) / 1000
        ).evidence
        assert evidence.effect == pytest.approx(
            5.0, abs=0.05
        )  # the incumbent's mean is over other seeds too
        assert evidence.low is not None
        assert evidence.high is not None
        assert evidence.low < 5.0 < evidence.high
        assert evidence.against == 0
        assert len(evidence.seeds) == evidence.trials
        assert evidence.reference_trials >= 4
        assert evidence.p is not None
        assert evidence.alpha is not None
        assert evidence.p <= evidence.alpha < 0.05


class Played:
    """A study that a test plays candidate by candidate.

    `score(number, index)` is the score on a seed.
    """

    def __init__(self, experiment: Experiment, score: Callable[[int, int], float]) -> None:
        self.policy, self.score = tested.Tested(experiment, Options()), score
        self.records: list[Record] = opening(experiment)
        self.asked: list[tuple[int, int]] = []
        for number, index in self.policy.opening(self.study).trials:
            self.run(number, index)
        self.records.append(Decision(candidate=0, verdict="keep", by="loop"))

    @property
    def study(self) -> Study:
        return fold(self.records)

    def run(self, number: int, index: int) -> None:
        self.asked.append((number, index))
        tried, seed = len(self.study.candidates[number].trials), self.study.seed(index)
        self.records.append(
            Trial(
                candidate=number,
                trial=tried,
                seed=seed,
                status="ok",
                score=self.score(number, index),
            )
        )

    def add(self, added: int = 1, removed: int = 0) -> Decision:
        number = len(self.study.candidates)
        parent = self.study.incumbent
        self.records.append(
            Candidate(
                candidate=number,
                parent=parent,
                program=f"{number:064d}",
                author="tester",
                added=added,
                removed=removed,
            )
        )
        while isinstance(opinion := self.policy.judge(self.study, number), Wanted):
            assert self.policy.judge(self.study, number) == opinion
            self.run(*opinion.trials[0])
        self.records.append(opinion)
        return opinion


def with_min_effect(experiment: Experiment, size: float, **changes: Any) -> Experiment:
    return replace(experiment, objective=replace(experiment.objective, min_effect=size, **changes))


def test_a_new_incumbent_is_measured_on_seeds_that_did_not_decide_about_it(tmp_path: Path) -> None:
    rng = random.Random(5)
    played = Played(
        experiment_for_tests(tmp_path), lambda number, index: rng.gauss(-20.0 * number, 1.0)
    )
    first = played.add()
    deciding = {index for number, index in played.asked if number == 1}
    second = played.add()
    assert (first.verdict, second.verdict, second.evidence.against) == ("keep", "keep", 1)
    later = [index for number, index in played.asked if number == 1][len(deciding) :]
    assert len(later) >= tested.OPENING_TRIALS
    assert not deciding & set(later)


def test_the_level_falls_with_each_test_and_a_discovery_earns_some_back(tmp_path: Path) -> None:
    rng = random.Random(6)
    effects = {3: 30.0}
    played = Played(
        experiment_for_tests(tmp_path),
        lambda number, index: rng.gauss(-effects.get(number, 0.0) - 1.0 * (number > 0), 1.0),
    )
    levels = [decision.evidence.alpha for decision in (played.add() for _ in range(4))]
    study = played.study
    assert study.noise.n_tests == sum(level is not None for level in levels)
    assert len(study.noise.discoveries) == study.counts["kept"] - 1
    alone = [discovery.level_of_test(number, [], 0.05) for number in range(1, 2000)]
    assert alone == sorted(alone, reverse=True)
    assert sum(alone) < 0.05
    assert discovery.level_of_test(10, [9], 0.05) > discovery.level_of_test(10, [], 0.05)
    assert discovery.level_of_test(10, [3, 9], 0.05) > discovery.level_of_test(10, [3], 0.05)
    assert discovery.level_of_test(10, [10, 11], 0.05) == discovery.level_of_test(10, [], 0.05)


def test_candidates_under_test_at_the_same_time_do_not_share_a_level(tmp_path: Path) -> None:
    rng = random.Random(7)
    played = Played(
        experiment_for_tests(tmp_path), lambda number, index: rng.gauss(-2.0 * (number > 0), 0.5)
    )
    for number in (1, 2):
        played.records.append(
            Candidate(
                candidate=number, parent=0, program=f"{number:064d}", author="tester", added=1
            )
        )
        played.run(number, 0)
    while isinstance(opinion := played.policy.judge(played.study, 1), Wanted):
        played.run(*opinion.trials[0])
    assert opinion.evidence.alpha == discovery.level_of_test(2, [], 0.05)


def test_a_deletion_at_no_cost_is_kept_and_a_comment_is_not(tmp_path: Path) -> None:
    exact = experiment_for_tests(tmp_path, noise="none")
    played = Played(exact, lambda number, index: 1.0)
    assert (played.add(added=1, removed=0).verdict, played.add(added=1, removed=1).verdict) == (
        "discard",
        "discard",
    )
    shorter = played.add(added=1, removed=3)
    assert (shorter.verdict, shorter.why) == ("keep", "shorter and not worse")
    assert (
        Played(with_min_effect(exact, 0.0, simplicity=False), lambda number, index: 1.0)
        .add(removed=3)
        .verdict
        == "discard"
    )


@pytest.mark.parametrize(("cost", "kept"), [(0.0, True), (2.0, False)])
def test_where_there_is_noise_a_deletion_may_cost_less_than_min_effect(
    tmp_path: Path, cost: float, kept: bool
) -> None:
    rng = random.Random(8)
    experiment = with_min_effect(experiment_for_tests(tmp_path), 2.0)
    keeps = 0
    for _ in range(20):
        played = Played(experiment, lambda number, index: rng.gauss(cost * (number > 0), 1.0))
        played.add(added=1)
        before = played.study.noise.discoveries
        keeps += played.add(added=0, removed=5).verdict == "keep"
        assert played.study.noise.discoveries == before
    assert keeps >= 18 if kept else keeps <= 3
    assert (
        Played(experiment, lambda number, index: rng.gauss(0.0, 1.0)).add(added=1).verdict
        == "discard"
    )


def test_scores_that_go_together_under_a_seed_are_paired_once_that_is_known(tmp_path: Path) -> None:
    """A gain of a tenth of the spread over seeds, and ten times that of differences under one seed."""
    rng = random.Random(9)
    hard = [10 * rng.gauss(0.0, 1.0) for _ in range(100)]
    better: set[int] = set()
    played = Played(
        experiment_for_tests(tmp_path),
        lambda number, index: hard[index] + rng.gauss(0.0, 0.1) - (number in better),
    )
    for _ in range(12):
        if played.study.noise.repeats.correlation > 0.9:
            break
        played.add()
    assert played.study.noise.repeats.correlation > 0.9
    better.add(len(played.study.candidates))
    found = played.add()
    assert found.verdict == "keep", found.why
    assert found.evidence.effect == pytest.approx(1.0, abs=0.3)
    assert found.evidence.sd is not None
    assert found.evidence.sd < 1, "of a difference"


def keeps_of(experiment: Experiment, kinds: str, seed: int) -> str:
    """The verdicts on candidates, a letter each for what they are and for what became of them: k(ept), d(iscarded).

    `s`: it scores under each seed as the baseline does. `n`: of no effect, with other random
        numbers; standard deviation 1. `u`: the
    same, unstable, thirty times as noisy. `b`: better by five.
    """
    rng, same = random.Random(seed), dict[int, float]()

    def score(number: int, index: int) -> float:
        kind = kinds[number - 1] if number else "s"
        if kind == "s":
            return same.setdefault(index, 10 + rng.gauss(0.0, 1.0))
        return 10 - 5 * (kind == "b") + rng.gauss(0.0, 30.0 if kind == "u" else 1.0)

    played = Played(experiment, score)
    return "".join(played.add().verdict[0] for _ in kinds)


def test_programs_that_change_nothing_do_not_let_chance_pass_as_a_gain(tmp_path: Path) -> None:
    """That they score as the incumbent does under each seed says nothing of a program that draws other random numbers."""
    verdicts = [
        keeps_of(experiment_for_tests(tmp_path), "s" * 8 + "n" * 8, seed) for seed in range(40)
    ]
    assert sum("k" in each for each in verdicts) <= 2


def test_an_unstable_candidate_does_not_hide_what_later_ones_gain(tmp_path: Path) -> None:
    verdicts = [keeps_of(experiment_for_tests(tmp_path), "uunb", seed) for seed in range(40)]
    assert sum(each[3] == "k" for each in verdicts) >= 38
    assert sum("k" in each[:3] for each in verdicts) <= 2


@pytest.mark.parametrize("score", [0.1, 0.731, 1.0, 1.1, 3.7805])
def test_a_tie_is_decided_at_once_where_seeds_make_no_difference_and_rounding_is_no_gain(
    tmp_path: Path, score: float
) -> None:
    played = Played(experiment_for_tests(tmp_path), lambda number, index: score)
    for number in range(1, 4):
        decision = played.add()
        assert (decision.verdict, len(played.study.candidates[number].trials)) == ("discard", 1)
        assert (
            decision.why
            == 'no better, where no two seeds have differed so far (noise = "none" saves trials)'
        )
    assert len(played.study.candidates[0].trials) == 4
    gained = Played(experiment_for_tests(tmp_path), lambda number, index: score - 0.01 * number)
    assert gained.add().verdict == "keep"


def test_scores_that_come_in_steps_are_not_taken_for_exact_since_the_first_ones_are_equal(
    tmp_path: Path,
) -> None:
    """The baseline's first four are equal by chance.

    The repeats of its rivals show that there is noise, and count.
    """
    rng = random.Random(5)
    experiment = experiment_for_tests(tmp_path)
    played = Played(
        experiment,
        lambda number, index: 10.0 if not number and index < 4 else 10 + rng.choice([-1, 0, 0, 1]),
    )
    verdicts = [played.add().verdict for _ in range(30)]
    assert verdicts.count("keep") <= 1
    assert played.study.noise.repeats.spread is not None
    assert played.study.noise.repeats.spread > 0.3


def test_where_the_incumbent_fails_again_and_again_the_candidate_is_discarded_not_waited_for(
    tmp_path: Path,
) -> None:
    experiment = experiment_for_tests(tmp_path)
    records = opening(experiment)
    seeds = [fold(records).seed(index) for index in range(40)]
    records += [
        Trial(candidate=0, trial=k, seed=seed, status="failed", reason="no")
        for k, seed in enumerate(seeds)
    ]
    records += [
        Decision(candidate=0, verdict="keep", by="person"),
        Candidate(candidate=1, parent=0, program="1", author="tuner"),
    ]
    records.append(Trial(candidate=1, trial=0, seed=seeds[0], status="ok", score=1.0))
    opinion = tested.Tested(experiment, Options()).judge(fold(records), 1)
    assert isinstance(opinion, Decision)
    assert (opinion.verdict, opinion.why) == (
        "discard",
        "the incumbent has no repeats to compare with",
    )


@pytest.mark.parametrize(
    ("mode", "verdict"), [("off", "keep"), ("keeps", "defer"), ("all", "defer")]
)
def test_review_defers_keeps_to_a_person(tmp_path: Path, mode: str, verdict: str) -> None:
    experiment = experiment_for_tests(tmp_path, noise="none")
    options = Options(review=mode)  # type: ignore[arg-type]
    policy = Review(tested.Tested(experiment, options))
    records = [*opening(experiment, options)]
    seed = fold(records).seed(0)
    records += [
        Trial(candidate=0, trial=0, seed=seed, status="ok", score=5.0),
        Decision(candidate=0, verdict="keep", by="loop"),
    ]
    records.append(Candidate(candidate=1, parent=0, program="1", author="tuner"))
    if mode == "all":
        asked = policy.judge(fold(records), 1)
        assert isinstance(asked, Decision)
        assert (asked.verdict, asked.before_run) == ("defer", True)
        records += [
            asked,
            Adopted(request="r", sequence=1, verb="accept", body={"candidate": 1, "run": True}),
        ]
        assert fold(records).candidates[1].status == "queued"
    records.append(Trial(candidate=1, trial=0, seed=seed, status="ok", score=4.0))
    opinion = policy.judge(fold(records), 1)
    assert isinstance(opinion, Decision)
    assert opinion.verdict == verdict
    assert opinion.evidence.effect == 1.0


def test_a_persons_own_candidate_is_not_asked_about(tmp_path: Path) -> None:
    experiment, options = experiment_for_tests(tmp_path, noise="none"), Options(review="all")
    records = [*opening(experiment, options)]
    seed = fold(records).seed(0)
    records += [
        Trial(candidate=0, trial=0, seed=seed, status="ok", score=5.0),
        Decision(candidate=0, verdict="keep", by="loop"),
    ]
    records += [
        Candidate(candidate=1, parent=0, program="1", author="person"),
        Trial(candidate=1, trial=0, seed=seed, status="ok", score=4.0),
    ]
    opinion = Review(tested.Tested(experiment, options)).judge(fold(records), 1)
    assert isinstance(opinion, Decision)
    assert opinion.verdict == "keep"
