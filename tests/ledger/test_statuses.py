"""Counts of statuses, kept up to date candidate by candidate."""

from tests.ledger.some_records import history, keep, ok_trial
from workbench.ledger.statuses import Statuses
from workbench.records import TrialStarted


def test_each_change_moves_a_candidate_from_one_status_to_the_next() -> None:
    statuses = Statuses()
    candidate = history(1)
    statuses.update(candidate)
    assert (statuses.counts["queued"], statuses.open, statuses.running) == (1, {1}, set())
    candidate.running[0] = TrialStarted(candidate=1, trial=0, seed=0)
    statuses.update(candidate)
    assert (statuses.counts["queued"], statuses.counts["running"]) == (0, 1)
    assert statuses.running == {1}
    candidate.end_trial(ok_trial(1))
    candidate.decisions.append(keep(1))
    statuses.update(candidate)
    assert (statuses.counts["kept"], statuses.open, statuses.running) == (1, set(), set())
    assert sum(statuses.counts.values()) == 1


def test_an_ablation_is_not_open() -> None:
    statuses = Statuses()
    statuses.update(history(2, 1, without=1))
    assert (statuses.counts["ablated"], statuses.open) == (1, set())
