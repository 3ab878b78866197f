"""The review card in a real browser: keys, decisions and their answers, hostile text, layouts."""

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.cards import HUNKS, assignment, card, context, decision, hunk, line, trial
from tests.browser.stage import Stage, points, row, snapshot, state


def usual_rows(waiting: tuple[int, ...] = (11, 13)) -> list[dict[str, Any]]:
    rows = [row(number) for number in range(16)]
    for number in waiting:
        rows[number] = row(number, status="waiting")
    return rows


class Review:
    """A stage with its review card open; `press` types where the focus is.

    Args:
        page: playwright's.
        cards: delivered at once.
        theme: light or dark.
        width: of the notebook cell, in pixels.
        rows: of the study; None for sixteen, with 11 and 13 waiting.
        study: facts about the study, in place of the usual ones.
        fields: of its state, in place of the usual ones.
    """

    def __init__(
        self,
        page: Any,
        cards: tuple[dict[str, Any], ...] = (),
        theme: str = "light",
        width: int = 1000,
        rows: list[dict[str, Any]] | None = None,
        study: dict[str, Any] | None = None,
        **fields: Any,
    ) -> None:
        self.page = page
        self.stage = Stage(page, theme, width, {"view": "review"})
        self.rows = usual_rows() if rows is None else rows
        message = snapshot(self.rows, **fields)
        message["study"].update(study or {})
        self.stage.deliver(message)
        for waiting in cards:
            self.show(waiting)
        self.root = page.locator(".ar-review")

    def show(self, message: dict[str, Any]) -> None:
        self.stage.deliver({"type": "card", "card": message})

    def press(self, keys: str) -> None:
        for key in keys.split():
            self.page.keyboard.press(key)

    def focus(self, number: int = 1) -> None:
        self.hunk(number).focus()

    def hunk(self, number: int) -> Any:
        return self.page.locator(f'.ar-review-hunk[data-hunk="{number}"]')

    def button(self, name: str) -> Any:
        return self.root.get_by_role("button", name=name)

    def requests(self) -> list[dict[str, Any]]:
        return self.stage.said("request")

    def sent(self) -> dict[str, Any]:
        self.stage.wait_for(lambda: bool(self.requests()))
        return self.requests()[-1]

    def answer(self, adopted: bool = True, reason: str = "", candidate: int | None = None) -> None:
        request = self.sent()["decision_id"]
        self.stage.deliver({"type": "filed", "decision_id": request})
        self.stage.deliver(
            {
                "type": "answered",
                "decision_id": request,
                "adopted": adopted,
                "reason": reason,
                "candidate": candidate,
            }
        )

    def change(self, *changed: dict[str, Any], **fields: Any) -> None:
        for new in changed:
            number = new["candidate"]
            self.rows[number : number + 1] = [new]
        self.stage.deliver(
            {"type": "changes", "state": state(self.rows, **fields), "rows": list(changed)}
        )

    def main(self) -> str:
        return (
            str(self.page.locator(".ar-review-primary").first.inner_text()).replace("⏎", "").strip()
        )

    def news(self) -> str:
        return str(self.page.locator(".ar-review-message").inner_text())

    def says(self, text: str) -> None:
        self.page.wait_for_function(
            "text => document.querySelector('.ar-review')?.innerText.includes(text)", arg=text
        )

    def focused_hunk(self) -> Any:
        return self.page.evaluate(
            "document.activeElement.closest('.ar-review-hunk')?.dataset.hunk ?? null"
        )


@pytest.fixture
def review(page: Any) -> Review:
    return Review(page, (card(11),))


def test_first_that_waits_is_asked_for_and_shown(page: Any) -> None:
    review = Review(page)
    assert review.stage.said("card") == [{"type": "card", "candidate": 11, "context": 3}]
    review.says("Loading candidate 11")
    review.show(card(11))
    review.says("1 of 2 wait")
    text = review.root.inner_text()
    for words in (
        "Candidate 11",
        "◇ waiting",
        "by tuner",
        "a higher rate learns faster",
        "val_bpb 3.7512 ± 0.0110",
        "0.0213 better than candidate 10",
        "95 % interval +0.0081 to +0.0345",
        "better than chance explains",
        "sandbox bwrap",
        "18\u2009400 tokens",
        "6 unchanged lines",
        "train.py",
    ):
        assert words in text, words
    assert review.main() == "Accept candidate"


