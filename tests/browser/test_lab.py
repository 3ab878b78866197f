"""The JupyterLab extension in a real JupyterLab, without a kernel.

Panel, tabs, notifications, status item and commands.
"""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.browser.lab import Lab, run
from tests.studies import folded
from tests.toy_study import end, make, propose, write_experiment
from tests.waiting import events_of, until
from workbench.ledger.folder import StudyFolder
from workbench.records import Options
from workbench.requests import Accept, Reject
from workbench.verbs import create, loop_process

SLOW_MS = 60_000


def n_kernels(lab: Lab) -> int:
    return len(lab.server.ask("api/kernels")[1])


def show_panel(page: Page) -> Any:
    run(page, "autoresearch:show-studies")
    return page.get_by_role("region", name="Autoresearch studies")


def item(page: Page, name: str) -> Any:
    return page.get_by_role("listitem").filter(has_text=name)


@pytest.fixture(scope="module")
def study(lab: Lab) -> Iterator[StudyFolder]:
    """A study in which candidate 1 waits for a person."""
    folder = make(lab.root, "toy-1", 2)
    loop_process.spawn(folder)
    yield folder
    end(folder)


def test_an_empty_panel_says_how_to_start(lab: Lab, page: Page) -> None:
    lab.errors.clear()
    lab.open(page)
    panel = show_panel(page)
    expect(panel.get_by_text("%autoresearch start tinygpt")).to_be_visible()
    expect(panel.get_by_text("It appears here by itself.")).to_be_visible()
    assert lab.errors == []
    assert page.evaluate("() => window.jupyterapp.hasPlugin('@autoresearch/workbench:studies')")


def test_a_study_appears_and_is_judged_without_any_kernel(
    lab: Lab, page: Page, study: StudyFolder
) -> None:
    lab.errors.clear()
    lab.open(page)
    panel = show_panel(page)
    toast = page.locator(".Toastify__toast").filter(has_text="for your review")
    expect(toast).to_be_visible(timeout=SLOW_MS)
    badge = panel.get_by_role("button", name="Review 1 waiting in toy-1")
    expect(badge).to_be_visible(timeout=SLOW_MS)
    expect(panel.get_by_role("listitem")).to_have_count(1)
    expect(page.get_by_role("button", name="1 running, 1 to review")).to_be_visible()

    panel.get_by_role("button", name=re.compile("^toy-1")).click()
    tab = page.locator(".ar-tab")
    expect(tab.get_by_text("toy-1").first).to_be_visible(timeout=SLOW_MS)
    badge.click()
    page.get_by_role("tabpanel", name="Review toy-1").get_by_role(
        "button", name=re.compile("^Accept candidate")
    ).click(timeout=SLOW_MS)
    expect(badge).to_be_hidden(timeout=SLOW_MS)
    expect(panel.get_by_text("value 2.000, 1.000 better than the baseline")).to_be_visible(
        timeout=SLOW_MS
    )
    assert folded(study).incumbent == 1
    assert n_kernels(lab) == 0
    assert lab.errors == []


def test_what_begins_to_wait_is_told_once_and_its_action_opens_the_review(
    lab: Lab, page: Page, study: StudyFolder
) -> None:
    lab.open(page)
    show_panel(page)
    expect(item(page, "toy-1")).to_be_visible()
    propose(lab.root, "toy-1", 5)
    toast = page.locator(".Toastify__toast").filter(has_text="toy-1: candidate")
    expect(toast).to_have_count(1, timeout=SLOW_MS)
    toast.get_by_role("button", name="Review").click()
    expect(page.get_by_role("tab", name="Review toy-1")).to_be_visible()


def test_tabs_come_back_after_a_reload(lab: Lab, page: Page, study: StudyFolder) -> None:
    lab.open(page)
    show_panel(page).locator(".ar-study-open").first.click()
    expect(page.get_by_role("tab", name="toy-1", exact=True)).to_be_visible()
    until(
        lambda: "autoresearch:dashboard:" in json.dumps(lab.server.ask("lab/api/workspaces")),
        pause=events_of(page),
    )
    lab.open(page, reset=False)
    expect(page.get_by_role("tab", name="toy-1", exact=True)).to_be_visible()
    expect(page.locator(".ar-tab").get_by_text("toy-1").first).to_be_visible(timeout=SLOW_MS)


