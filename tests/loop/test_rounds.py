"""Several candidates from one question.

Each is recorded, in order and at once; the budget holds, and the cost counts once.
"""

from tests.loop.toy import Toy, with_rate
from workbench.ledger.journal import Journal
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal
from workbench.records import Called, Candidate, ProposalFailed


def rates(brief: Brief, *values: float) -> list[Proposal]:
    return [
        Proposal(
            program=with_rate(brief.program, value), hypothesis=f"{value}", origin={"rate": value}
        )
        for value in values
    ]


def test_a_round_is_as_many_candidates_as_it_gives_and_the_first_has_its_cost(toy: Toy) -> None:
    wanted = []

    def propose(brief: Brief) -> list[Proposal]:
        wanted.append(brief.max_proposals)
        brief.receipt.add(0.5, 10, {"response": f"round {len(wanted)}"})
        return rates(brief, *(len(wanted) + place / 10 for place in range(brief.max_proposals)))

    toy.propose = propose
    toy.create(candidates=5, round=3, ahead=0)
    study = toy.run()
    assert (wanted, study.proposals.n_made, study.reason) == (
        [3, 2],
        5,
        "the budget of 5 candidates is used",
    )
    assert [history.record.hypothesis for history in study.candidates[1:]] == [
        "1.0",
        "1.1",
        "1.2",
        "2.0",
        "2.1",
    ]
    assert [history.record.usd for history in study.candidates[1:]] == [0.5, 0.0, 0.0, 0.5, 0.0]
    assert (study.costs.usd, study.costs.tokens, study.costs.max_question_cost) == (
        1.0,
        20,
        (0.5, 10),
    )
    with Journal(toy.folder) as journal:
        entries = [
            entry for entry in journal.read_entries() if isinstance(entry.record, Candidate)
        ][1:]
        assert len({entry.at for entry in entries}) == 2, "a round is one transaction"
        assert [journal.read_transcript(number)[0]["response"] for number in range(1, 6)] == [
            "round 1"
        ] * 3 + ["round 2"] * 2
        assert sum(isinstance(entry.record, Called) for entry in journal.read_entries()) == 2


def test_what_is_no_candidate_is_recorded_in_its_place_and_what_is_too_much_is_left_out(
    toy: Toy,
) -> None:
    def propose(brief: Brief) -> list[Proposal]:
        if brief.number:
            return rates(brief, 9 + brief.number)
        same = Proposal(
            program=Program(
                {"train.py": with_rate(brief.program, 1).files["train.py"] + "# a remark\n"}
            ),
            hypothesis="1 again",
        )
        broken = Proposal(
            program=Program({"train.py": "LEARNING_RATE = (\n"}),
            hypothesis="broken",
            origin={"rate": 0},
        )
        return [broken, *rates(brief, 1, 1), same, *rates(brief, 2, 3)]

    toy.propose = propose
    toy.create(candidates=5, round=8, ahead=0)
    study = toy.run()
    assert [history.record.hypothesis for history in study.candidates[1:]] == [
        "1",
        "2",
        "15",
        "16",
        "17",
    ]
    with Journal(toy.folder) as journal:
        failed = [
            entry.record.reason
            for entry in journal.read_entries()
            if isinstance(entry.record, ProposalFailed)
        ]
    assert failed == [
        "train.py does not parse: line 1: '(' was never closed",
        "it is candidate 1 again",
        "it is candidate 1 again",
        "it gave 6 proposals where 5 were asked for; the rest is left out",
    ]


def test_a_round_with_nothing_in_it_is_no_failure(toy: Toy) -> None:
    answers = iter([[], []])
    toy.propose = lambda brief: next(answers, None) or rates(brief, 1)
    toy.create(candidates=1, round=2)
    study = toy.run()
    assert (study.proposals.n_made, study.proposals.n_failed) == (1, 0)
