"""What a person asks beyond accept and reject: a program edited by hand, and one idea to be tried next."""

from tests.loop.toy import Toy, rate, with_rate
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
    assert (edited.status, edited.record.hypothesis, edited.record.request) == ("kept", "a bolder rate", edit)
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
        toy.request("edit", candidate=1, files={"evaluate.py": "def evaluate(trial): return {'loss': 0}\n"}),
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
        return Proposal(program=with_rate(brief.program, rate(brief.program) + 1), hypothesis="more")

    toy.propose = propose
    idea = toy.request("guide", text="a higher rate", next=True)
    study = toy.run()
    assert (heard[0], heard.count("a higher rate")) == ("a higher rate", 1)
    assert ([candidate.record.request for candidate in study.candidates], study.ideas) == (["", idea, ""], {})
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