def test_an_interval_says_how_sure_it_is_and_never_that_it_is_certain(page: Any) -> None:
    review = Review(
        page,
        (
            card(
                11,
                low=-0.6215,
                high=0.525,
                decisions=[decision(level=0.9994, interval=[-0.6215, 0.525])],
            ),
        ),
    )
    review.says("(99.94 % interval −0.6215 to +0.5250)")
    review.root.locator("summary", has_text="Evidence").click()
    expect(review.root.locator(".ar-review-facts").first).to_contain_text(
        "−0.6215 to +0.5250 (99.94 %)"
    )


def test_hunk_keys_choose_and_the_first_button_says_what_enter_does(review: Review) -> None:
    review.focus()
    review.press("a")
    assert review.main() == "Accept hunk 1 and try it"
    review.press("j j a")
    assert (review.focused_hunk(), review.main()) == ("3", "Accept hunks 1, 3 and try them")
    assert "leaves out hunks 2, 4" in review.root.inner_text()
    review.press("k r")
    assert review.hunk(2).get_attribute("data-state") == "rejected"
    assert "✕ rejected" in review.hunk(2).inner_text()
    assert review.page.locator(".ar-review [aria-live]").text_content() == "hunk 2 of 4 rejected"
    review.press("u u")
    assert (review.focused_hunk(), review.main()) == ("3", "Accept hunk 1 and try it")
    review.press("a Enter")
    assert review.sent()["verb"] == "accept"
    assert review.sent()["body"] == {
        "candidate": 11,
        "program": "digest11",
        "hunks": [1, 3],
        "reason": "",
    }


def test_to_reject_a_hunk_is_a_rejection_in_the_request(review: Review) -> None:
    review.button("Reject hunk 2").click()
    assert "rejects hunk 2" in review.root.inner_text()
    review.focus()
    review.press("a Enter")
    assert review.sent()["verb"] == "accept"
    assert review.sent()["body"] == {
        "candidate": 11,
        "program": "digest11",
        "hunks": [1],
        "rejected": [2],
        "reason": "",
    }


def test_rejecting_one_hunk_accepts_the_rest_and_rejecting_all_rejects_it(review: Review) -> None:
    review.focus(2)
    review.press("r")
    assert review.main() == "Accept hunks 1, 3, 4 and try them"
    review.press("k r j j r j r")
    assert review.main() == "Reject candidate"
    review.press("Enter")
    assert (review.sent()["verb"], review.sent()["body"]) == (
        "reject",
        {"candidate": 11, "program": "digest11", "reason": ""},
    )


def test_accepting_every_hunk_is_accepting_the_candidate(review: Review) -> None:
    review.focus()
    review.press("a j a j a j a")
    assert review.main() == "Accept candidate"
    review.press("Enter")
    assert "hunks" not in review.sent()["body"]


@pytest.mark.parametrize(
    ("key", "verb"), [("Shift+A", "accept"), ("Shift+R", "reject"), ("Enter", "accept")]
)
def test_keys_for_the_whole_candidate_send_its_reason(review: Review, key: str, verb: str) -> None:
    review.root.get_by_label("reason").fill("because <b>")
    review.focus()
    review.press(key)
    assert (review.sent()["verb"], review.sent()["body"]) == (
        verb,
        {"candidate": 11, "program": "digest11", "reason": "because <b>"},
    )


def test_caps_lock_never_turns_one_hunk_into_all(review: Review) -> None:
    review.focus()
    review.press("A")  # the capital without the shift key
    assert (review.main(), review.requests()) == ("Accept hunk 1 and try it", [])


def test_typing_a_reason_decides_nothing_and_escape_leaves_it(review: Review) -> None:
    review.root.get_by_label("reason").click()
    review.page.keyboard.type("arjkuARnpe?")
    review.press("Enter")
    assert review.root.get_by_label("reason").input_value() == "arjkuARnpe?"
    assert (review.requests(), review.main()) == ([], "Accept candidate")
    review.press("Escape")
    assert review.focused_hunk() == "1"


