"""Filing: a request from a screen, checked and stored; and the loop that is to answer it."""

import json
import re
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import UsageError, WorkbenchError
from workbench.ledger import imported
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.verbs import loop_process, study_options

ABOUT_CANDIDATES = frozenset(("accept", "reject", "edit", "pin", "fork"))
OF_TEXT = frozenset(("guide", "ban"))
VERBS = ABOUT_CANDIDATES | OF_TEXT | {"pause", "resume", "stop", "set", "audit", "ablate"}
MAX_BYTES = 8 * 1024**2  # an edit brings its files along
MAX_TEXT = 4000
PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.1

_reviving: set[Path] = set()
_lock = threading.Lock()


def file(folder: StudyFolder, decision_id: str, verb: str, body: Mapping[str, Any]) -> None:
    """Stores a person's request for the loop, durably; the same id again has no effect. Any thread may call it.

    Raises:
        UsageError: one line that says what is wrong with it; nothing was stored.
        WorkbenchError: it could not be stored.
    """
    _check(decision_id, verb, body)
    with Journal(folder) as journal:
        imported.refuse_change(Study().fold(journal.entries(limit=1)), verb)
        if verb == "set":
            key, value = study_options.changed(str(body.get("key")), body.get("value"))
            body = {"key": key, "value": value}
        journal.request(verb, body, decision_id)


def _check(decision_id: object, verb: object, body: object) -> None:
    if not isinstance(decision_id, str) or not re.fullmatch(r"[\w-]{8,64}", decision_id, re.ASCII):
        raise UsageError("decision_id is 8 to 64 letters, digits, '-' and '_'")
    if not isinstance(verb, str) or verb not in VERBS:
        raise UsageError(f"no request {verb!r}; there are: {', '.join(sorted(VERBS))}")
    if not isinstance(body, Mapping):
        raise UsageError(f"the body of {verb} is an object")
    try:
        size = len(json.dumps(dict(body), allow_nan=False))
    except (TypeError, ValueError) as error:
        raise UsageError(f"the body of {verb} is no JSON: {error}") from None
    if size > MAX_BYTES:
        raise UsageError(f"the body of {verb} has {size} bytes; at most {MAX_BYTES} are taken")
    if verb in ABOUT_CANDIDATES and type(body.get("candidate")) is not int:
        raise UsageError(f"{verb} needs the number of a candidate")
    files, hunks = body.get("files"), body.get("hunks")
    if verb == "edit" and not (
        isinstance(files, Mapping)
        and files
        and all(isinstance(text, str) for text in files.values())
    ):
        raise UsageError("edit needs files: an object of paths, each with its new text")
    if (
        verb == "accept"
        and hunks is not None
        and not (isinstance(hunks, list) and all(type(hunk) is int for hunk in hunks))
    ):
        raise UsageError("hunks is a list of their numbers")
    text = body.get("text")
    if verb in OF_TEXT and not (isinstance(text, str) and text.strip() and len(text) <= MAX_TEXT):
        raise UsageError(f"{verb} needs a text of 1 to {MAX_TEXT} characters")


def ensure_loop(folder: StudyFolder, on_failure: Callable[[str], None] | None = None) -> None:
    """Sees to it, from a thread of its own, that a loop answers what is filed; starts one where none is alive.

    Args:
        on_failure: called in that thread with one line when no loop could be started, or none has answered in time. The requests stay
            stored. Without it the last words of the loop in `loop.log` have to do.
    """
    with _lock:
        if folder.path in _reviving:
            return  # it looks at the requests again before it ends
        _reviving.add(folder.path)
    threading.Thread(
        target=_revive, args=(folder, on_failure), name=f"revive {folder.name}", daemon=True
    ).start()


def _revive(folder: StudyFolder, on_failure: Callable[[str], None] | None) -> None:
    revive, end = loop_process.Reviver(folder), time.monotonic() + PATIENCE_SECONDS
    try:
        with Journal(folder) as journal:
            while not _is_answered(folder, journal):
                if time.monotonic() > end:
                    raise WorkbenchError(
                        f"no answer yet from the loop of {folder.name}; what was asked is recorded"
                    )
                revive(PATIENCE_SECONDS)
                time.sleep(POLL_SECONDS)
    except WorkbenchError as error:
        with _lock:
            _reviving.discard(folder.path)
        if on_failure is not None:
            on_failure(str(error))


def _is_answered(folder: StudyFolder, journal: Journal) -> bool:
    """Under the lock, so that no request is filed between the last look and the end of the thread."""
    with _lock:
        if journal.unanswered():
            return False
        _reviving.discard(folder.path)
        return True
