"""Runs one command in a sandbox, for a proposer that tries something before it proposes.

The protection is that of trials (`evaluate.sandbox.levels`), and less can be seen: no data, no GPU,
and no folder that the experiment adds.
"""

import shlex
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import SandboxUnavailable
from workbench.evaluate.answers import Cancelled, CandidateFailed, TimedOut
from workbench.evaluate.output import Output
from workbench.evaluate.sandbox import levels, probe, readable_paths
from workbench.evaluate.sandbox.slot_resources import SlotResources
from workbench.evaluate.sandbox.spec import SPARE_USERS
from workbench.evaluate.sandbox.supervisor import Supervisor
from workbench.experiment import Experiment, Limits
from workbench.program import Program
from workbench.propose.workspace import CommandResult

SECONDS = 60.0
MEMORY_MB = 2048
FILES_CHARS = 64 << 20  # limit for the files beside the program
POLL_SECONDS = 0.1
# The last slot's user, so that limits per user are not shared with the slots that trials use.
SLOT = SPARE_USERS - 1


class Shell:
    """Runs commands in the sandbox level of the study's trials."""

    def __init__(self, experiment: Experiment, sandbox: str) -> None:
        self._readable = readable_paths.find_readable_paths(experiment.packages)
        memory = min(MEMORY_MB, experiment.limits.memory_mb)
        self._limits = Limits(
            wall_seconds=SECONDS, cpu_seconds=SECONDS, memory_mb=memory, output_mb=1
        )
        try:
            self._level = probe.choose_level(sandbox)
        except SandboxUnavailable:
            self._level = levels.OFF

    @property
    def is_open(self) -> bool:
        """False where no sandbox works: a proposer's commands never run without one."""
        return self._level != levels.OFF

    def run(
        self,
        program: Program,
        files: Iterable[tuple[str, str]],
        command: str,
        cancelled: threading.Event,
    ) -> CommandResult:
        """Runs a command beside a copy of a program.

        Args:
            program: its files lie in the working directory.
            files: (path, text) of further files, which the command finds below `$HISTORY`; the
                first 64 MB of them.
            command: for /bin/sh.
            cancelled: ends the command once it is set.

        Raises:
            OSError: the sandbox could not be set up.
        """
        if not self.is_open:
            raise ValueError("a command can only run in a sandbox")
        resources = SlotResources(self._readable, self._limits, slot=SLOT)
        output = Output()
        try:
            history = _write_files(resources.folder / "history", files)
            deadline = time.monotonic() + SECONDS
            supervisor, _ = resources.start_sandbox(
                self._level, deadline, output.feed, {"history": history}, 1
            )
            with supervisor, _ended_when(cancelled, supervisor):
                ending = self._run_in(supervisor, program, command)
            output.finish()
            return CommandResult(ending, output.text())
        finally:
            resources.close()

    def _run_in(self, supervisor: Supervisor, program: Program, command: str) -> str:
        """Runs the command in an open sandbox; returns how it ended, in a few words."""
        sources = {path: text.encode() for path, text in program.files.items()}
        try:
            supervisor.start("", sources, sorted(program.executable))
            history = shlex.quote(supervisor.data_path("history"))
            python = shlex.quote(self._readable.python)
            exports = f"export HISTORY={history} PYTHON={python}"
            status = supervisor.run(["/bin/sh", "-c", f"{exports}\n{command}"])
        except TimedOut:
            return f"ended after {SECONDS:g} s"
        except (CandidateFailed, Cancelled) as error:
            return f"ended: {error}"
        return f"exit status {status}"


@contextmanager
def _ended_when(cancelled: threading.Event, supervisor: Supervisor) -> Iterator[None]:
    """Ends the sandbox as soon as the result is no longer needed."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(POLL_SECONDS):
            if cancelled.is_set():
                supervisor.end("killed", "the result is no longer needed")
                return

    watcher = threading.Thread(target=watch, name="shell", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _write_files(folder: Path, files: Iterable[tuple[str, str]]) -> Path:
    """Writes files below a folder, readable by every user."""
    folder.mkdir()
    n_chars = 0
    for path, text in files:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
        n_chars += len(text)
        if n_chars > FILES_CHARS:
            break
    for entry in (folder, *folder.rglob("*")):
        entry.chmod(0o755 if entry.is_dir() else 0o644)
    return folder
