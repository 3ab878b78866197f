"""The fold: each record reaches the parts of the study that it changes."""

from collections.abc import Mapping
from typing import Any

import pytest

from tests.ledger.some_records import (
    adoption,
    candidate,
    discard,
    keep,
    loss,
    ok_trial,
    veto,
)
from workbench.errors import StudyError
from workbench.ledger.study import Study
from workbench.records import (
    Called,
    Candidate,
    Decision,
    Entry,
    Evidence,
    ProposalFailed,
    Rebased,
    Record,
    Refused,
    StateChanged,
    TrialStarted,
)
from workbench.testing import fold


def test_a_veto_takes_the_descendants_along_and_goes_back_to_the_best_that_is_left(
    opening_records: list[Record],
) -> None:
    chain = [
        candidate(1),
        ok_trial(1, 4.0),
        keep(1, 0),
        candidate(2),
        ok_trial(2, 4.5),
        candidate(3, 1),
        ok_trial(3, 3.0),
        keep(3, 1),
    ]
    study = fold([*opening_records, *chain, veto(1)])
    assert (study.incumbent, study.kept) == (0, [0])


def test_a_fork_moves_the_incumbent_and_leaves_the_best(opening_records: list[Record]) -> None:
    records = [*opening_records, candidate(1), ok_trial(1, 4.0), keep(1, 0)]
    study = fold([*records, adoption("fork", candidate=0)])
    assert study.incumbent == 0
    assert study.best is not None
    assert study.best.number == 1


def test_counts_follow_every_change_of_status(opening_records: list[Record]) -> None:
    records: list[Record] = [*opening_records, candidate(1)]
    assert fold(records).counts["queued"] == 1
    records.append(TrialStarted(candidate=1, trial=0, seed=1))
    study = fold(records)
    assert (study.counts["running"], study.running, study.open) == (1, {1}, {1})
    records.append(ok_trial(1, 4.0))
    study = fold(records)
    assert (study.counts["provisional"], study.running) == (1, set())
    records.append(Decision(candidate=1, verdict="defer", by="tested"))
    assert fold(records).waiting == [1]
    records.append(keep(1, 0))
    study = fold(records)
    assert (study.counts["waiting"], study.counts["kept"], study.open) == (0, 2, set())


def test_a_test_is_counted_once_whatever_a_person_says_to_it_later(
    opening_records: list[Record],
) -> None:
    significant = Evidence(against=0, p=0.001, alpha=0.002)
    deferred = Decision(candidate=1, verdict="defer", by="tested", evidence=significant)
    accepted = Decision(candidate=1, verdict="keep", by="person", evidence=significant)
    records = [*opening_records, candidate(1), ok_trial(1, 4.0), deferred, accepted, veto(1)]
    noise = fold(records).noise
    assert (noise.n_tests, noise.discoveries) == (1, [1])
    chance = Evidence(against=0, p=1.0, alpha=0.002)
    records += [
        candidate(2),
        ok_trial(2, 5.0),
        Decision(candidate=2, verdict="discard", by="tested", evidence=chance),
        candidate(3),
        ok_trial(3, 9.0),
        Decision(candidate=3, verdict="discard", by="tested", evidence=Evidence(against=0)),
    ]
    noise = fold(records).noise
    assert (noise.n_tests, noise.discoveries) == (2, [1]), "a screening is not a test"


def test_a_resume_forgives_what_went_wrong(opening_records: list[Record]) -> None:
    failed = ProposalFailed(author="tuner", reason="no answer", fault=True)
    records: list[Record] = [*opening_records, candidate(1), loss(1, 0, "process"), failed]
    health = fold(records).health
    assert (len(health.losses), health.failed_proposals, health.proposer_faults) == (1, 1, 1)
    health = fold([*records, StateChanged(state="running")]).health
    assert (health.losses, health.failed_proposals, health.proposer_faults) == ([], 0, 0)


