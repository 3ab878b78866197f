"""A kept candidate goes back into the notebook cell that its study began with, in a real JupyterLab, and never over an edited cell."""

from playwright.sync_api import Locator, Page, expect

from tests.browser.lab import Lab, cell_count, run, run_cell, select_cell
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.recognise import cell

BODY = (
    "SLOPE = 0.5\n\ndef guess(x):\n    return SLOPE * x\n"
    "\ndef score():\n    return -abs(guess(1.0) - 2.0)"
)
PATIENCE_MS = 120_000


def start(lab: Lab, page: Page, name: str) -> tuple[str, StudyFolder]:
    """Starts a study on a cell of a new notebook; the cell, and the study when it is over."""
    source = f"%%autoresearch start --candidates 4 --noise none --review off --study {name}\n{BODY}"
    lab.open_notebook(page, f"{name}/cell.ipynb", [source])
    run_cell(page, 0)
    expect(dashboard(page).locator(".ar-runstate[data-state='finished']")).to_be_visible(
        timeout=PATIENCE_MS
    )
    return source, StudyFolder(lab.root / name / "studies" / name)


def improved(folder: StudyFolder) -> tuple[int, str]:
    """The incumbent's number, and the cell with its program, as a notebook has it."""
    with Journal(folder) as journal:
        study = Study().fold(journal.read_entries())
        assert study.incumbent, "nothing was kept; there is nothing to put into the cell"
        program = journal.read_program(study.history(study.incumbent).record.program)
    return study.incumbent, cell.text(folder, program)[1].rstrip("\n")


def dashboard(page: Page) -> Locator:
    return page.locator(".jp-OutputArea .ar-dashboard")


def put(within: Locator, candidate: int) -> None:
    within.locator(".ar-rows .ar-record").filter(
        has=within.page.locator(".ar-c-number", has_text=f"{candidate}")
    ).first.click()
    within.get_by_role("button", name="Put into the cell").click()


def source_of(page: Page, index: int) -> str:
    source: str = page.evaluate(
        "i => window.jupyterapp.shell.currentWidget.content.widgets[i].model.sharedModel.getSource()",
        index,
    )
    return source


def wait_for_source(page: Page, index: int, text: str) -> None:
    page.wait_for_function(
        "([i, text]) => window.jupyterapp.shell.currentWidget.content.widgets[i]?.model.sharedModel.getSource() === text",
        arg=[index, text],
    )


def test_it_replaces_the_cell_and_can_be_undone(lab: Lab, page: Page) -> None:
    source, folder = start(lab, page, "slope-1")
    candidate, better = improved(folder)
    assert better != source
    put(dashboard(page), candidate)
    expect(
        dashboard(page).get_by_text(f"candidate {candidate} is in the cell now; undo takes it back")
    ).to_be_visible()
    assert source_of(page, 0) == better
    page.locator(".jp-Cell .cm-content").first.click()
    page.keyboard.press("Control+z")
    wait_for_source(page, 0, source)
    assert cell_count(page) == 1

    run(page, "autoresearch:open-newest", folder="slope-1")
    tab = page.locator(".ar-tab .ar-dashboard")
    expect(tab.locator(".ar-runstate[data-state='finished']")).to_be_visible(timeout=PATIENCE_MS)
    put(tab, candidate)
    expect(
        tab.get_by_text(f"candidate {candidate} is in the cell of slope-1/cell.ipynb now")
    ).to_be_visible()
    put(tab, candidate)
    expect(
        tab.get_by_text(f"nothing was changed; run %autoresearch apply {candidate} in its notebook")
    ).to_be_visible()


def test_an_edited_cell_stays_and_the_program_goes_below(lab: Lab, page: Page) -> None:
    source, folder = start(lab, page, "slope-2")
    candidate, better = improved(folder)
    select_cell(page, 0)
    page.locator(".jp-Cell .cm-content").first.click()
    page.keyboard.press("Control+End")
    page.keyboard.type("  # mine")
    edited = f"{source}  # mine"
    assert source_of(page, 0) == edited
    put(dashboard(page), candidate)
    expect(
        dashboard(page).get_by_text(f"candidate {candidate} is in a new cell below")
    ).to_be_visible()
    assert (source_of(page, 0), source_of(page, 1), cell_count(page)) == (edited, better, 2)


def test_the_magic_apply_makes_a_new_cell_below(lab: Lab, page: Page) -> None:
    source, folder = start(lab, page, "slope-3")
    candidate, better = improved(folder)
    run(page, "notebook:insert-cell-below")
    page.evaluate(
        "() => window.jupyterapp.shell.currentWidget.content.activeCell.model.sharedModel.setSource('%autoresearch apply')"
    )
    run_cell(page, 1)
    expect(page.get_by_text(f"candidate {candidate} is in a new cell below")).to_be_visible()
    wait_for_source(page, 2, f"{better}\n")
    assert source_of(page, 0) == source
