"""A proposal that was made from an incumbent which is no more.

Put onto the new one, left as it is, or dropped; and recorded.
"""

from collections.abc import Iterator

import pytest

from tests.loop.toy import Toy
from tests.studies import records
from tests.waiting import until
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal
from workbench.propose.replay import Replay
from workbench.records import Options, Rebased
from workbench.show import views

SOURCE = Program({"train.py": "LEARNING_RATE = 0.1\n\n\nWIDTH = 8\n"})


def changed(brief: Brief, **values: float) -> Proposal:
    """The parent with these constants.

    With one ahead, that of question 1 is still the baseline when candidate 1 is kept.
    """
    lines = brief.program.files["train.py"].splitlines()
    named = {
        name: place
        for place, line in enumerate(lines)
        for name in values
        if line.startswith(f"{name} =")
    }
    for name, place in named.items():
        lines[place] = f"{name} = {values[name]}"
    return Proposal(program=Program({"train.py": "\n".join(lines) + "\n"}), hypothesis=f"{values}")


def value(program: Program, name: str) -> float:
    return float(
        next(
            line for line in program.files["train.py"].splitlines() if line.startswith(name)
        ).split("=")[1]
    )


@pytest.fixture
def toy(toy: Toy) -> Toy:
    toy.program = SOURCE
    toy.score = lambda program, seed: (
        100 - 10 * value(program, "LEARNING_RATE") - value(program, "WIDTH")
    )
    return toy


def run(toy: Toy, *answers: dict[str, float], **options: object) -> Study:
    left: Iterator[dict[str, float]] = iter(answers)
    toy.propose = lambda brief: changed(brief, **next(left))
    toy.create(candidates=len(answers), **options)
    return toy.run()


def program(toy: Toy, study: Study, number: int) -> Program:
    with Journal(toy.folder) as journal:
        return journal.read_program(study.candidates[number].record.program)


def test_a_change_of_other_lines_is_put_onto_the_new_incumbent_and_says_so(toy: Toy) -> None:
    study = run(toy, {"LEARNING_RATE": 1}, {"WIDTH": 9})
    history = study.candidates[2]
    assert (history.proposed.parent, history.record.parent, history.record.author) == (0, 1, "toy")
    assert [value(program(toy, study, 2), name) for name in ("LEARNING_RATE", "WIDTH")] == [1, 9]
    assert (history.score, history.status, study.incumbent) == (81, "kept", 2)
    (record,) = records(toy.folder, Rebased)
    assert (record.candidate, record.onto, record.added, record.removed) == (2, 1, 1, 1)
    assert views.entry(study, history)["flags"] == ["rebased from 0"]
    with Journal(toy.folder) as journal:
        assert "-WIDTH = 8\n+WIDTH = 9\n" in views.show(study, journal, 2)["patch"]
        assert value(journal.read_program(history.proposed.program), "LEARNING_RATE") == 0.1, (
            "what was paid for stays as it was given"
        )


def test_a_change_of_the_same_line_is_tried_as_it_is_and_has_to_beat_what_was_kept(
    toy: Toy,
) -> None:
    study = run(toy, {"LEARNING_RATE": 1}, {"LEARNING_RATE": 2})
    history = study.candidates[2]
    assert (history.record.parent, history.score, history.status) == (0, 72, "kept")
    assert (history.decision.evidence.against if history.decision else None) == 1
    assert views.entry(study, history)["flags"] == [
        "not rebased onto 1: both change the same lines"
    ]
    assert [record.program for record in records(toy.folder, Rebased)] == [""]


def test_a_change_that_the_new_incumbent_has_already_costs_no_trial(toy: Toy) -> None:
    study = run(toy, {"LEARNING_RATE": 1, "WIDTH": 9}, {"WIDTH": 9})
    assert (study.candidates[2].status, study.candidates[2].trials) == ("discarded", [])
    assert study.candidates[2].decisions[-1].why == "put onto candidate 1 it is candidate 1 again"


def test_one_that_is_not_better_leaves_the_next_where_it_is(toy: Toy) -> None:
    study = run(toy, {"LEARNING_RATE": 0.05}, {"WIDTH": 9})
    assert (study.kept, study.candidates[2].record.parent, records(toy.folder, Rebased)) == (
        [0, 2],
        0,
        [],
    )


@pytest.mark.parametrize("strategy", ["islands", "frontier", "best-of-n"])
def test_a_parent_that_was_not_chosen_as_the_incumbent_stays_the_parent(
    toy: Toy, strategy: str
) -> None:
    study = run(toy, {"LEARNING_RATE": 1}, {"WIDTH": 9}, strategy=strategy)
    assert (
        study.candidates[1].status,
        study.candidates[2].record.parent,
        records(toy.folder, Rebased),
    ) == ("kept", 0, [])


def test_what_a_person_let_run_is_run_as_they_saw_it(toy: Toy) -> None:
    run(toy, {"LEARNING_RATE": 1}, {"WIDTH": 9}, review="all")
    for number in (1, 1, 2):  # the second time its keep
        toy.request("accept", candidate=number)
        study = toy.run()
    assert (study.kept, study.candidates[2].record.parent, records(toy.folder, Rebased)) == (
        [0, 1],
        0,
        [],
    )
    assert study.candidates[2].scored


def test_a_proposal_on_its_way_from_a_vetoed_candidate_is_dropped_with_its_reason(toy: Toy) -> None:
    def propose(brief: Brief) -> Proposal:
        if brief.number == 1:
            toy.request("reject", candidate=1, reason="too bold")
            until(lambda: toy.study().candidates[1].status == "discarded")
        return changed(
            brief, **({"LEARNING_RATE": 1} if brief.number == 0 else {"WIDTH": 8 + brief.number})
        )

    toy.propose = propose
    toy.create(candidates=2, ahead=0)
    study = toy.run()
    assert study.proposals.last_failure == "it was made from candidate 1, which was vetoed"
    assert (study.proposals.n_failed, study.kept, study.candidates[2].record.parent) == (
        1,
        [0, 2],
        0,
    )


def test_a_queued_one_goes_with_the_vetoed_candidate_that_it_was_put_onto(toy: Toy) -> None:
    study = run(toy, {"LEARNING_RATE": 1}, {"WIDTH": 9})
    toy.request("reject", candidate=1, reason="too bold")
    study = toy.run()
    assert study.kept == [0]
    assert study.candidates[2].decisions[-1].why == "made from candidate 1, which was vetoed"


def test_a_replay_proposes_what_was_tried(toy: Toy) -> None:
    study = run(toy, {"LEARNING_RATE": 1}, {"WIDTH": 9})
    replay = Replay(str(toy.folder.path), None, Options())  # type: ignore[arg-type]
    blank = run_of(study, 0)
    assert replay.propose(
        Brief(experiment=None, study=blank, parent=0, program=SOURCE)
    ).program == program(toy, study, 1)  # type: ignore[arg-type]
    one = run_of(study, 1)
    again = replay.propose(Brief(experiment=None, study=one, parent=0, program=SOURCE))  # type: ignore[arg-type]
    assert (again.program, again.parent) == (program(toy, study, 2), 1)


def run_of(study: Study, n_proposed: int) -> Study:
    """What a replay reads of a new study of which so many proposals were made."""
    new = Study()
    new.proposals.n_made = n_proposed
    new.by_program = {
        history.record.program: history.number for history in study.candidates[: n_proposed + 1]
    }
    return new
