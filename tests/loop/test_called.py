"""A paid call is in the journal when it has ended, and counts once.

While its proposal is made, after it, and when none comes of it.
"""

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests import toy_study
from tests.loop.toy import Toy, with_rate
from tests.messages_server import Answer, MessagesServer, Step
from tests.studies import folded
from tests.waiting import until
from workbench.ledger.journal import Journal
from workbench.ledger.lease import find_holder
from workbench.propose.proposer import Brief, Proposal, Unusable
from workbench.records import Called, Candidate, Options, ProposalFailed
from workbench.testing import experiment_for_tests, fold, opening
from workbench.verbs import create, loop_process

MODEL = "claude-opus-5-5"
USED = {"input_tokens": 10_000, "output_tokens": 1000}


def called(toy: Toy) -> list[tuple[int, float, int]]:
    with Journal(toy.folder) as journal:
        records = [entry.record for entry in journal.read_entries()]
    return [
        (record.question, record.usd, record.tokens)
        for record in records
        if isinstance(record, Called)
    ]


def test_a_call_is_recorded_before_its_proposal_is_made(toy: Toy) -> None:
    spent = []

    def propose(brief: Brief) -> Proposal:
        for usd in (1.0, 2.0):
            before = len(called(toy))
            brief.receipt.add(usd, 10, {"request": {"messages": ["a", "b"]}, "response": usd})
            until(lambda before=before: len(called(toy)) > before)  # type: ignore[misc]
            spent.append(toy.study().costs.usd)
        return Proposal(
            program=with_rate(brief.program, 1 + brief.number), hypothesis="more", usd=0.5, tokens=1
        )

    toy.propose = propose
    toy.create(candidates=2, ahead=0)
    study = toy.run()
    assert spent == [1.0, 3.0, 4.5, 6.5]
    assert called(toy) == [
        (0, 1.0, 10),
        (0, 2.0, 10),
        (0, 0.5, 1),
        (1, 1.0, 10),
        (1, 2.0, 10),
        (1, 0.5, 1),
    ]
    assert [
        (history.record.usd, history.record.tokens, history.record.question)
        for history in study.candidates[1:]
    ] == [
        (3.5, 21, 0),
        (3.5, 21, 1),
    ]
    assert (study.costs.usd, study.costs.tokens) == (7.0, 42)
    with Journal(toy.folder) as journal:
        first, second = journal.read_transcript(2)
    assert (first["request"]["messages"], first["repeats"]) == (["a", "b"], 0)
    assert (second["request"]["messages"], second["repeats"], second["response"]) == ([], 2, 2.0)


def test_a_proposal_that_comes_to_nothing_keeps_its_calls(toy: Toy) -> None:
    def propose(brief: Brief) -> Proposal:
        brief.receipt.add(1.0, 10, {"response": brief.number})
        if brief.number == 0:
            raise Unusable("no idea")
        return Proposal(program=with_rate(brief.program, 1), hypothesis="more")

    toy.propose = propose
    toy.create(candidates=1)
    study = toy.run()
    assert (study.costs.usd, study.proposals.n_failed) == (2.0, 1)
    with Journal(toy.folder) as journal:
        entry = next(
            entry for entry in journal.read_entries() if isinstance(entry.record, ProposalFailed)
        )
        assert [call["response"] for call in journal.read_transcript_of_entry(entry.id)] == [0]
        assert [call["response"] for call in journal.read_transcript(1)] == [1]


def test_a_proposer_without_calls_leaves_no_record_of_any(toy: Toy) -> None:
    toy.create(candidates=2)
    toy.run()
    assert called(toy) == []


def test_an_older_study_whose_candidates_alone_say_what_they_cost_counts_as_before(
    tmp_path: Path,
) -> None:
    old = Candidate(candidate=1, parent=0, program="1" * 64, author="evolve", usd=2.0, tokens=20)
    nothing = ProposalFailed(author="evolve", reason="no", usd=1.0, tokens=10)
    new = Candidate(
        candidate=2, parent=0, program="2" * 64, author="evolve", usd=4.0, tokens=40, question=2
    )
    call = Called(question=2, author="evolve", usd=4.0, tokens=40)
    study = fold([*opening(experiment_for_tests(tmp_path)), old, nothing, call, new])
    assert (study.costs.usd, study.costs.tokens, study.costs.max_question_cost) == (
        7.0,
        70,
        (4.0, 40),
    )


@pytest.mark.slow
def test_kill_9_in_the_middle_of_a_proposal_loses_no_call_that_was_answered(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-made-up-for-this-test")

    def script(body: Any) -> Step:
        if len(server.requests) == 1:
            return Answer(
                "HYPOTHESIS: x\n<<<<<<< SEARCH\nno such line\n=======\n>>>>>>> REPLACE\n",
                usage=USED,
            )
        if (
            len(server.requests) == 2
        ):  # the repair of the first is still on its way when the loop dies
            return Answer("word " * 200_000, pause=0.05)
        return Answer(
            "HYPOTHESIS: y\n<<<<<<< SEARCH\nVALUE = 1\n=======\nVALUE = "
            f"{len(server.requests)}\n>>>>>>> REPLACE\n",
            usage=USED,
        )

    with MessagesServer(script) as server:
        toy_study.make(tmp_path, "unused")
        options = Options(
            proposer="evolve", model=MODEL, base_url=server.url, candidates=1, slots=1
        )
        folder = create.create(
            str(tmp_path / "unused-experiment"), study="paid", root=tmp_path, options=options
        )
        loop_process.spawn(folder)
        until(lambda: len(server.requests) == 2 and folded(folder).costs.tokens)
        loop = find_holder(folder)
        assert loop is not None
        os.kill(loop, signal.SIGKILL)
        until(lambda: find_holder(folder) is None)
        assert folded(folder).proposals.n_made + folded(folder).proposals.n_failed == 0
        assert folded(folder).costs.tokens == 11_000
        loop_process.spawn(folder)
        until(lambda: folded(folder).state == "finished")
        until(lambda: find_holder(folder) is None)
    study = folded(folder)
    assert (study.proposals.n_made, study.costs.tokens) == (1, 22_000)
    assert study.costs.usd == pytest.approx(2 * (10_000 * 4 + 1000 * 20) / 1e6)
    with Journal(folder) as journal:
        lost, kept = [entry for entry in journal.read_entries() if isinstance(entry.record, Called)]
        assert "no such line" in str(journal.read_transcript_of_entry(lost.id))
        assert journal.read_transcript(1) == journal.read_transcript_of_entry(kept.id)
