"""A proposer that asks a model, in the real loop.

Costs in the journal, budgets that hold, faults that pause, transcripts that stay.
"""

import itertools
import json
import sqlite3
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.loop.toy import Toy, rate
from tests.messages_server import Answer, Failure, MessagesServer, Script, Step, play_steps
from tests.studies import records
from workbench import experiment_file
from workbench.ledger import lease
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.loop import proposal_intake
from workbench.propose.evolve import Evolve
from workbench.propose.replay import Replay
from workbench.records import ProposalFailed

OPUS = "claude-opus-5-5"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-made-up-for-this-test")
    monkeypatch.setattr(proposal_intake, "FAULT_SECONDS", 0.001)


@pytest.fixture
def server() -> Iterator[MessagesServer]:
    with MessagesServer(each()) as server:
        yield server


USED = {"input_tokens": 10_000, "output_tokens": 1000}
BAD = Answer("HYPOTHESIS: x\n<<<<<<< SEARCH\nno such line\n=======\n>>>>>>> REPLACE\n", usage=USED)


def each(*steps: Step | None) -> Script:
    """Takes the steps one by one.

    Where one is None, and after the last, sets the parent's rate to 1, 2, 3, ...
    """
    left, rates = list(steps), itertools.count(1)

    def script(body: Any) -> Step:
        if left and (step := left.pop(0)):
            return step
        prompt = body["messages"][0]["content"][-1]["text"]
        old = [line for line in prompt.splitlines() if line.startswith("LEARNING_RATE")][-1]
        new = f"LEARNING_RATE = {next(rates)}"
        return Answer(
            f"HYPOTHESIS: faster\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n",
            usage=USED,
        )

    return script


PRICE = (10_000 * 4 + 1000 * 20) / 1e6


def study_of(toy: Toy, server: MessagesServer, **options: Any) -> None:
    """A toy study that `evolve` proposes for.

    Its proposer is made in the thread that asks, as in any study.
    """
    given = {"proposer": "evolve", "model": OPUS, "base_url": server.url, **options}
    toy.create(**given)
    made: list[Evolve] = []

    def propose(brief: Any) -> Any:
        if not made:
            made.append(
                Evolve("", experiment_file.read(toy.folder.experiment), toy.study().options)
            )
        return made[0].propose(brief)

    toy.propose = propose


def test_candidates_are_kept_and_each_cost_stands_in_the_journal(
    toy: Toy, server: MessagesServer
) -> None:
    study_of(toy, server, candidates=3)
    study = toy.run()
    assert (study.state, study.kept) == ("finished", [0, 1, 2, 3])
    assert [candidate.record.author for candidate in study.candidates[1:]] == ["evolve"] * 3
    assert [candidate.record.usd for candidate in study.candidates[1:]] == pytest.approx(
        [PRICE] * 3
    )
    assert (study.costs.tokens, len(server.requests)) == (33_000, 3)
    assert "1 (from 0): " in server.prompts[2]


def test_the_transcript_of_a_candidate_is_kept_with_it(toy: Toy, server: MessagesServer) -> None:
    study_of(toy, server, candidates=2, seed=5)
    toy.run()
    with Journal(toy.folder) as journal:
        (call,) = journal.read_transcript(2)
        assert journal.read_transcript(0) == []
    assert {**call["request"], "stream": True} == server.requests[1]["body"]
    assert (call["response"]["model"], call["seed"], call["usage"]["input"]) == (
        f"{OPUS} (scripted)",
        "5/1",
        10_000,
    )
    assert call["usd"] == pytest.approx(PRICE)
    assert b"made-up" not in toy.folder.database.read_bytes()
    assert "made-up" not in json.dumps(call)


