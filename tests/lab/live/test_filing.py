"""A click is stored durably and once, or refused with one line.

A loop answers it, whether one was alive or not.
"""

import math
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import RECORDS, make_study
from tests.lab.live.screen import Screen, watching
from workbench.errors import UsageError
from workbench.lab.live import filing
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.lease import Lease
from workbench.records import Adopted
from workbench.requests import BY_VERB
from workbench.verbs import table

ID = "0123456789abcdef"


def requests(folder: StudyFolder) -> list[tuple[str, str, dict[str, Any]]]:
    with Journal(folder) as journal:
        return [(one.id, one.verb, dict(one.body)) for one in journal.read_requests(0)]


def test_screens_are_offered_every_request_but_the_record_of_a_reproduction() -> None:
    assert set(BY_VERB) - set(table.list_names("screens")) == {"reproduction"}
    assert set(table.list_names("screens")) - set(BY_VERB) == set()


def test_the_same_id_is_stored_once(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    for _ in range(3):
        filing.file(folder, ID, "reject", {"candidate": 4, "reason": "no"})
    assert requests(folder) == [(ID, "reject", {"candidate": 4, "reason": "no"})]


def test_many_threads_at_once_store_all(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    threads = [
        threading.Thread(target=filing.file, args=(folder, f"{ID}{n}", "guide", {"text": str(n)}))
        for n in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {body["text"] for _, _, body in requests(folder)} == {str(n) for n in range(8)}


def test_values_of_set_are_read_as_on_the_command_line(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    filing.file(folder, ID, "set", {"key": "time", "value": "2h"})
    assert requests(folder) == [(ID, "set", {"key": "seconds", "value": 7200.0})]


@pytest.mark.parametrize(
    ("decision_id", "verb", "body", "says"),
    [
        ("short", "pause", {}, "8 to 64"),
        ("../../etc/passwd", "pause", {}, "8 to 64"),
        (None, "pause", {}, "8 to 64"),
        (ID, "reproduction", {"candidate": 1}, "screens cannot file 'reproduction'"),
        (ID, ["pause"], {}, "screens cannot file"),
        (ID, "pause", [], "must be an object"),
        (ID, "pause", {"soon": True}, "no field 'soon'"),
        (ID, "accept", {}, "accept: candidate is missing"),
        (ID, "accept", {"candidate": True}, "candidate must be a whole number"),
        (ID, "accept", {"candidate": 1, "run": True}, "no field 'run'"),
        (ID, "guide", {"text": " "}, "1 to 4000"),
        (ID, "ban", {"text": "x" * 4001}, "1 to 4000"),
        (ID, "reject", {"candidate": 1, "reason": math.nan}, "reason must be a text"),
        (ID, "edit", {"candidate": 1, "files": {"a.py": "x" * filing.MAX_BYTES}}, "at most"),
        (ID, "reject", {"candidate": 1, "reason": "x" * filing.MAX_BYTES}, "at most 8,388,608 byt"),
        (ID, "edit", {"candidate": 3, "files": ["cell.py"]}, "an object whose values are texts"),
        (ID, "edit", {"candidate": 3, "files": {"cell.py": 1}}, "an object whose values are texts"),
        (ID, "edit", {"candidate": 3}, "an object whose values are texts"),
        (ID, "accept", {"candidate": 3, "hunks": "1,3"}, "hunks must be a list of whole numbers"),
        (ID, "accept", {"candidate": 3, "hunks": [[1]]}, "hunks must be a list of whole numbers"),
        (ID, "accept", {"candidate": 3, "hunks": [1], "rejected": [1]}, "both kept and rejected"),
        (ID, "set", {"key": "slots", "value": 3}, "cannot change"),
        (ID, "set", {"key": "candidates", "value": "many"}, "must be a number"),
        (ID, "set", {"key": "max_usd", "value": "nan"}, "at least 0"),
        (ID, "set", {"key": "time", "value": "inf"}, "not a time"),
        (ID, "set", {"key": "max_usd", "value": 10**400}, "must be a finite number or a text"),
    ],
)
def test_what_cannot_be_is_refused_and_not_stored(
    tmp_path: Path, decision_id: Any, verb: Any, body: Any, says: str
) -> None:
    folder = make_study(tmp_path)
    with pytest.raises(UsageError, match=says):
        filing.file(folder, decision_id, verb, body)
    assert requests(folder) == []


def test_a_click_on_a_study_without_a_loop_is_adopted_by_one_that_is_started(
    tmp_path: Path,
) -> None:
    folder = make_study(tmp_path)
    with watching(folder) as (feed, screen):
        for number in range(3):
            body = {"text": f"idea {number}"}
            feed.receive(
                {"type": "request", "decision_id": f"{ID}{number}", "verb": "guide", "body": body}
            )
        assert [one["decision_id"] for one in screen.of("filed")] == [
            f"{ID}{number}" for number in range(3)
        ]
        screen.wait_for(lambda: len(screen.of("answered")) == 3)
        assert all(one["adopted"] for one in screen.of("answered"))
        screen.wait_for(
            lambda: screen.of("changes")[-1]["state"]["guidance"] == ["idea 0", "idea 1", "idea 2"]
        )
        screen.wait_for(lambda: lease.find_holder(folder) is None)
    with Journal(folder) as journal:
        records = [entry.record for entry in journal.read_entries()]
    assert sum(isinstance(record, Adopted) for record in records) == 3


def test_a_loop_that_is_alive_is_left_to_answer_and_its_silence_is_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(filing, "PATIENCE_SECONDS", 0.5)
    folder, said = make_study(tmp_path, "silent-1", RECORDS), list[str]()
    with Lease(folder):
        filing.file(folder, ID, "pause", {})
        for _ in range(3):
            filing.ensure_loop(folder, said.append)
        assert sum(thread.name == f"revive {folder.name}" for thread in threading.enumerate()) == 1
        Screen().wait_for(lambda: said)
    assert "no answer yet" in said[0]
    assert not folder.loop_log.exists()  # no loop was started


def test_a_loop_that_cannot_start_is_said(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RECORDS)
    (folder.experiment / "experiment.toml").write_text("broken")
    screen = Screen()
    filing.file(folder, ID, "guide", {"text": "x"})
    filing.ensure_loop(
        folder, lambda line: screen.messages.append({"type": "error", "message": line})
    )
    screen.wait_for(lambda: screen.of("error"), 60)
    assert "did not start" in screen.of("error")[0]["message"]
    assert requests(folder) == [(ID, "guide", {"text": "x"})]
