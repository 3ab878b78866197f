"""A proposer that works in many calls, in the real loop.

A stop between two calls loses none that was paid.
"""

import threading
from typing import Any

import pytest

from tests.loop.toy import Toy
from tests.messages_server import MessagesServer, Step, call_tools
from tests.waiting import until
from workbench import experiment_file
from workbench.ledger.journal import Journal
from workbench.propose.agent.agent import Agent
from workbench.propose.proposer import Receipt
from workbench.records import ProposalFailed

USED = {"input_tokens": 10_000, "output_tokens": 1000}


def test_a_stop_while_a_tool_works_ends_it_and_records_what_was_paid(
    toy: Toy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-made-up-for-this-test")
    receipts: list[Receipt] = []

    def script(body: Any) -> Step:
        if len(server.requests) == 1:
            return call_tools(("list_files", {"folder": "working"}), usage=USED)
        path = body["messages"][-1]["content"][0]["content"].splitlines()[0]
        return call_tools(
            ("edit", {"path": path, "text": "a" * 60 + "!"}),
            ("search", {"pattern": "(a+)+$", "path": "working"}),
            usage=USED,
        )

    with MessagesServer(script) as server:
        toy.create(proposer="agent", model="claude-opus-5-5", base_url=server.url, candidates=3)
        made: list[Agent] = []

        def propose(brief: Any) -> Any:
            receipts.append(brief.receipt)
            made.extend(
                []
                if made
                else [Agent("", experiment_file.read(toy.folder.experiment), toy.study().options)]
            )
            return made[0].propose(brief)

        toy.propose = propose

        def stop_while_the_search_runs() -> None:
            until(lambda: receipts and len(receipts[0].calls) >= 2)
            toy.request("stop")

        stop = threading.Thread(target=stop_while_the_search_runs)
        stop.start()
        study = toy.run()
        stop.join()
        assert (study.state, len(server.requests)) == ("stopped", 2)
    with Journal(toy.folder) as journal:
        (entry,) = [
            entry for entry in journal.read_entries() if isinstance(entry.record, ProposalFailed)
        ]
        assert isinstance(entry.record, ProposalFailed)
        assert (entry.record.tokens, len(journal.read_transcript_of_entry(entry.id))) == (22_000, 2)
