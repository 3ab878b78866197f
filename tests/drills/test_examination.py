"""kill -9 in the middle of an audit: no trial is lost or run twice, and the audit ends."""

import os
import signal
from pathlib import Path

from tests.drills.toy import check_history, make_study
from tests.studies import folded, read
from tests.waiting import until
from workbench.ledger.folder import StudyFolder
from workbench.ledger.lease import find_holder
from workbench.records import Audit
from workbench.requests import Accept, RunAudit
from workbench.verbs import examine, loop_process
from workbench.verbs.handle import StudyHandle


def test_an_audit_survives_the_death_of_its_loop(tmp_path: Path) -> None:
    folder = make_study(tmp_path, candidates=1)
    loop_process.spawn(folder)
    until(lambda: folded(folder).state == "finished" and find_holder(folder) is None)
    loop_process.ask(folder, Accept(candidate=1))
    loop_process.ask(folder, RunAudit(trials=8))
    acknowledged = []
    for n in (1, 3, 5):
        until(lambda n=n: count_audit_trials(folder) >= n)  # type: ignore[misc]
        loop = find_holder(folder)
        assert loop is not None, "the loop ended before it was killed"
        acknowledged.append(read(folder))
        os.kill(loop, signal.SIGKILL)
        until(lambda: find_holder(folder) is None)
        loop_process.spawn(folder)
    with StudyHandle(folder) as study:
        request = next(iter(study.study.examinations.pending)).request
        assert examine.ask(folder, lambda: study.study, RunAudit(trials=8)) == request, (
            "asking again continues the audit that is under way"
        )
        examine.wait(folder, lambda: study.study, request)
    final = read(folder)
    check_history(final, acknowledged)
    study = folded(folder)
    assert (study.state, study.examinations.pending) == ("finished", [])
    assert sum(isinstance(entry.record, Audit) for entry in final) == 1
    for candidate in study.candidates:
        assert {trial.seed for trial in candidate.audits if trial.status == "ok"} == set(
            study.examinations.audits[0].evidence.seeds
        )


def count_audit_trials(folder: StudyFolder) -> int:
    return sum(
        trial.status == "ok"
        for candidate in folded(folder).candidates
        for trial in candidate.audits
    )
