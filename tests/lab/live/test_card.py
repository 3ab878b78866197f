"""A card has everything about a candidate, from the records that there are."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.by_hand import BASELINE, BETTER, append, ok
from tests.lab.live.screen import add_points, watching
from workbench.errors import StudyError
from workbench.lab.live.card import describe_card, read_files
from workbench.lab.live.follower import Follower
from workbench.lab.live.protocol import Card
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.recognise.logs import Reading
from workbench.records import Candidate, Decision, Trial, TrialStarted
from workbench.show import views
from workbench.verbs import log_import


def follow(folder: StudyFolder) -> Follower:
    follower = Follower(Journal(folder))
    follower.advance()
    return follower


def test_it_is_what_show_says_and_more(folder: StudyFolder) -> None:
    now = follow(folder)
    card = describe_card(now, 1, 3)
    view = views.show(now.study, now.journal, 1)
    for name in (
        "candidate",
        "parent",
        "author",
        "hypothesis",
        "status",
        "score",
        "added",
        "removed",
        "curves",
    ):
        assert card[name] == view[name]
    assert card.keys() == Card.__annotations__.keys()
    assert (card["program"], card["parent_program"]) == (BETTER.digest, BASELINE.digest)
    assert (card["cost"]["usd"], card["metrics"]) == (0.5, {"loss": 0.8})
    (decision,) = card["decisions"]
    assert (decision["verdict"], decision["effect"], decision["interval"], decision["against"]) == (
        "keep",
        0.3,
        (0.1, 0.5),
        0,
    )
    assert decision["at"] > 0
    hunks = [part for file in card["files"] for part in file["parts"] if part["type"] == "hunk"]
    assert [(hunk["id"], hunk["header"], hunk["state"]) for hunk in hunks] == [
        (one["id"], one["header"], "open") for one in view["hunks"]
    ]


def test_the_states_of_hunks_follow_the_decision(folder: StudyFolder) -> None:
    now = follow(folder)

    def states() -> list[str]:
        return [
            part["state"]
            for file in describe_card(now, 1, 3)["files"]
            for part in file["parts"]
            if part["type"] == "hunk"
        ]

    assert states() == ["open", "open"]
    revise = Decision(candidate=1, verdict="revise", by="person", hunks=(2,), request="r")
    append(
        folder,
        revise,
        Candidate(
            candidate=5, parent=0, program=BETTER.digest, author="person", revises=1, request="r"
        ),
    )
    now.advance()
    assert states() == ["rejected", "accepted"]
    assert describe_card(now, 1, 3)["revised_by"] == 5


def test_it_says_whether_a_veto_can_be_taken_back(folder: StudyFolder) -> None:
    untried = Candidate(candidate=5, parent=1, program=BETTER.digest, author="tuner")
    append(folder, untried, replace(untried, candidate=6, parent=5))
    now = follow(folder)
    assert not describe_card(now, 5, 3)["can_be_tried"]
    append(
        folder,
        *(Decision(candidate=number, verdict="discard", by="person") for number in (4, 5, 6)),
    )
    now.advance()
    can = [describe_card(now, number, 3)["can_be_tried"] for number in (2, 3, 4, 5, 6)]
    assert can == [
        False,
        False,
        False,
        True,
        False,
    ]  # a policy's, a failure, one with a score, an untried one, one made from a vetoed one


def test_trials_of_the_search_and_of_audits_are_listed_in_order(folder: StudyFolder) -> None:
    append(
        folder,
        TrialStarted(candidate=1, trial=1, seed=9, purpose="audit"),
        ok(1, 1, 0.75, purpose="audit", device="cuda:0"),
    )
    listed = describe_card(follow(folder), 1, 3)["trial_list"]
    assert [(one["trial"], one["purpose"], one["device"]) for one in listed] == [
        (0, "", ""),
        (1, "audit", "cuda:0"),
    ]


def test_what_a_veto_would_take_along(folder: StudyFolder) -> None:
    assert describe_card(follow(folder), 1, 3)["descendants"] == [4]
    assert describe_card(follow(folder), 4, 3)["descendants"] == []


def test_the_end_of_the_log_is_safe_to_look_at(folder: StudyFolder) -> None:
    place = folder.trial(3, 0)
    place.mkdir(parents=True)
    (place / "log.txt").write_bytes(
        b"first line\n" + b"x" * 20_000 + b"\n\x1b[31mred\x1b[0m \xe2\x80\xae\xff the end\n"
    )
    log = describe_card(follow(folder), 3, 3)["log"]
    assert len(log) == 4000
    assert log.endswith("\nred <U+202E>\N{REPLACEMENT CHARACTER} the end\n")


def test_a_running_candidate_names_its_curves(folder: StudyFolder) -> None:
    append(folder, TrialStarted(candidate=4, trial=1, seed=9))
    add_points(folder, 4, 1, range(3))
    assert describe_card(follow(folder), 4, 3)["curves"] == ["train_loss"]


def test_the_baseline_and_a_failure_have_cards(folder: StudyFolder) -> None:
    now = follow(folder)
    assert (describe_card(now, 0, 3)["files"], describe_card(now, 0, 3)["parent_program"]) == (
        [],
        None,
    )
    assert [trial["reason"] for trial in describe_card(now, 3, 3)["trial_list"]] == ["TypeError"]


def test_files_are_as_they_are(folder: StudyFolder) -> None:
    assert read_files(follow(folder), 1) == dict(BETTER.files)


def test_who_is_not_there_is_said(folder: StudyFolder) -> None:
    with pytest.raises(StudyError, match="no candidate 99"):
        describe_card(follow(folder), 99, 3)
    with watching(folder) as (feed, screen):
        feed.receive({"type": "card", "candidate": 99, "context": 3})
        feed.receive({"type": "files", "candidate": 99})
        screen.wait_for(lambda: len(screen.of("error")) == 2)
        assert {(one["about"], one["candidate"]) for one in screen.of("error")} == {
            ("card", 99),
            ("files", 99),
        }
        feed.receive({"type": "files", "candidate": 1})
        screen.wait_for(lambda: screen.of("files"))
        assert screen.of("files")[0]["files"] == dict(BETTER.files)


def test_an_imported_row_has_a_card_without_a_diff(tmp_path: Path) -> None:
    log = tmp_path / "results.tsv"
    log.write_text(
        "commit\tval_bpb\tmemory_gb\tstatus\tdescription\n"
        "a1\t1.0\t44.0\tkeep\tbaseline\n"
        "b2\t0.9\t44.2\tkeep\tmore heads\n"
    )
    folder = log_import.import_log(log, Reading(), root=tmp_path).folder
    card = describe_card(follow(folder), 1, 3)
    assert (card["files"], card["score"], card["self_reported"]) == ([], 0.9, True)
    with watching(folder) as (feed, screen):
        assert screen.of("snapshot")[0]["study"]["read_only"]
        feed.receive({"type": "files", "candidate": 1})
        feed.receive(
            {"type": "request", "decision_id": "a" * 32, "verb": "reject", "body": {"candidate": 1}}
        )
        screen.wait_for(lambda: len(screen.of("error")) == 2)
        assert any(
            "read-only" in one["message"] and one.get("decision_id") == "a" * 32
            for one in screen.of("error")
        )


def test_a_trial_without_a_score_is_no_zero(folder: StudyFolder) -> None:
    append(folder, Trial(candidate=4, trial=1, seed=3, status="timeout", reason="60 s are over"))
    assert [trial["score"] for trial in describe_card(follow(folder), 4, 3)["trial_list"]] == [
        0.7,
        None,
    ]
