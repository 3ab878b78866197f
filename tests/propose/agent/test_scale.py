"""A study of ten million tokens: all of it can be reached through the tools, and no request outgrows the model's context."""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import MessagesServer, Step, in_turn, uses
from tests.propose.agent.histories import experiment_in
from workbench.ledger.journal import Curve
from workbench.program import Program
from workbench.propose.agent import tools
from workbench.propose.agent.agent import MAX_CALLS, Agent
from workbench.propose.agent.conversation import CONTEXT_CHARS
from workbench.propose.agent.history import History
from workbench.propose.proposer import Brief, Proposal
from workbench.propose.workspace import Bare
from workbench.records import Candidate, Decision, Options, Trial
from workbench.testing import PROGRAM, fold, opening

pytestmark = pytest.mark.slow
N_CANDIDATES, LOG_CHARS = 1000, 40_000
CHARS_PER_TOKEN = 4
OVERHEAD = 1.15  # JSON around what is counted, the last turn of the model


class Logs(Bare):
    """A long log of every candidate, each with one line of its own deep inside."""

    def log(self, candidate: int, trial: int) -> str:
        half = "step 123 | loss: 2.3456 | lr: 1e-3\n" * (LOG_CHARS // 2 // 35)
        return f"{half}needle-{candidate} lies here\n{half}"

    def curves(self, candidate: int, trial: int) -> Mapping[str, Curve]:
        return {}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, key: str) -> Iterator[MessagesServer]:
    monkeypatch.setattr(tools, "SEARCH_SECONDS", 300.0)  # a busy machine is not what is tested here
    with MessagesServer(in_turn("nothing")) as server:
        yield server


def program_of(number: int) -> Program:
    return Program(
        {"train.py": PROGRAM.files["train.py"].replace("WIDTH = 8", f"WIDTH = {8 + number}")}
    )


@pytest.fixture
def brief(tmp_path: Path) -> Brief:
    experiment = experiment_in(tmp_path)
    first = [
        Trial(candidate=0, trial=0, seed=1, status="ok", score=9.0),
        Decision(candidate=0, verdict="keep", by="loop"),
    ]
    records: list[Any] = [*opening(experiment), *first]
    for number in range(1, N_CANDIDATES):
        records.append(
            Candidate(
                candidate=number,
                parent=0,
                program=program_of(number).digest,
                author="agent",
                hypothesis=f"idea {number}",
            )
        )
        records.append(
            Trial(candidate=number, trial=0, seed=1, status="ok", score=9.0 + number / 1000)
        )
        records.append(Decision(candidate=number, verdict="discard", by="tested", why="no better"))
    return Brief(
        experiment=experiment,
        study=fold(records),
        parent=0,
        program=PROGRAM,
        programs=program_of,
        workspace=Logs(),
    )


def answered(body: Any) -> list[str]:
    return [
        block["content"]
        for block in body["messages"][-1]["content"]
        if block["type"] == "tool_result"
    ]


def test_ten_million_tokens_stay_reachable_and_no_request_outgrows_the_context(
    server: MessagesServer, brief: Brief
) -> None:
    history = History(brief, "full")
    assert (
        N_CANDIDATES * len(history.read("candidates/0001/log.0.txt")) / CHARS_PER_TOKEN > 9_900_000
    )
    looked: list[str] = []

    def script(body: Any) -> Step:
        turn = (len(body["messages"]) + 1) // 2
        if turn == 1:
            return uses(
                ("list_files", {"folder": "candidates", "start": 400}),
                ("search", {"pattern": "needle-(7|417|999) lies"}),
            )
        if turn == 2:
            looked.extend(answered(body))
            places = re.findall(r"^(\S+)@(\d+): ", answered(body)[1], re.MULTILINE)
            return uses(
                *(
                    ("read_file", {"path": path, "offset": int(at), "limit": 20})
                    for path, at in places
                )
            )
        if turn == 3:
            looked.extend(answered(body))
        if turn < 12:  # sixteen long files in one turn, again and again
            paths = (
                f"candidates/{(turn * 50 + number) % N_CANDIDATES:04d}/log.0.txt"
                for number in range(MAX_CALLS)
            )
            return uses(
                *(("read_file", {"path": path, "offset": 20_000 * (turn % 2)}) for path in paths)
            )
        edit = {"path": "train.py", "search": "WIDTH = 8", "text": "WIDTH = 7"}
        return uses(("edit", edit), ("submit", {"hypothesis": "a scripted change"}))

    server.script = script
    proposal = Agent(
        "", brief.experiment, Options(proposer="agent", model="qwen3:8b", base_url=server.url)
    ).propose(brief)
    assert isinstance(proposal, Proposal)
    names, found, *read = looked
    assert names.splitlines()[0] == "0400/"
    assert len(found.splitlines()) == len(read) == 3
    assert sorted(text.partition("needle-")[2].split()[0] for text in read) == ["417", "7", "999"]
    sizes = [len(json.dumps(request["body"]["messages"])) for request in server.requests]
    assert len(sizes) == 12
    assert sum(sizes) > 4 * CONTEXT_CHARS[False], "the context was filled several times"
    assert max(sizes) < OVERHEAD * CONTEXT_CHARS[False]
    refused = [
        text
        for request in server.requests
        for text in answered(request["body"])
        if "long enough" in text
    ]
    assert refused, "the answers of one turn are bounded together"
