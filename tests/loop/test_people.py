"""What a person asks beyond accepting or rejecting a whole candidate.

Some hunks of it, a veto taken back, a program edited by hand, an idea to be tried next.
"""

import pytest

from tests.loop.toy import Toy, rate, with_rate
from workbench.ledger.candidate import CandidateHistory
from workbench.loop.limits import budget_used
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal, Unusable
from workbench.records import Candidate, Decision
from workbench.show import views

EDITED = '"""Edited by hand."""\nLEARNING_RATE = 7\n'


def two_changes(brief: Brief) -> Proposal:
    """A candidate with two hunks: another docstring, and a higher rate."""
    program = with_rate(brief.program, 3)
    text = program.files["train.py"].replace('"""A program with knobs."""', '"""Changed."""')
    return Proposal(program=Program({"train.py": text}), hypothesis="two things")


def test_a_rejected_hunk_is_recorded_as_rejected_and_shown_as_such(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.propose = two_changes
    toy.run()
    accept = toy.request("accept", candidate=1, hunks=[2], rejected=[1])
    study = toy.run()
    decision = study.candidates[1].decisions[-1]
    assert (decision.verdict, decision.hunks, decision.rejected) == ("revise", (2,), (1,))
    assert study.people.adopted[accept].body == {"candidate": 1, "hunks": [2], "rejected": [1]}
    states = [views.hunk_state(study.candidates[1], hunk) for hunk in (1, 2)]
    assert states == ["rejected", "accepted"]


def test_a_hunk_that_is_neither_kept_nor_rejected_stays_open() -> None:
    record = Candidate(candidate=1, parent=0, program="d", author="tuner")
    history = CandidateHistory(record=record, at=0.0)
    decision = Decision(candidate=1, verdict="revise", by="person", hunks=(1,), rejected=(2,))
    history.decisions.append(decision)
    states = [views.hunk_state(history, hunk) for hunk in (1, 2, 3)]
    assert states == ["accepted", "rejected", "open"]


def test_in_a_journal_that_names_no_rejected_hunks_all_others_are_rejected(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.propose = two_changes
    toy.run()
    toy.request("accept", candidate=1, hunks=[2])
    study = toy.run()
    assert study.candidates[1].decisions[-1].rejected == ()
    states = [views.hunk_state(study.candidates[1], hunk) for hunk in (1, 2)]
    assert states == ["rejected", "accepted"]


def test_a_rejected_hunk_that_does_not_exist_is_refused(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.propose = two_changes
    toy.run()
    accept = toy.request("accept", candidate=1, hunks=[2], rejected=[1, 7])
    assert toy.run().people.refused[accept] == (
        "candidate 1 has no hunk 7 to reject; it has hunks 1 to 2"
    )


def test_an_edited_candidate_is_a_persons_and_evaluated_like_any_other(toy: Toy) -> None:
    toy.create(candidates=1, review="keeps")
    toy.run()
    edit = toy.request("edit", candidate=1, files={"train.py": EDITED}, reason="a bolder rate")
    study = toy.run()
    original, edited = study.candidates[1], study.candidates[2]
    assert original.decisions[-1].verdict == "revise"
    assert (edited.record.author, edited.record.parent, edited.record.revises) == ("person", 0, 1)
    assert (edited.status, edited.record.hypothesis, edited.record.request) == (
        "kept",
        "a bolder rate",
        edit,
    )
    assert study.people.adopted[edit].body["files"] == ["train.py"]


def test_a_kept_candidate_that_is_edited_stays_kept_and_is_the_parent(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.run()
    toy.request("edit", candidate=1, files={"train.py": EDITED})
    study = toy.run()
    assert (study.candidates[2].record.parent, study.kept) == (1, [0, 1, 2])


def test_an_edit_that_cannot_be_a_program_is_refused(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.run()
    same = with_rate(Program({"train.py": EDITED}), 7).files["train.py"]
    requests = [
        toy.request(
            "edit", candidate=1, files={"evaluate.py": "def evaluate(trial): return {'loss': 0}\n"}
        ),
        toy.request("edit", candidate=1, files={"train.py": "def ("}),
        toy.request("edit", candidate=1, files={"train.py": 3}),
        toy.request("edit", candidate=1, files={"train.py": same}),
        toy.request("edit", candidate=1, files={"train.py": same}),
    ]
    study = toy.run()
    assert [study.people.refused.get(request) for request in requests] == [
        "evaluate.py is not one of the program's files: train.py",
        "train.py does not parse: line 1: invalid syntax",
        "edit: files must be an object whose values are texts; it is {'train.py': 3}",
        None,
        "this is candidate 2 already",
    ]


def test_one_idea_is_put_once_and_its_answer_names_the_request(toy: Toy) -> None:
    toy.create(candidates=2)
    heard: list[str] = []

    def propose(brief: Brief) -> Proposal:
        heard.append(brief.idea)
        return Proposal(
            program=with_rate(brief.program, rate(brief.program) + 1), hypothesis="more"
        )

    toy.propose = propose
    idea = toy.request("guide", text="a higher rate", next=True)
    study = toy.run()
    assert (heard[0], heard.count("a higher rate")) == ("a higher rate", 1)
    assert ([candidate.record.request for candidate in study.candidates], study.people.ideas) == (
        ["", idea, ""],
        {},
    )
    assert study.people.guidance == []


def test_an_idea_without_a_usable_proposal_is_answered_too(toy: Toy) -> None:
    toy.create(candidates=1)

    def propose(brief: Brief) -> Proposal:
        if brief.idea:
            raise Unusable(f"cannot: {brief.idea}")
        return Proposal(program=with_rate(brief.program, 4), hypothesis="own")

    toy.propose = propose
    toy.request("guide", text="levitate", next=True)
    study = toy.run()
    assert (study.proposals.last_failure, study.people.ideas, study.counts["kept"]) == (
        "cannot: levitate",
        {},
        2,
    )


def test_an_idea_for_an_ended_study_is_refused_with_the_remedy(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.run()
    idea = toy.request("guide", text="more", next=True)
    assert toy.run().people.refused[idea].startswith("the study is finished; let it go on first")


def test_a_rejection_before_it_ran_is_taken_back_to_the_very_state_before(toy: Toy) -> None:
    toy.create(candidates=1, review="all")
    before = toy.run()
    toy.request("reject", candidate=1)
    assert toy.run().candidates[1].is_vetoed
    toy.request("accept", candidate=1)
    study = toy.run()
    assert (study.state, study.waiting, study.counts) == ("finished", before.waiting, before.counts)
    assert (
        study.candidates[1].status,
        study.candidates[1].trials,
        study.candidates[1].cleared,
    ) == ("waiting", [], False)
    toy.request("accept", candidate=1)
    assert toy.run().candidates[1].scored, "let run"


def test_a_rejected_candidate_that_had_not_had_to_wait_is_tried_after_all(toy: Toy) -> None:
    toy.create(candidates=1, review="all")
    toy.run()
    toy.request("set", key="review", value="off")
    toy.request("accept", candidate=1)  # it may run, and is rejected before it does
    toy.request("reject", candidate=1, reason="too bold")
    assert toy.run().candidates[1].trials == []
    toy.request("accept", candidate=1)
    assert toy.run().kept == [0, 1]


def test_what_has_only_some_hunks_left_can_be_tried_whole_after_all(toy: Toy) -> None:
    toy.create(candidates=1, review="all")
    toy.run()
    toy.request("edit", candidate=1, files={"train.py": EDITED})
    toy.run()
    toy.request("accept", candidate=1)
    assert toy.run().waiting == [1]


@pytest.mark.parametrize(
    ("limits", "said"),
    [
        ({}, "nothing to do: the budget of 1 candidate is used; give more of it: set candidates=N"),
        (
            {"seconds": 0.001, "candidates": 2},
            "nothing to do: the budget of 0.001 seconds is used; give more of it: set time=8h",
        ),
    ],
)
def test_to_resume_what_has_used_its_budget_is_refused_with_the_remedy(
    toy: Toy, limits: dict[str, float], said: str
) -> None:
    toy.create(candidates=1)
    toy.run()
    for key, value in limits.items():
        toy.request("set", key=key, value=value)
    toy.run()
    resumed = toy.request("resume")
    study = toy.run()
    assert (study.state, study.people.refused[resumed]) == ("finished", said)
    toy.request("set", key="seconds", value=0)
    toy.request("set", key="candidates", value=2)
    assert len(toy.run().candidates) == 3


def test_the_time_of_a_pause_is_not_taken_from_the_budget(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    toy.create(candidates=0, seconds=3600.0)
    toy.request("pause")
    study = toy.run()
    assert study.state == "paused"
    monkeypatch.setattr("workbench.loop.limits.time.time", lambda: study.last_at + 36_000)
    assert budget_used(study) is None


def test_a_note_on_any_candidate_is_adopted_and_one_on_none_is_refused(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.run()
    note = toy.request("note", candidate=0, text="a good start", author="ada")
    missing = toy.request("note", candidate=9, text="which one?")
    study = toy.run()
    assert [written.text for written in study.history(0).notes] == ["a good start"]
    assert note in study.people.adopted
    assert study.people.refused[missing].startswith("no candidate 9 in this study")
