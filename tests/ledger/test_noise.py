"""What trials tell about chance, and which decisions count as tests."""

import pytest

from tests.ledger.some_records import history, ok_trial
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.noise import Noise
from workbench.records import Decision, Evidence, Trial, Verdict


def run(noise: Noise, candidate: CandidateHistory, *scores: float) -> None:
    for trial, score in enumerate(scores):
        record = ok_trial(candidate.number, score, trial)
        candidate.end_trial(record)
        noise.add_trial(candidate, record)


def decide(verdict: Verdict, p: float | None, against: int | None = None) -> Decision:
    evidence = Evidence(against=against, p=p, alpha=0.01, seeds=tuple(range(8)))
    return Decision(candidate=1, verdict=verdict, by="tested", evidence=evidence)


def test_the_first_trial_counts_for_the_baseline_only() -> None:
    noise = Noise()
    run(noise, history(0, None), 5.0, 5.2)
    run(noise, history(1), 1.0, 4.0, 4.2)
    assert noise.repeats.pooled.freedom == 2
    assert noise.repeats.spread == pytest.approx(((0.02 + 0.02) / 2) ** 0.5)


def test_audits_say_nothing_about_the_noise_of_the_search() -> None:
    noise = Noise()
    examined = history(0, None)
    run(noise, examined, 5.0)
    audit = Trial(candidate=0, trial=1, seed=1, status="ok", score=9.0, purpose="audit")
    examined.end_trial(audit)
    noise.add_trial(examined, audit)
    assert noise.repeats.spread is None


def test_the_first_trial_under_a_seed_tells_how_many_units_it_has() -> None:
    noise = Noise()
    candidate = history(1)
    for trial, units in ((0, (1.0, 2.0)), (1, (1.0,))):
        record = Trial(candidate=1, trial=trial, seed=7, status="ok", score=1.0, units=units)
        candidate.end_trial(record)
        noise.add_trial(candidate, record)
    assert noise.n_units_by_seed == {7: 2}


@pytest.mark.parametrize(
    ("verdict", "p", "is_discovery"),
    [
        ("keep", 0.001, True),
        ("defer", 0.01, True),
        ("discard", 0.001, False),
        ("keep", 0.02, False),
        ("keep", None, False),
    ],
)
def test_a_discovery_is_a_promising_verdict_with_a_small_p(
    verdict: Verdict, p: float | None, is_discovery: bool
) -> None:
    noise = Noise()
    noise.count_test(history(1), None, decide("discard", 1.0))
    noise.count_test(history(1), None, decide(verdict, p))
    assert (noise.n_tests, noise.discoveries) == (2, [2] if is_discovery else [])


def test_scores_under_equal_seeds_tell_how_far_they_go_together() -> None:
    noise = Noise()
    baseline = history(0, None)
    candidate = history(1)
    run(noise, baseline, *(5.0 + index % 3 for index in range(8)))
    run(noise, candidate, *(4.0 + index % 3 + 0.01 * (index % 2) for index in range(8)))
    assert noise.repeats.correlation == 0.0, "nothing was compared yet"
    noise.count_test(candidate, baseline, decide("discard", 1.0, against=0))
    assert 0.9 < noise.repeats.correlation < 1.0


def test_units_under_equal_seeds_tell_how_much_the_seeds_vary() -> None:
    noise = Noise()
    baseline = history(0, None)
    candidate = history(1)
    for seed in range(3):
        for tried, units in ((baseline, (1.0, 1.0)), (candidate, (2.0 + seed, 2.2 + seed))):
            tried.end_trial(
                Trial(
                    candidate=tried.number,
                    trial=seed,
                    seed=seed,
                    status="ok",
                    score=1.0,
                    units=units,
                )
            )
    noise.count_test(candidate, baseline, decide("discard", 1.0, against=0))
    assert (noise.repeats.within_seeds.freedom, noise.repeats.between_seeds.freedom) == (3, 2)
    assert noise.repeats.dispersion > 10
