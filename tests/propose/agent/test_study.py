"""A whole study with `agent` on a real experiment: real loop, real sandbox, the real SDK, and a scripted server in place of a model."""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import MessagesServer, Step, uses
from tests.propose.studies import OPUS, PRICE, SMALL, USED, finished
from workbench.errors import UsageError
from workbench.records import Options, ProposalFailed
from workbench.verbs import create, study_options

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("key")]
LOG = "candidates/0003/log.0.txt"
FILE = "working/heuristic.py"


def shown(body: Any) -> str:
    """What the tools answered last; empty in the first call of a proposal."""
    return "\n".join(
        block["content"]
        for block in body["messages"][-1]["content"]
        if block["type"] == "tool_result"
    )


def edited(body: Any, start: str, new: str) -> tuple[str, dict[str, str]]:
    """The edit that replaces the line of the working program, which was just read, that begins so."""
    old = next(line for line in shown(body).splitlines() if line.startswith(start))
    return "edit", {"path": FILE, "search": old, "text": new}


def test_a_later_candidate_is_made_with_the_raw_log_of_an_earlier_one_in_view(
    tmp_path: Path,
) -> None:
    costs, hidden = itertools.count(1), tmp_path / "studies" / "s"

    def script(body: Any) -> Step:
        asked, begins = body["messages"][0]["content"][-1]["text"], len(body["messages"]) == 1
        if begins and "There are 9 candidates" in asked:
            return uses(
                ("query", {"status": "failed"}),
                ("read_file", {"path": LOG}),
                ("read_file", {"path": FILE}),
                said="what failed?",
                usage=USED,
            )
        if begins and "There are 7 candidates" in asked:
            look = f"cat {hidden}/experiment/evaluate.py {hidden}/study.db"
            command = f'$PYTHON -m py_compile heuristic.py && cat "$HISTORY/{LOG}" && ls "$HISTORY"; {look}'
            return uses(("shell", {"command": command}), ("read_file", {"path": FILE}), usage=USED)
        if begins:
            return uses(("read_file", {"path": FILE}), usage=USED)
        if "There are 3 candidates" in asked:
            slip = (
                "    gap = bins - (item if len(bins) < 100 else items)"  # too late for a smoke run
            )
            return uses(
                edited(body, "    gap =", slip),
                ("submit", {"hypothesis": "a scripted slip"}),
                usage=USED,
            )
        if "There are 6 candidates" in asked and "not taken" not in shown(body):
            early = edited(body, "    gap =", "    gap = bins - item / len(nothing)")
            return uses(early, ("submit", {"hypothesis": "a scripted slip"}), usage=USED)
        if "There are 6 candidates" in asked:
            mended = {
                "path": FILE,
                "search": "    gap = bins - item / len(nothing)",
                "text": "    gap = bins - item - 2",
            }
            return uses(
                ("edit", mended), ("submit", {"hypothesis": "a scripted repair"}), usage=USED
            )
        if "There are 5 candidates" in asked and "not taken" not in shown(body):
            broken = {
                "path": FILE,
                "search": "    gap = bins - item",
                "text": "    gap = bins - (item",
            }
            return uses(("edit", broken), ("submit", {"hypothesis": "a scripted slip"}), usage=USED)
        if "There are 5 candidates" in asked:
            mended = {
                "path": FILE,
                "search": "    gap = bins - (item",
                "text": "    gap = bins - item - 1",
            }
            return uses(
                ("edit", mended), ("submit", {"hypothesis": "a scripted repair"}), usage=USED
            )
        change = edited(body, "SMALL_GAP_COST", f"SMALL_GAP_COST = 60.0 + {next(costs)}")
        return uses(change, ("submit", {"hypothesis": "a scripted change"}), usage=USED)

    with MessagesServer(script) as server:
        study, journal = finished(
            tmp_path, "binpacking", SMALL, server, proposer="agent", candidates=9
        )
    with journal:
        assert (study.state, study.proposed, study.proposals_failed) == ("finished", 9, 0), (
            study.last_failure
        )
        assert study.candidates[3].status == "failed"
        calls = journal.transcript(9)
        assert len(calls) == 2
        last_turn = calls[1]["request"]["messages"][-1]["content"]
        assert "heuristic.py line 20 in priority" in last_turn[1]["content"]
        assert last_turn[1]["content"] == (journal.folder.trial(3, 0) / "log.txt").read_text()
        assert last_turn[0]["content"].splitlines()[2].startswith("3\t")
        assert study.candidates[9].record.origin["read"] == [LOG, FILE]
        assert "does not parse" in study.candidates[5].record.origin["repaired"]
        assert len(journal.transcript(5)) == len(journal.transcript(6)) == 3
        assert "fails in a smoke run" in study.candidates[6].record.origin["repaired"]
        assert (
            "name 'nothing' is not defined (heuristic.py line 20)"
            in study.candidates[6].record.origin["repaired"]
        )
        assert study.candidates[6].status == "discarded", "no trial was spent on what fails at once"
        assert all(
            candidate.record.origin["check_seconds"] > 0 for candidate in study.candidates[1:]
        )
        assert not journal.folder.at_work.exists()
        tried = journal.transcript(7)[1]["request"]["messages"][-1]["content"][0]["content"]
        assert tried.startswith("(exit status 1)")
        assert "heuristic.py line 20 in priority" in tried
        assert "candidates\ncandidates.tsv\nfailed.tsv\nprogram.md\n" in tried
        assert tried.count("cat: ") == 2
        assert "def evaluate" not in tried
        assert [history.record.author for history in study.candidates[1:]] == ["agent"] * 9
        assert study.spent.usd == pytest.approx(20 * PRICE)
        assert all(call["response"]["model"] == f"{OPUS} (scripted)" for call in calls)
        assert "zyxwv" not in json.dumps([journal.transcript(number) for number in range(10)])


