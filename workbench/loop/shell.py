"""Shell: runs one command in a sandbox of its own, for a proposer that tries something before it proposes.

The same protection as for trials (`evaluate.sandbox.levels`), and less to be seen: no data, no GPU, no folder that the experiment adds.
"""

import shlex
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from workbench.errors import SandboxUnavailable
from workbench.evaluate.answers import CandidateFailed, TimedOut
from workbench.evaluate.output import Output
from workbench.evaluate.sandbox import levels, view
from workbench.evaluate.sandbox.bench import Bench
from workbench.evaluate.sandbox.box import SPARE_USERS
from workbench.evaluate.sandbox.supervisor import Cancelled, Supervisor
from workbench.experiment import Experiment, Limits
from workbench.program import Program
from workbench.propose.workspace import Ran

SECONDS = 60.0
MEMORY_MB = 2048
FILES_CHARS = 64 << 20  # of the files beside the program
POLL_SECONDS = 0.1
SLOT = SPARE_USERS - 1  # of the users, so that limits per user do not meet those of the first slots


class Shell:
    """Runs commands at the level at which the study's trials run; `is_open` is false where that is none."""

    def __init__(self, experiment: Experiment, sandbox: str) -> None:
        self._view = view.make(experiment.packages)
        memory = min(MEMORY_MB, experiment.limits.memory_mb)
        self._limits = Limits(
            wall_seconds=SECONDS, cpu_seconds=SECONDS, memory_mb=memory, output_mb=1
        )
        try:
            self._level = levels.choose(sandbox)
        except SandboxUnavailable:
            self._level = levels.OFF

    @property
    def is_open(self) -> bool:
        return self._level != levels.OFF

    def run(
        self,
        program: Program,
        files: Iterable[tuple[str, str]],
        command: str,
        cancelled: threading.Event,
    ) -> Ran:
        """Runs a command beside a copy of a program; of `files` (path, text), which it finds below `$HISTORY`, the first 64 MB.

        Raises:
            OSError: the sandbox could not be set up.
        """
        if not self.is_open:
            raise ValueError("no shell without a sandbox")
        bench, output = Bench(self._view, self._limits, slot=SLOT), Output()
        try:
            folder = _written(bench.folder / "history", files)
            deadline = time.monotonic() + SECONDS
            supervisor, _ = bench.sandbox(
                self._level, deadline, output.feed, {"history": folder}, 1
            )
            with supervisor, _ending(supervisor, cancelled):
                try:
                    supervisor.start(
                        "",
                        {path: text.encode() for path, text in program.files.items()},
                        sorted(program.executable),
                    )
                    where = f"HISTORY={shlex.quote(supervisor.data_path('history'))} PYTHON={shlex.quote(self._view.python)}"
                    status = supervisor.run(["/bin/sh", "-c", f"export {where}\n{command}"])
                    ending = f"exit status {status}"
                except TimedOut:
                    ending = f"ended after {SECONDS:g} s"
                except (CandidateFailed, Cancelled) as error:
                    ending = f"ended: {error}"
            output.finish()
            return Ran(ending, output.text())
        finally:
            bench.close()


@contextmanager
def _ending(supervisor: Supervisor, cancelled: threading.Event) -> Iterator[None]:
    """Ends the sandbox once nobody waits for it any more."""
    done = threading.Event()

    def watch() -> None:
        while not done.wait(POLL_SECONDS):
            if cancelled.is_set():
                supervisor.end("killed", "nobody waits for it any more")
                return

    watcher = threading.Thread(target=watch, name="shell", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        done.set()
        watcher.join()


def _written(folder: Path, files: Iterable[tuple[str, str]]) -> Path:
    """Writes files below a folder, readable for every user."""
    folder.mkdir()
    size = 0
    for path, text in files:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8", newline="")
        size += len(text)
        if size > FILES_CHARS:
            break
    for file in (folder, *folder.rglob("*")):
        file.chmod(0o755 if file.is_dir() else 0o644)
    return folder
