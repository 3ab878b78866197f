import os
import shutil
import time
from pathlib import Path

import pytest

from tests.by_hand import append
from workbench.errors import StudyError
from workbench.lab.live.protocol import StudyEntry
from workbench.lab.server import shelf as shelves
from workbench.lab.server.shelf import Shelf, find_homes
from workbench.ledger import folder as folders
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal, Pen, create_journal
from workbench.ledger.lease import Lease
from workbench.records import Candidate, Decision, LoopStarted, StateChanged
from workbench.testing import PROGRAM, experiment_for_tests, opening


def make(root: Path, name: str) -> StudyFolder:
    source = root / f"{name}-source"
    source.mkdir(parents=True)
    return folders.create(
        root,
        name,
        lambda draft: create_journal(draft, opening(experiment_for_tests(source)), [PROGRAM]),
    )


def waiting(number: int) -> tuple[Candidate, Decision]:
    candidate = Candidate(
        candidate=number, parent=0, program=PROGRAM.digest, author="null", hypothesis="\u202e more"
    )
    return candidate, Decision(
        candidate=number, verdict="defer", by="review", why="a person decides"
    )


def age(folder: StudyFolder) -> None:
    """As if nothing had been written for long."""
    for file in folder.path.glob("study.db*"):
        os.utime(file, (1e9, 1e9))


