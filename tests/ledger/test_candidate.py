"""One candidate, and the status that its trials and decisions give it."""

from dataclasses import replace

import pytest

from tests.ledger.some_records import history, ok_trial, veto
from workbench.ledger.candidate import CandidateHistory, CandidateStatus
from workbench.records import Candidate, Decision, Rebased, Trial, TrialStarted, Verdict

FAILED = Trial(candidate=1, trial=0, seed=0, status="failed", reason="it broke")


def decide(verdict: Verdict, by: str = "tested") -> CandidateHistory:
    candidate = history(1)
    candidate.decisions.append(Decision(candidate=1, verdict=verdict, by=by))
    return candidate


@pytest.mark.parametrize(
    ("verdict", "status"),
    [("keep", "kept"), ("discard", "discarded"), ("revise", "revised"), ("defer", "waiting")],
)
def test_a_verdict_decides_the_status(verdict: Verdict, status: CandidateStatus) -> None:
    assert decide(verdict).status == status


def test_before_a_decision_the_trials_decide_it() -> None:
    candidate = history(1)
    assert candidate.status == "queued"
    candidate.running[0] = TrialStarted(candidate=1, trial=0, seed=0)
    assert candidate.status == "running"
    candidate.end_trial(ok_trial(1))
    assert (candidate.status, candidate.running) == ("provisional", {})


def test_a_discard_for_a_failure_is_a_failure_unless_a_person_discarded_it() -> None:
    assert [(by, _with_failure(by).status) for by in ("tested", "loop", "person")] == [
        ("tested", "failed"),
        ("loop", "failed"),
        ("person", "discarded"),
    ]


def _with_failure(by: str) -> CandidateHistory:
    candidate = decide("discard", by)
    candidate.trials.append(FAILED)
    return candidate


@pytest.mark.parametrize(
    ("status", "is_failure"),
    [("failed", True), ("timeout", True), ("cheated", True), ("lost", False), ("killed", False)],
)
def test_what_was_lost_or_stopped_is_not_a_failure(status: str, is_failure: bool) -> None:
    candidate = history(1)
    candidate.end_trial(replace(FAILED, status=status))  # type: ignore[arg-type]
    assert (candidate.failure is not None) == is_failure


def test_a_question_whether_to_run_is_in_force_until_a_person_answers_it() -> None:
    candidate = history(1)
    ask = Decision(candidate=1, verdict="defer", by="review", before_run=True)
    candidate.decisions.append(ask)
    assert (candidate.decision, candidate.status) == (ask, "waiting")
    candidate.cleared = True
    assert (candidate.decision, candidate.status) == (None, "queued")


def test_an_ablation_is_ablated_until_someone_keeps_it() -> None:
    ablation = history(3, 2, without=1)
    assert ablation.status == "ablated"
    ablation.decisions.append(veto(3))
    assert ablation.status == "ablated"
    ablation.decisions.append(Decision(candidate=3, verdict="keep", by="person"))
    assert ablation.status == "kept"


def test_scores_of_a_candidate_leave_out_the_biased_first_one_where_noise_is_measured() -> None:
    candidate = history(1)
    for trial, score in enumerate((1.0, 4.0, 4.2)):
        candidate.end_trial(ok_trial(1, score, trial))
    assert (candidate.scores, candidate.unbiased_scores) == ([1.0, 4.0, 4.2], [4.0, 4.2])
    assert candidate.score == pytest.approx(9.2 / 3)
    baseline = history(0, None)
    baseline.end_trial(ok_trial(0, 5.0))
    assert (baseline.unbiased_scores, baseline.spread) == ([5.0], None)


def test_a_rebase_changes_what_is_tried_and_not_what_was_proposed() -> None:
    candidate = history(2, 0)
    candidate.rebase(
        Rebased(
            candidate=2, onto=1, program="new", added=3, removed=1, normal="n", flags=("moved",)
        )
    )
    assert (candidate.record.parent, candidate.record.program) == (1, "new")
    assert (candidate.record.flags, candidate.proposed.parent) == (("moved",), 0)


def test_a_rebase_that_does_not_apply_leaves_the_program_and_notes_why() -> None:
    candidate = history(2, 0)
    before = candidate.record
    candidate.rebase(Rebased(candidate=2, onto=1, flags=("conflict",)))
    assert candidate.record == replace(before, flags=("conflict",))


def test_early_imports_have_the_flags_of_a_row_in_its_origin() -> None:
    record = Candidate(
        candidate=1, parent=None, program="", author="log", origin={"flags": ["7 fields"]}
    )
    assert CandidateHistory(record, at=0.0).flags == ("7 fields",)
    assert CandidateHistory(replace(record, flags=("odd",)), at=0.0).flags == ("odd",)
