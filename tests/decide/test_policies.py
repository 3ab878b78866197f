import random
from collections.abc import Callable
from pathlib import Path

import pytest

from workbench.decide import tested
from workbench.decide.greedy import Greedy
from workbench.decide.policy import Policy
from workbench.decide.review import Review
from workbench.experiment import Experiment
from workbench.records import Adopted, Candidate, Decision, Options, Trial
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
        assert verdicts.count("keep") <= 5

    def test_a_large_effect_is_mostly_kept(self, tmp_path: Path) -> None:
        experiment, rng = experiment_for_tests(tmp_path), random.Random(2)
        verdicts = [self.decide(experiment, self.noise(12.0, 1.0, rng)).verdict for _ in range(100)]
        assert verdicts.count("keep") >= 90

    def test_a_deterministic_objective_needs_one_trial(self, tmp_path: Path) -> None:
        decision = self.decide(experiment_for_tests(tmp_path, noise="none"), lambda number, seed: -0.001 * number)
        assert (decision.verdict, decision.evidence.trials) == ("keep", 1)

    def test_the_evidence_says_how_large_the_effect_is(self, tmp_path: Path) -> None:
        evidence = self.decide(experiment_for_tests(tmp_path), lambda number, seed: -5.0 * number + (seed % 97) / 1000).evidence
        assert evidence.effect == pytest.approx(5.0)
        assert evidence.low is not None
        assert evidence.high is not None
        assert evidence.low < 5.0 < evidence.high
        assert evidence.against == 0
        assert len(evidence.seeds) == evidence.trials


@pytest.mark.parametrize(("mode", "verdict"), [("off", "keep"), ("keeps", "defer"), ("all", "defer")])
def test_review_defers_keeps_to_a_person(tmp_path: Path, mode: str, verdict: str) -> None:
    experiment = experiment_for_tests(tmp_path, noise="none")
    options = Options(review=mode)  # type: ignore[arg-type]
    policy = Review(tested.Tested(experiment, options))
    records = [*opening(experiment, options)]
    seed = fold(records).seed(0)
    records += [Trial(candidate=0, trial=0, seed=seed, status="ok", score=5.0), Decision(candidate=0, verdict="keep", by="loop")]
    records.append(Candidate(candidate=1, parent=0, program="1", author="tuner"))
    if mode == "all":
        asked = policy.judge(fold(records), 1)
        assert isinstance(asked, Decision)
        assert (asked.verdict, asked.before_run) == ("defer", True)
        records += [asked, Adopted(request="r", sequence=1, verb="accept", body={"candidate": 1, "run": True})]
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
    records += [Trial(candidate=0, trial=0, seed=seed, status="ok", score=5.0), Decision(candidate=0, verdict="keep", by="loop")]
    records += [
        Candidate(candidate=1, parent=0, program="1", author="person"),
        Trial(candidate=1, trial=0, seed=seed, status="ok", score=4.0),
    ]
    opinion = Review(tested.Tested(experiment, options)).judge(fold(records), 1)
    assert isinstance(opinion, Decision)
    assert opinion.verdict == "keep"