def test_keys_stay_inside_the_card_and_modifiers_are_left_alone(review: Review) -> None:
    review.page.evaluate(
        """window.outside = [];
        document.addEventListener('keydown', ({key, defaultPrevented}) => {
          outside.push(key + defaultPrevented);
        });"""
    )
    review.focus()
    review.press("j k a r u n p s ? ? Escape")
    assert review.page.evaluate("outside") == []
    review.press("Control+a x")
    assert review.page.evaluate("outside") == ["Controlfalse", "afalse", "xfalse"]


def test_every_focusable_element_keeps_the_notebook_shortcuts_away(review: Review) -> None:
    review.focus()
    review.press("e")
    review.stage.deliver({"type": "files", "candidate": 11, "files": {"train.py": "x = 1\n"}})
    review.root.locator("textarea").wait_for()
    unprotected = review.root.evaluate(
        """root => [root, ...root.querySelectorAll('*')]
          .filter(element => element.tabIndex >= 0 || element.hasAttribute('tabindex'))
          .filter(element => element.dataset.lmSuppressShortcuts !== 'true')
          .map(element => element.outerHTML.slice(0, 80))"""
    )
    assert unprotected == []


def test_only_the_current_hunk_is_a_tab_stop(review: Review) -> None:
    review.focus()
    review.press("j")
    stops = review.page.evaluate(
        "[...document.querySelectorAll('.ar-review-hunk, .ar-review-hunk button')]"
        ".map(element => element.tabIndex)"
    )
    assert stops == [-1] * 3 + [0] * 3 + [-1] * 6


def test_question_mark_lists_the_keys_and_escape_closes_the_list(review: Review) -> None:
    review.focus()
    review.press("?")
    assert "undo the last choice" in review.root.get_by_role("region", name="keys").inner_text()
    review.press("Escape")
    assert review.root.get_by_role("region", name="keys").count() == 0


def test_a_decision_is_pending_until_adopted_and_then_the_next_one_comes_up(review: Review) -> None:
    review.focus()
    review.press("Enter")
    review.says("Sending")
    assert review.main() == "Accept candidate"
    assert review.page.locator(".ar-review-primary").first.is_disabled()
    review.press("Enter Shift+R a")
    assert len(review.requests()) == 1
    review.stage.deliver({"type": "filed", "decision_id": review.sent()["decision_id"]})
    review.says("Recorded; waiting for the loop")
    assert "Candidate 11 accepted" not in review.root.inner_text()
    review.answer()
    review.change(row(11, status="kept", why="accepted"))
    review.says("Candidate 11 accepted: kept")
    expect(review.root.get_by_role("log", name="adopted decisions")).not_to_contain_text(
        "kept: accepted"
    )
    review.says("1 of 1 waits")
    review.show(card(13))
    review.says("Candidate 13")
    assert review.focused_hunk() == "1"
    review.show(card(11, status="kept"))
    review.button("Undo …").click()
    review.says("Veto candidate")
    assert len(review.requests()) == 1


def untried_card(**fields: Any) -> dict[str, Any]:
    """Candidate 11 before its first trial; it waits to be let run, unless the fields say more."""
    question = decision(
        before_run=True,
        effect=None,
        interval=None,
        by="review",
        why="waits for a person before it runs",
    )
    usual = {
        "score": None,
        "spread": None,
        "effect": None,
        "low": None,
        "high": None,
        "trials": 0,
        "trial_list": [],
        "decisions": [question],
    }
    return card(11, **{**usual, **fields})


def test_a_rejection_before_it_ran_is_undone_by_one_click(page: Any) -> None:
    review = Review(page, (untried_card(),))
    review.focus()
    review.press("Shift+R")
    review.answer()
    review.show(card(13))
    gone = {"status": "discarded", "score": None, "why": "rejected", "vetoed": True}
    review.change(row(11, **gone))
    notices = review.root.get_by_role("log", name="adopted decisions")
    expect(notices).to_have_text("Candidate 11 rejected ×", use_inner_text=True)
    review.show(untried_card(status="discarded", can_be_tried=True))
    expect(review.root.locator("h3")).to_have_text("Candidate 13")
    review.root.get_by_role("button", name="Undo", exact=True).click()
    review.stage.wait_for(lambda: len(review.requests()) == 2)
    assert (review.sent()["verb"], review.sent()["body"]) == (
        "accept",
        {"candidate": 11, "program": "digest11"},
    )
    review.change(row(11, status="waiting", score=None))
    review.answer()
    review.show(untried_card())
    expect(notices).to_have_text("Decision about candidate 11 taken back: waits for you Show it×")
    expect(review.root.locator("h3")).to_have_text("Candidate 11")
    assert review.main() == "Let it run"
    expect(review.button("Reject candidate")).to_be_enabled()


