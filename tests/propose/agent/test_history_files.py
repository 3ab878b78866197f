"""The history as files: complete, read-only, by levels, and without a way to what is hidden."""

import json
from pathlib import Path

import pytest

from tests.propose.agent.histories import SEED, brief_of, experiment_in
from workbench.propose.agent.history_files import (
    LEVELS,
    MAX_POINTS,
    HistoryFiles,
    Level,
    describe_layout,
)


@pytest.fixture
def history(tmp_path: Path) -> HistoryFiles:
    return HistoryFiles(brief_of(experiment_in(tmp_path)), "full")


def everything(history: HistoryFiles) -> dict[str, str]:
    return {path: history.read(path) for path in history.list_paths()}


def test_all_that_the_search_knows_of_a_candidate_is_there(history: HistoryFiles) -> None:
    assert history.list_folder("") == ["program.md", "candidates.tsv", "failed.tsv", "candidates/"]
    assert history.list_folder("candidates/0001") == [
        "result.json",
        "patch.diff",
        "log.0.txt",
        "curves.0.tsv",
        "program/",
    ]
    assert history.list_folder("candidates/0001/program") == ["train.py"]
    result = json.loads(history.read("candidates/0001/result.json"))
    assert (result["status"], result["hypothesis"], result["trials"][0]["metrics"]["tokens"]) == (
        "kept",
        "width 9 is better",
        7.0,
    )
    assert (result["decisions"][0]["why"], result["decisions"][0]["evidence"]["effect"]) == (
        "better",
        0.5,
    )
    assert "-WIDTH = 8\n+WIDTH = 9" in history.read("candidates/0001/patch.diff")
    assert "WIDTH = 9" in history.read("candidates/0001/program/train.py")
    assert history.read("candidates/0001/log.0.txt") == "step 1\nloss 2.5\n"
    assert "Make the loss small." in history.read("program.md")
    assert "no line reads 'x'" in history.read("failed.tsv")


def test_a_veto_is_there_with_its_reason_and_without_the_name_of_the_person(
    history: HistoryFiles,
) -> None:
    (decision,) = json.loads(history.read("candidates/0002/result.json"))["decisions"]
    assert (decision["verdict"], decision["by"], decision["why"]) == (
        "discard",
        "person",
        "unsafe at this width",
    )
    assert not any("ada" in text for text in everything(history).values())


def test_a_curve_is_thinned_and_keeps_its_ends(history: HistoryFiles) -> None:
    lines = history.read("candidates/0001/curves.0.tsv").splitlines()
    assert (lines[1], lines[-1]) == ("loss\t0\t1000\tevaluator", "loss\t999\t1\tevaluator")
    assert len(lines) <= MAX_POINTS + 2


def test_seeds_audits_and_ablations_are_in_no_file(history: HistoryFiles) -> None:
    texts = everything(history)
    assert not any(str(SEED) in text or "SECRET" in text for text in texts.values())
    assert not any("0004" in path for path in texts)
    for path in ("candidates/0001/log.1.txt", "candidates/0004/result.json", "candidates/0004"):
        with pytest.raises(LookupError):
            history.read(path)


@pytest.mark.parametrize(
    "path",
    [
        "",
        "evaluate.py",
        "candidates",
        "candidates/1/result.json",
        "candidates/٠٠٠١/result.json",
        "candidates/-1",
    ],
)
def test_a_path_that_is_not_a_file_is_refused(history: HistoryFiles, path: str) -> None:
    with pytest.raises(LookupError):
        history.read(path)


@pytest.mark.parametrize(
    ("level", "has", "lacks"),
    [
        ("scores", ["patch.diff", "result.json"], ["log.0.txt", "curves.0.tsv", "failed.tsv"]),
        ("summaries", ["patch.diff", "failed.tsv"], ["log.0.txt"]),
    ],
)
def test_a_level_leaves_out_what_the_next_one_shows(
    tmp_path: Path, level: Level, has: list[str], lacks: list[str]
) -> None:
    texts = everything(HistoryFiles(brief_of(experiment_in(tmp_path)), level))
    names = {path.rpartition("/")[2] for path in texts}
    assert set(has) <= names
    assert not set(lacks) & names
    assert any("unsafe at this width" in text for text in texts.values()) == (level == "summaries")
    assert any("NameError" in text for text in texts.values()) == (level == "summaries")
    assert not any("Traceback" in text for text in texts.values())


def test_the_layout_names_the_files_that_exist(tmp_path: Path) -> None:
    brief = brief_of(experiment_in(tmp_path))
    for level in LEVELS:
        layout = describe_layout(level)
        names = {path.rpartition("/")[2] for path in HistoryFiles(brief, level).list_paths()}
        for name in ("failed.tsv", "log.0.txt", "curves.0.tsv", "patch.diff", "result.json"):
            assert (name in layout) == (name in names), name
