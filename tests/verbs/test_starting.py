"""A loop that takes long to start is waited for: what counts is whether its process is alive, not how many seconds have passed."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import toy_study
from tests.lab.live.screen import watching
from tests.studies import folded
from tests.waiting import until
from workbench.errors import WorkbenchError
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Pen
from workbench.records import Adopted
from workbench.show import views
from workbench.verbs import loop_process
from workbench.verbs.handle import StudyHandle

pytestmark = pytest.mark.slow


@dataclass
class Slow:
    """A study whose loops start once `let` is called; `begun` counts those that are waiting or have waited."""

    folder: StudyFolder
    root: Path

    def let(self) -> None:
        (self.root / "go").touch()

    @property
    def begun(self) -> int:
        return (
            len((self.root / "begun").read_text().splitlines())
            if (self.root / "begun").exists()
            else 0
        )


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slow]:
    study = Slow(toy_study.make(tmp_path, "slow"), tmp_path)
    python = tmp_path / "python"
    wait = f'echo $$ >> {tmp_path}/begun\nwhile [ ! -e {tmp_path}/go ]; do sleep 0.05; done\nexec {sys.executable} "$@"\n'
    python.write_text(f"#!/bin/sh\n{wait}")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    yield study
    study.let()
    until(lambda: lease.process(study.folder) is None or folded(study.folder).loop is not None)
    toy_study.end(study.folder)


def test_a_request_waits_for_a_loop_that_starts_and_begins_no_second_one(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_process, "SPAWN_SECONDS", 0.1)
    monkeypatch.setattr(loop_process, "RETRY_SECONDS", 0.0)
    answered, looks, process = list[str](), list[int | None](), lease.process
    monkeypatch.setattr(lease, "process", lambda folder: looks.append(process(folder)) or looks[-1])
    asking = threading.Thread(
        target=lambda: answered.append(loop_process.request(slow.folder, "pause", {}, patience=0.2))
    )
    asking.start()
    until(lambda: slow.begun)
    until(
        lambda: looks.count(None) < len(looks) - 4
    )  # past its patience, which a loop that is on its way does not use up
    assert asking.is_alive()
    assert not answered
    slow.let()
    asking.join(60)
    assert answered
    assert (folded(slow.folder).state, slow.begun) == ("paused", 1)


def test_an_answer_of_a_loop_that_has_ended_since_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = toy_study.make(tmp_path, "brief")

    def adopt(_: StudyFolder) -> None:
        with lease.Lease(folder) as held, Pen(folder, held) as pen:
            [asked] = pen.unanswered()
            pen.append(
                Adopted(request=asked.id, sequence=asked.sequence, verb=asked.verb, body=asked.body)
            )

    monkeypatch.setattr(loop_process.Reviver, "__call__", lambda *_: None)
    monkeypatch.setattr(lease, "process", adopt)
    assert loop_process.request(folder, "pause", {}, patience=0.0)


def test_a_process_that_becomes_another_program_is_seen_all_the_time(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "studies" / "never")
    again = tmp_path / "again"
    again.write_text('#!/bin/sh\nexec "$0" "$@"\n')
    again.chmod(0o755)
    with subprocess.Popen([str(again), "-m", "workbench.loop", str(folder.path)]) as process:
        try:
            assert {lease.process(folder) for _ in range(200)} == {process.pid}
        finally:
            process.kill()


def test_waiting_says_dead_only_once_no_process_is_left(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "NEW_SECONDS", 0.0)
    loop_process.spawn(slow.folder, patience=0.1)
    with StudyHandle(slow.folder) as study:
        assert (study.wait(timeout=0.5), lease.holder(slow.folder)) == ("running", None)
        end(slow)
        assert study.wait() == "dead"
    assert lease.process(slow.folder) is None


def test_status_says_that_a_loop_starts_and_that_it_died_over_it(
    slow: Slow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "NEW_SECONDS", 0.0)
    with StudyHandle(slow.folder) as study:
        assert stands(study) == ("dead", "no loop is alive")
        loop_process.spawn(slow.folder, patience=0.1)
        assert stands(study) == ("running", "its loop is starting")
        assert lease.holder(slow.folder) is None
        end(slow)
        assert stands(study) == ("dead", "no loop is alive")
        loop_process.spawn(slow.folder, patience=0.1)
        slow.let()
        until(lambda: study.study.loop)
        assert stands(study) == ("running", "")


def test_a_loop_that_cannot_start_is_dead_at_once_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = toy_study.make(tmp_path, "broken")
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho no such module >&2\nexit 3\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    monkeypatch.setattr(views, "NEW_SECONDS", 60.0)
    with StudyHandle(folder) as study:
        assert stands(study) == ("running", "its loop is starting"), (
            "who has made it is about to start one"
        )
        with pytest.raises(WorkbenchError, match="did not start: no such module"):
            loop_process.spawn(folder, patience=30.0)
        assert stands(study) == ("dead", "no loop is alive; its last words: no such module")


def test_a_new_study_that_nobody_starts_is_dead_soon(tmp_path: Path) -> None:
    with StudyHandle(toy_study.make(tmp_path, "left")) as study:
        until(lambda: stands(study) == ("dead", "no loop is alive"), 10 * views.NEW_SECONDS)


def test_a_screen_sees_a_loop_start(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "NEW_SECONDS", 0.0)
    loop_process.spawn(slow.folder, patience=0.1)
    with watching(slow.folder) as (_, screen):
        shown = screen.of("snapshot")[0]["state"]
        assert (shown["state"], shown["reason"], shown["alive"]) == (
            "running",
            "its loop is starting",
            False,
        )
        slow.let()
        screen.wait_for(lambda: any(change["state"]["alive"] for change in screen.of("changes")))
        assert {change["state"]["state"] for change in screen.of("changes")} == {"running"}
        assert screen.of("changes")[-1]["state"]["reason"] == ""


def stands(study: StudyHandle) -> tuple[str, str]:
    view = study.status().data
    return view["state"], view["reason"]


def end(slow: Slow) -> None:
    """Kills the loop that is on its way, and waits until it is gone."""
    process = lease.process(slow.folder)
    assert process is not None
    os.kill(process, signal.SIGKILL)
    until(lambda: lease.process(slow.folder) is None)
