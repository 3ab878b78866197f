import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from workbench.errors import StudyError
from workbench.ledger import folder as folders
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal, LivePoint, Pen, write_new
from workbench.ledger.lease import Lease, holder
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.records import Candidate, Decision, Trial
from workbench.testing import PROGRAM, experiment_for_tests, opening


@pytest.fixture
def study(tmp_path: Path) -> StudyFolder:
    (tmp_path / "toy").mkdir()
    records = opening(experiment_for_tests(tmp_path / "toy"))
    return folders.create(tmp_path, "toy-1", lambda draft: write_new(draft, records, [PROGRAM]))


def test_what_was_appended_is_read_by_another_connection_as_it_grows(study: StudyFolder) -> None:
    with Journal(study) as reader, Lease(study) as lease, Pen(study, lease) as pen:
        seen = Study().fold(reader.entries())
        assert reader.changed()
        assert not reader.changed()
        pen.append(Candidate(candidate=1, parent=0, program=PROGRAM.digest, author="null"))
        assert reader.changed()
        seen.fold(reader.entries(seen.last_id))
        assert len(seen.candidates) == 2
        assert seen.last_id == Study().fold(pen.entries()).last_id


def test_a_transaction_is_there_whole_or_not_at_all(study: StudyFolder) -> None:
    with Lease(study) as lease, Pen(study, lease) as pen:
        before = pen.entries()
        bad = Candidate(
            candidate=1, parent=0, program="d", author="x", origin={"value": float("nan")}
        )
        with pytest.raises(ValueError):
            pen.append(Candidate(candidate=1, parent=0, program="d", author="x"), bad)
        assert pen.entries() == before


def test_a_second_loop_is_refused_and_a_dead_one_leaves_no_lock(study: StudyFolder) -> None:
    script = (
        "import sys, pathlib\nfrom workbench.ledger.folder import StudyFolder\nfrom workbench.ledger.lease import Lease\n"
        f"with Lease(StudyFolder(pathlib.Path({str(study.path)!r}))):\n    print('held', flush=True)\n    sys.stdin.read()\n"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert other.stdout is not None
    assert other.stdout.readline() == "held\n"
    assert holder(study) == other.pid
    with (
        pytest.raises(StudyError, match=rf"toy-1 is running already .process {other.pid}"),
        Lease(study, patience=0.05),
    ):
        raise AssertionError("two held the lease")
    other.kill()
    other.communicate()
    assert holder(study) is None
    with Lease(study):
        pass


def test_nobody_writes_without_the_lease(study: StudyFolder) -> None:
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
        assert reader.program(big.digest) == big
        assert reader.program(big.digest).executable == {"train.py"}
        with pytest.raises(StudyError, match="holds no program abc"):
            reader.program("abc")


def test_a_small_change_of_a_large_program_costs_some_hundred_bytes(tmp_path: Path) -> None:
    text = "".join(f"value_{i} = compute({i * 7919 % 1000}, {i})\n" for i in range(700))
    first = Program({"train.py": text})
    records = opening(experiment_for_tests(tmp_path))
    study = folders.create(tmp_path, "large-1", lambda draft: write_new(draft, records, [first]))
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
        last, points = reader.live_points()
        assert len(points) == 500
        assert len(reader.curves(0, 0)["loss"].steps) == 500
        pen.end_trial(Trial(candidate=0, trial=0, seed=1, status="ok", score=1.0), 0, 0)
        assert reader.live_points(last) == (last, [])
        curve = reader.curves(0, 0)["loss"]
        assert curve.steps[-1] == 499.0
        assert curve.values[1] == pytest.approx(0.5)
        assert curve.self_reported


def test_to_a_series_that_the_evaluator_measures_a_candidate_adds_nothing(
    study: StudyFolder,
) -> None:
    with Lease(study) as lease, Pen(study, lease) as pen:
        printed, measured = (
            (0, 0, "val", step, value, own)
            for step, value, own in ((0.5, -99.0, True), (1.0, 2.0, False))
        )
        pen.add_points(
            [LivePoint(*printed), LivePoint(*measured), LivePoint(0, 0, "loss", 1.0, 3.0, True)]
        )
        for _ in range(2):  # running, then ended
            assert pen.curves(0, 0)["val"] == ((1.0,), (2.0,), False)
            assert pen.curves(0, 0)["loss"] == ((1.0,), (3.0,), True)
            pen.end_trial(Trial(candidate=0, trial=0, seed=1, status="ok", score=1.0), 0, 0)


def test_the_same_request_filed_twice_is_there_once(study: StudyFolder) -> None:
    with Journal(study) as reader:
        reader.request("guide", {"text": "try relu"}, "id-1")
        reader.request("guide", {"text": "try relu"}, "id-1")
        reader.request("pause", {})
        assert [(request.verb, dict(request.body)) for request in reader.requests(0)] == [
            ("guide", {"text": "try relu"}),
            ("pause", {}),
        ]
        assert [request.verb for request in reader.requests(1)] == ["pause"]


def test_a_study_of_a_newer_version_is_refused_with_the_remedy(study: StudyFolder) -> None:
    with sqlite3.connect(study.database) as sql:
        sql.execute("PRAGMA user_version = 99")
    sql.close()
    with pytest.raises(StudyError, match=r"format 99, newer than this workbench reads .*upgrade"):
        Journal(study)


def test_a_file_that_is_no_study_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "study.db").write_text("not a database, but long enough to be looked at " * 50)
    with pytest.raises(StudyError, match="is no study"):
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
    assert folders.free_name(tmp_path, "toy") == "toy-2"
    with pytest.raises(StudyError, match=r"no study 'toy-7'; there are: toy-1"):
        folders.find("toy-7", tmp_path)
    with pytest.raises(StudyError, match="begin one with: autoresearch start"):
        folders.find(None, tmp_path / "elsewhere")


