"""Meta-Harness's ablation as three whole studies that differ in one word: `agent:scores`, `agent:summaries`, `agent:full`.

The scripted model tries in every arm to see everything, with each tool; what it gets is what its level allows, and no more.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import MessagesServer, Step, uses
from tests.propose.studies import finished
from tests.toy_study import SOLUTION, write_experiment
from workbench.ledger.study import Study

pytestmark = pytest.mark.slow

SAID, PRINTED = "a-scripted-hypothesis", "printed-by-the-candidate"
PRINTING = "    print('printed-by', 'the-candidate', sep='-')\n"  # so that no source has in it what stands in a log
WORSE = SOLUTION.replace("VALUE = 1", "VALUE = -1").replace("    return", f"{PRINTING}    return")
BROKEN = SOLUTION.replace("    return float(VALUE)", f"{PRINTING}    return float('a' + 'b')")
BUDGET = {"candidates": 3, "max_tokens": 2_000_000, "ahead": 0, "seed": 5}
SCORES = {"program.md", "candidates.tsv", "result.json", "patch.diff", "solution.py"}
SUMMARIES = {*SCORES, "failed.tsv"}
FULL = {*SUMMARIES, "log.0.txt", "curves.0.tsv"}
CLOSED = [
    "failed.tsv",
    "candidates/0002/log.0.txt",
    "candidates/0002/curves.0.tsv",
]  # to one arm or another
OPEN = [
    "program.md", "candidates.tsv", "candidates/0002/result.json", "candidates/0002/patch.diff", "candidates/0002/program/solution.py",
]  # fmt: skip
LIST = 'cd "$HISTORY" && for file in *.* candidates/*/*.* candidates/*/program/*; do echo "FILE $file"; cat "$file"; done'


def script(body: Any) -> Step:
    """Candidate 1 prints and is worse, candidate 2 prints and breaks, candidate 3 is made after a look at all there is."""
    number = int(
        body["messages"][0]["content"][-1]["text"].partition("There are ")[2].partition(" ")[0]
    )
    if number == 3 and len(body["messages"]) == 1:
        everything = (
            ("search", {"pattern": f"{SAID}|{PRINTED}|ValueError"}),
            ("query", {"limit": 100}),
            ("shell", {"command": LIST}),
        )
        return uses(*everything, *(("read_file", {"path": path}) for path in [*OPEN, *CLOSED]))
    text = {1: WORSE, 2: BROKEN}.get(number, SOLUTION.replace("VALUE = 1", "VALUE = 2"))
    edit = {"path": "working/solution.py", "text": text}
    return uses(("edit", edit), ("submit", {"hypothesis": f"{SAID} {number}"}))


@dataclass
class Arm:
    """One study, what tools told the maker of candidate 3, and how many calls all three took."""

    study: Study
    told: list[dict[str, Any]]
    n_calls: int

    @property
    def text(self) -> str:
        return "\n".join(answer["content"] for answer in self.told)

    @property
    def names(self) -> set[str]:
        """The names of the files that the shell found."""
        return {
            line.rpartition("/")[2].removeprefix("FILE ")
            for line in self.text.splitlines()
            if line.startswith("FILE ")
        }

    @property
    def read(self) -> list[str]:
        return list(self.study.candidates[3].record.origin["read"])


def run(tmp_path: Path, level: str) -> Arm:
    with MessagesServer(script) as server:
        study, journal = finished(
            tmp_path / level, str(tmp_path / "toy"), {}, server, proposer=f"agent:{level}", **BUDGET
        )
    with journal:
        turns = [
            turn
            for call in journal.transcript(3)
            for turn in call["request"]["messages"]
            if turn["role"] == "user"
        ]
    told = [block for turn in turns for block in turn["content"] if block["type"] == "tool_result"]
    return Arm(study, told, len(server.requests))


@pytest.mark.usefixtures("key")
def test_each_arm_reads_what_its_level_allows_and_all_have_the_same_budget(tmp_path: Path) -> None:
    write_experiment(tmp_path / "toy")
    arms = [run(tmp_path, level) for level in ("scores", "summaries", "full")]

    for arm, level in zip(arms, ("scores", "summaries", "full"), strict=True):
        assert (arm.study.state, arm.study.proposed, arm.n_calls) == ("finished", 3, 4), (
            arm.study.last_failure
        )
        assert [history.status for history in arm.study.candidates] == [
            "kept",
            "discarded",
            "failed",
            "kept",
        ]
        assert arm.study.candidates[3].record.origin["level"] == level
        assert replace(arm.study.options, proposer="", base_url="") == replace(
            arms[0].study.options, proposer="", base_url=""
        )
        same = [
            (history.record.program, [trial.seed for trial in history.trials])
            for history in arm.study.candidates
        ]
        assert same == [
            (history.record.program, [trial.seed for trial in history.trials])
            for history in arms[0].study.candidates
        ]

    assert [arm.names for arm in arms] == [SCORES, SUMMARIES, FULL]
    assert [[path for path in CLOSED if path in arm.read] for arm in arms] == [
        [],
        CLOSED[:1],
        CLOSED,
    ]
    assert all(set(OPEN) <= set(arm.read) for arm in arms)
    assert [sum(bool(answer.get("is_error")) for answer in arm.told) for arm in arms] == [3, 2, 0]
    # hypotheses, how a trial failed, and what candidates printed
    assert [SAID in arm.text for arm in arms] == [False, True, True]
    assert ["ValueError: could not convert" in arm.text for arm in arms] == [False, True, True]
    assert [PRINTED in arm.text for arm in arms] == [False, False, True]
