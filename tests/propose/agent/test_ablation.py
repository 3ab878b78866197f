"""Meta-Harness's ablation as three whole studies: `agent:scores`, `agent:summaries`, `agent:full`.

They differ in that word only. In every arm the scripted model tries to see everything, with each
tool, and sees what the level allows.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import MessagesServer, Step, call_tools
from tests.propose.studies import run_study
from tests.toy_study import SOLUTION, write_experiment
from workbench.ledger.study import Study

pytestmark = pytest.mark.slow

SAID = "a-scripted-hypothesis"
PRINTED = "printed-by-the-candidate"
# In two pieces, so that the text is in logs only, and not in the source.
PRINTING = "    print('printed-by', 'the-candidate', sep='-')\n"
WORSE = SOLUTION.replace("VALUE = 1", "VALUE = -1").replace("    return", f"{PRINTING}    return")
BROKEN = SOLUTION.replace("    return float(VALUE)", f"{PRINTING}    return float('a' + 'b')")
BUDGET = {"candidates": 3, "max_tokens": 2_000_000, "ahead": 0, "seed": 5}
SCORES = {"program.md", "candidates.tsv", "result.json", "patch.diff", "solution.py"}
SUMMARIES = {*SCORES, "failed.tsv"}
FULL = {*SUMMARIES, "log.0.txt", "curves.0.tsv"}
# Files that not every arm has, and files that every arm has.
CLOSED = ["failed.tsv", "candidates/0002/log.0.txt", "candidates/0002/curves.0.tsv"]
OPEN = [
    "program.md",
    "candidates.tsv",
    "candidates/0002/result.json",
    "candidates/0002/patch.diff",
    "candidates/0002/program/solution.py",
]
LIST = (
    'cd "$HISTORY" && for file in *.* candidates/*/*.* candidates/*/program/*; '
    'do echo "FILE $file"; cat "$file"; done'
)


def script(body: Any) -> Step:
    """Candidate 1 prints and is worse; candidate 2 prints and breaks.

    Candidate 3 is made after a look at everything.
    """
    number = int(
        body["messages"][0]["content"][-1]["text"].partition("There are ")[2].partition(" ")[0]
    )
    if number == 3 and len(body["messages"]) == 1:
        everything = (
            ("search", {"pattern": f"{SAID}|{PRINTED}|ValueError"}),
            ("query", {"limit": 100}),
            ("shell", {"command": LIST}),
        )
        return call_tools(
            *everything, *(("read_file", {"path": path}) for path in [*OPEN, *CLOSED])
        )
    text = {1: WORSE, 2: BROKEN}.get(number, SOLUTION.replace("VALUE = 1", "VALUE = 2"))
    edit = {"path": "working/solution.py", "text": text}
    return call_tools(("edit", edit), ("submit", {"hypothesis": f"{SAID} {number}"}))


@dataclass
class Arm:
    """One arm.

    Attributes:
        study: its study.
        answers: what the tools answered while candidate 3 was made.
        n_calls: how many calls all three candidates took.
    """

    study: Study
    answers: list[dict[str, Any]]
    n_calls: int

    @property
    def text(self) -> str:
        return "\n".join(answer["content"] for answer in self.answers)

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
        study, journal = run_study(
            tmp_path / level, str(tmp_path / "toy"), {}, server, proposer=f"agent:{level}", **BUDGET
        )
    with journal:
        calls = journal.read_transcript(3)
    turns = [turn for call in calls for turn in call["request"]["messages"]]
    blocks = [block for turn in turns if turn["role"] == "user" for block in turn["content"]]
    answers = [block for block in blocks if block["type"] == "tool_result"]
    return Arm(study, answers, len(server.requests))


@pytest.mark.usefixtures("key")
def test_each_arm_reads_what_its_level_allows_and_all_have_the_same_budget(tmp_path: Path) -> None:
    write_experiment(tmp_path / "toy")
    arms = [run(tmp_path, level) for level in ("scores", "summaries", "full")]

    for arm, level in zip(arms, ("scores", "summaries", "full"), strict=True):
        assert (arm.study.state, arm.study.proposals.n_made, arm.n_calls) == ("finished", 3, 4), (
            arm.study.proposals.last_failure
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
    assert [set(OPEN) - set(arm.read) for arm in arms] == [set()] * 3
    assert [sum(bool(answer.get("is_error")) for answer in arm.answers) for arm in arms] == [
        3,
        2,
        0,
    ]
    # hypotheses, how a trial failed, and what candidates printed
    assert [SAID in arm.text for arm in arms] == [False, True, True]
    assert ["ValueError: could not convert" in arm.text for arm in arms] == [False, True, True]
    assert [PRINTED in arm.text for arm in arms] == [False, False, True]