def test_undo_is_offered_only_where_it_can_be_done(review: Review) -> None:
    undo, notices = review.button("Undo"), review.root.get_by_role("log", name="adopted decisions")
    review.focus()
    review.press("Enter")
    review.answer()
    expect(undo).to_be_hidden()  # of what it is now nothing is known yet
    review.change(row(11, status="kept", why="accepted"))
    review.show(card(11, status="kept"))
    expect(undo).to_have_text("Undo …")
    review.change(row(11, status="discarded", why="worse than candidate 10"))
    review.show(card(11, status="discarded"))
    expect(notices).to_contain_text("Candidate 11 accepted: discarded: worse than candidate 10")
    expect(undo).to_be_hidden()


def test_a_rejection_says_its_reason_once(review: Review) -> None:
    review.root.get_by_label("reason").fill("too bold")
    review.button("Reject candidate").click()
    review.answer()
    review.change(row(11, status="discarded", why="too bold"))
    review.show(card(11, status="discarded"))
    expect(review.root.get_by_role("log", name="adopted decisions")).to_have_text(
        "Candidate 11 rejected: too bold Undo …×"
    )


def test_a_refused_decision_says_why_and_keeps_the_choice(review: Review) -> None:
    review.focus()
    review.press("a Enter")
    review.answer(adopted=False, reason="these hunks alone are candidate 9")
    review.says("Refused: these hunks alone are candidate 9. Your choice is kept.")
    assert review.main() == "Accept hunk 1 and try it"
    assert review.hunk(1).get_attribute("data-state") == "accepted"
    review.press("j a Enter")
    review.stage.wait_for(lambda: len(review.requests()) == 2)
    assert review.sent()["body"]["hunks"] == [1, 2]


def test_a_late_decision_is_shown_as_disconnected_and_sent_again_under_its_own_id(
    review: Review,
) -> None:
    review.focus()
    review.press("Enter")
    review.says("Disconnected: this decision is not stored")
    assert "%autoresearch attach toy-1" in review.news()
    review.button("Send again").click()
    review.stage.wait_for(lambda: len(review.requests()) == 2)
    assert review.requests()[0] == review.requests()[1]
    review.answer()
    review.says("Candidate 11 accepted")


def test_progress_of_some_hunks_is_shown_in_place(review: Review) -> None:
    review.focus()
    review.press("a Enter")
    review.answer(candidate=16)
    review.says("Your hunks of candidate 11 are candidate 16: recorded")
    assert "Candidate 11" in review.root.locator("h3").inner_text()
    running = [{"candidate": 16, "trial": 1, "seed": 5, "started_at": 1.0}]
    review.change(
        row(11, status="revised"),
        row(16, status="running", author="person", revises=11),
        running=running,
    )
    review.says("candidate 16: running, trial 2")
    review.change(row(16, status="discarded", why="worse on its first trial"))
    review.says("candidate 16: discarded: worse on its first trial")
    review.button("Show it").click()
    assert review.stage.said("card")[-1]["candidate"] == 16


def test_n_and_p_walk_through_what_waits_and_choices_are_kept(page: Any) -> None:
    review = Review(page, (card(11), card(13)))
    review.focus()
    review.press("a n")
    review.says("2 of 2 wait")
    assert "Candidate 13" in review.root.locator("h3").inner_text()
    assert review.main() == "Accept candidate"
    review.press("p")
    assert "Candidate 11" in review.root.locator("h3").inner_text()
    assert review.main() == "Accept hunk 1 and try it"


