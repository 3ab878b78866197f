"""How the progress of a study looks on a terminal and in a cell, and what its end amounts to."""

import io
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import RECORDS, append, make_study
from workbench.records import PERSON, Decision, StateChanged
from workbench.verbs.follow import Progress, follow
from workbench.verbs.handle import StudyHandle


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_every_candidate_has_a_line_and_a_summary_follows(tmp_path: Path) -> None:
    out = io.StringIO()
    with StudyHandle(make_study(tmp_path)) as study:
        result = follow(study, out)
    lines = out.getvalue().splitlines()
    assert [line.split()[0] for line in lines[1:]] == ["0", "1/4", "2/4", "3/4", "4/4"]
    assert lines[1].split()[1] == "baseline"
    assert (
        lines[2] == "1/4  kept       0.8 (+0.3)  +2 -2  a lower rate helps [better past the noise]"
    )
    assert "\x1b" not in out.getvalue()
    assert result.exit_code == 0
    assert result.text.splitlines() == [
        "toy-1: finished (the budget of 4 candidates is used)",
        "baseline  1.1 loss (spread 0.141421)",
        "best      0.8 loss (+0.3 against the baseline), candidate 1",
        "kept      1 of 4: 1",
        "waiting   4; look: autoresearch show 4 toy-1",
        "autoresearch export 1 --study toy-1",
    ]


def test_a_terminal_has_a_line_that_says_how_far_the_study_is(tmp_path: Path) -> None:
    out = Terminal()
    with StudyHandle(make_study(tmp_path)) as study:
        follow(study, out)
    assert "[###############.....]  3/4  0 running  1 kept  best 0.8" in out.getvalue()
    assert out.getvalue().endswith("\r\x1b[K")


def test_the_trials_of_a_slow_baseline_are_shown_one_by_one(tmp_path: Path) -> None:
    out = io.StringIO()
    with StudyHandle(make_study(tmp_path, records=RECORDS[:3])) as study:
        progress = Progress("toy-1", out)
        progress(study.study)
        progress(study.study)
    assert out.getvalue().splitlines() == ["baseline, trial 1: 1", "baseline, trial 2: 1.2"]


@pytest.mark.parametrize(
    ("records", "code"),
    [
        ((StateChanged(state="paused", reason="the evaluator failed: no loss", fault=True),), 2),
        ((StateChanged(state="paused", reason="the loop failed: no disk", fault=True),), 1),
        ((*RECORDS, StateChanged(state="paused", reason="proposals failed", fault=True)), 1),
        ((*RECORDS, StateChanged(state="paused", reason="paused by a person")), 1),
        ((*RECORDS, StateChanged(state="stopped", reason="stopped by a person")), 0),
        (RECORDS, 1),
    ],
)
def test_the_exit_code_says_how_it_ended(tmp_path: Path, records: Any, code: int) -> None:
    with StudyHandle(make_study(tmp_path, records=records)) as study:
        assert follow(study, io.StringIO()).exit_code == code


def test_a_dead_study_is_told_how_to_go_on(tmp_path: Path) -> None:
    with StudyHandle(make_study(tmp_path, records=RECORDS[:4])) as study:
        text = follow(study, io.StringIO()).text
    assert text.splitlines()[-1] == "autoresearch resume --study toy-1"


def test_a_status_that_changes_is_printed_again(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    out = io.StringIO()
    with StudyHandle(folder) as study:
        progress = Progress("toy-1", out)
        progress(study.study)
        progress(study.study)
        append(folder, Decision(candidate=4, verdict="keep", by=PERSON, why="yes"))
        progress(study.study)
    lines = [line for line in out.getvalue().splitlines() if line.startswith("4/4")]
    assert [line.split()[1] for line in lines] == ["waiting", "kept"]
