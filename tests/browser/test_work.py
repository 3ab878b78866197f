"""The proposer at work, on the dashboard while it happens.

A real loop, a scripted server that drips, the real feed and bundle.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import Stage, row, snapshot
from tests.browser.test_feed import Kernel
from tests.messages_server import Answer, MessagesServer, play_steps
from tests.toy_study import end, write_experiment
from workbench.ledger.folder import StudyFolder
from workbench.records import Options
from workbench.verbs import create, loop_process

PATIENCE_MS = 60_000
THOUGHT = (
    "What if VALUE were <b>larger</b>? <img src=x "
    "onerror='window.hacked = 1'><script>window.hacked = 2</script> "
)
ANSWER = (
    "HYPOTHESIS: a larger <i>value</i> is better\n<<<<<<< SEARCH\n"
    "VALUE = 1\n=======\nVALUE = 2\n>>>>>>> REPLACE\n"
)
EARLIER = "so I go through <u>all</u> that was tried. " * 200


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[MessagesServer]:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-ant-made-up")
    content = [
        {"type": "thinking", "thinking": EARLIER + THOUGHT * 20},
        {"type": "text", "text": ANSWER},
    ]
    with MessagesServer(play_steps(Answer(content, pause=0.4))) as server:
        yield server


@pytest.fixture
def folder(tmp_path: Path, server: MessagesServer) -> Iterator[StudyFolder]:
    """A study whose loop is alive, and whose model is asked."""
    source = write_experiment(tmp_path / "toy")
    options = Options(
        proposer="evolve",
        model="claude-opus-5-5",
        base_url=server.url,
        candidates=1,
        slots=1,
        policy="greedy",
    )
    folder = create.create(str(source), study="toy-1", root=tmp_path, options=options)
    loop_process.spawn(folder)
    yield folder
    end(folder)


def test_what_a_model_thinks_is_on_the_dashboard_before_there_is_a_candidate(
    folder: StudyFolder, page: Page
) -> None:
    page.set_viewport_size({"width": 1020, "height": 1400})
    kernel = Kernel(folder, Stage(page))
    try:
        work = page.locator(".ar-section-work")
        kernel.until(lambda: "onerror" in work.inner_text(), 90)
        assert page.locator(".ar-record[data-candidate='1']").count() == 0
        assert work.locator("img, script, b, u").count() == 0
        assert page.evaluate("window.hacked") is None
        assert "<script>window.hacked = 2</script>" in work.inner_text()
        expect(work.locator(".ar-work-head")).to_contain_text("claude-opus-5-5 · call 1")
        if picture := os.environ.get("SCREENSHOT"):
            page.screenshot(path=picture)
        kernel.until(lambda: page.locator(".ar-record[data-candidate='1']").count(), 90)
        kernel.until(lambda: work.locator("[role=log]").count() == 0)
        kernel.until(lambda: not work.is_visible(), 90)
        assert not folder.live_proposals.exists()
    finally:
        kernel.close()


def work(*pieces: tuple[int, str, str], number: int = 1) -> dict[str, object]:
    listed = [{"number": at, "kind": kind, "text": text} for at, kind, text in pieces]
    return {
        "number": number,
        "since": 1.0,
        "model": "qwen3:8b",
        "turn": 3,
        "tokens": 52_000,
        "pieces": listed,
    }


def test_only_what_is_done_is_read_out_and_a_growing_text_stays_one_element(page: Page) -> None:
    stage = Stage(page)
    stage.deliver(snapshot([row(n) for n in range(3)]))
    section = page.locator(".ar-section-work")
    expect(section).to_be_hidden()
    stage.deliver(
        {
            "type": "work",
            "works": [
                work(
                    (4, "thinking", "a thought"),
                    (5, "tool", "edit train.py"),
                    (6, "diff", "-a\n+b"),
                )
            ],
        }
    )
    log = section.get_by_role("log", name="What the proposer does")
    expect(log).to_be_visible()
    assert log.get_attribute("aria-live") == "polite"
    assert [piece.get_attribute("aria-live") for piece in log.locator(".ar-work-piece").all()] == [
        "off",
        None,
        "off",
    ]
    expect(section.locator(".ar-work-head")).to_contain_text(
        "qwen3:8b · call 3 · 52\u2009000 tokens so far"
    )
    page.evaluate("window.spoken = document.querySelector('[data-kind=tool]')")
    stage.deliver(
        {
            "type": "work",
            "works": [
                work((5, "tool", "edit train.py"), (6, "diff", "-a\n+b"), (7, "text", "now"))
            ],
        }
    )
    expect(log.locator("[data-kind=text]")).to_contain_text("now")
    assert page.evaluate("window.spoken === document.querySelector('[data-kind=tool]')"), (
        "what was read out is not put there anew"
    )
    assert log.locator("[data-kind=thinking]").count() == 0
    stage.deliver(
        {
            "type": "work",
            "works": [work((7, "text", "now I know")), work((1, "text", "another one"), number=2)],
        }
    )
    expect(section.get_by_role("log")).to_have_count(2)
    height = section.bounding_box()
    stage.deliver({"type": "work", "works": []})
    expect(section.get_by_text("No proposal is being made at this moment")).to_be_visible()
    expect(section.get_by_role("log")).to_have_count(0)
    after = section.bounding_box()
    assert height is not None
    assert after is not None
    assert abs(after["height"] - height["height"]) < 8, "what lies below does not jump"
    section.locator("summary").click()
    expect(section.get_by_text("No proposal is being made")).to_be_hidden()
