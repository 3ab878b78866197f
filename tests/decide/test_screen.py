from pathlib import Path
from types import MappingProxyType

import pytest

from workbench.decide.screen import is_screened, stages
from workbench.experiment import Experiment, Noise
from workbench.ledger.study import Study
from workbench.records import Candidate, Decision, Evidence, Record, Trial
from workbench.testing import experiment_for_tests, fold, opening


def ok(candidate: int, trial: int, seed: int, **metrics: float) -> Trial:
    return Trial(
        candidate=candidate, trial=trial, seed=seed, status="ok", score=1.0, metrics=metrics
    )


def made(folder: Path, noise: Noise, *records: Record) -> tuple[Study, Experiment]:
    """A study whose kept baseline has 4 and 2 at the stage `quick` under the seeds 7 and 8, and whose candidate 1 has not run."""
    toy = experiment_for_tests(folder, noise=noise)
    experiment = Experiment(
        folder=folder,
        name="toy",
        editable=toy.editable,
        objective=toy.objective,
        cascade=MappingProxyType({"quick": 1.0}),
    )
    first = [
        ok(0, 0, 7, quick=4.0),
        ok(0, 1, 8, quick=2.0),
        Decision(candidate=0, verdict="keep", by="loop"),
    ]
    new = Candidate(candidate=1, parent=0, program="1" * 64, author="tester")
    return fold([*opening(experiment), *first, new, *records]), experiment


def test_a_first_trial_is_held_to_the_mean_of_the_incumbents_trials(tmp_path: Path) -> None:
    assert stages(*made(tmp_path, "seed"), 1, 7) == {"quick": 3.0}


def test_where_the_seed_draws_the_items_it_is_held_to_the_trial_under_that_seed(
    tmp_path: Path,
) -> None:
    study, experiment = made(tmp_path, "units")
    assert [stages(study, experiment, 1, seed) for seed in (7, 8, 9)] == [
        {"quick": 4.0},
        {"quick": 2.0},
        {},
    ]


def test_the_bar_is_that_of_the_incumbent_of_now(tmp_path: Path) -> None:
    better = [
        ok(1, 0, 7, quick=1.0),
        Decision(candidate=1, verdict="keep", by="tested", evidence=Evidence(against=0)),
    ]
    study, experiment = made(
        tmp_path,
        "seed",
        *better,
        Candidate(candidate=2, parent=1, program="2" * 64, author="tester"),
    )
    assert stages(study, experiment, 2, 7) == {"quick": 1.0}


def test_a_trial_on_a_fresh_seed_is_measured_whole(tmp_path: Path) -> None:
    study, experiment = made(tmp_path, "seed", ok(1, 0, 7, quick=3.0))
    assert not is_screened(study, 1)
    assert stages(study, experiment, 1, 8) == {}


@pytest.mark.parametrize("status", ["lost", "killed"])
def test_a_trial_that_says_nothing_of_the_candidate_leaves_its_next_one_screened(
    tmp_path: Path, status: str
) -> None:
    nothing = Trial(candidate=1, trial=0, seed=7, status=status, fault="loop")  # type: ignore[arg-type]
    assert is_screened(made(tmp_path, "seed", nothing)[0], 1)


def test_the_baseline_and_the_programs_of_an_ablation_are_not_screened(tmp_path: Path) -> None:
    ablation = Candidate(candidate=2, parent=0, program="2" * 64, author="ablate", without=1)
    study, experiment = made(tmp_path, "seed", ablation)
    assert stages(study, experiment, 0, 9) == stages(study, experiment, 2, 9) == {}
    assert stages(fold(opening(experiment)), experiment, 0, 7) == {}


def test_a_stage_that_the_incumbent_was_never_seen_at_holds_nobody(tmp_path: Path) -> None:
    kept = Decision(candidate=1, verdict="keep", by="tested", evidence=Evidence(against=0))
    study, experiment = made(
        tmp_path,
        "seed",
        ok(1, 0, 7),
        kept,
        Candidate(candidate=2, parent=1, program="2" * 64, author="tester"),
    )
    assert study.incumbent == 1
    assert stages(study, experiment, 2, 7) == {}