def test_a_veto_that_takes_others_with_it_asks_once(page: Any) -> None:
    review = Review(page, (card(11, status="kept", descendants=[12, 14]),))
    review.focus()
    review.press("Enter")
    assert review.requests() == []
    review.press("Shift+R")
    review.says("Veto candidate? 2 candidates made from it fall with it: 12, 14.")
    review.press("Escape")
    assert review.requests() == []
    review.press("Shift+R")
    review.button("Yes, all of them").click()
    assert review.sent()["verb"] == "reject"


@pytest.mark.parametrize(
    ("fields", "labels"),
    [
        (
            {
                "decisions": [
                    decision(before_run=True, effect=None, interval=None, why="review = all")
                ]
            },
            {"Let it run", "Reject candidate"},
        ),
        ({"status": "kept"}, {"Veto candidate"}),
        ({"status": "discarded"}, {"Keep it anyway"}),
        ({"status": "discarded", "score": None}, set()),
        ({"status": "discarded", "score": None, "can_be_tried": True}, {"Take the decision back"}),
        ({"status": "failed", "score": None}, set()),
        ({"status": "running", "score": None}, {"Reject candidate"}),
        ({"status": "provisional"}, {"Keep it now", "Reject candidate"}),
    ],
)
def test_what_can_be_decided_follows_from_the_status(
    page: Any, fields: dict[str, Any], labels: set[str]
) -> None:
    review = Review(page, (card(11, **fields),))
    offered = {
        text.split(" ⏎")[0].strip()
        for text in review.page.locator(
            ".ar-review-bar button:visible span:first-child"
        ).all_inner_texts()
    }
    assert offered == labels
    review.focus()
    review.press("a")
    assert review.main() == "Accept hunk 1 and try it"


def test_an_imported_log_has_no_buttons_and_says_why(page: Any) -> None:
    review = Review(page, (card(11, status="kept"),), study={"read_only": True})
    review.says("This is an imported log")
    assert review.page.locator(".ar-review-bar button:visible").count() == 0
    assert review.page.locator(".ar-review-hunk button").count() == 0
    review.focus()
    review.press("a r Enter Shift+A Shift+R e")
    assert review.requests() == []


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        ("keeps", "What would be kept appears here"),
        ("off", "Review is off: the loop decides alone"),
    ],
)
def test_with_nothing_to_review_it_says_so(page: Any, mode: str, words: str) -> None:
    usual = state()["options"]
    review = Review(page, rows=usual_rows(waiting=()), options={**usual, "review": mode})
    review.says(words)


def test_edit_by_hand_sends_only_changed_files(review: Review) -> None:
    review.focus()
    review.press("e")
    assert review.stage.said("files") == [{"type": "files", "candidate": 11}]
    files = {"train.py": "rate = 1\r\ndepth = 2\r\n", "model.py": "x = 1\n\u202e"}
    review.stage.deliver({"type": "files", "candidate": 11, "files": files})
    field = review.root.get_by_role("textbox", name="train.py")
    field.wait_for()
    assert review.page.evaluate("document.activeElement.tagName") == "TEXTAREA"
    assert review.button("Try my version").is_disabled()
    review.says("1 invisible or direction-changing character")
    review.press("Control+Home Tab")
    review.page.keyboard.type("arjn")
    assert field.input_value() == "    arjnrate = 1\ndepth = 2\n"
    review.press("Escape Enter")
    assert review.sent()["verb"] == "edit"
    assert review.sent()["body"] == {
        "candidate": 11,
        "program": "digest11",
        "files": {"train.py": "    arjnrate = 1\r\ndepth = 2\r\n"},
        "reason": "",
    }
    review.answer(candidate=16)
    review.says("Your version of candidate 11 is candidate 16")
    assert not field.is_visible()


def test_gaps_load_the_whole_file_and_the_focus_stays(review: Review) -> None:
    review.focus(2)
    review.root.get_by_role("button", name="6 unchanged lines").first.click()
    assert review.stage.said("card")[-1] == {"type": "card", "candidate": 11, "context": -1}
    review.focus(2)
    review.show(card(11, whole=True))
    review.page.wait_for_function("document.querySelectorAll('.ar-review-gap').length === 0")
    assert review.focused_hunk() == "2"
    review.change(row(11, status="waiting", trials=6))
    assert review.stage.said("card")[-1]["context"] == -1
    review.button("Whole files").click()
    assert review.stage.said("card")[-1]["context"] == 3


