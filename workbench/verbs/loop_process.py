"""Starts the loop of a study as a separate process, and hands requests to it.

The loop itself is in `workbench.loop`, which nothing here imports.
"""

import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import workbench
from workbench.errors import RequestRefused, WorkbenchError
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder, read_last_line
from workbench.ledger.journal import Journal
from workbench.records import Adopted, LoopStarted, Record, Refused
from workbench.requests import Request, to_body

SPAWN_SECONDS = 2.0
PATIENCE_SECONDS = 5.0
STUCK_SECONDS = 60.0
POLL_SECONDS = 0.02
RETRY_SECONDS = 1.0


def spawn(folder: StudyFolder, patience: float = SPAWN_SECONDS) -> None:
    """Starts the loop of a study so that it outlives its starter.

    Returns when the loop holds the lease, or after `patience` seconds.

    Raises:
        WorkbenchError: it ended without having run; the message is the last line of `loop.log`.
    """
    with folder.loop_log.open("ab") as output:
        child = subprocess.Popen(
            # -P keeps the working folder off the import path: its modules are not ours.
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
    while child.poll() is None and lease.find_holder(folder) is None and time.monotonic() < end:
        time.sleep(POLL_SECONDS)
    if child.returncode is None:
        # A child whose exit status is never read stays a zombie for as long as the kernel lives.
        threading.Thread(target=child.wait, name="loop-reaper", daemon=True).start()
    elif child.returncode and lease.find_holder(folder) is None and not _has_run(folder, child.pid):
        reason = read_last_line(folder.loop_log) or f"exit code {child.returncode}"
        raise WorkbenchError(f"the loop of {folder.name} did not start: {reason}")


def _has_run(folder: StudyFolder, process: int) -> bool:
    """Whether the journal has a word of this process: a short study may be over by now."""
    with Journal(folder) as journal:
        return any(
            isinstance(entry.record, LoopStarted) and entry.record.pid == process
            for entry in journal.read_entries()
        )


def _loop_environment() -> dict[str, str]:
    """This process's environment; a loop started from a checkout finds the package there too."""
    package = Path(workbench.__file__).resolve().parent.parent
    if package.name in ("site-packages", "dist-packages"):
        return dict(os.environ)
    paths = [str(package), *filter(None, os.environ.get("PYTHONPATH", "").split(os.pathsep))]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(dict.fromkeys(paths))}


class Reviver:
    """Starts the loop of a study when called while none is alive or on its way.

    A loop can look for requests one last time and end just before a request is filed. So whoever
    waits for an answer calls this again and again; it starts a loop at most once a second.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder
        self._tried_at = -math.inf

    def __call__(self, patience: float = SPAWN_SECONDS) -> None:
        """Raises WorkbenchError when the loop could not be started."""
        is_early = time.monotonic() - self._tried_at <= RETRY_SECONDS
        if not is_early and not lease.is_alive(self._folder):
            spawn(self._folder, patience)
            self._tried_at = time.monotonic()


def ask(
    folder: StudyFolder, request: Request, after: int = 0, patience: float = PATIENCE_SECONDS
) -> str:
    """Files a request, and returns its id when the loop has adopted it.

    Starts a loop where none is alive.

    Args:
        folder: the study.
        request: what is asked of the loop.
        after: id of the last journal entry that the caller has read; the answer comes later.
        patience: seconds to wait while no loop is alive. One that is alive or starting gets more
            time, because on a busy machine either can be slow.

    Raises:
        RequestRefused: the loop refused it; the message is its reason.
        WorkbenchError: no loop came alive in time, or one that is alive did not answer for a
            minute. The request stays recorded.
    """
    with Journal(folder) as journal:
        request_id = journal.file_request(request.verb, to_body(request))
        revive = Reviver(folder)
        began = time.monotonic()
        end = began + patience
        is_last_look = False
        while not is_last_look:
            now = time.monotonic()
            if now >= end:
                # Before the journal is read: a loop that answers and then ends has answered.
                is_stuck = now >= began + STUCK_SECONDS
                is_last_look = is_stuck or lease.find_process(folder) is None
                end = now + patience
            for entry in journal.read_entries(after):
                after = entry.id
                if _is_adopted(entry.record, request_id):
                    return request_id
            if not is_last_look:
                revive(max(0.1, end - time.monotonic()))
                time.sleep(POLL_SECONDS)
    raise WorkbenchError(
        f"no answer yet from the loop of {folder.name}; "
        f"{request.verb} is recorded and will be adopted when it runs"
    )


def _is_adopted(record: Record, request_id: str) -> bool:
    """Whether a record adopts the request; raises RequestRefused where it refuses it."""
    if isinstance(record, Refused) and record.request == request_id:
        raise RequestRefused(record.reason)
    return isinstance(record, Adopted) and record.request == request_id