def test_a_study_without_transcripts_is_read_as_before(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.run()
    with sqlite3.connect(toy.folder.database) as sql:
        assert not sql.execute("SELECT 1 FROM sqlite_master WHERE name = 'transcript'").fetchone()
    with Journal(toy.folder) as journal:
        assert journal.read_transcript(1) == []


@pytest.mark.parametrize(
    ("limit", "said"),
    [({"max_usd": 2.5 * PRICE}, "0.15 USD"), ({"max_tokens": 25_000}, "25,000 tokens")],
)
def test_a_budget_is_passed_by_no_more_than_the_call_in_flight(
    toy: Toy, server: MessagesServer, limit: dict[str, Any], said: str
) -> None:
    study_of(toy, server, candidates=50, **limit)
    study = toy.run()
    assert (study.state, study.reason) == ("finished", f"the budget of {said} is used")
    assert (study.proposals.n_made, len(server.requests)) == (3, 3)


def test_an_answer_that_is_repaired_costs_two_calls_and_one_that_is_not_is_recorded_with_its_cost(
    toy: Toy, server: MessagesServer
) -> None:
    server.script = each(BAD, None, BAD, BAD)
    study_of(toy, server, candidates=2)
    study = toy.run()
    assert [candidate.record.tokens for candidate in study.candidates[1:]] == [22_000, 11_000]
    assert "no line reads 'no such line'" in study.candidates[1].record.origin["repaired"]
    (record,) = records(toy.folder, ProposalFailed)
    assert (record.tokens, record.usd, record.fault) == (22_000, pytest.approx(2 * PRICE), False)
    assert study.costs.usd == pytest.approx(5 * PRICE)
    with Journal(toy.folder) as journal:
        entry = next(
            entry.id for entry in journal.read_entries() if isinstance(entry.record, ProposalFailed)
        )
        assert len(journal.read_transcript_of_entry(entry)) == len(journal.read_transcript(1)) == 2


@pytest.mark.parametrize(
    ("step", "said"),
    [
        (Answer("no", stop="refusal"), "refused to answer"),
        (Answer("HYPOTHESIS: x", stop="max_tokens"), "was cut off after"),
        (Failure(400, "invalid_request_error", "prompt is too long"), "too long for the context"),
        (Failure(429, "rate_limit_error", headers={"retry-after": "3600"}), "the rate limit"),
        (Answer("HYPOTHESIS: x", lost_after=3), "the connection"),
    ],
)
def test_faults_in_a_row_pause_the_study_with_the_reason(
    toy: Toy, server: MessagesServer, step: Step, said: str
) -> None:
    server.script = play_steps(step)
    study_of(toy, server, candidates=3)
    study = toy.run()
    assert (study.state, study.fault) == ("paused", True)
    assert study.reason.startswith(
        f"{proposal_intake.MAX_FAULTS_IN_A_ROW} proposals failed in a row; the last: "
    )
    assert said in study.reason
    assert len(server.requests) == proposal_intake.MAX_FAULTS_IN_A_ROW
    assert study.costs.tokens == sum(
        record.tokens for record in records(toy.folder, ProposalFailed)
    )
    assert (study.costs.tokens > 0) == isinstance(step, Answer)


@pytest.mark.parametrize(
    "step",
    [
        Failure(401, "authentication_error", "invalid x-api-key"),
        Failure(404, "not_found_error", f"model: {OPUS}"),
    ],
)
def test_what_a_person_has_to_mend_pauses_at_once_and_resume_goes_on(
    toy: Toy, server: MessagesServer, step: Step
) -> None:
    server.script = play_steps(step)
    study_of(toy, server, candidates=1)
    study = toy.run()
    assert (study.state, study.fault, len(server.requests)) == ("paused", True, 1)
    assert study.reason.startswith("the proposer cannot be used: ")
    server.script = each()
    toy.request("resume")
    assert toy.run().kept == [0, 1]


def test_a_stop_ends_the_call_in_flight_and_records_what_it_took(
    toy: Toy, server: MessagesServer
) -> None:
    server.script = play_steps(
        Answer("word " * 200_000, pause=0.02, usage={"input_tokens": 10_000})
    )
    study_of(toy, server, candidates=3)
    began = threading.Event()
    real = server.script

    def script(body: Any) -> Step:
        began.set()
        return real(body)

    server.script = script
    stop = threading.Thread(target=lambda: (began.wait(60), toy.request("stop")))
    stop.start()
    study = toy.run()
    stop.join()
    assert study.state == "stopped"
    assert server.disconnected.wait(30), "the stream is still open"
    (record,) = records(toy.folder, ProposalFailed)
    assert record.tokens >= 10_000
    assert study.costs.usd >= 0.04
    assert lease.find_holder(toy.folder) is None


def test_money_is_no_limit_where_the_price_of_the_model_is_unknown(
    toy: Toy, server: MessagesServer
) -> None:
    study_of(toy, server, model="qwen3:8b=2,claude-opus-5-5=1", candidates=1)
    asked = [toy.request("set", key="max_usd", value=value) for value in (5, 0)]
    study = toy.run()
    assert (
        study.people.refused[asked[0]]
        == "max_usd cannot hold where the price of qwen3:8b is unknown; set max_tokens instead"
    )
    assert (asked[1] in study.people.adopted, study.options.max_usd) == (True, 0.0)


def test_a_recorded_study_is_proposed_again_without_a_model(
    toy: Toy, server: MessagesServer, tmp_path_factory: pytest.TempPathFactory
) -> None:
    server.script = each(None, BAD, BAD)
    toy.score = lambda program, seed: abs(rate(program) - 1.1)
    study_of(toy, server, candidates=3)
    recorded, asked = toy.run(), len(server.requests)

    original = toy.folder.path
    toy.root = tmp_path_factory.mktemp("again")
    toy.create(proposer=f"replay:{original}", candidates=0)
    replay: list[Replay] = []

    def propose(brief: Any) -> Any:
        if not replay:
            replay.append(Replay(str(original), brief.experiment, brief.study.options))
        return replay[0].propose(brief)

    toy.propose = propose
    again: Study = toy.run()
    assert len(server.requests) == asked
    assert (again.state, again.proposals.exhausted) == (
        "finished",
        "all 4 recorded proposals were made again",
    )

    def told(study: Study) -> list[tuple[Any, ...]]:
        return [
            (c.record.program, c.record.parent, c.record.hypothesis, c.status, c.score)
            for c in study.candidates
        ]

    assert told(again) == told(recorded)
    assert again.kept == recorded.kept != [0]
    assert (again.costs.usd, again.costs.tokens) == (0.0, 0)
    assert [record.reason for record in records(toy.folder, ProposalFailed)][:1] == [
        recorded.proposals.last_failure
    ]
