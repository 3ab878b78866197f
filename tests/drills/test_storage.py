"""A full disk, a read-only folder, a loop that is asked to end, a second loop.

Each time there is one clear line, and nothing is lost.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.drills.toy import (
    check_history,
    copy_study,
    count_scores,
    find_alive,
    list_descendants,
    list_processes,
    make_study,
)
from tests.studies import folded, read
from tests.waiting import until
from workbench.errors import WorkbenchError
from workbench.ledger.folder import StudyFolder, read_last_line
from workbench.ledger.journal import Journal
from workbench.ledger.lease import find_holder
from workbench.records import LoopStarted
from workbench.verbs.loop_process import spawn

Mount = Callable[[int], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a small file system; the argument is its size in megabytes."""
    folder = tmp_path / "small"

    def make_one(megabytes: int) -> Path:
        folder.mkdir()
        if os.geteuid() != 0 or not shutil.which("mount"):
            pytest.skip("only root can mount a file system")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"no file system can be mounted on this machine: {done.stderr.strip()}")
        return folder

    yield make_one
    if folder.is_mount():
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file: Path) -> None:
    """Writes to a file until the disk is full."""
    with file.open("wb", buffering=0) as stream, contextlib.suppress(OSError):
        while True:
            stream.write(bytes(4096))


def run_loop(study: StudyFolder) -> "subprocess.CompletedProcess[str]":
    """One loop in the foreground, to its end."""
    command = [sys.executable, "-m", "workbench.loop", str(study.path)]
    return subprocess.run(
        command,
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def finish(study: StudyFolder, *acknowledged: list) -> None:  # type: ignore[type-arg]
    """Resumes a study, and checks that it comes to its end with all acknowledged records."""
    with Journal(study) as journal:
        journal.file_request(
            "set", {"key": "candidates", "value": folded(study).proposals.n_made + 2}
        )
    if find_holder(study) is None:
        spawn(study)
    until(lambda: find_holder(study) is None, 120)
    final = folded(study)
    assert final.state == "finished", (final.reason, read_last_line(study.loop_log))
    check_history(read(study), list(acknowledged))


def test_a_full_disk_ends_the_loop_with_one_line_and_a_resume_loses_nothing(
    mount: Mount, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(mount(12))
    spawn(study)
    until(lambda: count_scores(study) >= 5)
    loop = find_holder(study)
    assert loop
    family = {loop, *list_descendants(loop)}
    ballast = study.path.parent / "ballast"
    fill(ballast)
    until(lambda: find_holder(study) is None, 60)
    until(lambda: not find_alive(family), 20)
    log = study.loop_log.read_text().strip()
    reason = folded(study).reason or log  # the last record has it, if there was room for one
    message = (
        "database or disk is full; nothing of this step was stored; free some space, then resume"
    )
    assert message in log + reason
    assert log.count("\n") == 0, log
    entries = read(study)
    again = run_loop(study)  # the disk is still full
    errors = again.stderr.strip()
    with capsys.disabled():
        print(f"\nfull disk: the log has {log!r}, the journal {reason!r}; again: {errors!r}")
    assert again.returncode == 2
    assert len(errors.splitlines()) == 1, errors
    ballast.unlink()
    finish(study, entries)


def test_a_study_in_a_read_only_folder_is_read_whole_and_refuses_writing_in_one_line(
    mount: Mount, tmp_path: Path
) -> None:
    small = mount(32)
    study = make_study(small)
    spawn(study)
    until(lambda: count_scores(study) >= 4)
    loop = find_holder(study)
    assert loop
    family = {loop, *list_descendants(loop)}
    os.kill(loop, signal.SIGKILL)  # what it wrote last is in the log beside the database
    until(lambda: not find_alive(family), 20)
    assert study.database.with_name("study.db-wal").stat().st_size
    # Read from a copy, because a reader would write the log into the database.
    expected = read(StudyFolder(shutil.copytree(study.path, tmp_path / "copy")))
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    assert read(study) == expected
    subprocess.run(["mount", "-o", "remount,rw", small], check=True)
    # As in a copy without this file. A reader then cannot use the log where it is.
    study.database.with_name("study.db-shm").unlink()
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    assert read(study) == expected
    with (
        Journal(study) as journal,
        pytest.raises(
            WorkbenchError,
            match=r"cannot write study.db: .*; make the study's folder writable, or copy",
        ),
    ):
        journal.file_request("pause", {})
    done = run_loop(study)
    assert done.returncode == 2
    assert "no loop can run in" in done.stderr
    assert "Read-only file system" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    subprocess.run(["mount", "-o", "remount,rw", small], check=True)
    finish(study, expected)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_loop_that_is_asked_to_end_finishes_its_current_record(
    tmp_path: Path, number: signal.Signals
) -> None:
    study = make_study(tmp_path)
    spawn(study)
    until(
        lambda: (
            count_scores(study) >= 5
            and any(candidate.running for candidate in folded(study).candidates)
        )
    )
    loop = find_holder(study)
    assert loop
    family = {loop, *list_descendants(loop)}
    entries = read(study)
    os.kill(loop, number)
    os.kill(loop, number)  # an impatient person asks twice
    until(lambda: find_holder(study) is None, 15)
    until(lambda: not find_alive(family) and not list_processes(study), 15)
    ended = folded(study)
    assert ended.state == "running"
    assert not any(candidate.running for candidate in ended.candidates), "a trial has no end"
    assert study.loop_log.read_text().strip() == ""
    assert not list(study.path.parent.glob(".*"))
    finish(study, entries)


def test_of_many_loops_started_at_once_one_runs_and_the_others_say_so(tmp_path: Path) -> None:
    study = make_study(tmp_path)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "workbench.loop", str(study.path)]
    loops = [
        subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    try:
        until(lambda: sum(loop.poll() is None for loop in loops) == 1)
        until(lambda: count_scores(study) >= 3)
        (winner,) = [loop for loop in loops if loop.poll() is None]
        assert find_holder(study) == winner.pid
        for loop in loops:
            if loop is not winner:
                assert loop.returncode == 2
                assert loop.stderr is not None
                assert (
                    loop.stderr.read().strip()
                    == f"autoresearch: study {study.name} is already running (process {winner.pid})"
                )
        assert sum(isinstance(entry.record, LoopStarted) for entry in read(study)) == 1
        winner.terminate()
        assert winner.wait(20) == 0
    finally:
        for loop in loops:
            loop.kill()
            loop.wait()
            assert loop.stderr is not None
            loop.stderr.close()
    finish(study)


def test_copies_made_while_a_loop_writes_open_and_can_be_resumed(tmp_path: Path) -> None:
    study = make_study(tmp_path)
    spawn(study)
    copies = []
    for number in range(6):
        until(lambda number=number: count_scores(study) >= 2 * number)  # type: ignore[misc]
        (tmp_path / f"copy-{number}").mkdir()
        copies.append(copy_study(study, tmp_path / f"copy-{number}" / study.name))
    loop = find_holder(study)
    assert loop
    os.kill(loop, signal.SIGTERM)
    until(lambda: find_holder(study) is None, 15)
    final = read(study)
    for copy in copies:
        entries = read(copy)
        assert final[: len(entries)] == entries
    finish(copies[-1], read(copies[-1]))
