"""A loop that takes long to start is waited for: what counts is whether its process is alive, not how many seconds have passed."""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests import toy_study
from tests.studies import folded
from tests.waiting import until
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.verbs import handle, launch
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
        return len((self.root / "begun").read_text().splitlines()) if (self.root / "begun").exists() else 0


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


def test_a_request_waits_for_a_loop_that_starts_and_begins_no_second_one(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launch, "SPAWN_SECONDS", 0.1)
    monkeypatch.setattr(launch, "RETRY_SECONDS", 0.0)
    answered, looks, process = list[str](), list[int | None](), lease.process
    monkeypatch.setattr(lease, "process", lambda folder: looks.append(process(folder)) or looks[-1])
    asking = threading.Thread(target=lambda: answered.append(launch.request(slow.folder, "pause", {}, patience=0.2)))
    asking.start()
    until(lambda: slow.begun)
    until(lambda: len(looks) > 4 * 0.2 / launch.POLL_SECONDS)  # past its patience, which a loop that is on its way does not use up
    assert asking.is_alive()
    assert not answered
    slow.let()
    asking.join(60)
    assert answered
    assert (folded(slow.folder).state, slow.begun) == ("paused", 1)


def test_waiting_says_dead_only_once_no_process_is_left(slow: Slow, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "START_SECONDS", 0.0)
    launch.spawn(slow.folder, patience=0.1)
    with StudyHandle(slow.folder) as study:
        assert study.wait(timeout=0.5) == "running"
        assert (study.status().data["state"], lease.holder(slow.folder)) == ("dead", None)
        process = lease.process(slow.folder)
        assert process is not None
        os.kill(process, signal.SIGKILL)
        assert study.wait() == "dead"
    assert lease.process(slow.folder) is None
