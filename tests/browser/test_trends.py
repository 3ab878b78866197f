"""Figures that Python measures are offered as plots once they have something to show."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import Stage
from tests.browser.test_feed import Kernel
from tests.browser.test_frontier import choose, record
from tests.by_hand import RECORDS, append, candidate, make_study, ok
from workbench.ledger.folder import StudyFolder
from workbench.records import Decision, Record

Play = Callable[..., Kernel]
NAME = "Cost per keep"


@pytest.fixture
def play(page: Page, tmp_path: Path) -> Iterator[Play]:
    """A dashboard of a study with these records."""
    kernels = list[Kernel]()

    def start(records: Sequence[Record] = RECORDS) -> Kernel:
        folder: StudyFolder = make_study(tmp_path, records=records)
        kernels.append(Kernel(folder, Stage(page)))
        kernels[0].until(lambda: record(page, 0).count())
        return kernels[0]

    yield start
    for kernel in kernels:
        kernel.close()


def test_the_cost_of_each_kept_change_is_a_plot(play: Play, page: Page) -> None:
    play()
    plot = choose(page, NAME)
    expect(page.locator(".ar-progress-key")).to_have_text(
        "●\u00a0kept\u00a01   now\u00a00.50\u00a0USD\u00a0per\u00a0kept\u00a0change"
    )
    plot.focus()
    page.keyboard.press("ArrowUp")
    spoken = page.locator(".ar-section-progress [aria-live]")
    expect(spoken).to_contain_text("candidate 1, ● kept; a lower rate helps")
    expect(spoken).to_contain_text("0.50 USD per kept change; proposed")
    expect(spoken).to_contain_text("cost $0.50")
    expect(record(page, 1)).to_have_attribute("aria-selected", "true")


def test_before_the_first_keep_it_is_not_on_offer(play: Play, page: Page) -> None:
    baseline = RECORDS[:4]
    kernel = play(baseline)
    choice = page.get_by_role("group", name="Plot", exact=True)
    expect(choice).to_be_hidden()
    keep = Decision(candidate=1, verdict="keep", by="tested", why="better")
    append(kernel.folder, candidate(1, 0), ok(1, 0, 0.8, seconds=30.0), keep)
    kernel.until(lambda: choice.get_by_role("button", name=NAME).count())
    choose(page, NAME)
    # No money was spent, so seconds of trials count: 3 of the baseline, and 30.
    expect(page.locator(".ar-progress-key")).to_contain_text(
        "now\u00a033.00\u00a0seconds\u00a0of\u00a0trials\u00a0per\u00a0kept\u00a0change"
    )


def test_a_veto_of_the_only_keep_takes_the_plot_away(play: Play, page: Page) -> None:
    kernel = play()
    choose(page, NAME)
    append(kernel.folder, Decision(candidate=1, verdict="discard", by="person", why="no"))
    progress = page.get_by_role("group", name="Progress plot")
    kernel.until(lambda: progress.is_visible())
    expect(page.get_by_role("group", name="Plot", exact=True)).to_be_hidden()
