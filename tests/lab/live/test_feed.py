"""A screen soon has what the journal says: rows, curves, answers, whatever happens in between."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import RECORDS, WAITING, append, make_study, ok
from tests.lab.live.screen import HELLO, Screen, add_points, watching
from workbench.lab.live.feed import Feed
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Pen
from workbench.ledger.lease import Lease
from workbench.records import Adopted, Candidate, Decision, Refused, StateChanged, TrialStarted
from workbench.show import views
from workbench.verbs.handle import StudyHandle

RUNNING = (*RECORDS, TrialStarted(candidate=4, trial=1, seed=101))


def fifth(**fields: Any) -> Candidate:
    return Candidate(candidate=5, parent=1, program=WAITING.digest, **{"author": "tuner", **fields})


def end_trial(folder: StudyFolder, number: int, trial: int) -> None:
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        pen.end_trial(ok(number, trial, 0.6), number, trial)


def test_a_snapshot_is_what_status_and_log_say(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    with watching(folder) as (_, screen), StudyHandle(folder) as study:
        snapshot = screen.of("snapshot")[0]
        status = study.status().data
        for name in ("state", "reason", "baseline", "best", "sandbox", "proposals"):
            assert snapshot["state"][name] == status[name]
        assert snapshot["state"]["waiting"] == [4]
        assert (
            snapshot["state"]["counts"]["kept"] == status["counts"]["kept"] == 1
        )  # the baseline is not counted
        assert snapshot["state"]["counts"]["candidates"] == 4
        assert snapshot["study"]["opened_at"] == study.study.opened_at
        columns = snapshot["columns"]
        for number, entry in enumerate(views.log(study.study)):
            for name in ("candidate", "parent", "status", "score", "author", "added", "removed"):
                assert columns[name][number] == entry[name]
        assert columns["hypothesis"][1] == "a lower rate helps"
        assert (columns["effect"][1], columns["low"][1], columns["high"][1]) == (0.3, 0.1, 0.5)


def test_only_what_was_touched_is_sent_again(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RECORDS)
    with watching(folder) as (_, screen):
        append(folder, fifth(hypothesis="once more"), TrialStarted(candidate=5, trial=0, seed=7))
        screen.wait_for(lambda: screen.of("changes"))
        sent = screen.of("changes")
        assert {row["candidate"] for change in sent for row in change["rows"]} == {5}
        running = sent[-1]["state"]["running"]
        assert [(one["candidate"], one["trial"], one["seed"]) for one in running] == [(5, 0, 7)]
        assert abs(running[0]["started_at"] - time.time()) < 60
        append(folder, Decision(candidate=4, verdict="keep", by="person", why="good"))
        screen.wait_for(lambda: screen.of("changes")[-1]["state"]["incumbent"] == 4)
        assert screen.last_row(4)["status"] == "kept"


def test_a_pinned_candidate_changes_its_row(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    with watching(folder) as (_, screen):
        append(folder, Adopted(request="r", sequence=1, verb="pin", body={"candidate": 1}))
        screen.wait_for(lambda: screen.of("changes"))
        assert screen.last_row(1)["pinned"]


def test_a_dead_loop_is_said_although_it_wrote_nothing(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RECORDS)
    lease = Lease(folder).__enter__()
    with watching(folder) as (_, screen):
        assert (
            screen.of("snapshot")[0]["state"]["state"],
            screen.of("snapshot")[0]["state"]["alive"],
        ) == ("running", True)
        lease.__exit__(None, None, None)
        screen.wait_for(lambda: screen.of("changes"))
        assert (
            screen.of("changes")[0]["state"]["state"],
            screen.of("changes")[0]["state"]["alive"],
        ) == ("dead", False)


def test_curves_of_a_running_trial_grow_and_end(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RUNNING)
    add_points(folder, 4, 1, range(5))
    with watching(folder) as (_, screen):
        screen.wait_for(lambda: len(screen.curve(4, 1)) == 5)
        add_points(folder, 4, 1, range(5, 8))
        screen.wait_for(lambda: len(screen.curve(4, 1)) == 8)
        assert next(iter(screen.series.values()))["running"]
        add_points(folder, 4, 1, range(8, 10))
        end_trial(folder, 4, 1)  # what was not seen live comes out of the finished curve
        screen.wait_for(lambda: not next(iter(screen.series.values()))["running"])
        screen.wait_for(lambda: len(screen.curve(4, 1)) == 10)
        expected = [(float(step), pytest.approx(1 / (step + 1), rel=1e-5)) for step in range(10)]
        assert screen.curve(4, 1) == expected


def test_finished_curves_come_for_the_incumbent_and_for_what_is_watched(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RECORDS)
    for number in (1, 2):
        append(folder, TrialStarted(candidate=number, trial=1, seed=9))
        add_points(folder, number, 1, range(6))
        end_trial(folder, number, 1)
    with watching(folder) as (feed, screen):
        screen.wait_for(lambda: len(screen.curve(1, 1)) == 6)
        assert not screen.curve(2, 1)
        feed.receive({"type": "watch", "candidates": [2, 99]})
        screen.wait_for(lambda: len(screen.curve(2, 1)) == 6)
        ids = {series["id"]: series["candidate"] for series in screen.series.values()}
        feed.receive(HELLO)
        screen.wait_for(
            lambda: (
                len(screen.of("snapshot")) == 2
                and len(screen.curve(1, 1)) == len(screen.curve(2, 1)) == 6
            )
        )
        assert {series["id"]: series["candidate"] for series in screen.series.values()} == ids


def test_a_long_curve_is_thinned_and_keeps_its_ends(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RUNNING)
    add_points(folder, 4, 1, range(9000))
    with watching(folder) as (_, screen):
        screen.wait_for(lambda: screen.curve(4, 1))
        assert len(screen.curve(4, 1)) <= 2000
        assert (screen.curve(4, 1)[0][0], screen.curve(4, 1)[-1][0]) == (0.0, 8999.0)
        add_points(folder, 4, 1, range(9000, 9003))
        screen.wait_for(lambda: screen.curve(4, 1)[-3:][0][0] == 9000.0)


def test_curves_that_are_not_watched_are_given_up(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RECORDS)
    with watching(folder) as (_, screen):
        for trial in range(1, 22):
            append(folder, TrialStarted(candidate=4, trial=trial, seed=200 + trial))
            add_points(folder, 4, trial, range(3))
            screen.wait_for(lambda trial=trial: screen.curve(4, trial))
            end_trial(folder, 4, trial)
        screen.wait_for(lambda: screen.of("gone"))
        first = next(one["id"] for one in screen.series.values() if one["trial"] == 1)
        assert screen.of("gone")[0]["series"][0] == first


def test_a_slow_receiver_gets_fewer_messages_and_the_newest_state(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RUNNING)
    with watching(folder) as (_, screen):
        screen.gate.clear()
        for step in range(40):
            add_points(folder, 4, 1, range(step, step + 1))
            append(folder, StateChanged(state="paused", reason=f"step {step}"))
            time.sleep(0.02)
        before = len(screen.messages)
        screen.gate.set()
        screen.wait_for(lambda: len(screen.curve(4, 1)) == 40)
        screen.wait_for(lambda: screen.of("changes")[-1]["state"]["reason"] == "step 39")
        assert len(screen.messages) - before < 20


def test_answers_come_for_new_requests_and_for_those_that_a_screen_still_waits_for(
    tmp_path: Path,
) -> None:
    folder = make_study(tmp_path)
    old = Adopted(request="old-one", sequence=1, verb="guide", body={"text": "x"})
    append(folder, old, Refused(request="old-two", sequence=2, verb="pin", reason="not kept"))
    greeting = {**HELLO, "pending": ["old-one", "old-two", "never-seen"]}
    with watching(folder, greeting) as (_, screen):
        screen.wait_for(lambda: len(screen.of("answered")) == 2)
        record = fifth(author="person", revises=4, request="new-one")
        append(
            folder,
            record,
            Adopted(
                request="new-one", sequence=3, verb="accept", body={"candidate": 4, "hunks": [1]}
            ),
        )
        screen.wait_for(lambda: len(screen.of("answered")) == 3)
        answers = {answer.pop("decision_id"): answer for answer in screen.of("answered")}
        assert answers["old-one"] == {
            "type": "answered",
            "adopted": True,
            "reason": "",
            "candidate": None,
        }
        assert answers["old-two"] == {
            "type": "answered",
            "adopted": False,
            "reason": "not kept",
            "candidate": None,
        }
        assert answers["new-one"] == {
            "type": "answered",
            "adopted": True,
            "reason": "",
            "candidate": 5,
        }
        assert screen.last_row(5)["revises"] == 4  # there before the answer


def test_beats_come_while_nothing_happens(tmp_path: Path) -> None:
    with watching(make_study(tmp_path)) as (_, screen):
        screen.wait_for(lambda: len(screen.of("beat")) == 3)
        assert not screen.of("changes")


def test_hostile_texts_are_made_visible_and_short(tmp_path: Path) -> None:
    evil = "<script>alert(1)</script> \u202eevil\u200b \x1b[31mred " + "x" * 1000
    folder = make_study(tmp_path, records=RECORDS)
    record = fifth(hypothesis=evil, author=evil, flags=(evil,))
    append(
        folder,
        record,
        Decision(candidate=5, verdict="discard", by="tested", why=evil),
        StateChanged(state="paused", reason=evil),
    )
    append(folder, Adopted(request="r", sequence=1, verb="guide", body={"text": evil}))
    with watching(folder) as (feed, screen):
        feed.receive({"type": "card", "candidate": 5, "context": 3})
        screen.wait_for(lambda: screen.of("card"))
        text = json.dumps([screen.of("snapshot"), screen.of("card")], ensure_ascii=False)
        assert not set("\u202e\u200b\x1b") & set(text)
        assert "\\u001b" not in text
        columns = screen.of("snapshot")[0]["columns"]
        assert "<U+202E>evil<U+200B>" in columns["hypothesis"][5]
        assert len(columns["hypothesis"][5]) <= 300
        assert len(screen.of("card")[0]["card"]["hypothesis"]) > 900


@pytest.mark.parametrize(
    "message",
    [
        {"type": "card", "candidate": "1", "context": 3},
        {"type": "watch", "candidates": [1, "x"]},
        {"type": "no such"},
        {"type": "request", "decision_id": 5, "verb": "accept", "body": {}},
        {},
    ],
)
def test_a_malformed_message_is_answered_and_the_feed_goes_on(
    tmp_path: Path, message: dict[str, Any]
) -> None:
    with watching(make_study(tmp_path)) as (feed, screen):
        feed.receive(message)
        screen.wait_for(lambda: screen.of("error"))
        feed.receive({"type": "card", "candidate": 1, "context": 3})
        screen.wait_for(lambda: screen.of("card"))


def test_a_page_of_another_version_is_told_to_reload(tmp_path: Path) -> None:
    screen = Screen()
    Feed(make_study(tmp_path), screen.take).receive({"type": "hello", "protocol": 0, "pending": []})
    assert "reload" in screen.of("error")[0]["message"]


def test_a_study_that_goes_away_is_said_and_one_that_comes_back_is_shown(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    with watching(folder) as (feed, screen):
        shutil.copytree(folder.path, tmp_path / "copy")
    screen = Screen()
    shutil.rmtree(folder.path)
    feed = Feed(folder, screen.take)
    feed.start()
    feed.receive(HELLO)
    screen.wait_for(lambda: screen.of("error"))
    assert "no study" in screen.of("error")[0]["message"]
    shutil.copytree(tmp_path / "copy", folder.path)
    screen.wait_for(lambda: screen.of("snapshot"))
    feed.close()
    feed.join(30)


def test_a_receiver_that_is_gone_ends_the_feed(tmp_path: Path) -> None:
    def gone(message: dict[str, Any], buffer: bytes | None) -> None:
        raise ConnectionError

    feed = Feed(make_study(tmp_path), gone)
    feed.start()
    feed.receive(HELLO)
    feed.join(30)
    assert feed.closed


def test_a_study_that_began_with_no_cell_has_none_to_put_a_program_into(tmp_path: Path) -> None:
    with watching(make_study(tmp_path)) as (feed, screen):
        assert screen.of("snapshot")[0]["study"]["cell"] is False
        feed.receive({"type": "cell", "candidate": 1})
        screen.wait_for(lambda: screen.of("error"))
        (error,) = screen.of("error")
        assert (error["about"], error["candidate"]) == ("cell", 1)
        assert error["message"] == "toy-1 did not begin with a cell"
