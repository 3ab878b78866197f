"""Stores the request of a screen, and makes sure that a loop answers it.

What a request is, and what its fields may hold, is checked by `workbench.requests`.
"""

import json
import re
import reprlib
import threading
import time
from collections.abc import Callable
from pathlib import Path

from workbench import options, requests
from workbench.errors import UsageError, WorkbenchError
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.requests import Set
from workbench.verbs import loop_process, table

MAX_BYTES = 8 * 1024**2  # of a whole request: an edit has the texts of its files in it
PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.1

_reviving: set[Path] = set()
_lock = threading.Lock()


def file(folder: StudyFolder, decision_id: object, verb: object, body: object) -> None:
    """Stores a person's request for the loop, durably. Any thread may call it.

    Args:
        folder: the study.
        decision_id: chosen by the screen; filing the same id again has no effect.
        verb: which request it is.
        body: its fields, as JSON values.

    Raises:
        UsageError: one line that says what is wrong with the request; nothing was stored.
        WorkbenchError: it could not be stored.
    """
    if not isinstance(decision_id, str) or not re.fullmatch(r"[\w-]{8,64}", decision_id, re.ASCII):
        raise UsageError("decision_id must be 8 to 64 letters, digits, '-' and '_'")
    if not isinstance(verb, str) or not table.is_offered_on_screens(verb):
        offered = ", ".join(sorted(table.list_names("screens")))
        raise UsageError(f"screens cannot file {reprlib.repr(verb)}; choose one of {offered}")
    request = requests.read(verb, body)
    size = len(json.dumps(requests.to_body(request)))
    if size > MAX_BYTES:
        raise UsageError(f"{verb} must have at most {MAX_BYTES:,} bytes; it has {size:,}")
    if isinstance(request, Set):
        key, value = options.read_change(request.key, request.value)
        request = Set(key=key, value=value)
    with Journal(folder) as journal:
        Study().fold(journal.read_entries(limit=1)).kind.require_writable(verb)
        journal.file_request(verb, requests.to_body(request), decision_id)


def ensure_loop(folder: StudyFolder, on_failure: Callable[[str], None] | None = None) -> None:
    """Has a loop answer what was filed: waits in a thread, and starts a loop where none is alive.

    Args:
        folder: the study.
        on_failure: called in that thread with one line, when no loop could be started or none has
            answered in time. The requests stay stored. Without it, only `loop.log` says why.
    """
    with _lock:
        if folder.path in _reviving:
            return  # that thread looks for new requests once more before it ends
        _reviving.add(folder.path)
    threading.Thread(
        target=_revive, args=(folder, on_failure), name=f"revive {folder.name}", daemon=True
    ).start()


def _revive(folder: StudyFolder, on_failure: Callable[[str], None] | None) -> None:
    revive = loop_process.Reviver(folder)
    end = time.monotonic() + PATIENCE_SECONDS
    try:
        with Journal(folder) as journal:
            while not _is_answered(folder, journal):
                if time.monotonic() > end:
                    raise WorkbenchError(
                        f"no answer yet from the loop of {folder.name}; your request is recorded"
                    )
                revive(PATIENCE_SECONDS)
                time.sleep(POLL_SECONDS)
    except WorkbenchError as error:
        with _lock:
            _reviving.discard(folder.path)
        if on_failure is not None:
            on_failure(str(error))


def _is_answered(folder: StudyFolder, journal: Journal) -> bool:
    """Whether every request has its answer; then the thread signs off.

    Both happen under the lock. Otherwise a request that is filed between this look and the end of
    the thread would find the thread still signed on, and start no other.
    """
    with _lock:
        if journal.read_unanswered_requests():
            return False
        _reviving.discard(folder.path)
        return True
