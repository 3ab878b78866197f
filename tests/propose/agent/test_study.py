"""A whole study with `agent` on a real experiment.

The loop, the sandbox and the SDK are real; a scripted server takes the place of a model.
"""

import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import MessagesServer, Step, call_tools
from tests.propose.studies import CALL_USD, OPUS, SMALL, USAGE, run_study
from workbench.errors import UsageError
from workbench.recognise.experiments import builtin_experiments
from workbench.records import Options, ProposalFailed
from workbench.verbs import create, study_options

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("key")]
LOG = "candidates/0003/log.0.txt"
FILE = "working/heuristic.py"
GAP = "    gap ="  # the beginning of the line that the scripted model breaks


def read_answers(body: Any) -> str:
    """What the tools answered last; empty in the first call of a proposal."""
    return "\n".join(
        block["content"]
        for block in body["messages"][-1]["content"]
        if block["type"] == "tool_result"
    )


def edit_line(body: Any, start: str, new: str) -> tuple[str, dict[str, str]]:
    """The edit of the working program that replaces the line with this beginning.

    The program must have been read just before.
    """
    old = next(line for line in read_answers(body).splitlines() if line.startswith(start))
    return "edit", {"path": FILE, "search": old, "text": new}


def find_gap_line() -> int:
    """The number of that line in the file as it ships, from 1."""
    heuristic = builtin_experiments()["binpacking"] / "heuristic.py"
    lines = heuristic.read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if line.startswith(GAP))


def test_a_later_candidate_is_made_with_the_raw_log_of_an_earlier_one_in_view(
    tmp_path: Path,
) -> None:
    costs = itertools.count(1)
    hidden = tmp_path / "studies" / "s"

    def script(body: Any) -> Step:
        question = body["messages"][0]["content"][-1]["text"]
        begins = len(body["messages"]) == 1
        if begins and "There are 9 candidates" in question:
            return call_tools(
                ("query", {"status": "failed"}),
                ("read_file", {"path": LOG}),
                ("read_file", {"path": FILE}),
                text="what failed?",
                usage=USAGE,
            )
        if begins and "There are 7 candidates" in question:
            look = f"cat {hidden}/experiment/evaluate.py {hidden}/study.db"
            command = (
                f'$PYTHON -m py_compile heuristic.py && cat "$HISTORY/{LOG}" && ls "$HISTORY"; '
                f"{look}"
            )
            return call_tools(
                ("shell", {"command": command}), ("read_file", {"path": FILE}), usage=USAGE
            )
        if begins:
            return call_tools(("read_file", {"path": FILE}), usage=USAGE)
        if "There are 3 candidates" in question:
            slip = (
                "    gap = bins - (item if len(bins) < 100 else items)"  # too late for a smoke run
            )
            return call_tools(
                edit_line(body, GAP, slip),
                ("submit", {"hypothesis": "a scripted slip"}),
                usage=USAGE,
            )
        if "There are 6 candidates" in question and "not taken" not in read_answers(body):
            early = edit_line(body, GAP, "    gap = bins - item / len(nothing)")
            return call_tools(early, ("submit", {"hypothesis": "a scripted slip"}), usage=USAGE)
        if "There are 6 candidates" in question:
            mended = {
                "path": FILE,
                "search": "    gap = bins - item / len(nothing)",
                "text": "    gap = bins - item - 2",
            }
            return call_tools(
                ("edit", mended), ("submit", {"hypothesis": "a scripted repair"}), usage=USAGE
            )
        if "There are 5 candidates" in question and "not taken" not in read_answers(body):
            broken = {
                "path": FILE,
                "search": "    gap = bins - item",
                "text": "    gap = bins - (item",
            }
            return call_tools(
                ("edit", broken), ("submit", {"hypothesis": "a scripted slip"}), usage=USAGE
            )
        if "There are 5 candidates" in question:
            mended = {
                "path": FILE,
                "search": "    gap = bins - (item",
                "text": "    gap = bins - item - 1",
            }
            return call_tools(
                ("edit", mended), ("submit", {"hypothesis": "a scripted repair"}), usage=USAGE
            )
        change = edit_line(body, "SMALL_GAP_COST", f"SMALL_GAP_COST = 60.0 + {next(costs)}")
        return call_tools(change, ("submit", {"hypothesis": "a scripted change"}), usage=USAGE)

    with MessagesServer(script) as server:
        study, journal = run_study(
            tmp_path, "binpacking", SMALL, server, proposer="agent", candidates=9
        )
    with journal:
        assert (study.state, study.proposals.n_made, study.proposals.n_failed) == (
            "finished",
            9,
            0,
        ), study.proposals.last_failure
        assert study.candidates[3].status == "failed"
        calls = journal.read_transcript(9)
        assert len(calls) == 2
        last_turn = calls[1]["request"]["messages"][-1]["content"]
        place = f"heuristic.py line {find_gap_line()}"
        assert f"{place} in priority" in last_turn[1]["content"]
        assert last_turn[1]["content"] == (journal.folder.trial(3, 0) / "log.txt").read_text()
        assert last_turn[0]["content"].splitlines()[2].startswith("3\t")
        assert study.candidates[9].record.origin["read"] == [LOG, FILE]
        assert "does not parse" in study.candidates[5].record.origin["repaired"]
        assert len(journal.read_transcript(5)) == len(journal.read_transcript(6)) == 3
        assert "fails in a smoke run" in study.candidates[6].record.origin["repaired"]
        assert (
            f"name 'nothing' is not defined ({place})"
            in study.candidates[6].record.origin["repaired"]
        )
        assert study.candidates[6].status == "discarded", "no trial was spent on what fails at once"
        origins = [candidate.record.origin for candidate in study.candidates[1:]]
        assert [origin for origin in origins if not origin["check_seconds"] > 0] == []
        assert not journal.folder.live_proposals.exists()
        tried = journal.read_transcript(7)[1]["request"]["messages"][-1]["content"][0]["content"]
        assert tried.startswith("(exit status 1)")
        assert f"{place} in priority" in tried
        assert "candidates\ncandidates.tsv\nfailed.tsv\nprogram.md\n" in tried
        assert tried.count("cat: ") == 2
        assert "def evaluate" not in tried
        assert [history.record.author for history in study.candidates[1:]] == ["agent"] * 9
        assert study.costs.usd == pytest.approx(20 * CALL_USD)
        assert {call["response"]["model"] for call in calls} == {f"{OPUS} (scripted)"}
        assert "zyxwv" not in json.dumps([journal.read_transcript(number) for number in range(10)])