def test_a_study_that_is_seen_beside_the_notebook_in_front_is_steered_and_a_hidden_one_is_not(
    lab: Lab, page: Page, study: StudyFolder
) -> None:
    lab.open_notebook(page, "beside.ipynb", ["1"])
    run(page, "autoresearch:open-newest")
    tab = page.get_by_role("tab", name="toy-1", exact=True)
    expect(tab).to_be_visible()
    page.evaluate(
        """() => {
          const { shell } = window.jupyterapp;
          shell.add(shell.currentWidget, 'main', { mode: 'split-right' });
        }"""
    )
    page.locator(".jp-NotebookPanel .cm-content").first.click()
    assert (
        page.evaluate("() => window.jupyterapp.shell.currentWidget.title.label") == "beside.ipynb"
    )
    assert page.evaluate("() => window.jupyterapp.commands.isEnabled('autoresearch:pause')")
    run(page, "autoresearch:pause")
    until(lambda: folded(study).state == "paused", pause=events_of(page))
    run(page, "autoresearch:resume")
    until(lambda: folded(study).state == "running", pause=events_of(page))
    tab.click()
    run(page, "launcher:create")
    expect(page.locator(".ar-tab")).to_be_hidden()
    assert not page.evaluate("() => window.jupyterapp.commands.isEnabled('autoresearch:pause')")


def test_the_palette_steers_the_open_study_and_its_end_is_told(
    lab: Lab, page: Page, study: StudyFolder
) -> None:
    lab.open(page)
    run(page, "autoresearch:open-newest")
    expect(page.locator(".ar-tab").get_by_text("toy-1").first).to_be_visible(timeout=SLOW_MS)
    show_panel(page)
    run(page, "autoresearch:pause")
    expect(page.locator(".ar-study[data-state='paused']")).to_be_visible(timeout=SLOW_MS)
    run(page, "autoresearch:resume")
    expect(page.locator(".ar-study[data-state='running']")).to_be_visible(timeout=SLOW_MS)
    run(page, "autoresearch:stop")
    expect(page.locator(".ar-study[data-state='stopped']")).to_be_visible(timeout=SLOW_MS)
    expect(page.locator(".Toastify__toast").filter(has_text="toy-1 was stopped")).to_be_visible()


def test_a_notebook_has_a_button_for_its_folder(lab: Lab, page: Page, study: StudyFolder) -> None:
    lab.write_notebook("deep/er/a.ipynb", ["1"])
    lab.open(page, "lab/tree/deep/er/a.ipynb")
    page.locator(
        "jp-button[title^='Open the newest study'], button[title^='Open the newest study']"
    ).first.click(timeout=SLOW_MS)
    expect(page.get_by_role("tab", name="toy-1", exact=True)).to_be_visible()


def test_the_end_is_told_once_when_nothing_waits_any_more(lab: Lab, page: Page) -> None:
    source, patches = lab.root / "asked-experiment", lab.root / "asked-patches"
    write_experiment(source)
    patches.mkdir()
    for value in (0, -1, -2):
        propose(lab.root, "asked", value)
    options = Options(proposer=f"patches:{patches}", review="all", candidates=3, slots=1)
    folder = create.create(str(source), study="asked", root=lab.root, options=options)
    lab.open(page)
    show_panel(page)
    entry = item(page, "asked")
    toast = page.locator(".Toastify__toast").filter(has_text="has finished")
    loop_process.spawn(folder)
    expect(entry.locator(".ar-study-about")).to_contain_text("waits for you", timeout=SLOW_MS)
    for request, left in ((Reject(candidate=1), 2), (Accept(candidate=2), 1)):
        loop_process.ask(folder, request)
        expect(entry.get_by_role("button", name=f"Review {left} waiting in asked")).to_be_visible(
            timeout=SLOW_MS
        )
        until(
            lambda left=left: (
                (folded(folder).state, len(folded(folder).waiting)) == ("finished", left)
            ),
            pause=events_of(page),
        )
        expect(entry.locator(".ar-study-about")).to_contain_text("waits for you", timeout=SLOW_MS)
    loop_process.ask(folder, Accept(candidate=3))
    expect(entry.locator(".ar-study-about")).to_contain_text("finished", timeout=SLOW_MS)
    expect(toast).to_have_text(re.compile("asked has finished: the budget of 3 candidates is used"))
    expect(toast).to_have_count(1)


def test_behind_a_base_url_the_panel_and_a_dashboard_work(
    lab_behind_a_base_url: Lab, page: Page
) -> None:
    lab = lab_behind_a_base_url
    make(lab.root, "toy-2")
    lab.open(page)
    panel = show_panel(page)
    expect(panel.get_by_text("no value yet")).to_be_visible(timeout=SLOW_MS)
    run(page, "autoresearch:open-newest")
    page.wait_for_function(
        "() => window.jupyterapp.shell.currentWidget.content?.client?.study?.name === 'toy-2'",
        timeout=SLOW_MS,
    )
