"""The journal of a study: what is appended, filed and read again."""

import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.errors import StudyError
from workbench.ledger import folder as folders
from workbench.ledger.curves import LivePoint
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal, Pen, create_journal
from workbench.ledger.lease import Lease, find_holder
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.records import Candidate, Decision, Trial
from workbench.testing import PROGRAM, experiment_for_tests, opening


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    (tmp_path / "toy").mkdir()
    records = opening(experiment_for_tests(tmp_path / "toy"))
    return folders.create(
        tmp_path, "toy-1", lambda draft: create_journal(draft, records, [PROGRAM])
    )


def test_what_was_appended_is_read_by_another_connection_as_it_grows(study: StudyFolder) -> None:
    with Journal(study) as reader, Lease(study) as lease, Pen(study, lease) as pen:
        study_as_read = Study().fold(reader.read_entries())
        assert reader.has_changed()
        assert not reader.has_changed()
        pen.append(Candidate(candidate=1, parent=0, program=PROGRAM.digest, author="null"))
        assert reader.has_changed()
        study_as_read.fold(reader.read_entries(study_as_read.last_id))
        assert len(study_as_read.candidates) == 2
        assert study_as_read.last_id == Study().fold(pen.read_entries()).last_id


def test_a_transaction_is_stored_whole_or_not_at_all(study: StudyFolder) -> None:
    with Lease(study) as lease, Pen(study, lease) as pen:
        before = pen.read_entries()
        bad = Candidate(
            candidate=1, parent=0, program="d", author="x", origin={"value": float("nan")}
        )
        with pytest.raises(ValueError):
            pen.append(Candidate(candidate=1, parent=0, program="d", author="x"), bad)
        assert pen.read_entries() == before


def test_a_second_loop_is_refused_and_a_dead_one_leaves_no_lock(study: StudyFolder) -> None:
    script = (
        "import sys, pathlib\n"
        "from workbench.ledger.folder import StudyFolder\n"
        "from workbench.ledger.lease import Lease\n"
        f"with Lease(StudyFolder(pathlib.Path({str(study.path)!r}))):\n"
        "    print('held', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    assert find_holder(study) == other.pid
    with (
        pytest.raises(StudyError, match=rf"toy-1 is already running .process {other.pid}"),
        Lease(study, patience=0.05),
    ):
        raise AssertionError("two held the lease")
    other.kill()
    other.communicate()
    assert find_holder(study) is None
    with Lease(study):
        pass


def test_no_one_writes_without_the_lease(study: StudyFolder) -> None:
    with pytest.raises(RuntimeError, match="holder of the lease"):
        Pen(study, Lease(study))


def test_programs_come_back_byte_for_byte(study: StudyFolder) -> None:
    big = Program(
        {"train.py": "".join(f"x{i} = {i}\r\n" for i in range(2000)) + "é\u2028 no newline"},
        frozenset({"train.py"}),
    )
    with Lease(study) as lease, Pen(study, lease) as pen:
        pen.append(programs=[big])
    with Journal(study) as reader:
        assert reader.read_program(big.digest) == big
        assert reader.read_program(big.digest).executable == {"train.py"}
        with pytest.raises(StudyError, match="holds no program abc"):
            reader.read_program("abc")


def test_a_small_change_of_a_large_program_costs_some_hundred_bytes(tmp_path: Path) -> None:
    text = "".join(f"value_{i} = compute({i * 7919 % 1000}, {i})\n" for i in range(700))
    first = Program({"train.py": text})
    records = opening(experiment_for_tests(tmp_path))
    study = folders.create(
        tmp_path, "large-1", lambda draft: create_journal(draft, records, [first])
    )
    before = study.database.stat().st_size
    with Lease(study) as lease, Pen(study, lease) as pen:
        for i in range(100):
            pen.append(
                programs=[Program({"train.py": text.replace("value_300 ", f"value_{i}_new ")})]
            )
    with Journal(study):
        assert (study.database.stat().st_size - before) / 100 < 1000


def test_live_points_become_one_blob_when_the_trial_ends(study: StudyFolder) -> None:
    with Journal(study) as reader, Lease(study) as lease, Pen(study, lease) as pen:
        pen.add_points([LivePoint(0, 0, "loss", float(i), 1 / (i + 1), True) for i in range(500)])
        last, points = reader.read_live_points()
        assert len(points) == 500
        assert len(reader.read_curves(0, 0)["loss"].steps) == 500
        pen.end_trial(Trial(candidate=0, trial=0, seed=1, status="ok", score=1.0), 0, 0)
        assert reader.read_live_points(last) == (last, [])
        curve = reader.read_curves(0, 0)["loss"]
        assert curve.steps[-1] == 499.0
        assert curve.values[1] == pytest.approx(0.5)
        assert curve.self_reported


def test_to_a_series_that_the_evaluator_measures_a_candidate_adds_nothing(
    study: StudyFolder,
) -> None:
    with Lease(study) as lease, Pen(study, lease) as pen:
        printed = LivePoint(0, 0, "val", 0.5, -99.0, True)
        measured = LivePoint(0, 0, "val", 1.0, 2.0, False)
        pen.add_points([printed, measured, LivePoint(0, 0, "loss", 1.0, 3.0, True)])
        for _ in range(2):  # while the trial runs, and once it has ended
            assert pen.read_curves(0, 0)["val"] == ((1.0,), (2.0,), False)
            assert pen.read_curves(0, 0)["loss"] == ((1.0,), (3.0,), True)
            pen.end_trial(Trial(candidate=0, trial=0, seed=1, status="ok", score=1.0), 0, 0)


def test_a_request_that_is_filed_twice_counts_once(study: StudyFolder) -> None:
    with Journal(study) as reader:
        reader.file_request("guide", {"text": "try relu"}, "id-1")
        reader.file_request("guide", {"text": "try relu"}, "id-1")
        reader.file_request("pause", {})
        assert [(request.verb, dict(request.body)) for request in reader.read_requests(0)] == [
            ("guide", {"text": "try relu"}),
            ("pause", {}),
        ]
        assert [request.verb for request in reader.read_requests(1)] == ["pause"]


def test_a_study_of_a_newer_version_is_refused_with_the_remedy(study: StudyFolder) -> None:
    with sqlite3.connect(study.database) as sql:
        sql.execute("PRAGMA user_version = 99")
    sql.close()
    with pytest.raises(StudyError, match=r"format 99, newer than this workbench reads .*upgrade"):
        Journal(study)


def test_a_file_that_is_not_a_study_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study.db").write_text("not a database, but long enough to be looked at " * 50)
    with pytest.raises(StudyError, match="is not a study"):
        Journal(StudyFolder(tmp_path))


def test_a_study_is_found_by_name_by_path_and_as_the_newest(
    study: StudyFolder, tmp_path: Path
) -> None:
    assert (
        folders.find("toy-1", tmp_path)
        == folders.find(None, tmp_path)
        == folders.find(str(study.path), tmp_path)
    )
    below_here = Path(
        os.path.relpath(tmp_path)
    )  # a loop runs elsewhere, and is known by the path that it was given
    assert folders.find("toy-1", below_here) == folders.find(None, below_here) == study
    assert folders.find_free_name(tmp_path, "toy") == "toy-2"
    with pytest.raises(StudyError, match=r"no study 'toy-7'; there are: toy-1"):
        folders.find("toy-7", tmp_path)
    with pytest.raises(StudyError, match="begin one with: autoresearch start"):
        folders.find(None, tmp_path / "elsewhere")


def test_a_name_that_is_taken_or_not_allowed_is_refused(study: StudyFolder, tmp_path: Path) -> None:
    for name, words in (
        ("toy-1", "already exists"),
        ("a/b", "not a name"),
        ("", "not a name"),
        (".x", "not a name"),
    ):
        with pytest.raises(StudyError, match=words):
            folders.create(tmp_path, name, lambda draft: None)


def test_a_study_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    def fail(draft: StudyFolder) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StudyError, match="No space left on device"):
        folders.create(tmp_path, "toy-1", fail)
    assert list((tmp_path / "studies").iterdir()) == []


