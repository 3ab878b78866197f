"""A person's note on a candidate is shown wherever the candidate is; its text formats nothing."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.by_hand import RECORDS, append, make_study
from workbench import requests
from workbench.errors import UsageError
from workbench.lab.live.card import describe_card
from workbench.lab.live.follower import Follower
from workbench.lab.live.state import describe_row
from workbench.ledger.candidate import Note
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.records import Adopted
from workbench.show import views
from workbench.show.tables import LogView, ShowView
from workbench.steps import about
from workbench.steps.material import Material

TEXT = "try <b>this</b> with a longer warm-up"
ESCAPED = "try &lt;b>this&lt;/b> with a longer warm-up"
NOTE = requests.Note(candidate=1, text=TEXT, author="ada")


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    folder = make_study(tmp_path, records=RECORDS)
    append(folder, Adopted(request="r", sequence=1, verb="note", body=requests.to_body(NOTE)))
    return folder


def follow(folder: StudyFolder) -> Follower:
    follower = Follower(Journal(folder))
    follower.advance()
    return follower


def show_log(follower: Follower) -> str:
    return LogView(views.log(follower.study)).text()


def show_log_page(follower: Follower) -> str:
    return LogView(views.log(follower.study))._repr_html_()


def show_candidate(follower: Follower) -> str:
    return repr(ShowView(views.show(follower.study, follower.journal, 1)))


def show_row(follower: Follower) -> str:
    return "\n".join(describe_row(follower, follower.study.history(1))["notes"])


def show_card(follower: Follower) -> str:
    return "\n".join(describe_card(follower, 1, 3)["notes"])


def show_step(follower: Follower) -> str:
    material = Material(follower.journal, follower.study, follower.study.history(1))
    return about.describe(material)


def test_the_fold_keeps_author_time_and_text(folder: StudyFolder) -> None:
    study = follow(folder).study
    assert study.history(1).notes == [Note(study.last_at, "ada", TEXT)]
    assert study.history(2).notes == []


@pytest.mark.parametrize(
    ("place", "text"),
    [
        (show_log, "try"),  # a column of a terminal is narrow
        (show_log_page, "try &lt;b&gt;this&lt;/b&gt; with a longer warm-up (ada, "),
        (show_candidate, f"{TEXT} (ada, "),
        (show_row, f"{TEXT} (ada, "),
        (show_card, f"{TEXT} (ada, "),
        (show_step, f"{ESCAPED} (ada, "),
    ],
)
def test_it_is_shown_with_its_author(
    folder: StudyFolder, place: Callable[[Follower], str], text: str
) -> None:
    assert text in place(follow(folder))


def test_its_text_is_escaped_on_pages(folder: StudyFolder) -> None:
    follower = follow(folder)
    page = ShowView(views.show(follower.study, follower.journal, 1))._repr_html_()
    assert "try &lt;b&gt;this&lt;/b&gt;" in page
    assert "<b>this</b>" not in page
    assert "<b>this</b>" not in LogView(views.log(follower.study))._repr_html_()


def test_a_log_without_notes_has_no_column_for_them(tmp_path: Path) -> None:
    study = follow(make_study(tmp_path, records=RECORDS)).study
    assert "notes" not in LogView(views.log(study)).text()


def test_its_author_is_the_user_where_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "grace")
    note = requests.read("note", {"candidate": 1, "text": "slow"})
    assert note == requests.Note(candidate=1, text="slow", author="grace")
    # The journal must not ask again who it was when another user reads it.
    assert requests.to_body(note)["author"] == "grace"


@pytest.mark.parametrize("text", ["", "  ", "x" * (requests.MAX_TEXT + 1)])
def test_an_empty_or_endless_text_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="note needs a text of 1 to 4000 characters"):
        requests.Note(candidate=1, text=text)