def test_a_budget_ends_a_study_in_the_middle_of_the_work(tmp_path: Path) -> None:
    with MessagesServer(lambda body: uses(("list_files", {}), usage=USED)) as server:
        study, journal = finished(
            tmp_path,
            "binpacking",
            SMALL,
            server,
            proposer="agent",
            candidates=5,
            max_usd=2.5 * PRICE,
        )
    with journal:
        assert study.state == "finished"
        assert study.reason.endswith("USD is used")
        assert (study.proposed, len(server.requests)) == (0, 3)
        (failed,) = [
            entry for entry in journal.entries() if isinstance(entry.record, ProposalFailed)
        ]
        assert (failed.record.usd, len(journal.transcript_of_entry(failed.id))) == (
            pytest.approx(3 * PRICE),
            3,
        )


def test_tinygpt_is_changed_with_the_curves_of_its_baseline_in_view(tmp_path: Path) -> None:
    curves, file = "candidates/0000/curves.0.tsv", "working/train.py"

    def script(body: Any) -> Step:
        if len(body["messages"]) == 1:
            return uses(
                ("read_file", {"path": curves}),
                ("search", {"pattern": "^LEARNING_RATE", "path": file}),
                usage=USED,
            )
        old = shown(body).splitlines()[-1].partition(": ")[2]
        new = {"path": file, "search": old, "text": "LEARNING_RATE = 1.1e-3"}
        return uses(("edit", new), ("submit", {"hypothesis": "a scripted change"}), usage=USED)

    with MessagesServer(script) as server:
        settings = {"steps": "4", "train_mb": "1", "windows": "32", "audited": "32"}
        study, journal = finished(
            tmp_path, "tinygpt", settings, server, proposer="agent", candidates=1
        )
    with journal:
        assert (study.state, study.proposed, study.proposals_failed) == ("finished", 1, 0), (
            study.last_failure
        )
        assert [history.score is not None for history in study.candidates] == [True, True]
        assert study.candidates[1].record.origin["read"] == [curves, file]
        told = journal.transcript(1)[1]["request"]["messages"][-1]["content"][0]["content"]
        assert told.splitlines()[0] == "series\tstep\tvalue\tby"
        assert len(told.splitlines()) > 2


def test_a_start_says_that_the_number_of_calls_is_open(tmp_path: Path) -> None:
    options = Options(proposer="agent:scores", model=OPUS, candidates=3)
    folder = create.create("binpacking", study="s", root=tmp_path, options=options, settings=SMALL)
    assert study_options.estimate(folder).startswith(
        "agent makes as many calls per candidate as it needs, up to 40; --max-usd"
    )


@pytest.mark.parametrize(
    ("given", "said"),
    [({"proposer": "agent:all"}, "agent does not know 'all'"), ({"model": ""}, "which model")],
)
def test_what_cannot_be_is_said_at_the_start(
    tmp_path: Path, given: dict[str, Any], said: str
) -> None:
    with pytest.raises(UsageError, match=said):
        create.create(
            "binpacking",
            root=tmp_path,
            options=Options(**{"proposer": "agent", "model": OPUS, **given}),
        )
