"""The widget in a real JupyterLab.

Through the server where that shows the study, else through the kernel, busy or not.
"""

from pathlib import Path

from playwright.sync_api import Page

from tests.browser.lab import Lab, begin, run_cell, select_cell, wait_for_kernel
from tests.by_hand import RECORDS, append, make_study
from tests.waiting import events_of, until
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.records import StateChanged

PAUSED = (*RECORDS, StateChanged(state="paused", reason="paused by a person"))
PATIENCE_MS = 60_000


def cell(folder: StudyFolder) -> str:
    return f"from pathlib import Path\n%autoresearch attach {folder.path}"


def busy(begun: Path, done: Path, ended: Path) -> str:
    """A cell that counts until `done` is there."""
    return (
        f"Path({str(begun)!r}).touch()\nwhile not Path({str(done)!r}).exists():\n"
        f"    sum(range(1000))\nPath({str(ended)!r}).touch()"
    )


def says(page: Page, text: str) -> None:
    page.locator(".jp-OutputArea .ar").get_by_text(text).first.wait_for(timeout=PATIENCE_MS)


def test_a_study_below_the_root_comes_through_the_server(lab: Lab, page: Page) -> None:
    folder = make_study(lab.root, "widget-1", PAUSED)
    lab.open_notebook(page, "server.ipynb", [cell(folder)])
    run_cell(page, 0)
    says(page, "through the server")
    append(folder, StateChanged(state="stopped", reason="no more electricity"))
    says(page, "no more electricity")
    sentence = page.locator(".jp-OutputArea-output").first.inner_text()
    assert (
        sentence.strip()
        == "study widget-1, live; later on, or in another notebook: %autoresearch attach widget-1"
    )


def test_a_click_during_a_busy_cell_is_stored_and_a_restart_is_said(
    lab: Lab, page: Page, tmp_path: Path
) -> None:
    folder = make_study(
        tmp_path, "widget-2", PAUSED
    )  # not below the root: the kernel's comm is the only way
    begun, done, ended = (tmp_path / name for name in ("begun", "done", "ended"))
    lab.open_notebook(page, "kernel.ipynb", [cell(folder), busy(begun, done, ended)])
    run_cell(page, 0)
    says(page, "through the kernel")
    wait_for_kernel(page, "idle")
    select_cell(page, 1)
    begin(page, "notebook:run-cell")
    until(begun.exists, pause=events_of(page))
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Stop for good?").click()

    def asked() -> list[str]:
        with Journal(folder) as journal:
            return [request.verb for request in journal.read_requests(0)]

    until(
        lambda: asked() == ["stop"],
        told=page.locator(".jp-OutputArea").all_inner_texts,
        pause=events_of(page),
    )
    says(page, "stopped by a person")
    assert not ended.exists()
    done.touch()
    until(ended.exists, pause=events_of(page))
    page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
    )
    says(page, "does not answer")