def test_side_by_side_needs_a_wide_cell_and_is_remembered(page: Any) -> None:
    review = Review(page, (card(11),), width=1000)
    review.focus()
    review.press("s")
    assert (
        review.page.locator(".ar-review-split .ar-review-hunk")
        .first.locator(".ar-review-row")
        .count()
        == 1
    )
    left, right = (
        review.hunk(1).locator(f".ar-review-{side}").bounding_box() for side in ("old", "new")
    )
    assert left["x"] + left["width"] <= right["x"] + 1
    page.evaluate("document.getElementById('cell').style.width = '600px'")
    page.wait_for_function("!document.querySelector('.ar-review-split')")
    assert review.button("Side by side").count() == 0


@pytest.mark.parametrize("split", [False, True])
def test_copying_gives_code_without_numbers_and_signs(page: Any, split: bool) -> None:
    lines = [
        line("+", None, 101, ["first = 1", "", 0]),
        line("+", None, 102, ["", "", 0]),
        line("+", None, 103, ["\tlast = 2", "", 1]),
    ]
    review = Review(page, (card(11, [hunk(1, lines)]),))
    if split:
        review.focus()
        review.press("s")
    first, last = (review.hunk(1).locator("ins").nth(n).bounding_box() for n in (0, 2))
    page.mouse.move(first["x"] + 1, first["y"] + 5)
    page.mouse.down()
    page.mouse.move(last["x"] + last["width"] - 2, last["y"] + 5, steps=4)
    page.mouse.up()
    copied = page.evaluate("getSelection().toString()")
    assert copied.rstrip("\n") == "first = 1\n\n\tlast = 2"


def test_hostile_text_is_shown_and_never_obeyed(page: Any) -> None:
    evil = "<img src=x onerror=window.hacked=1><script>window.hacked=1</script> <U+202E>"
    spans = [[evil, "s", 1], [evil, '"><script>', 0]]
    hostile = card(
        11,
        [hunk(1, [line("+", None, 1, *spans)])],
        hypothesis=evil,
        author=evil,
        log=evil,
        flags=[evil],
        notes=[evil],
        metrics={evil: 1.0},
        curves=[evil],
        decisions=[decision(by=evil, why=evil)],
        trial_list=[trial(0, status="failed", score=None, reason=evil, device=evil, sandbox=evil)],
    )
    hostile["files"][0]["path"] = evil
    review = Review(page, (hostile,))
    for fold in review.root.locator("summary").all():
        fold.click()
    assert review.root.inner_text().count("<img src=x onerror=window.hacked=1>") >= 11
    assert f"Note: {evil}" in review.root.inner_text()
    assert page.evaluate("window.hacked") is None
    assert review.root.locator("img, script").count() == 0
    assert review.root.evaluate("root => root.scrollWidth <= root.clientWidth")


def test_trials_evidence_and_decisions_are_all_told(review: Review) -> None:
    for fold in review.root.locator("summary").all():
        fold.click()
    text = review.root.inner_text()
    for words in (
        "412 MB",
        "cgroup",
        "0.0040, to be at most 0.0125",
        "5 of it, 5 of the other",
        "asked a person by tested",
        "step 20 loss 3.80",
    ):
        assert words in text, words
    review.show(card(11, trials=6))
    assert review.root.locator("details[open]").count() == 5


def test_its_curve_is_drawn_beside_the_incumbents(review: Review) -> None:
    assert {"type": "watch", "candidates": [11]} in review.stage.said("watch")
    series = [
        {
            "id": n,
            "candidate": n,
            "trial": 0,
            "name": "train_loss",
            "self_reported": False,
            "running": False,
        }
        for n in (10, 11)
    ]
    review.stage.deliver({"type": "series", "series": series})
    message, buffer = points(
        {
            11: [(step, 4 - step / 100) for step in range(50)],
            10: [(step, 4 - step / 200) for step in range(80)],
        }
    )
    review.stage.deliver(message, buffer)
    review.says("train_loss 3.5100 at step 49; incumbent 3.7550 (dashed)")