def test_a_name_that_is_taken_or_no_name_is_refused(study: StudyFolder, tmp_path: Path) -> None:
    for name, words in (
        ("toy-1", "is there already"),
        ("a/b", "not a name"),
        ("", "not a name"),
        (".x", "not a name"),
    ):
        with pytest.raises(StudyError, match=words):
            folders.create(tmp_path, name, lambda draft: None)


def test_a_study_that_could_not_be_made_leaves_nothing(tmp_path: Path) -> None:
    def fail(draft: StudyFolder) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(StudyError, match="No space left on device"):
        folders.create(tmp_path, "toy-1", fail)
    assert list((tmp_path / "studies").iterdir()) == []


def test_what_a_killed_start_left_is_swept_when_it_is_old(tmp_path: Path) -> None:
    left = [
        tmp_path / "studies" / name for name in (".draft-toy-1.abc", ".draft-toy-2.def", ".mine")
    ]
    for folder in left:
        folder.mkdir(parents=True)
    for folder in (left[0], left[2]):
        os.utime(folder, (1, 1))
    folders.create(tmp_path, "toy-3", lambda draft: None)
    assert [folder.exists() for folder in left] == [False, True, True]


def test_a_copy_taken_while_a_loop_writes_opens(study: StudyFolder, tmp_path: Path) -> None:
    with Lease(study) as lease, Pen(study, lease) as pen:
        for number in range(1, 30):
            pen.append(Candidate(candidate=number, parent=0, program=PROGRAM.digest, author="null"))
        shutil.copytree(study.path, tmp_path / "copy")
    with Journal(StudyFolder(tmp_path / "copy")) as reader:
        assert len(Study().fold(reader.entries()).candidates) == 30


def test_folding_in_two_parts_gives_the_same_as_at_once(study: StudyFolder) -> None:
    with Lease(study) as lease, Pen(study, lease) as pen:
        for number in range(1, 5):
            pen.append(Candidate(candidate=number, parent=0, program=PROGRAM.digest, author="null"))
            pen.append(Trial(candidate=number, trial=0, seed=1, status="ok", score=float(number)))
            pen.append(
                Decision(candidate=number, verdict="keep" if number % 2 else "discard", by="greedy")
            )
        entries = pen.entries()
    whole, parts = Study().fold(entries), Study().fold(entries[:5]).fold(entries[5:])
    assert {k: v for k, v in vars(whole).items() if k != "candidates"} == {
        k: v for k, v in vars(parts).items() if k != "candidates"
    }
    assert whole.candidates == parts.candidates
