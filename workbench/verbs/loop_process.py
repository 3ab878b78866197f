"""Starts the loop of a study as a process of its own, and hands requests to it."""

import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import workbench
from workbench.errors import RequestRefused, WorkbenchError
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder, last_line
from workbench.ledger.journal import Journal
from workbench.records import Adopted, LoopStarted, Refused

SPAWN_SECONDS = 2.0
PATIENCE_SECONDS = 5.0
STUCK_SECONDS = 60.0
POLL_SECONDS = 0.02
RETRY_SECONDS = 1.0


def spawn(folder: StudyFolder, patience: float = SPAWN_SECONDS) -> None:
    """Starts the loop of a study so that it outlives its starter; returns when it holds the lease, or after `patience` seconds.

    Raises:
        WorkbenchError: it ended without having run; the message is the last line of `loop.log`.
    """
    with folder.loop_log.open("ab") as output:
        # -P: the folder that the loop runs in is no place to import from.
        child = subprocess.Popen(
            [sys.executable, "-P", "-m", "workbench.loop", str(folder.path)],
            cwd="/",
            env=_loop_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            close_fds=True,
        )
    end = time.monotonic() + patience
    while child.poll() is None and lease.holder(folder) is None and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    if child.returncode is None:
        # Somebody has to take its exit status, or it stays as a zombie for as long as a kernel lives.
        threading.Thread(target=child.wait, name="loop-reaper", daemon=True).start()
    elif child.returncode and lease.holder(folder) is None and not _has_run(folder, child.pid):
        raise WorkbenchError(
            f"the loop of {folder.name} did not start: {last_line(folder.loop_log) or f'exit code {child.returncode}'}"
        )


def _has_run(folder: StudyFolder, process: int) -> bool:
    with Journal(folder) as journal:
        return any(
            isinstance(entry.record, LoopStarted) and entry.record.pid == process
            for entry in journal.entries()
        )


def _loop_environment() -> dict[str, str]:
    """This process's environment; where the package is used from a checkout, the loop finds it there too."""
    package = Path(workbench.__file__).resolve().parent.parent
    if package.name in ("site-packages", "dist-packages"):
        return dict(os.environ)
    paths = [str(package), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


class Reviver:
    """Starts the loop of a study when called while none is alive or on its way, at most once a second.

    A loop may end between the filing of a request and its own last look at them: who waits for the answer calls this again and again.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder, self._tried_at = folder, -math.inf

    def __call__(self, patience: float = SPAWN_SECONDS) -> None:
        """Raises WorkbenchError when the loop could not be started."""
        is_early = time.monotonic() - self._tried_at <= RETRY_SECONDS
        if not is_early and not lease.is_alive(self._folder):
            spawn(self._folder, patience)
            self._tried_at = time.monotonic()


def request(
    folder: StudyFolder,
    verb: str,
    body: Mapping[str, Any],
    after: int = 0,
    patience: float = PATIENCE_SECONDS,
) -> str:
    """Files a request and returns its id when the loop has adopted it; starts a loop where none is alive.

    Args:
        after: the last journal entry that the caller knows; the answer is looked for behind it.
        patience: seconds without a loop. One that is alive, or starts, is waited for: on a busy machine either may take long.

    Raises:
        RequestRefused: the loop refused it; the message is its reason.
        WorkbenchError: nobody answered in time, or a loop that is alive did not for a minute. The request stays recorded.
    """
    with Journal(folder) as journal:
        name = journal.request(verb, body)
        began, revive = time.monotonic(), Reviver(folder)
        end, is_over = began + patience, False
        while not is_over:
            if (now := time.monotonic()) >= end:
                # Looked at before the journal is: a loop that answers and then ends has answered.
                is_over = now >= began + STUCK_SECONDS or lease.process(folder) is None
                end = now + patience
            for entry in journal.entries(after):
                after = entry.id
                if isinstance(entry.record, Adopted) and entry.record.request == name:
                    return name
                if isinstance(entry.record, Refused) and entry.record.request == name:
                    raise RequestRefused(entry.record.reason)
            if not is_over:
                revive(max(0.1, end - time.monotonic()))
                time.sleep(POLL_SECONDS)
    raise WorkbenchError(
        f"no answer yet from the loop of {folder.name}; {verb} is recorded and will be adopted when it runs"
    )
