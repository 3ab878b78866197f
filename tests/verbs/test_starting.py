"""A loop that takes long to start is waited for.

What counts is whether its process is alive, not how many seconds have passed.
"""

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
from workbench.requests import Pause
from workbench.show import views
from workbench.verbs import loop_process
from workbench.verbs.handle import StudyHandle

pytestmark = pytest.mark.slow


@dataclass
class SlowStudy:
    """A study whose loops wait until `let_start` is called."""

    folder: StudyFolder
    root: Path

    def let_start(self) -> None:
        (self.root / "go").touch()

    @property
    def n_processes(self) -> int:
        """How many loops are waiting or have waited."""
        file = self.root / "begun"
        if not file.exists():
            return 0
        return len(file.read_text().splitlines())


@pytest.fixture
def slow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowStudy]:
    study = SlowStudy(toy_study.make(tmp_path, "slow"), tmp_path)
    python = tmp_path / "python"
    lines = [
        "#!/bin/sh",
        f"echo $$ >> {tmp_path}/begun",
        f"while [ ! -e {tmp_path}/go ]; do sleep 0.05; done",
        f'exec {sys.executable} "$@"',
    ]
    python.write_text("\n".join(lines) + "\n")
    python.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    yield study
    study.let_start()
    until(lambda: lease.find_process(study.folder) is None or folded(study.folder).loop is not None)
    toy_study.end(study.folder)


def test_a_request_waits_for_a_loop_that_starts_and_does_not_start_a_second_one(
    slow: SlowStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop_process, "SPAWN_SECONDS", 0.1)
    monkeypatch.setattr(loop_process, "RETRY_SECONDS", 0.0)
    find_process = lease.find_process
    seen: list[int | None] = []
    requests: list[str] = []

    def look(folder: StudyFolder) -> int | None:
        seen.append(find_process(folder))
        return seen[-1]

    def ask() -> None:
        requests.append(loop_process.ask(slow.folder, Pause(), patience=0.2))

    monkeypatch.setattr(lease, "find_process", look)
    asking = threading.Thread(target=ask)
    asking.start()
    until(lambda: slow.n_processes)
    # Several looks that find a process: its patience would be over if that counted.
    until(lambda: sum(process is not None for process in seen) > 4)
    assert asking.is_alive()
    assert requests == []
    slow.let_start()
    asking.join(60)
    assert requests != []
    assert (folded(slow.folder).state, slow.n_processes) == ("paused", 1)


def test_an_answer_of_a_loop_that_has_ended_since_is_heard(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = toy_study.make(tmp_path, "brief")

    def adopt(_: StudyFolder) -> None:
        with lease.Lease(folder) as loop_lease, Pen(folder, loop_lease) as pen:
            [row] = pen.read_unanswered_requests()
            pen.append(Adopted(request=row.id, sequence=row.sequence, verb=row.verb, body=row.body))

    monkeypatch.setattr(loop_process.Reviver, "__call__", lambda *_: None)
    monkeypatch.setattr(lease, "find_process", adopt)
    assert loop_process.ask(folder, Pause(), patience=0.0)


def test_a_process_that_becomes_another_program_is_never_overlooked(tmp_path: Path) -> None:
    folder = StudyFolder(tmp_path / "studies" / "never")
    again = tmp_path / "again"
    again.write_text('#!/bin/sh\nexec "$0" "$@"\n')
    again.chmod(0o755)
    with subprocess.Popen([str(again), "-m", "workbench.loop", str(folder.path)]) as process:
        try:
            assert {lease.find_process(folder) for _ in range(200)} == {process.pid}
        finally:
            process.kill()


def test_waiting_says_dead_only_once_no_process_is_left(
    slow: SlowStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "NEW_SECONDS", 0.0)
    loop_process.spawn(slow.folder, patience=0.1)
    with StudyHandle(slow.folder) as study:
        assert (study.wait(timeout=0.5), lease.find_holder(slow.folder)) == ("running", None)
        kill_loop(slow)
        assert study.wait() == "dead"
    assert lease.find_process(slow.folder) is None


def test_status_says_that_a_loop_starts_and_that_it_died_over_it(
    slow: SlowStudy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(views, "NEW_SECONDS", 0.0)
    with StudyHandle(slow.folder) as study:
        assert state_of(study) == ("dead", "no loop is alive")
        loop_process.spawn(slow.folder, patience=0.1)
        assert state_of(study) == ("running", "its loop is starting")
        assert lease.find_holder(slow.folder) is None
        kill_loop(slow)
        assert state_of(study) == ("dead", "no loop is alive")
        loop_process.spawn(slow.folder, patience=0.1)
        slow.let_start()
        until(lambda: study.study.loop)
        assert state_of(study) == ("running", "")


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
        # A new study is given some time: whoever has made it is about to start its loop.
        assert state_of(study) == ("running", "its loop is starting")
        with pytest.raises(WorkbenchError, match="did not start: no such module"):
            loop_process.spawn(folder, patience=30.0)
        assert state_of(study) == ("dead", "no loop is alive; its last words: no such module")


def test_a_new_study_that_is_never_started_is_dead_soon(tmp_path: Path) -> None:
    with StudyHandle(toy_study.make(tmp_path, "left")) as study:
        until(lambda: state_of(study) == ("dead", "no loop is alive"), 10 * views.NEW_SECONDS)


def test_a_screen_sees_a_loop_start(slow: SlowStudy, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "NEW_SECONDS", 0.0)
    loop_process.spawn(slow.folder, patience=0.1)
    with watching(slow.folder) as (_, screen):
        first = screen.of("snapshot")[0]["state"]
        assert (first["state"], first["reason"]) == ("running", "its loop is starting")
        assert not first["alive"]
        slow.let_start()
        screen.wait_for(lambda: any(change["state"]["alive"] for change in screen.of("changes")))
        assert {change["state"]["state"] for change in screen.of("changes")} == {"running"}
        assert screen.of("changes")[-1]["state"]["reason"] == ""


def state_of(study: StudyHandle) -> tuple[str, str]:
    """What `status` says of a study, and its reason."""
    view = study.status().data
    return view["state"], view["reason"]


def kill_loop(slow: SlowStudy) -> None:
    """Kills the loop that is on its way, and waits until it is gone."""
    process = lease.find_process(slow.folder)
    assert process is not None
    os.kill(process, signal.SIGKILL)
    until(lambda: lease.find_process(slow.folder) is None)
