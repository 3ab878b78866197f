"""A study of ten million tokens.

All of it can be reached through the tools, and no request outgrows the model's context.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import MessagesServer, Step, call_tools, play_steps
from tests.propose.agent.histories import experiment_in
from workbench.ledger.curves import Curve
from workbench.program import Program
from workbench.propose.agent import tools
from workbench.propose.agent.agent import MAX_CALLS, Agent
from workbench.propose.agent.conversation import LOCAL_CONTEXT_CHARS
from workbench.propose.agent.history_files import HistoryFiles
from workbench.propose.proposer import Brief, Proposal
from workbench.propose.workspace import EmptyWorkspace
from workbench.records import Candidate, Decision, Options, Trial
from workbench.testing import PROGRAM, fold, opening

pytestmark = pytest.mark.slow
N_CANDIDATES = 1000
LOG_CHARS = 40_000
CHARS_PER_TOKEN = 4
OVERHEAD = 1.15  # JSON around what is counted, the last turn of the model


class Logs(EmptyWorkspace):
    """A long log of every candidate, with one distinct line deep inside."""

    def log(self, candidate: int, trial: int) -> str:
        half = "step 123 | loss: 2.3456 | lr: 1e-3\n" * (LOG_CHARS // 2 // 35)
        return f"{half}needle-{candidate} lies here\n{half}"

    def curves(self, candidate: int, trial: int) -> Mapping[str, Curve]:
        return {}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch, key: str) -> Iterator[MessagesServer]:
    monkeypatch.setattr(tools, "SEARCH_SECONDS", 300.0)  # a busy machine is not what is tested here
    with MessagesServer(play_steps("nothing")) as server:
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


def list_answers(body: Any) -> list[str]:
    return [
        block["content"]
        for block in body["messages"][-1]["content"]
        if block["type"] == "tool_result"
    ]


def test_ten_million_tokens_stay_reachable_and_no_request_outgrows_the_context(
    server: MessagesServer, brief: Brief
) -> None:
    history = HistoryFiles(brief, "full")
    log = history.read("candidates/0001/log.0.txt")
    assert N_CANDIDATES * len(log) / CHARS_PER_TOKEN > 9_900_000
    answers: list[str] = []

    def script(body: Any) -> Step:
        turn = (len(body["messages"]) + 1) // 2
        if turn == 1:
            return call_tools(
                ("list_files", {"folder": "candidates", "start": 400}),
                ("search", {"pattern": "needle-(7|417|999) lies"}),
            )
        if turn == 2:
            answers.extend(list_answers(body))
            places = re.findall(r"^(\S+)@(\d+): ", list_answers(body)[1], re.MULTILINE)
            return call_tools(
                *(
                    ("read_file", {"path": path, "offset": int(at), "limit": 20})
                    for path, at in places
                )
            )
        if turn == 3:
            answers.extend(list_answers(body))
        if turn < 12:  # sixteen long files in one turn, again and again
            paths = (
                f"candidates/{(turn * 50 + number) % N_CANDIDATES:04d}/log.0.txt"
                for number in range(MAX_CALLS)
            )
            return call_tools(
                *(("read_file", {"path": path, "offset": 20_000 * (turn % 2)}) for path in paths)
            )
        edit = {"path": "train.py", "search": "WIDTH = 8", "text": "WIDTH = 7"}
        return call_tools(("edit", edit), ("submit", {"hypothesis": "a scripted change"}))

    server.script = script
    proposal = Agent(
        "", brief.experiment, Options(proposer="agent", model="qwen3:8b", base_url=server.url)
    ).propose(brief)
    assert isinstance(proposal, Proposal)
    names, hits, *read = answers
    assert names.splitlines()[0] == "0400/"
    assert len(hits.splitlines()) == len(read) == 3
    assert sorted(text.partition("needle-")[2].split()[0] for text in read) == ["417", "7", "999"]
    sizes = [len(json.dumps(request["body"]["messages"])) for request in server.requests]
    assert len(sizes) == 12
    assert sum(sizes) > 4 * LOCAL_CONTEXT_CHARS, "the context was filled several times"
    assert max(sizes) < OVERHEAD * LOCAL_CONTEXT_CHARS
    refused = [
        text
        for request in server.requests
        for text in list_answers(request["body"])
        if "long enough" in text
    ]
    assert refused, "the answers of one turn are bounded together"