def test_a_budget_ends_a_study_in_the_middle_of_the_work(tmp_path: Path) -> None:
    with MessagesServer(lambda body: call_tools(("list_files", {}), usage=USAGE)) as server:
        study, journal = run_study(
            tmp_path,
            "binpacking",
            SMALL,
            server,
            proposer="agent",
            candidates=5,
            max_usd=2.5 * CALL_USD,
        )
    with journal:
        assert study.state == "finished"
        assert study.reason.endswith("USD is used")
        assert (study.proposals.n_made, len(server.requests)) == (0, 3)
        (failed,) = [
            entry for entry in journal.read_entries() if isinstance(entry.record, ProposalFailed)
        ]
        assert (failed.record.usd, len(journal.read_transcript_of_entry(failed.id))) == (
            pytest.approx(3 * CALL_USD),
            3,
        )


def test_tinygpt_is_changed_with_the_curves_of_its_baseline_in_view(tmp_path: Path) -> None:
    curves = "candidates/0000/curves.0.tsv"
    file = "working/train.py"

    def script(body: Any) -> Step:
        if len(body["messages"]) == 1:
            return call_tools(
                ("read_file", {"path": curves}),
                ("search", {"pattern": "^LEARNING_RATE", "path": file}),
                usage=USAGE,
            )
        old = read_answers(body).splitlines()[-1].partition(": ")[2]
        new = {"path": file, "search": old, "text": "LEARNING_RATE = 1.1e-3"}
        return call_tools(
            ("edit", new), ("submit", {"hypothesis": "a scripted change"}), usage=USAGE
        )

    with MessagesServer(script) as server:
        settings = {"steps": "4", "train_mb": "1", "windows": "32", "audited": "32"}
        study, journal = run_study(
            tmp_path, "tinygpt", settings, server, proposer="agent", candidates=1
        )
    with journal:
        assert (study.state, study.proposals.n_made, study.proposals.n_failed) == (
            "finished",
            1,
            0,
        ), study.proposals.last_failure
        assert [history.score is not None for history in study.candidates] == [True, True]
        assert study.candidates[1].record.origin["read"] == [curves, file]
        table = journal.read_transcript(1)[1]["request"]["messages"][-1]["content"][0]["content"]
        assert table.splitlines()[0] == "series\tstep\tvalue\tby"
        assert len(table.splitlines()) > 2


def test_a_start_says_that_the_number_of_calls_is_open(tmp_path: Path) -> None:
    options = Options(proposer="agent:scores", model=OPUS, candidates=3)
    folder = create.create("binpacking", study="s", root=tmp_path, options=options, settings=SMALL)
    assert study_options.estimate_cost(folder).startswith(
        "agent makes as many calls per candidate as it needs, up to 40; --max-usd"
    )


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"proposer": "agent:all"}, "agent does not know 'all'"), ({"model": ""}, "which model")],
)
def test_what_cannot_be_is_said_at_the_start(
    tmp_path: Path, changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(UsageError, match=message):
        create.create(
            "binpacking",
            root=tmp_path,
            options=Options(**{"proposer": "agent", "model": OPUS, **changes}),
        )
