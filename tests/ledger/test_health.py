"""What goes wrong through no fault of a candidate, counted in a row."""

from tests.ledger.some_records import loss, ok_trial
from workbench.ledger.health import Health
from workbench.records import ProposalFailed, Trial


def add(health: Health, *trials: Trial) -> Health:
    for trial in trials:
        health.add_trial(trial)
    return health


def evaluator_failed(trial: int) -> Trial:
    return Trial(
        candidate=1,
        trial=trial,
        seed=1,
        status="killed",
        fault="evaluator",
        reason=f"fault {trial}",
    )


def test_losses_in_a_row_are_counted_and_the_end_of_a_loop_is_not_one() -> None:
    health = add(
        Health(), loss(1, 0, "process"), loss(1, 1, "loop", cut_off=True), loss(1, 2, "loop")
    )
    assert [trial.trial for trial in health.losses] == [0, 2]


def test_an_ended_trial_and_a_stop_by_a_person_end_the_row() -> None:
    assert add(Health(), loss(1, 0, "process"), ok_trial(1, trial=1)).losses == []
    assert add(Health(), loss(1, 0, "process"), loss(1, 1, "person")).losses == []


def test_faults_of_the_evaluator_are_counted_until_a_trial_ends_without_one() -> None:
    health = add(Health(), evaluator_failed(0), evaluator_failed(1), loss(1, 2, "process"))
    assert (health.evaluator_faults, health.evaluator_reason) == (2, "fault 1")
    assert add(health, ok_trial(1, trial=3)).evaluator_faults == 0


def test_an_examination_forgives_trials_and_a_resume_forgives_proposers_too() -> None:
    health = add(Health(), evaluator_failed(0), loss(1, 1, "process"))
    health.add_failed_proposal(ProposalFailed(author="agent", reason="no answer", fault=True))
    health.add_failed_proposal(ProposalFailed(author="agent", reason="no program"))
    assert (health.failed_proposals, health.proposer_faults) == (2, 1)
    health.forgive_trials()
    assert (health.evaluator_faults, health.losses, health.failed_proposals) == (0, [], 2)
    health.forgive()
    assert (health.failed_proposals, health.proposer_faults) == (0, 0)


def test_a_candidate_shows_that_the_proposer_works_again() -> None:
    health = Health()
    health.add_failed_proposal(ProposalFailed(author="agent", reason="no answer", fault=True))
    health.add_candidate()
    assert (health.failed_proposals, health.proposer_faults) == (0, 0)