def test_a_program_without_a_change_survives_a_veto_of_that_change(
    opening_records: list[Record],
) -> None:
    chain = [
        candidate(1),
        ok_trial(1, 4.0),
        keep(1, 0),
        candidate(2, 1),
        ok_trial(2, 3.0),
        keep(2, 1),
    ]
    records: list[Record] = [*opening_records, *chain, candidate(3, 2, without=1)]
    study = fold(records)
    assert study.candidates[3].status == "ablated"
    assert (study.counts["ablated"], study.n_candidates, study.proposals.n_made) == (1, 3, 2)
    waits = Decision(candidate=3, verdict="defer", by="ablate", evidence=Evidence(against=2))
    records += [ok_trial(3, 2.9), waits]
    assert (fold(records).waiting, fold(records).open) == ([3], {3})
    study = fold([*records, keep(3, against=2), veto(1)])
    assert (study.kept, study.incumbent) == ([0, 3], 3)
    assert fold([*records, candidate(4, 3), ok_trial(4, 2.0), keep(4, 2), veto(1)]).kept == [0, 4]


def test_an_ablations_program_costs_nothing_and_answers_nothing(
    opening_records: list[Record],
) -> None:
    ablation = Candidate(
        candidate=1,
        parent=0,
        program="w" * 64,
        author="ablate",
        without=0,
        request="r1",
        usd=9.0,
    )
    study = fold([*opening_records, adoption("guide", text="try relu", next=True), ablation])
    assert (study.costs.usd, study.people.ideas) == (0.0, {"r1": "try relu"})
    assert "w" * 64 not in study.by_program


def test_a_proposal_answers_the_idea_that_it_was_made_for(opening_records: list[Record]) -> None:
    idea = adoption("guide", text="try relu", next=True)
    answer = Candidate(candidate=1, parent=0, program="p", author="agent", request="r1")
    assert fold([*opening_records, idea, answer]).people.ideas == {}
    failed = ProposalFailed(author="agent", reason="no", request="r1")
    assert fold([*opening_records, idea, failed]).people.ideas == {}


def test_a_rebased_candidate_is_known_by_both_its_programs(opening_records: list[Record]) -> None:
    study = fold(
        [*opening_records, candidate(1), candidate(2), Rebased(candidate=2, onto=1, program="new")]
    )
    assert (study.by_program[f"{2:064d}"], study.by_program["new"]) == (2, 2)
    assert study.lineage.rebased == [2]
    study = fold([*opening_records, candidate(1), candidate(2), Rebased(candidate=2, onto=1)])
    assert study.lineage.rebased == [], "its change did not apply"


def test_a_call_reserves_the_number_of_its_question(opening_records: list[Record]) -> None:
    study = fold([*opening_records, Called(question=6, author="agent", usd=0.5, tokens=10)])
    assert (study.proposals.next_question, study.costs.usd) == (7, 0.5)


def test_the_incumbent_can_be_required_once_the_baseline_is_kept(
    opening_records: list[Record],
) -> None:
    assert fold(opening_records).require_incumbent() == 0
    with pytest.raises(ValueError, match="the baseline has no score yet"):
        fold(opening_records[:2]).require_incumbent()


def test_time_while_no_loop_ran_is_not_counted(opening_records: list[Record]) -> None:
    study = fold(opening_records)
    before = study.costs.active_seconds
    study.apply(Entry(5, 5.0, StateChanged(state="paused")))
    study.apply(Entry(6, 1000.0, StateChanged(state="running")))
    assert study.costs.active_seconds == before + 1.0


