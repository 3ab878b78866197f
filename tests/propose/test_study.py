"""Whole studies with `evolve` on real experiments.

The loop, the sandbox and the SDK are real; a scripted server takes the place of a model.
"""

import itertools
import re
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import Answer, Failure, MessagesServer, Step
from tests.propose.studies import CALL_USD, OPUS, SMALL, USAGE, run_study
from workbench.errors import UsageError
from workbench.records import Options, ProposalFailed
from workbench.verbs import create

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("key")]


def block(old: str, new: str, hypothesis: str = "a scripted change") -> Step:
    return Answer(
        f"HYPOTHESIS: {hypothesis}\n<<<<<<< SEARCH\n{old}\n=======\n{new}\n>>>>>>> REPLACE\n",
        usage=USAGE,
    )


def find_line(body: Any, start: str) -> str:
    """The line of the parent with this beginning. A prompt shows the parent last."""
    lines = body["messages"][0]["content"][-1]["text"].splitlines()
    return [line for line in lines if line.startswith(start)][-1]


def test_bin_packing_is_improved_repaired_paid_and_recorded(tmp_path: Path) -> None:
    costs = itertools.count(1)

    better = "SMALL_GAP = 25\nSMALL_GAP_COST = 30.0"
    shipped = (
        "SMALL_GAP = 20  # room that is left over, up to which it counts as small\n"
        "SMALL_GAP_COST = 5.0  "
        "# what leaving a small gap costs, in units of room; 0 is plain Best Fit"
    )

    def script(body: Any) -> Step:
        question = len(server.requests)
        if question == 1:
            return block(
                shipped,
                better,
                "gaps up to 25 are lost more often than filled; if not, excess stays or rises",
            )
        if question == 2:
            return block("no such line", "x")
        if question == 4:
            return block(
                find_line(body, "    gap ="),
                "    gap = bins - (item if len(bins) < 20 else items)",
            )  # passes a smoke run
        if question == 6:
            return block(find_line(body, "    return"), "    return -gap + open(1")
        return block(find_line(body, "SMALL_GAP_COST"), f"SMALL_GAP_COST = 60.0 + {next(costs)}")

    with MessagesServer(script) as server:
        study, journal = run_study(
            tmp_path, "binpacking", SMALL, server, proposer="evolve", candidates=6
        )
    with journal:
        assert (study.state, study.reason) == ("finished", "the budget of 6 candidates is used")
        assert study.proposals.n_made == 6
        assert study.kept == [0, 1]
        assert study.candidates[1].record.hypothesis.startswith("gaps up to 25 are lost")
        assert "1 (from 0): kept" in server.prompts[-1]
        assert study.proposals.n_failed == 0
        repaired = [
            history for history in study.candidates if history.record.origin.get("repaired")
        ]
        assert ["no line reads" in h.record.origin["repaired"] for h in repaired] == [True, False]
        assert "does not parse" in repaired[1].record.origin["repaired"]
        (crashed,) = [history for history in study.candidates if history.failure]
        assert crashed.status == "failed"
        assert f"{crashed.number} (from 1): failed" in server.prompts[-1]
        assert f'<log candidate="{crashed.number}">' in server.prompts[-1]
        log = server.prompts[-1].partition("<log ")[2].partition("</log>")[0]
        assert re.search(r"heuristic\.py line \d+ in priority", log)
        assert "NameError" in server.prompts[-1]
        assert study.costs.usd == pytest.approx(8 * CALL_USD)
        assert study.costs.tokens == 8 * 7800
        for history in study.candidates[1:]:
            calls = journal.read_transcript(history.number)
            assert len(calls) == (2 if history in repaired else 1)
            assert history.record.usd == pytest.approx(len(calls) * CALL_USD)
            assert calls[-1]["response"]["model"] == f"{OPUS} (scripted)"
        assert "zyxwv" not in journal.folder.loop_log.read_text()


