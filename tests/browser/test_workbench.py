"""Studies that are started, watched, judged and steered in notebooks of a real JupyterLab.

What needs no kernel is in `test_lab.py`.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Dialog, Locator, Page, expect

from tests.browser.clicks import guided, pressed
from tests.browser.lab import Lab, begin, run, run_cell, select_cell, wait_for_kernel
from tests.studies import folded
from tests.toy_study import end, make, propose_program
from tests.waiting import events_of, until
from workbench.ledger.folder import StudyFolder
from workbench.ledger.folder import find as find_study
from workbench.ledger.journal import Journal
from workbench.verbs import loop_process

SLOW_MS = 90_000
PAIR = (
    "FIRST = {}\n\n\ndef rest():\n    # as it was\n    return 0\n\n\n"
    "SECOND = {}\n\n\ndef answer():\n    return float(FIRST + SECOND)\n"
)
CELLS = """() => {
  const cells = window.jupyterapp.shell.currentWidget.content.widgets;
  return JSON.stringify(cells.map(({model, inputHidden}) => [
    model.type, model.sharedModel.getSource(), model.outputs?.length, inputHidden]));
}"""


def widget(page: Page) -> Locator:
    """The study's widget in the output of the notebook in front."""
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-OutputArea .ar-dashboard")


def record(page: Page, candidate: int) -> Locator:
    """A candidate's row in the table."""
    return page.locator(f".ar-record[data-candidate='{candidate}']")


@contextmanager
def toy(root: Path, name: str, *values: int, **options: Any) -> Iterator[StudyFolder]:
    """A toy study whose loop is alive."""
    folder = make(root, name, *values, **options)
    loop_process.spawn(folder)
    try:
        yield folder
    finally:
        end(folder)


def test_a_study_starts_in_a_cell_its_curve_grows_and_it_is_steered(lab: Lab, page: Page) -> None:
    settings = "--set steps=300 --set train_mb=1 --set windows=32 --set audited=32"
    lab.open_notebook(
        page, "gpt.ipynb", [f"%autoresearch start tinygpt --study gpt --candidates 2 {settings}"]
    )
    lab.errors.clear()
    run_cell(page, 0)
    expect(widget(page)).to_be_visible(timeout=SLOW_MS)
    folder = find_study("gpt", lab.root)
    try:
        expect(widget(page).get_by_text("through the server")).to_be_visible(timeout=SLOW_MS)
        loss = widget(page).locator(".ar-curves-legend tbody td span:first-child").first
        expect(loss).to_have_text(re.compile(r"⚠ \d\.\d+"), timeout=SLOW_MS)
        first = loss.inner_text()
        expect(loss).not_to_have_text(first, timeout=SLOW_MS)

        pressed(page, "Pause")
        expect(widget(page).locator(".ar-runstate")).to_have_text("‖ paused")
        pressed(page, "Resume")
        expect(widget(page).locator(".ar-runstate")).to_have_text("▶ running")
        sentence = widget(page).get_by_role("textbox", name="Sentence for the proposer")
        sentence.fill("wider is better than deeper")
        sentence.press("Enter")
        expect(widget(page).locator(".ar-told")).to_have_text(
            "guide: wider is better than deeper", timeout=SLOW_MS
        )
        assert "wider is better than deeper" in folded(folder).people.guidance
        widget(page).get_by_role("button", name="Stop", exact=True).click()
        widget(page).get_by_role("button", name="Stop for good?").click()
        expect(widget(page).locator(".ar-runstate")).to_have_text("■ stopped", timeout=SLOW_MS)
    finally:
        end(folder)
    assert lab.errors == []


