"""What a person asks beyond a plain accept or reject: a veto taken back, a program edited by hand, one idea to be tried next."""

import pytest

from tests.loop.toy import Toy, rate, with_rate
from workbench.loop.limits import budget_used
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal, Unusable

EDITED = '"""Edited by hand."""\nLEARNING_RATE = 7\n'


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
    assert study.adopted[edit].body["files"] == ["train.py"]


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
    assert [study.refused.get(request) for request in requests] == [
        "evaluate.py is not one of the program's files: train.py",
        "train.py does not parse: line 1: invalid syntax",
        "train.py is no text of at most 4,194,304 characters",
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
    assert ([candidate.record.request for candidate in study.candidates], study.ideas) == (
        ["", idea, ""],
        {},
    )
    assert study.guidance == []


def test_an_idea_that_comes_to_nothing_is_answered_too(toy: Toy) -> None:
    toy.create(candidates=1)

    def propose(brief: Brief) -> Proposal:
        if brief.idea:
            raise Unusable(f"cannot: {brief.idea}")
        return Proposal(program=with_rate(brief.program, 4), hypothesis="own")

    toy.propose = propose
    toy.request("guide", text="levitate", next=True)
    study = toy.run()
    assert (study.last_failure, study.ideas, study.counts["kept"]) == ("cannot: levitate", {}, 2)


def test_an_idea_for_an_ended_study_is_refused_with_the_remedy(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.run()
    idea = toy.request("guide", text="more", next=True)
    assert toy.run().refused[idea].startswith("the study is finished; let it go on first")


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
    assert (study.state, study.refused[resumed]) == ("finished", said)
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
