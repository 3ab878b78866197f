"""What a proposer yields is in the journal before it makes the next one.

No error and no kill -9 takes it away again.
"""

import itertools
import os
import signal
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests import toy_study
from tests.loop.toy import Toy, with_rate
from tests.messages_server import Answer, MessagesServer, Step, call_tools
from tests.studies import folded
from tests.waiting import until
from workbench.errors import ProposerFault, ProposerUnusable
from workbench.ledger.journal import Journal
from workbench.ledger.lease import find_holder
from workbench.propose.proposer import Brief, Proposal
from workbench.records import Called, Candidate, Options, ProposalFailed
from workbench.verbs import create, loop_process

USED = {"input_tokens": 10_000, "output_tokens": 0}


def one(brief: Brief, rate: float) -> Proposal:
    return Proposal(program=with_rate(brief.program, rate), hypothesis=f"{rate:g}")


def failures(toy: Toy) -> list[str]:
    with Journal(toy.folder) as journal:
        return [
            entry.record.reason
            for entry in journal.read_entries()
            if isinstance(entry.record, ProposalFailed)
        ]


def test_each_is_a_candidate_with_its_own_cost_before_the_next_is_made(toy: Toy) -> None:
    seen, ended, rates = [], [], itertools.count(1)

    def propose(brief: Brief) -> Iterator[Proposal]:
        try:
            for place in range(9):
                brief.receipt.add(0.5, 10, {"response": f"{brief.number}, call {place}"})
                made = next(rates)
                yield one(brief, made)
                until(lambda made=made: toy.study().proposals.n_made == made)  # type: ignore[misc]
                seen.append(toy.study().costs.usd)
        finally:
            ended.append(brief.max_proposals)

    toy.propose = propose
    toy.create(candidates=5, round=3, ahead=0)
    study = toy.run()
    assert seen == [0.5, 1.0, 2.0], "whoever has given as many as are wanted is asked for no more"
    assert (ended, study.proposals.n_made, study.proposals.n_failed) == ([3, 2], 5, 0)
    assert [history.record.usd for history in study.candidates[1:]] == [0.5] * 5
    assert (study.costs.usd, study.costs.max_question_cost) == (2.5, (1.5, 30)), (
        "a question costs what all of its candidates do"
    )
    with Journal(toy.folder) as journal:
        assert [call["response"] for call in journal.read_transcript(2)] == [
            "0, call 0",
            "0, call 1",
        ]
        assert [call["response"] for call in journal.read_transcript(4)] == ["3, call 0"]
        assert sum(isinstance(entry.record, Called) for entry in journal.read_entries()) == 5


def test_what_was_yielded_before_an_error_stays_and_the_error_is_recorded_with_what_it_cost(
    toy: Toy,
) -> None:
    def propose(brief: Brief) -> Iterator[Proposal]:
        brief.receipt.add(1.0, 10, {"response": "first"})
        yield one(brief, 1 + 10 * brief.number)
        brief.receipt.add(0.25, 5, {"response": "last"})
        raise (ProposerFault if brief.number == 0 else ProposerUnusable)("the connection is lost")

    toy.propose = propose
    toy.create(candidates=9, round=3, ahead=0)
    study = toy.run()
    assert (study.proposals.n_made, study.costs.usd, failures(toy)) == (
        2,
        2.5,
        ["the connection is lost"] * 2,
    )
    assert (study.state, study.reason) == (
        "paused",
        "the proposer cannot be used: the connection is lost",
    )
    with Journal(toy.folder) as journal:
        entries = [
            entry for entry in journal.read_entries() if isinstance(entry.record, ProposalFailed)
        ]
        assert [
            entry.record.usd for entry in entries if isinstance(entry.record, ProposalFailed)
        ] == [0.25, 0.25]
        assert [call["response"] for call in journal.read_transcript_of_entry(entries[0].id)] == [
            "first",
            "last",
        ]


def test_one_that_is_no_candidate_is_recorded_in_its_place_and_none_at_all_is_no_failure(
    toy: Toy,
) -> None:
    asked: list[int] = []

    def propose(brief: Brief) -> Iterator[Proposal]:
        asked.append(brief.number)
        yield from (one(brief, rate) for rate in [(), (1, 1, 2), (3,)][len(asked) - 1])

    toy.propose = propose
    toy.create(candidates=3, round=3, ahead=0)
    study = toy.run()
    assert [history.record.hypothesis for history in study.candidates[1:]] == ["1", "2", "3"]
    assert failures(toy) == ["it is candidate 1 again"]
    assert asked == [0, 0, 3], "a question that nothing came of is asked again"


def test_what_was_yielded_is_tried_while_the_next_is_made(toy: Toy) -> None:
    scored = threading.Event()

    def score(program: Any, seed: int) -> float:
        if "LEARNING_RATE = 7" in program.files["train.py"]:
            scored.set()
        return 1.0

    def propose(brief: Brief) -> Iterator[Proposal]:
        yield one(brief, 7)
        assert scored.wait(60), "the first waited for the second"
        yield one(brief, 8)

    toy.score, toy.propose = score, propose
    toy.create(candidates=2, round=2)
    assert (toy.run().proposals.n_made, failures(toy)) == (2, [])


@pytest.mark.slow
def test_kill_9_in_a_round_loses_no_candidate_that_was_submitted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-made-up-for-this-test")
    is_dead = threading.Event()

    def script(body: Any) -> Step:
        turn = len(server.requests)
        if turn == 3 and not is_dead.is_set():  # the round is still under way when the loop dies
            return Answer("word " * 200_000, pause=0.05)
        edit = (
            "edit",
            {
                "path": "working/solution.py",
                "text": toy_study.SOLUTION.replace("VALUE = 1", f"VALUE = {turn + 1}"),
            },
        )
        return call_tools(edit, ("submit", {"hypothesis": f"turn {turn}"}), usage=USED)

    with MessagesServer(script) as server:
        toy_study.make(tmp_path, "unused")
        options = Options(
            proposer="agent",
            model="claude-opus-5-5",
            base_url=server.url,
            candidates=4,
            round=4,
            slots=1,
        )
        folder = create.create(
            str(tmp_path / "unused-experiment"), study="round", root=tmp_path, options=options
        )
        loop_process.spawn(folder)
        until(lambda: len(server.requests) == 3 and folded(folder).proposals.n_made == 2)
        loop = find_holder(folder)
        assert loop is not None
        os.kill(loop, signal.SIGKILL)
        until(lambda: find_holder(folder) is None)
        is_dead.set()
        before = folded(folder)
        assert [history.record.hypothesis for history in before.candidates[1:]] == [
            "turn 1",
            "turn 2",
        ]
        loop_process.spawn(folder)
        until(lambda: folded(folder).state == "finished", 120, told=lambda: folded(folder).reason)
        until(lambda: find_holder(folder) is None)
    study = folded(folder)
    assert [history.record.hypothesis for history in study.candidates[1:]] == [
        "turn 1",
        "turn 2",
        "turn 4",
        "turn 5",
    ]
    assert [history.record.question for history in study.candidates[1:]] == [0, 0, 2, 2]
    assert all(history.decision is not None for history in study.candidates[1:])
    assert (study.costs.tokens, study.proposals.n_failed) == (40_000, 0)
    with Journal(folder) as journal:
        records = [entry.record for entry in journal.read_entries()]
        assert [len(journal.read_transcript(number)) for number in (1, 2, 3, 4)] == [1, 2, 1, 2]
    assert sum(isinstance(record, Candidate) for record in records) == 5