def test_hunks_are_judged_by_key_and_by_click_a_program_edited_and_a_keep_vetoed(
    lab: Lab, page: Page
) -> None:
    with toy(lab.root, "judged", solution=PAIR.format(1, 1)) as folder:
        propose_program(
            lab.root, "judged", "a", PAIR.format(5, 0), "raise the first, lower the second"
        )
        lab.open_notebook(page, "judged.ipynb", ["%autoresearch review judged", "untouched = 1"])
        run_cell(page, 0)
        cells = page.evaluate(CELLS)
        card = widget(page).locator(".ar-review")
        notices = card.get_by_role("log", name="adopted decisions")
        expect(card.get_by_role("heading", name="Candidate 1")).to_be_visible(timeout=SLOW_MS)

        card.get_by_role("group", name="hunk 1").focus()
        for key in ("j", "r"):
            page.keyboard.press(key)
        expect(card.get_by_role("button", name="Accept hunk 1 and try it")).to_be_visible()
        page.keyboard.press("Enter")
        expect(notices).to_contain_text(
            "Your hunks of candidate 1 are candidate 2: kept", timeout=SLOW_MS
        )
        study = folded(folder)
        assert (study.incumbent, study.candidates[2].score, study.candidates[1].status) == (
            2,
            6.0,
            "revised",
        )
        decision = study.candidates[1].decisions[-1]
        assert (decision.hunks, decision.rejected) == ((1,), (2,))

        propose_program(lab.root, "judged", "b", PAIR.format(9, 0), "once more")
        expect(card.locator(".ar-review-place")).to_contain_text("1 waits", timeout=SLOW_MS)
        card.get_by_role("button", name="Next ›").click()
        card.get_by_role("button", name="Reject hunk 2").click()
        card.get_by_role("button", name="Accept hunk 1 and try it").click()
        expect(notices).to_contain_text(
            "Your hunks of candidate 3 are candidate 4: kept", timeout=SLOW_MS
        )

        notices.get_by_title("Shows candidate 4").click()
        expect(card.get_by_role("heading", name="Candidate 4")).to_be_visible()
        card.get_by_role("button", name="Edit by hand").click()
        card.get_by_role("textbox", name="solution.py").fill(PAIR.format(9, 7))
        card.get_by_role("button", name="Try my version").click()
        expect(notices).to_contain_text(
            "Your version of candidate 4 is candidate 5: kept", timeout=SLOW_MS
        )

        card.get_by_role("textbox", name="reason").fill("nine is a lucky number")
        card.get_by_role("button", name="Veto candidate").click()
        expect(card.get_by_role("alert")).to_contain_text(
            "1 candidate made from it falls with it: 5."
        )
        card.get_by_role("button", name="Yes, all of them").click()
        expect(notices).to_contain_text("Candidate 4 rejected", timeout=SLOW_MS)
        study = folded(folder)
        assert [history.status for history in study.candidates] == [
            "kept",
            "revised",
            "kept",
            "revised",
            "discarded",
            "discarded",
        ]
        assert study.incumbent == 2
        assert [history.decisions[-1].why for history in study.candidates[4:]] == [
            "nine is a lucky number",
            "made from candidate 4, which was vetoed",
        ]
        assert page.evaluate(CELLS) == cells


def test_a_rejection_before_the_run_is_undone_and_all_is_as_before(lab: Lab, page: Page) -> None:
    with toy(lab.root, "asked", 2, review="all") as folder:
        lab.open_notebook(page, "asked.ipynb", ["%autoresearch review asked"])
        run_cell(page, 0)
        card = widget(page).locator(".ar-review")
        let_run = card.get_by_role("button", name="Let it run")
        notices = card.get_by_role("log", name="adopted decisions")
        expect(let_run).to_be_visible(timeout=SLOW_MS)
        card.get_by_role("group", name="hunk 1").focus()
        page.keyboard.press("Shift+R")
        expect(notices).to_contain_text("Candidate 1 rejected", timeout=SLOW_MS)
        expect(card.get_by_role("button", name="Take the decision back")).to_be_visible()
        assert folded(folder).candidates[1].status == "discarded"
        notices.get_by_role("button", name="Undo", exact=True).click()
        expect(notices).to_contain_text(
            "Decision about candidate 1 taken back: waits for you", timeout=SLOW_MS
        )
        expect(let_run).to_be_enabled()
        study = folded(folder)
        assert (study.waiting, study.candidates[1].trials, study.candidates[1].cleared) == (
            [1],
            [],
            False,
        )
        let_run.click()
        expect(card.get_by_role("button", name="Accept candidate")).to_be_enabled(timeout=SLOW_MS)
        assert folded(folder).candidates[1].score == 2.0


@pytest.mark.parametrize("route", ["server", "kernel"])
def test_a_click_during_a_busy_cell_is_adopted_while_it_is_busy(
    lab: Lab, page: Page, tmp_path: Path, route: str
) -> None:
    root = (
        lab.root if route == "server" else tmp_path
    )  # what is not below the server's root comes through the kernel
    begun, done, ended = (tmp_path / name for name in ("begun", "done", "ended"))
    busy = f"""from pathlib import Path
Path({str(begun)!r}).touch()
while not Path({str(done)!r}).exists():
    sum(range(1000))
Path({str(ended)!r}).touch()"""
    with toy(root, f"busy-{route}") as folder:
        lab.open_notebook(
            page, f"busy-{route}.ipynb", [f"%autoresearch attach {folder.path}", busy]
        )
        run_cell(page, 0)
        expect(widget(page).get_by_text(f"through the {route}")).to_be_visible(timeout=SLOW_MS)
        wait_for_kernel(page, "idle")
        select_cell(page, 1)
        begin(page, "notebook:run-cell")
        until(begun.exists, SLOW_MS / 1000, pause=events_of(page))
        try:
            seconds = [guided(page, sentence) for sentence in ("wider", "deeper", "longer")]
        finally:
            was_busy = not ended.exists()
            done.touch()
        times = ", ".join(f"{delay:.2f}" for delay in seconds)
        print(f"{route}, busy kernel: shown as adopted after {times} s")
        assert was_busy
        assert folded(folder).people.guidance == ["wider", "deeper", "longer"]
        assert max(seconds) < 10