# Bodies as journals of the first version have them: with values of other types, and with fields
# that a later version does not know.
FIRST_VERSION: list[tuple[str, Mapping[str, Any], str, Any]] = [
    ("guide", {"text": "be bold"}, "people.guidance", ["be bold"]),
    ("guide", {"text": "try relu", "next": True}, "people.ideas", {"r1": "try relu"}),
    ("guide", {"text": "try relu", "next": 0}, "people.guidance", ["try relu"]),
    ("ban", {"text": "no dropout"}, "people.bans", ["no dropout"]),
    ("fork", {"candidate": 1, "program": "p", "old": 3}, "incumbent", 1),
    ("fork", {"candidate": 1.0}, "incumbent", 1),
    ("set", {"key": "candidates", "value": 9}, "options.candidates", 9),
    ("set", {"key": "max_usd", "value": 1.5}, "options.max_usd", 1.5),
    ("set", {"key": "review", "value": "all"}, "options.review", "all"),
    ("accept", {"candidate": 1, "hunks": None, "reason": None}, "waiting", [1]),
    ("accept", {"candidate": 1, "run": True}, "waiting", []),
    ("audit", {"candidate": 1, "number": 0, "trials": 4}, "examinations.n_asked", 1),
    ("levitate", {"height": 3}, "people.last_request", 1),
    ("edit", {"candidate": 1, "files": ["train.py"]}, "people.last_request", 1),
]


@pytest.mark.parametrize(("verb", "body", "attribute", "value"), FIRST_VERSION)
def test_adopted_requests_of_the_first_version_fold_as_they_did(
    opening_records: list[Record], verb: str, body: Mapping[str, Any], attribute: str, value: Any
) -> None:
    ask = Decision(candidate=1, verdict="defer", by="review", before_run=True)
    study: Any = fold([*opening_records, candidate(1), ask, adoption(verb, **body)])
    for name in attribute.split("."):
        study = getattr(study, name)
    assert study == value


def test_a_pin_a_stop_and_a_resume_are_noted(opening_records: list[Record]) -> None:
    exhausted = ProposalFailed(author="tuner", reason="no more", final=True)
    audit = adoption("audit", 1, candidate=0, number=0, trials=2)
    study = fold([*opening_records, exhausted, adoption("pin", 2, candidate=0), audit])
    assert study.candidates[0].pinned
    assert [pending.candidate for pending in study.examinations.pending] == [0]
    assert study.proposals.exhausted == "no more"
    study = fold([*opening_records, exhausted, audit, adoption("stop", 2), adoption("resume", 3)])
    assert (study.examinations.pending, study.proposals.exhausted) == ([], None)


def test_a_refused_request_is_answered_too(opening_records: list[Record]) -> None:
    study = fold(
        [*opening_records, Refused(request="r8", sequence=8, verb="pin", reason="no candidate 9")]
    )
    assert (study.people.last_request, study.people.refused) == (8, {"r8": "no candidate 9"})


def test_an_entry_that_comes_twice_or_names_an_unknown_candidate_is_refused(
    opening_records: list[Record],
) -> None:
    study = fold(opening_records)
    with pytest.raises(StudyError, match="comes after"):
        study.apply(Entry(1, 1.0, ok_trial(0, 1.0)))
    with pytest.raises(StudyError, match="no candidate 9 in this study; it has 0 to 0"):
        study.apply(Entry(9, 9.0, ok_trial(9, 1.0)))
    with pytest.raises(StudyError, match="candidate 3 follows candidate 0"):
        study.apply(Entry(10, 9.0, candidate(3)))


def test_a_study_without_candidates_says_that_it_has_none() -> None:
    with pytest.raises(StudyError, match="it has none yet"):
        Study().history(0)


def test_a_journal_without_an_opening_record_is_not_a_study() -> None:
    with pytest.raises(StudyError, match="not a study"):
        _ = Study().opened


def test_folding_entry_by_entry_gives_the_same_as_at_once(opening_records: list[Record]) -> None:
    records = [
        *opening_records,
        candidate(1),
        ok_trial(1, 4.0),
        keep(1, 0),
        candidate(2, 1),
        discard(2),
        adoption("audit", candidate=1, number=0, trials=2),
    ]
    entries = [Entry(number, float(number), record) for number, record in enumerate(records, 1)]
    whole = Study().fold(entries)
    parts = Study()
    for entry in entries:
        parts.apply(entry)
    assert vars(whole) == vars(parts)
