"""The frontier on the dashboard, and what was ended early: the real feed in a real browser."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.stage import Stage, plots, row, snapshot
from tests.browser.test_feed import Kernel
from tests.by_hand import BETTER, append, ok
from tests.lab.live.weighing import EARLY, HOSTILE, weighing_study
from tests.show.arms import arms
from workbench.records import Candidate, Decision, Record

Play = Callable[..., Stage]
EDGE = 0.08 / 1.16  # of the plot's width and height, beyond the outermost candidates on either side


@pytest.fixture
def play(page: Page, tmp_path: Path) -> Iterator[Play]:
    """A dashboard of the study that weighs three metrics."""
    kernels = list[Kernel]()

    def play_to(theme: str = "light", width: int = 1000, more: Sequence[Record] = ()) -> Stage:
        page.set_viewport_size({"width": width + 20, "height": 1000})
        stage, folder = Stage(page, theme, width), weighing_study(tmp_path)
        append(folder, *more)
        kernels.append(Kernel(folder, stage))
        kernels[0].until(lambda: record(page, 6).count())
        return stage

    yield play_to
    for kernel in kernels:
        kernel.close()


def choose(page: Page, plot: str) -> Locator:
    page.get_by_role("group", name="Plot", exact=True).get_by_role("button", name=plot).click()
    area = page.get_by_role("group", name=f"{plot} plot")
    expect(area).to_be_visible()
    return area


def record(page: Page, candidate: int) -> Locator:
    return page.locator(f'.ar-rows .ar-record[data-candidate="{candidate}"]:visible')


def point_at(page: Page, right: float, up: float) -> None:
    """Moves the pointer.

    Args:
        right: share of the way from the leftmost to the rightmost candidate.
        up: share of the way from the lowest to the highest candidate.
    """
    box = page.locator(".ar-progress .u-over").bounding_box()
    assert box is not None
    x, y = (EDGE + share * (1 - 2 * EDGE) for share in (right, up))
    page.mouse.move(box["x"] + x * box["width"] + 2, box["y"] + (1 - y) * box["height"] + 2)


def test_a_candidate_of_the_frontier_is_told_and_selected_by_a_click(
    play: Play, page: Page
) -> None:
    play()
    choose(page, "Frontier")
    expect(page.locator(".ar-progress-key")).to_have_text(
        "⌐\u00a0frontier\u00a03   ●\u00a0kept\u00a03   •\u00a0discarded\u00a03   "
        "1\u00a0without\u00a0these\u00a0metrics"
    )
    tip = page.locator(".ar-progress-tip")
    point_at(page, 140 / 590, 0.4)
    expect(tip).to_be_hidden()
    point_at(page, 140 / 590, 0.85 / 1.1)  # tokens of 10 to 600, loss of 0.1 to 1.2
    for text in (
        "candidate 3, ○ discarded",
        HOSTILE,
        "loss 0.9500, tokens 150, recall 0.4000",
        "+3 / −0 lines",
    ):
        expect(tip).to_contain_text(text)
    assert page.evaluate("window.harmed") is None
    page.mouse.down()
    page.mouse.up()
    expect(record(page, 3)).to_have_attribute("aria-selected", "true")
    choose(page, "Progress")
    expect(
        page.locator(".ar-progress-ring").first
    ).to_be_visible()  # both plots show what is selected


def test_the_keyboard_walks_the_frontier_and_leaves_out_the_vetoed(play: Play, page: Page) -> None:
    play()
    plot = choose(page, "Frontier")
    spoken = page.locator(".ar-section-progress [aria-live]")
    plot.focus()
    for key, candidate in (
        ("ArrowUp", 3),
        ("ArrowUp", 1),
        ("ArrowUp", 5),
        ("ArrowLeft", 0),
        ("Home", 6),
        ("ArrowRight", 3),
    ):
        page.keyboard.press(key)
        expect(spoken).to_contain_text(f"candidate {candidate}, ")
    page.keyboard.press("Home")
    expect(spoken).to_contain_text(
        "candidate 6, ○ discarded, vetoed; idea 6; loss 0.1000, tokens 10, recall 0.9000"
    )


def test_of_more_than_two_metrics_a_pair_is_chosen(play: Play, page: Page) -> None:
    play()
    plot = choose(page, "Frontier")
    pairs = page.get_by_label("Metrics of the frontier")
    expect(pairs.locator("option")).to_have_text(
        ["loss against tokens", "loss against recall", "tokens against recall"]
    )
    pairs.select_option("loss against recall")
    spoken = page.locator(".ar-section-progress [aria-live]")
    plot.focus()
    expect(page.locator(".ar-progress-key")).to_contain_text("frontier\u00a02")
    for key, candidate in (("ArrowUp", 5), ("ArrowUp", 2), ("End", 6), ("Home", 3)):
        page.keyboard.press(key)
        expect(spoken).to_contain_text(f"candidate {candidate}, ")


def test_what_was_ended_early_has_a_mark_and_a_word(play: Play, page: Page) -> None:
    play()
    expect(page.locator(".ar-progress-key")).to_contain_text("△\u00a0ended\u00a0early\u00a01")
    box = page.locator(".ar-progress .u-over").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 4.5 / 7, box["y"] + box["height"] - 2)
    for text in ("candidate 4, △ ended early", f"no score: {EARLY}"):
        expect(page.locator(".ar-progress-tip")).to_contain_text(text)
    expect(record(page, 4)).to_contain_text("△ ended early")
    page.get_by_role("button", name="△ ended early 1").click()
    expect(page.locator(".ar-total")).to_have_text("1 of 7")
    record(page, 4).click()
    expect(page.locator(".ar-actions")).to_contain_text("4 △ ended early: idea 4")


def test_where_the_score_stands_alone_there_is_no_choice_of_plots(page: Page) -> None:
    stage = Stage(page)
    stage.deliver(snapshot([row(number) for number in range(5)]))
    stage.deliver({"type": "beat", "at": 1.0})
    expect(record(page, 4)).to_be_visible()
    expect(page.get_by_role("group", name="Plot", exact=True)).to_be_hidden()


def test_each_plot_keeps_its_choices_and_follows_the_study(page: Page) -> None:
    def with_metrics(number: int) -> dict[str, Any]:
        return row(number, weighed=[3.8 - number / 100, 10.0 * number])

    stage = Stage(page)
    rows = [with_metrics(number) for number in range(6)]
    message = snapshot(rows[:5], metrics=("val_bpb", "seconds"))
    stage.deliver(message)
    stage.deliver({"type": "beat", "at": 1.0})
    page.get_by_role("button", name="All scores").click()
    choose(page, "Frontier")
    expect(page.locator(".ar-progress-key")).to_contain_text("frontier\u00a05")
    news = {"rows": rows[5:], "plots": plots(rows, "val_bpb", "seconds")}
    stage.deliver({"type": "changes", "state": message["state"], **news})
    expect(page.locator(".ar-progress-key")).to_contain_text("frontier\u00a06")
    expect(page.get_by_label("Metrics of the frontier")).to_be_hidden()
    choose(page, "Progress")
    expect(page.get_by_role("button", name="All scores")).to_have_attribute("aria-pressed", "true")


def test_what_was_made_from_a_vetoed_one_is_kept_in_neither_plot(play: Play, page: Page) -> None:
    child = Candidate(candidate=7, parent=6, program=BETTER.digest, author="tuner")
    decision = Decision(candidate=7, verdict="keep", by="tested", why="because")
    trial = ok(7, 0, 0.05)
    metrics = {"loss": 0.05, "tokens": 5.0, "recall": 1.0}
    play(more=[child, replace(trial, metrics=metrics), decision])
    expect(record(page, 7)).to_contain_text("kept")
    key = page.locator(".ar-progress-key")
    expect(key).to_contain_text("●\u00a0kept\u00a03")
    choose(page, "Frontier")
    expect(key).to_contain_text("frontier\u00a03   ●\u00a0kept\u00a03   •\u00a0discarded\u00a04")


def test_what_an_ablation_tried_is_in_the_plots_once_a_person_is_asked_about_it(
    play: Play, page: Page
) -> None:
    play(more=arms(7, parent=5, without=1, score=0.75, tokens=300.0, recall=0.5))
    expect(page.get_by_role("button", name="⊖ ablated 3")).to_be_visible()
    key, spoken = page.locator(".ar-progress-key"), page.locator(".ar-section-progress [aria-live]")
    for plot, counts in (("Progress", (4, 2, 1)), ("Frontier", (4, 3, 1))):
        area = choose(page, plot)
        for name, count in zip(
            ("●\u00a0kept", "•\u00a0discarded", "◇\u00a0waiting"), counts, strict=True
        ):
            expect(key).to_contain_text(f"{name}\u00a0{count}")
        area.focus()
        page.keyboard.press("Home")
        heard = [read_out(page, spoken)]
        for _ in range(14):  # more than there are points: at the last one it stays
            page.keyboard.press("ArrowRight")
            heard.append(read_out(page, spoken))
        arms_heard = [
            text.partition(";")[0] for text in dict.fromkeys(heard) if "without candidate 1" in text
        ]
        assert arms_heard == ["candidate 10, ◇ waiting", "candidate 11, ● kept"]


def read_out(page: Page, spoken: Locator) -> str:
    """What is said once all that is under way has been drawn."""
    page.evaluate(
        "() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    )
    return spoken.text_content() or ""


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1000])
def test_it_fits_its_cell_and_keeps_notebook_shortcuts_away(
    play: Play, page: Page, theme: str, width: int
) -> None:
    play(theme, width)
    choose(page, "Frontier")
    expect(page.locator(".ar-progress canvas")).to_be_visible()
    assert page.evaluate("document.getElementById('cell').scrollWidth") <= width
    unguarded = page.evaluate(
        """() => [...document.querySelectorAll('.ar-section-progress *')]
          .filter(one => one.hasAttribute('tabindex') || one.matches('button, select, summary'))
          .filter(one => one.getAttribute('data-lm-suppress-shortcuts') !== 'true').length"""
    )
    assert unguarded == 0