def test_a_widget_survives_a_reload_and_a_restart_and_leaves_a_sentence(
    lab: Lab, page: Page
) -> None:
    with toy(lab.root, "lasting", 2) as folder:
        lab.open_notebook(page, "lasting.ipynb", ["%autoresearch attach lasting"])
        run_cell(page, 0)
        through = widget(page).get_by_text("through the server")
        expect(through).to_be_visible(timeout=SLOW_MS)
        run(page, "docmanager:save")
        lab.open(page, "lab/tree/lasting.ipynb", reset=False)
        expect(through).to_be_visible(timeout=SLOW_MS)

        page.evaluate(
            "() => window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.restart()"
        )
        wait_for_kernel(page, "idle")
        pressed(page, "Pause")
        expect(widget(page).locator(".ar-runstate")).to_have_text("‖ paused")
        expect(through).to_be_visible()

        run(page, "docmanager:save")
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        lab.open(page, "lab/tree/lasting.ipynb")
        wait_for_kernel(page, "idle")
        sentence = page.locator(".jp-OutputArea-output").first
        expect(sentence).to_have_text(
            "study lasting, live; later on, or in another notebook: %autoresearch attach lasting"
        )
        expect(widget(page)).to_have_count(0)
        run_cell(page, 0)
        expect(widget(page).locator(".ar-runstate")).to_have_text("‖ paused", timeout=SLOW_MS)
        expect(record(page, 1)).to_contain_text("waiting")
        assert folded(folder).waiting == [1]


def test_two_notebooks_and_the_panel_agree_after_a_decision_in_one(
    lab: Lab, page: Page, context: BrowserContext
) -> None:
    with toy(lab.root, "shared", 2):
        other = context.new_page()
        for tab, name in ((page, "one.ipynb"), (other, "two.ipynb")):
            lab.open_notebook(tab, name, ["%autoresearch attach shared"])
            run_cell(tab, 0)
            expect(record(tab, 1)).to_contain_text("waiting", timeout=SLOW_MS)
        run(other, "autoresearch:show-studies")
        badge = other.get_by_role("button", name="Review 1 waiting in shared")
        expect(badge).to_be_visible(timeout=SLOW_MS)
        widget(page).get_by_role("button", name="Accept candidate").click()
        for tab in (page, other):
            expect(record(tab, 1)).to_contain_text("kept", timeout=SLOW_MS)
            expect(widget(tab).locator(".ar-summary")).to_contain_text("best 2.0000 (candidate 1)")
        expect(badge).to_be_hidden(timeout=SLOW_MS)
        expect(other.locator(".ar-study").filter(has_text="shared")).to_contain_text("value 2.000")


KINDS = """() => {
  const within = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .ar-dashboard');
  const kinds = new Map();
  const controls = 'a, button, input, select, textarea, summary, [tabindex]';
  const names = ['review', 'curves', 'progress', 'table', 'header', 'steer', 'actions'];
  const parts = names.map(name => `.ar-${name}`).join(', ');
  for (const element of within.querySelectorAll(controls)) {
    const part = element.closest(parts);
    const kind = `${element.tagName} ${element.className} ${part?.className}`;
    if (element.checkVisibility() && !kinds.has(kind)) kinds.set(kind, element);
  }
  window.kinds = [...kinds.values()];
  return [...kinds.keys()];
}"""
FOCUS = """i => {
  const element = window.kinds[i];
  if (!element.isConnected || !element.checkVisibility()) return false;
  element.focus();
  return true;
}"""
KEYS = [
    *"jkarxdmubynpscvzihlofgeq?0123",
    "A",
    "R",
    "M",
    "Escape",
    "ArrowUp",
    "ArrowDown",
    "ArrowLeft",
    "ArrowRight",
    "Home",
    "End",
    "PageDown",
    "Delete",
    "Backspace",
    "d",
    "d",
    "0",
    "0",
    "i",
    "i",
    "Space",
    "Enter",
    "Escape",
]


