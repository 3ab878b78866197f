"""kill -9 in the middle of an audit: no trial of it is lost or run twice, and it ends, in a study that is over."""

import os
import signal
from pathlib import Path

from tests.drills.toy import check_history, make
from tests.studies import folded, read
from tests.waiting import until
from workbench.ledger.folder import StudyFolder
from workbench.ledger.lease import holder
from workbench.records import Audit
from workbench.verbs import examine, loop_process
from workbench.verbs.handle import StudyHandle


def test_an_audit_survives_the_death_of_its_loop(tmp_path: Path) -> None:
    folder = make(tmp_path, candidates=1)
    loop_process.spawn(folder)
    until(lambda: folded(folder).state == "finished" and holder(folder) is None)
    loop_process.request(folder, "accept", {"candidate": 1})
    loop_process.request(folder, "audit", {"trials": 8})
    acknowledged = []
    for n in (1, 3, 5):
        until(lambda n=n: audited(folder) >= n)  # type: ignore[misc]
        loop = holder(folder)
        assert loop is not None, "it ended before it was killed"
        acknowledged.append(read(folder))
        os.kill(loop, signal.SIGKILL)
        until(lambda: holder(folder) is None)
        loop_process.spawn(folder)
    with StudyHandle(folder) as study:
        request = next(iter(study.study.examining)).request
        assert examine.ask(folder, lambda: study.study, "audit", 8) == request, (
            "asking again goes on with what is under way"
        )
        examine.wait(folder, lambda: study.study, request)
    final = read(folder)
    check_history(final, acknowledged)
    study = folded(folder)
    assert (study.state, study.examining) == ("finished", [])
    assert sum(isinstance(entry.record, Audit) for entry in final) == 1
    for candidate in study.candidates:
        assert {trial.seed for trial in candidate.audits if trial.status == "ok"} == set(
            study.audits[0].evidence.seeds
        )


def audited(folder: StudyFolder) -> int:
    return sum(
        trial.status == "ok"
        for candidate in folded(folder).candidates
        for trial in candidate.audits
    )