@pytest.fixture(autouse=True)
def without_rests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every call reads and searches."""
    monkeypatch.setattr(shelves, "READ_SECONDS", 0.0)
    monkeypatch.setattr(shelves, "SEARCH_SECONDS", 0.0)
    monkeypatch.setattr(shelves, "SEARCH_SHARE", 1e9)


def test_every_study_under_the_root_is_listed_that_written_to_last_first(tmp_path: Path) -> None:
    make(tmp_path, "one")
    make(tmp_path / "deep" / "er", "two")
    shelf = Shelf(tmp_path)
    assert [view["study"] for view in shelf.list_studies()["studies"]] == ["two", "one"]
    had_a_loop = LoopStarted(pid=1, host="here", sandbox="off", slots=1, version="1")
    append(StudyFolder(tmp_path / "studies" / "one"), had_a_loop, *waiting(1))
    first, second = shelf.list_studies()["studies"]
    assert StudyEntry.__annotations__.keys() <= first.keys()
    assert (first["study"], first["folder"], first["waiting"], first["counts"]["waiting"]) == (
        "one",
        "",
        [1],
        1,
    )
    assert (second["study"], second["folder"]) == ("two", "deep/er")
    assert Path(first["path"]) == tmp_path / "studies" / "one"
    assert first["state"] == "dead"


def test_what_is_hidden_or_behind_a_link_is_not_listed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    make(root / ".hidden", "one")
    make(root / "node_modules" / "package", "two")
    secret = make(outside, "secret")
    (root / "studies").mkdir()
    (root / "studies" / "link").symlink_to(secret.path)
    (root / "folder").symlink_to(outside)
    (root / "studies" / "file").mkdir()
    (root / "studies" / "file" / "study.db").symlink_to(secret.database)
    assert Shelf(root).list_studies() == {"studies": [], "unreadable": []}


@pytest.mark.parametrize(
    "path",
    [
        "{outside}", "{root}/../outside/studies/secret", "{root}/link", "{root}/studies/.hidden",
        "{root}/studies/nothing", "{root}",
        "studies/good", "", "\0", "{root}/studies/good/study.db", "{root}/file",
        "~/studies/good", "/", "{root}/" + 5000 * "x",
        "file://{root}/studies/good",
    ],
)  # fmt: skip
def test_a_path_that_is_no_study_under_the_root_is_refused_in_the_same_words(
    path: str, tmp_path: Path
) -> None:
    root, outside = tmp_path / "root", make(tmp_path / "outside", "secret")
    good = make(root, "good")
    (root / "link").symlink_to(outside.path)
    (root / "file").mkdir()
    (root / "file" / "study.db").symlink_to(outside.database)
    shutil.copytree(good.path, root / "studies" / ".hidden")
    with pytest.raises(StudyError) as refusal:
        Shelf(root).find(path.format(root=root, outside=outside.path))
    assert str(refusal.value) == "no such study under the folder that this server shows"


def test_a_study_is_found_through_a_root_that_is_itself_a_link(tmp_path: Path) -> None:
    good = make(tmp_path / "real", "good")
    (tmp_path / "root").symlink_to(tmp_path / "real")
    assert (
        Shelf(tmp_path / "root").find(str(tmp_path / "root" / "studies" / "good")).path == good.path
    )


def test_a_study_that_a_link_names_too_is_listed_once(tmp_path: Path) -> None:
    good = make(tmp_path, "good")
    (good.path.parent / "same").symlink_to(good.path)
    assert [view["path"] for view in Shelf(tmp_path).list_studies()["studies"]] == [str(good.path)]


def test_a_broken_study_is_listed_as_such_and_the_others_stay(tmp_path: Path) -> None:
    make(tmp_path, "good")
    make(tmp_path, "bad").database.write_bytes(b"no database at all" * 100)
    listing = Shelf(tmp_path).list_studies()
    assert [view["study"] for view in listing["studies"]] == ["good"]
    assert [one["path"] for one in listing["unreadable"]] == [str(tmp_path / "studies" / "bad")]
    assert "is not a study" in listing["unreadable"][0]["message"]


def test_a_loop_that_dies_without_a_word_is_seen_as_dead(tmp_path: Path) -> None:
    folder, shelf = make(tmp_path, "one"), Shelf(tmp_path)
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        pen.append(LoopStarted(pid=os.getpid(), host="here", sandbox="off", slots=1, version="1"))
        age(folder)
        assert [view["state"] for view in shelf.list_studies()["studies"]] == ["running"]
    assert [view["state"] for view in shelf.list_studies()["studies"]] == ["dead"]


def test_a_study_that_nothing_is_written_to_is_not_read_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, shelf = make(tmp_path, "one"), Shelf(tmp_path)
    append(folder, StateChanged(state="finished", reason="done"))
    age(folder)
    listing = shelf.list_studies()
    monkeypatch.setattr(shelves, "Journal", None)
    assert shelf.list_studies() == listing
    monkeypatch.setattr(shelves, "Journal", Journal)
    append(folder, *waiting(1))
    assert shelf.list_studies()["studies"][0]["waiting"] == [1]


def test_two_writes_within_one_tick_of_the_clock_are_both_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, shelf = make(tmp_path, "one"), Shelf(tmp_path)
    monkeypatch.setattr(shelves, "_take_stamp", lambda folder: ((1, time.time_ns(), 1), None))
    assert shelf.list_studies()["studies"][0]["waiting"] == []
    append(folder, *waiting(1))
    assert shelf.list_studies()["studies"][0]["waiting"] == [1]


def test_a_study_that_replaced_another_one_at_its_path_is_read_from_its_beginning(
    tmp_path: Path,
) -> None:
    shelf, old = Shelf(tmp_path), make(tmp_path, "one")
    append(old, *waiting(1))
    assert shelf.list_studies()["studies"][0]["waiting"] == [1]
    old.path.rename(tmp_path / "elsewhere")
    (tmp_path / "one-source" / "train.py").unlink()
    (tmp_path / "one-source").rmdir()
    make(tmp_path, "one")
    assert shelf.list_studies()["studies"][0]["waiting"] == []


def test_a_study_that_is_gone_leaves_the_list(tmp_path: Path) -> None:
    folder, shelf = make(tmp_path, "one"), Shelf(tmp_path)
    assert shelf.list_studies()["studies"]
    folder.path.rename(tmp_path / "elsewhere")
    assert shelf.list_studies() == {"studies": [], "unreadable": []}


def test_the_search_of_a_vast_tree_ends_with_what_is_near(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "a" / "studies").mkdir(parents=True)
    (tmp_path / "b" / "c" / "d" / "studies").mkdir(parents=True)
    assert find_homes(tmp_path) == [tmp_path / "a", tmp_path / "b" / "c" / "d"]
    monkeypatch.setattr(shelves, "MAX_FOLDERS", 3)
    assert find_homes(tmp_path) == [tmp_path / "a"]
