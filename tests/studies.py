"""Studies on disk, whoever made them and whoever runs them.

Their records, their state, their end.
"""

import os
import signal
from pathlib import Path
from typing import TypeVar

from tests.waiting import until
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.records import Entry

R = TypeVar("R")


def read(folder: StudyFolder) -> list[Entry]:
    with Journal(folder) as journal:
        return journal.read_entries()


def records(folder: StudyFolder, kind: type[R]) -> list[R]:
    """The records of one kind, in their order."""
    return [entry.record for entry in read(folder) if isinstance(entry.record, kind)]


def folded(folder: StudyFolder) -> Study:
    return Study().fold(read(folder))


def end_loops(root: Path) -> None:
    """Sends SIGTERM to every loop of a study below `root`."""
    for file in root.glob("studies/*/study.db"):
        if process := lease.find_holder(StudyFolder(file.parent)):
            os.kill(process, signal.SIGTERM)


def ended(folder: StudyFolder, seconds: float) -> Study:
    """The study, once it does not run any more and nothing holds its lease.

    What its loop said last is told where that takes longer.
    """

    def stands_still() -> bool:
        return (
            study.fold(journal.read_entries(study.last_id)).state != "running"
            and lease.find_holder(folder) is None
        )

    study = Study()
    with Journal(folder) as journal:
        until(stands_still, seconds, told=lambda: folder.last_line(folder.loop_log))
    return study
