"""kill -9 at random instants: nothing acknowledged is lost, repeated or left running."""

import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.drills.toy import (
    check_history,
    command_of,
    copy_study,
    find_alive,
    list_descendants,
    list_processes,
    make_study,
)
from tests.studies import folded, read
from tests.waiting import until
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.lease import find_holder
from workbench.ledger.study import Study
from workbench.records import Adopted
from workbench.verbs.loop_process import spawn

VICTIMS = ("loop", "trial process", "candidate")


def list_victims(study: StudyFolder, kind: str) -> list[int]:
    """Returns the living processes of one kind.

    Returns candidates only once the baseline is kept, whose failure would pause the study.
    """
    loop = find_holder(study)
    if not loop:
        return []
    if kind == "loop":
        return [loop]
    below = list_descendants(loop)
    trials = [pid for pid in below if "workbench.evaluate.trial_process" in command_of(pid)]
    if kind == "trial process":
        return trials
    if folded(study).incumbent is None:
        return []
    return [pid for pid in below if pid not in trials and "/guest.py" in command_of(pid)]


@pytest.mark.parametrize(("journal_mode", "kills"), [("WAL", 39), ("DELETE", 15)])
def test_kill_9_at_random_instants_repeats_nothing_and_loses_nothing(
    tmp_path: Path, journal_mode: str, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make_study(tmp_path)
    # A network file system gets the rollback journal.
    with closing(sqlite3.connect(study.database)) as sql:
        mode = sql.execute(f"PRAGMA journal_mode = {journal_mode}").fetchone()[0]
    assert mode == journal_mode.lower()
    rng = random.Random(kills)
    acknowledged = []
    requests = []
    pids: set[int] = set()
    killed = dict.fromkeys(VICTIMS, 0)
    copies = 0
    while sum(killed.values()) < kills:
        kind = VICTIMS[sum(killed.values()) % 3]
        if find_holder(study) is None:
            spawn(study)
        until(lambda: find_holder(study))
        with Journal(study) as journal:
            requests.append(journal.file_request("guide", {"text": f"thought {len(requests)}"}))
        until(lambda kind=kind: list_victims(study, kind))  # type: ignore[misc]
        time.sleep(rng.uniform(0.0, 0.3))  # the random instant is the point here
        loop = find_holder(study)
        victims = list_victims(study, kind)
        if not loop or not victims:
            continue
        pids |= {loop, *list_descendants(loop)}
        acknowledged.append(read(study))
        # A copy that is made meanwhile opens, and holds the beginning of the same history.
        if len(requests) % 6 == 0:
            acknowledged.append(read(copy_study(study, tmp_path / f"copy-{copies}")))
            copies += 1
        try:
            os.kill(rng.choice(victims), signal.SIGKILL)
            killed[kind] += 1
        except ProcessLookupError:
            continue
        if kind == "loop":
            until(lambda: find_holder(study) is None)
    with Journal(study) as journal:
        budget = Study().fold(journal.read_entries()).proposals.n_made + 4
        requests.append(journal.file_request("set", {"key": "candidates", "value": budget}))
    for _ in range(2):
        if folded(study).state != "finished":
            if find_holder(study) is None:
                spawn(study)
            until(lambda: find_holder(study) is None, 120)
    final = read(study)
    state = Study().fold(final)
    assert state.state == "finished", state.reason
    assert state.proposals.n_made >= budget
    check_history(final, acknowledged)
    adopted = [entry.record.request for entry in final if isinstance(entry.record, Adopted)]
    assert sorted(adopted) == sorted(requests), "a request was lost or adopted twice"
    until(lambda: not find_alive(pids) and not list_processes(study), 20)
    trials = [trial for candidate in state.candidates for trial in candidate.trials]
    reasons = {trial.reason for trial in trials if trial.status == "failed"}
    assert reasons <= {"the candidate was killed by SIGKILL"}
    n_lost = sum(trial.status == "lost" for trial in trials)
    with capsys.disabled():
        print(f"\n{journal_mode}: {sum(killed.values())} kills ({killed})")
        print(f"{n_lost} of {len(trials)} trials lost and run again, {copies} copies opened")
        print(f"{len(final)} records, 0 orphans")
