"""The shell of a proposer.

A real sandbox, one per command, with the program and the history in it and nothing else.
"""

import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from workbench.evaluate.sandbox import levels, probe
from workbench.experiment import Limits
from workbench.loop import shell as module
from workbench.loop.shell import Shell
from workbench.testing import PROGRAM, experiment_for_tests

pytestmark = pytest.mark.slow
FILES = [("candidates/0003/log.0.txt", "loss 2.5\n"), ("program.md", "make it small\n")]


@pytest.fixture(params=levels.LEVELS)
def level(request: pytest.FixtureRequest) -> str:
    if reason := probe.probe_levels()[request.param]:
        pytest.skip(reason)
    return str(request.param)


@pytest.fixture
def shell(level: str, tmp_path: Path) -> Shell:
    return Shell(replace(experiment_for_tests(tmp_path), limits=Limits(memory_mb=512)), level)


def ran(shell: Shell, command: str) -> tuple[str, str]:
    done = shell.run(PROGRAM, FILES, command, threading.Event())
    return done.ending, done.output.strip()


def test_a_command_works_on_a_copy_of_the_program_with_the_history_beside_it(shell: Shell) -> None:
    assert ran(shell, 'cat "$HISTORY/candidates/0003/log.0.txt"; exit 3') == (
        "exit status 3",
        "loss 2.5",
    )
    wider = 'echo "WIDTH = 77" >> train.py && $PYTHON -c "import train; print(train.WIDTH)"'
    assert ran(shell, wider) == ("exit status 0", "77")
    assert "77" not in ran(shell, "cat train.py")[1]


def test_the_history_cannot_be_changed_and_nothing_else_be_seen(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-made-up")
    hidden = tmp_path / "study.db"
    hidden.write_text("held out")
    hidden.chmod(0o644)
    ending, output = ran(
        shell,
        f'echo x > "$HISTORY/new"; echo x > "$HISTORY/program.md"; cat {hidden} '
        f"{tmp_path}/evaluate.py; env",
    )
    assert ending == "exit status 0"
    assert "held out" not in output
    assert "made-up" not in output
    assert "def evaluate" not in output
    assert ran(shell, 'cat "$HISTORY/program.md"; ls "$HISTORY"') == (
        "exit status 0",
        "make it small\ncandidates\nprogram.md",
    )
    assert (
        ran(shell, "$PYTHON -c \"import socket; socket.create_connection(('127.0.0.1', 1))\"")[0]
        == "exit status 1"
    )


def test_a_command_without_an_end_is_ended_with_all_that_it_started(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SECONDS", 1.0)
    ending, output = ran(shell, "echo begun; sleep 600 & sleep 600")
    assert (ending, output) == ("ended after 1 s", "begun")


def test_a_command_is_ended_once_nobody_waits(shell: Shell) -> None:
    cancelled = threading.Event()
    timer = threading.Timer(0.3, cancelled.set)
    timer.start()
    began = time.monotonic()
    done = shell.run(PROGRAM, FILES, "sleep 600", cancelled)
    timer.join()
    assert done.ending == "ended: the result is no longer needed"
    assert time.monotonic() - began < module.SECONDS


def test_what_prints_without_an_end_is_ended(shell: Shell) -> None:
    ending, output = ran(shell, "yes")
    assert "printed more than 1 MB" in ending
    assert len(output) < 300_000


def test_there_is_no_shell_without_a_sandbox(tmp_path: Path) -> None:
    shell = Shell(experiment_for_tests(tmp_path), "off")
    assert not shell.is_open
    with pytest.raises(ValueError, match="only run in a sandbox"):
        ran(shell, "ls")
