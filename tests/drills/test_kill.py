"""kill -9 at random instants: nothing acknowledged is lost, no effect comes twice, nothing is left running."""

import os
import random
import signal
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from tests.drills.toy import alive, check_history, command_of, copied, descendants, make, processes
from tests.studies import folded, read
from tests.waiting import until
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.lease import holder
from workbench.ledger.study import Study
from workbench.records import Adopted
from workbench.verbs.loop_process import spawn

VICTIMS = ("loop", "trial process", "candidate")


def victims(study: StudyFolder, what: str) -> list[int]:
    """Living processes of one kind; candidates only once the baseline is kept, whose failure would pause the study."""
    loop = holder(study)
    if not loop or what == "loop":
        return [loop] if loop else []
    below = descendants(loop)
    trials = [pid for pid in below if "workbench.evaluate.process" in command_of(pid)]
    if what == "trial process":
        return trials
    inside = [pid for pid in below if pid not in trials and "/host.py" in command_of(pid)]
    return inside if folded(study).incumbent is not None else []


@pytest.mark.parametrize(("journal_mode", "kills"), [("WAL", 39), ("DELETE", 15)])
def test_kill_9_at_random_instants_repeats_nothing_and_loses_nothing(
    tmp_path: Path, journal_mode: str, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    study = make(tmp_path)
    with closing(
        sqlite3.connect(study.database)
    ) as sql:  # the rollback journal is what network file systems get
        assert (
            sql.execute(f"PRAGMA journal_mode = {journal_mode}").fetchone()[0]
            == journal_mode.lower()
        )
    rng, acknowledged, requests, seen_pids = random.Random(kills), [], [], set()
    killed, copies = dict.fromkeys(VICTIMS, 0), 0
    while sum(killed.values()) < kills:
        what = VICTIMS[sum(killed.values()) % 3]
        if holder(study) is None:
            spawn(study)
        until(lambda: holder(study))
        with Journal(study) as journal:
            requests.append(journal.request("guide", {"text": f"thought {len(requests)}"}))
        until(lambda what=what: victims(study, what))  # type: ignore[misc]
        time.sleep(rng.uniform(0.0, 0.3))  # the random instant is the point here
        loop, found = holder(study), victims(study, what)
        if not loop or not found:
            continue
        seen_pids |= {loop, *descendants(loop)}
        acknowledged.append(read(study))
        if (
            len(requests) % 6 == 0
        ):  # a copy that is taken while all this goes on opens, and is a part of the truth
            acknowledged.append(read(copied(study, tmp_path / f"copy-{copies}")))
            copies += 1
        try:
            os.kill(rng.choice(found), signal.SIGKILL)
            killed[what] += 1
        except ProcessLookupError:
            continue
        if what == "loop":
            until(lambda: holder(study) is None)
    with Journal(study) as journal:
        budget = Study().fold(journal.entries()).proposed + 4
        requests.append(journal.request("set", {"key": "candidates", "value": budget}))
    for _ in range(2):
        if folded(study).state != "finished":
            if holder(study) is None:
                spawn(study)
            until(lambda: holder(study) is None, 120)
    final = read(study)
    state = Study().fold(final)
    assert state.state == "finished", state.reason
    assert state.proposed >= budget
    check_history(final, acknowledged)
    adopted = [entry.record.request for entry in final if isinstance(entry.record, Adopted)]
    assert sorted(adopted) == sorted(requests), "a request was lost or adopted twice"
    until(lambda: not alive(seen_pids) and not processes(study), 20)
    trials = [trial for candidate in state.candidates for trial in candidate.trials]
    assert {trial.reason for trial in trials if trial.status == "failed"} <= {
        "the candidate was killed by SIGKILL"
    }
    lost = sum(trial.status == "lost" for trial in trials)
    with capsys.disabled():
        done = f"{sum(killed.values())} kills ({killed}), {lost} of {len(trials)} trials lost and run again, {copies} copies opened"
        print(f"\n{journal_mode}: {done}, {len(final)} records, 0 orphans")