@pytest.mark.parametrize("theme", ["JupyterLab Light", "JupyterLab Dark"])
def test_no_key_harms_the_notebook_wherever_the_focus_is(lab: Lab, page: Page, theme: str) -> None:
    name = f"keys-{theme[-4:].strip().lower()}"
    with toy(
        lab.root, name, 2, 3, solution="VALUE = 1\n\n\ndef answer():\n    return float(VALUE)\n"
    ):
        cells = ["before = 1", f"%autoresearch attach {name}", "after = 2"]
        lab.open_notebook(page, f"{name}.ipynb", cells)
        run(page, "apputils:change-theme", theme=theme)
        run_cell(page, 1)
        expect(record(page, 2)).to_contain_text("waiting", timeout=SLOW_MS)
        record(page, 1).click()
        expect(widget(page).get_by_role("button", name="Accept candidate")).to_be_visible(
            timeout=SLOW_MS
        )
        before = page.evaluate(CELLS)
        kinds = page.evaluate(KINDS)
        assert len(kinds) > 20
        for i, kind in enumerate(kinds):
            for key in KEYS:
                if not page.evaluate(FOCUS, i):
                    break
                page.keyboard.press(key)
            assert page.evaluate(CELLS) == before, (
                f"a key harmed the notebook while the focus was on {kind}"
            )
            assert page.locator(".jp-Dialog").count() == 0, kind
        run(page, "apputils:change-theme", theme="JupyterLab Light")


MARKUP = '<img src=x onerror="window.owned=1"><script>window.owned=1</script>'
HOSTILE = f"{MARKUP}\x1b[31mred\x1b[0m \u202egnp.exe\u200b"
SHOWN = f"{MARKUP}red <U+202E>gnp.exe<U+200B>"
# What a trial prints or raises is escaped before it is stored.
STORED = SHOWN.replace("<U+202E>", "\\u202e").replace("<U+200B>", "\\u200b")


def test_hostile_text_is_shown_harmlessly_everywhere(lab: Lab, page: Page) -> None:
    comment = HOSTILE.replace("\x1b", "")
    printing = (
        f"print({HOSTILE!r}, flush=True)\nVALUE = {{}}  # {comment}\n"
        "\n\ndef answer():\n    return float(VALUE)\n"
    )
    failing = f"def answer():\n    raise ValueError({HOSTILE!r})\n"
    dialogs: list[str] = []

    def dismiss(dialog: Dialog) -> None:
        dialogs.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", dismiss)
    with toy(lab.root, "hostile") as folder:
        propose_program(lab.root, "hostile", "a", failing, HOSTILE)
        propose_program(lab.root, "hostile", "b", printing.format(4), HOSTILE)
        lab.open_notebook(page, "hostile.ipynb", ["%autoresearch attach hostile"])
        run_cell(page, 0)
        expect(record(page, 2)).to_contain_text("waiting", timeout=SLOW_MS)
        page.keyboard.press("Escape")
        for candidate in (1, 2):
            expect(record(page, candidate)).to_contain_text(SHOWN)
        card = widget(page).locator(".ar-review")
        record(page, 2).click()
        expect(card.locator(".ar-review-hypothesis")).to_have_text(SHOWN)
        expect(card.locator(".ar-review-diff")).to_contain_text("<U+202E>gnp.exe<U+200B>")
        card.get_by_text("End of its output").click()
        expect(card.locator(".ar-review-log")).to_contain_text(STORED)
        widget(page).locator(".ar-progress").focus()
        page.keyboard.press("End")
        expect(widget(page).locator(".ar-progress-tip")).to_contain_text(SHOWN)
        record(page, 1).click()
        expect(card.get_by_role("heading", name="Candidate 1")).to_be_visible()
        card.get_by_text(re.compile("^Trials")).click()
        expect(card.get_by_role("region", name="trials")).to_contain_text(STORED)
        run(page, "autoresearch:show-studies")
        expect(page.get_by_role("button", name="Review 1 waiting in hostile")).to_be_visible()
        with Journal(folder) as journal:
            journal.file_request("guide", {"text": HOSTILE})
        expect(widget(page).locator(".ar-told")).to_contain_text(SHOWN, timeout=SLOW_MS)
    with toy(lab.root, "broken", solution=failing) as folder:
        toast = page.locator(".Toastify__toast").filter(has_text="broken has paused")
        expect(toast).to_contain_text("<img src=x", timeout=SLOW_MS)
        entry = page.locator(".ar-study").filter(has_text="broken").locator(".ar-study-open")
        expect(entry).to_have_attribute("title", re.compile(r"\\u202egnp"))
    assert page.locator(".ar img, .ar script, .Toastify img, .Toastify script").count() == 0
    assert page.evaluate("() => window.owned") is None
    assert dialogs == []
