"""The disk is full, the folder read-only, the loop asked to end, a second loop started: one clear line, and nothing is lost."""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.drills.toy import alive, check_history, copied, descendants, make, processes, scored
from tests.studies import folded, read
from tests.waiting import until
from workbench.errors import WorkbenchError
from workbench.ledger.folder import StudyFolder, last_line
from workbench.ledger.journal import Journal
from workbench.ledger.lease import holder
from workbench.records import LoopStarted
from workbench.verbs.loop_process import spawn

Mount = Callable[[int], Path]


@pytest.fixture
def mount(tmp_path: Path) -> Iterator[Mount]:
    """Mounts a small file system of so many megabytes."""
    folder = tmp_path / "small"

    def make_one(megabytes: int) -> Path:
        folder.mkdir()
        if os.geteuid() != 0 or not shutil.which("mount"):
            pytest.skip("a file system of its own can only be mounted by root")
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"this machine lets nobody mount: {done.stderr.strip()}")
        return folder

    yield make_one
    if folder.is_mount():
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(file: Path) -> None:
    """Writes until nothing more fits."""
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
    """Resumes a study, which goes on to its end with all that was known before."""
    with Journal(study) as journal:
        journal.request("set", {"key": "candidates", "value": folded(study).proposed + 2})
    if holder(study) is None:
        spawn(study)
    until(lambda: holder(study) is None, 120)
    final = folded(study)
    assert final.state == "finished", (final.reason, last_line(study.loop_log))
    check_history(read(study), list(acknowledged))


def test_a_full_disk_ends_the_loop_with_one_line_and_a_resume_loses_nothing(
    mount: Mount, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make(mount(12))
    spawn(study)
    until(lambda: scored(study) >= 5)
    loop = holder(study)
    assert loop
    family = {loop, *descendants(loop)}
    ballast = study.path.parent / "ballast"
    fill(ballast)
    until(lambda: holder(study) is None, 60)
    until(lambda: not alive(family), 20)
    said = study.loop_log.read_text().strip()
    reason = folded(study).reason or said  # where the last record still found room, it says it
    assert (
        "database or disk is full; nothing of this step was stored; free some space, then resume"
        in said + reason
    )
    assert said.count("\n") == 0, said
    seen = read(study)
    again = run_loop(study)  # a full disk stays one
    with capsys.disabled():
        print(
            f"\nfull disk: the loop said {said!r}, the journal {reason!r}; again: {again.stderr.strip()!r}"
        )
    assert again.returncode == 2
    assert len(again.stderr.strip().splitlines()) == 1, again.stderr
    ballast.unlink()
    finish(study, seen)


def test_a_study_in_a_read_only_folder_is_read_whole_and_refuses_the_rest_in_one_line(
    mount: Mount, tmp_path: Path
) -> None:
    small = mount(32)
    study = make(small)
    spawn(study)
    until(lambda: scored(study) >= 4)
    loop = holder(study)
    assert loop
    family = {loop, *descendants(loop)}
    os.kill(loop, signal.SIGKILL)  # what it wrote last lies in the log beside the database
    until(lambda: not alive(family), 20)
    assert study.database.with_name("study.db-wal").stat().st_size
    expected = read(
        StudyFolder(shutil.copytree(study.path, tmp_path / "copy"))
    )  # elsewhere: a reader would fold the log in
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    assert read(study) == expected
    subprocess.run(["mount", "-o", "remount,rw", small], check=True)
    study.database.with_name(
        "study.db-shm"
    ).unlink()  # as in a copy that leaves it out: then no reader can use the log in place
    subprocess.run(["mount", "-o", "remount,ro", small], check=True)
    assert read(study) == expected
    with (
        Journal(study) as journal,
        pytest.raises(
            WorkbenchError,
            match=r"cannot write study.db: .*; make the study's folder writable, or copy",
        ),
    ):
        journal.request("pause", {})
    done = run_loop(study)
    assert done.returncode == 2
    assert "no loop can run in" in done.stderr
    assert "Read-only file system" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1, done.stderr
    subprocess.run(["mount", "-o", "remount,rw", small], check=True)
    finish(study, expected)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_loop_that_is_asked_to_end_finishes_the_record_in_hand(
    tmp_path: Path, number: signal.Signals
) -> None:
    study = make(tmp_path)
    spawn(study)
    until(
        lambda: (
            scored(study) >= 5 and any(candidate.running for candidate in folded(study).candidates)
        )
    )
    loop = holder(study)
    assert loop
    family = {loop, *descendants(loop)}
    seen = read(study)
    os.kill(loop, number)
    os.kill(loop, number)  # an impatient person asks twice
    until(lambda: holder(study) is None, 15)
    until(lambda: not alive(family) and not processes(study), 15)
    ended = folded(study)
    assert ended.state == "running"
    assert not any(candidate.running for candidate in ended.candidates), "a trial has no end"
    assert study.loop_log.read_text().strip() == ""
    assert not list(study.path.parent.glob(".*"))
    finish(study, seen)


def test_of_many_loops_started_at_once_one_runs_and_the_others_say_so(tmp_path: Path) -> None:
    study = make(tmp_path)
    root = Path(__file__).parents[2]
    command = [sys.executable, "-m", "workbench.loop", str(study.path)]
    loops = [
        subprocess.Popen(command, cwd=root, stderr=subprocess.PIPE, text=True) for _ in range(4)
    ]
    try:
        until(lambda: sum(loop.poll() is None for loop in loops) == 1)
        until(lambda: scored(study) >= 3)
        (winner,) = [loop for loop in loops if loop.poll() is None]
        assert holder(study) == winner.pid
        for loop in loops:
            if loop is not winner:
                assert loop.returncode == 2
                assert loop.stderr is not None
                assert (
                    loop.stderr.read().strip()
                    == f"autoresearch: study {study.name} is running already (process {winner.pid})"
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


def test_copies_taken_while_a_loop_writes_open_and_go_on_by_themselves(tmp_path: Path) -> None:
    study = make(tmp_path)
    spawn(study)
    copies = []
    for number in range(6):
        until(lambda number=number: scored(study) >= 2 * number)  # type: ignore[misc]
        (tmp_path / f"copy-{number}").mkdir()
        copies.append(copied(study, tmp_path / f"copy-{number}" / study.name))
    loop = holder(study)
    assert loop
    os.kill(loop, signal.SIGTERM)
    until(lambda: holder(study) is None, 15)
    final = read(study)
    for copy in copies:
        seen = read(copy)
        assert final[: len(seen)] == seen
    finish(copies[-1], read(copies[-1]))
