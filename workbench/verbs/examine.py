"""Examination: asks for an audit or an ablation, waits for it, and says what it found as plain dictionaries."""

import time
from collections.abc import Callable
from typing import Any

from workbench.errors import WorkbenchError
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.ledger.study import Study
from workbench.records import Ablation, Audit
from workbench.show.examinations import progress
from workbench.verbs import loop_process

POLL_SECONDS = 0.2
MAX_SPAWNS = 3
View = dict[str, Any]
Follow = Callable[[View], None]


def ask(folder: StudyFolder, now: Callable[[], Study], verb: str, trials: int | None) -> str:
    """Asks for an examination of the incumbent, or goes on with an equal one that was asked for before; the request's id.

    Raises:
        RequestRefused: the loop refused it, with its reason.
    """
    study = now()
    for pending in study.examining:
        if (
            pending.verb == verb
            and pending.candidate == study.incumbent
            and trials in (None, pending.trials)
        ):
            return pending.request
    return loop_process.request(folder, verb, {"trials": trials}, after=study.last_id)


def wait(
    folder: StudyFolder, now: Callable[[], Study], request: str, follow: Follow | None = None
) -> Audit | Ablation:
    """Blocks until the examination has a result; brings a loop back that died over it.

    Args:
        follow: called with the `progress` at the beginning and whenever a trial has ended.

    Raises:
        WorkbenchError: it was stopped, or cannot go on; the message says why.
    """
    seen, spawns = View(), 0
    while True:
        is_alive = lease.is_alive(
            folder
        )  # first, so that a loop's last words are in what is read next
        study = now()
        results: list[Audit | Ablation] = [*study.audits, *study.ablations]
        result = next((found for found in results if found.request == request), None)
        if result is not None:
            return result
        asked = next((found for found in study.examining if found.request == request), None)
        if asked is None:
            raise WorkbenchError(f"the examination of {folder.name} was ended by stop")
        now_at = progress(study, asked)
        if follow is not None and now_at != seen:
            seen = now_at
            follow(now_at)
        if not is_alive:
            if study.state == "paused" and study.fault:
                raise WorkbenchError(
                    f"{asked.verb} waits: {study.reason}; mend that, then: autoresearch resume --study {folder.name}"
                )
            if spawns == MAX_SPAWNS:
                raise WorkbenchError(
                    f"{asked.verb} waits: the loop of {folder.name} ended {spawns} times; its words are in {folder.loop_log}"
                )
            spawns += 1
            loop_process.spawn(folder)
        time.sleep(POLL_SECONDS)