def test_a_card_that_changes_keeps_focus_choices_and_reason(review: Review) -> None:
    review.root.get_by_label("reason").fill("why not")
    review.focus(3)
    review.press("a")
    review.show(card(11, trials=7))
    assert (review.focused_hunk(), review.main()) == ("3", "Accept hunk 3 and try it")
    assert review.root.get_by_label("reason").input_value() == "why not"
    review.root.locator("summary").nth(1).focus()
    review.show(card(11, trials=8))
    review.change(row(1))
    assert page_focus(review) == "Evidence"


def page_focus(review: Review) -> str:
    return str(review.page.evaluate("document.activeElement.innerText"))


def test_the_focus_never_falls_back_to_the_notebook(review: Review) -> None:
    inside = "document.querySelector('.ar-review').contains(document.activeElement)"
    review.root.get_by_role("button", name="candidate 10").first.focus()
    review.show(card(11, trials=6))
    assert review.page.evaluate(inside)
    review.button("Reject candidate").click()
    assert review.page.evaluate(inside)
    review.answer()
    assert review.page.evaluate(inside)
    review.show(card(13))
    assert review.focused_hunk() == "1"
    review.button("dismiss").click()
    assert review.page.evaluate(inside)


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_nothing_overflows_and_code_is_readable(page: Any, theme: str, width: int) -> None:
    lines = [line("+", None, 1, ["x" * 400, "", 0])] + [
        line(kind, 1, 1, ["token", name, 1]) for name in "kscnfbodt" for kind in "+-"
    ]
    review = Review(page, (card(11, [*HUNKS, hunk(5, lines)]),), theme=theme, width=width)
    assert review.root.evaluate("root => root.scrollWidth <= root.clientWidth")
    assert page.evaluate(CONTRAST) >= 4.5


def test_three_hundred_hunks_are_painted_within_a_second(page: Any) -> None:
    review = Review(page)
    large = card(11, [assignment(n, f"NAME_{n}", "1", "2") for n in range(1, 301)])
    large["files"][0]["parts"] += [context(4000, 300)]
    metrics = page.context.new_cdp_session(page)
    metrics.send(
        "Performance.enable", {"timeDomain": "threadTicks"}
    )  # the page's own CPU time: other work on the machine does not count

    def busy_seconds() -> float:
        return float(
            next(
                metric["value"]
                for metric in metrics.send("Performance.getMetrics")["metrics"]
                if metric["name"] == "TaskDuration"
            )
        )

    begun = busy_seconds()
    page.evaluate(
        "async card => { window.deliver({type: 'card', card}, null);"
        " await new Promise(done => requestAnimationFrame(() => setTimeout(done))); }",
        large,
    )
    assert busy_seconds() - begun < 1
    assert page.locator(".ar-review-hunk").count() == 300
    review.focus(300)
    review.press("k a")
    assert review.main() == "Accept hunk 299 and try it"


# The contrast of the worst piece of code, as WCAG 2.1 defines it: at least 4.5 is needed.
CONTRAST = """
() => {
  const linear = share => share <= 0.03928 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  const luminance = rgb => {
    const [r, g, b] = rgb.map(value => linear(value / 255));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const parse = text => {
    const numbers = text.match(/[\\d.]+/g).map(Number);
    return {rgb: numbers.slice(0, 3), alpha: numbers[3] ?? 1};
  };
  const mix = (under, {rgb, alpha}) =>
    under.map((value, i) => value * (1 - alpha) + rgb[i] * alpha);
  const background = element => {
    const layers = [];
    for (let layer = element; layer; layer = layer.parentElement) {
      layers.unshift(parse(getComputedStyle(layer).backgroundColor));
    }
    return layers.reduce(mix, [255, 255, 255]);
  };
  const contrast = element => {
    const text = luminance(parse(getComputedStyle(element).color).rgb);
    const behind = luminance(background(element));
    return (Math.max(text, behind) + 0.05) / (Math.min(text, behind) + 0.05);
  };
  const code = document.querySelectorAll('.ar-review-code, .ar-review-code span');
  return Math.min(...[...code].map(contrast));
}
"""