def test_the_draft_of_a_killed_start_is_removed_when_it_is_old(tmp_path: Path) -> None:
    studies = tmp_path / "studies"
    old_draft = studies / ".draft-toy-1.abc"
    new_draft = studies / ".draft-toy-2.def"
    other = studies / ".mine"
    for folder in (old_draft, new_draft, other):
        folder.mkdir(parents=True)
    for folder in (old_draft, other):
        os.utime(folder, (1, 1))
    folders.create(tmp_path, "toy-3", lambda draft: None)
    assert not old_draft.exists()
    assert new_draft.exists()
    assert other.exists()


def test_a_copy_that_was_made_while_a_loop_writes_opens(study: StudyFolder, tmp_path: Path) -> None:
    with Lease(study) as lease, Pen(study, lease) as pen:
        for number in range(1, 30):
            pen.append(Candidate(candidate=number, parent=0, program=PROGRAM.digest, author="null"))
        shutil.copytree(study.path, tmp_path / "copy")
    with Journal(StudyFolder(tmp_path / "copy")) as reader:
        assert len(Study().fold(reader.read_entries()).candidates) == 30


def test_folding_in_two_parts_gives_the_same_as_at_once(study: StudyFolder) -> None:
    with Lease(study) as lease, Pen(study, lease) as pen:
        for number in range(1, 5):
            pen.append(Candidate(candidate=number, parent=0, program=PROGRAM.digest, author="null"))
            pen.append(Trial(candidate=number, trial=0, seed=1, status="ok", score=float(number)))
            pen.append(
                Decision(candidate=number, verdict="keep" if number % 2 else "discard", by="greedy")
            )
        entries = pen.read_entries()
    whole = Study().fold(entries)
    parts = Study().fold(entries[:5]).fold(entries[5:])
    assert vars(whole) == vars(parts)
