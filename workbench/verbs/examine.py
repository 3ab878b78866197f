"""Asks for an audit or an ablation, and waits for its result.

What an examination means for a study is in `loop/examine.py`; how a result is shown is in
`show/examinations.py`.
"""

import time
from collections.abc import Callable
from typing import Any

from workbench.errors import WorkbenchError
from workbench.ledger import lease
from workbench.ledger.examination import Examination
from workbench.ledger.folder import StudyFolder
from workbench.ledger.study import Study
from workbench.records import Ablation, Audit
from workbench.requests import RunAblation, RunAudit
from workbench.show.examinations import progress
from workbench.verbs import loop_process

POLL_SECONDS = 0.2
MAX_SPAWNS = 3
View = dict[str, Any]
Follow = Callable[[View], None]


def ask(
    folder: StudyFolder, read_study: Callable[[], Study], request: RunAudit | RunAblation
) -> str:
    """Asks for an examination of the incumbent, and returns the id of the request.

    Where the same examination is under way already, that one goes on, and its id is returned.

    Args:
        folder: the study.
        read_study: gives the study as the journal says now.
        request: which examination.

    Raises:
        RequestRefused: the loop refused it, with its reason.
    """
    study = read_study()
    for pending in study.examinations.pending:
        is_same_size = request.trials in (None, pending.trials)
        is_same_program = pending.candidate == study.incumbent
        if pending.verb == request.verb and is_same_program and is_same_size:
            return pending.request
    return loop_process.ask(folder, request, after=study.last_id)


def wait(
    folder: StudyFolder,
    read_study: Callable[[], Study],
    request_id: str,
    follow: Follow | None = None,
) -> Audit | Ablation:
    """Blocks until the examination has a result; starts the loop again if it died.

    Args:
        folder: the study.
        read_study: gives the study as the journal says now.
        request_id: what `ask` returned.
        follow: called with the `progress` at the beginning and whenever a trial has ended.

    Raises:
        WorkbenchError: it was stopped, or cannot go on; the message says why.
    """
    latest: View = {}
    n_spawns = 0
    while True:
        # Before the journal is read, so that the last records of a dying loop are not missed.
        is_alive = lease.is_alive(folder)
        study = read_study()
        result = _find_result(study, request_id)
        if result is not None:
            return result
        pending = _find_pending(study, request_id)
        if pending is None:
            raise WorkbenchError(f"the examination of {folder.name} was ended by stop")
        current = progress(study, pending)
        if follow is not None and current != latest:
            latest = current
            follow(current)
        if not is_alive:
            _check_can_go_on(folder, study, pending.verb, n_spawns)
            n_spawns += 1
            loop_process.spawn(folder)
        time.sleep(POLL_SECONDS)


def _find_result(study: Study, request_id: str) -> Audit | Ablation | None:
    results: list[Audit | Ablation] = [*study.examinations.audits, *study.examinations.ablations]
    return next((result for result in results if result.request == request_id), None)


def _find_pending(study: Study, request_id: str) -> Examination | None:
    pending = study.examinations.pending
    return next((one for one in pending if one.request == request_id), None)


def _check_can_go_on(folder: StudyFolder, study: Study, verb: str, n_spawns: int) -> None:
    """Raises WorkbenchError where another loop would end like the one before."""
    if study.state == "paused" and study.fault:
        raise WorkbenchError(
            f"{verb} waits: {study.reason}; mend that, "
            f"then: autoresearch resume --study {folder.name}"
        )
    if n_spawns == MAX_SPAWNS:
        raise WorkbenchError(
            f"{verb} waits: the loop of {folder.name} ended {n_spawns} times; "
            f"its words are in {folder.loop_log}"
        )