def test_a_budget_ends_a_study_after_the_call_in_flight(tmp_path: Path) -> None:
    costs = itertools.count(1)

    def script(body: Any) -> Step:
        return block(find_line(body, "SMALL_GAP_COST"), f"SMALL_GAP_COST = {next(costs)}.25")

    with MessagesServer(script) as server:
        study, journal = run_study(
            tmp_path,
            "binpacking",
            SMALL,
            server,
            proposer="evolve",
            candidates=50,
            max_usd=2.5 * CALL_USD,
        )
    with journal:
        assert study.state == "finished"
        assert study.reason.endswith("USD is used")
        assert len(server.requests) == study.proposals.n_made == 3


def test_a_key_that_is_not_accepted_pauses_the_study_and_is_nowhere(
    tmp_path: Path, key: str
) -> None:
    refused = Failure(401, "authentication_error", f"invalid x-api-key {key}")
    with MessagesServer(lambda body: refused) as server:
        study, journal = run_study(
            tmp_path, "binpacking", SMALL, server, proposer="evolve", candidates=2
        )
    with journal:
        assert (study.state, study.fault) == ("paused", True)
        assert "does not accept the key; set a valid ANTHROPIC_API_KEY" in study.reason
        entries = list(journal.read_entries())
        assert [entry for entry in entries if "zyxwv" in str(entry.record)] == []
        assert [
            entry.record.final
            for entry in journal.read_entries()
            if isinstance(entry.record, ProposalFailed)
        ] == [True]
        kept = {
            file: file.read_bytes() for file in journal.folder.path.rglob("*") if file.is_file()
        }
    assert [file for file, data in kept.items() if b"zyxwv" in data] == []


def test_tinygpt_is_changed_by_the_text_of_a_model(tmp_path: Path) -> None:
    rates = itertools.count(1)

    def script(body: Any) -> Step:
        old = find_line(body, "LEARNING_RATE")
        return block(old, f"{old.partition('=')[0]}= 1e-3 * 1.{next(rates)}")

    with MessagesServer(script) as server:
        settings = {"steps": "4", "train_mb": "1", "windows": "32", "audited": "32"}
        study, journal = run_study(
            tmp_path, "tinygpt", settings, server, proposer="evolve", candidates=1
        )
    with journal:
        assert (study.state, study.proposals.n_made) == ("finished", 1)
        assert [history.score is not None for history in study.candidates] == [True, True]
        assert study.costs.usd == pytest.approx(CALL_USD)
        assert "tinygpt" in server.requests[0]["body"]["messages"][0]["content"][0]["text"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"model": ""}, "which model"),
        ({"model": "a=0"}, "weights above 0"),
        ({"proposer": "evolve:fast"}, "evolve does not know fast"),
        ({"base_url": "localhost:11434"}, "--base-url is not an address"),
        (
            {"base_url": "http://me:secret@localhost:11434"},
            "put that in ANTHROPIC_AUTH_TOKEN instead",
        ),
        (
            {"base_url": "http://localhost:11434?key=secret"},
            "put that in ANTHROPIC_AUTH_TOKEN instead",
        ),
        ({"effort": "maximal"}, "no effort 'maximal'; choose one of low, medium"),
        (
            {"model": "qwen3:8b", "max_usd": 1.0},
            "--max-usd cannot hold where the price of qwen3:8b is unknown; "
            "give --max-tokens instead",
        ),
        ({"max_tokens": -1}, "max_tokens=-1: it must be a number of at least 0"),
        ({"proposer": "replay:nothing-there"}, "no study 'nothing-there'"),
        ({"proposer": "replay:"}, "needs the name or folder of a recorded study"),
    ],
)
def test_what_cannot_be_is_said_at_the_start(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError) as problem:
        create.create(
            "binpacking",
            root=tmp_path,
            options=Options(**{"proposer": "evolve", "model": OPUS, **changes}),
        )
    assert message in str(problem.value)
    assert "secret" not in str(problem.value)
    assert not (tmp_path / "studies").exists()
