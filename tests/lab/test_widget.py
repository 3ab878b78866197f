"""The widget starts a feed once its page asks for one; without a front end it is not shown."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import comm
import nbformat
import pytest
from nbclient import NotebookClient

from tests.by_hand import append, make_study
from tests.lab.live.screen import HELLO, Screen
from workbench.lab.widget import StudyWidget
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.records import StateChanged


class PageComm(comm.base_comm.BaseComm):
    """The other end of a widget's comm: a page that collects what is sent."""

    screen = Screen()

    def publish_msg(
        self,
        msg_type: str,
        data: Any = None,
        metadata: Any = None,
        buffers: Any = None,
        **keys: Any,
    ) -> None:
        if data and data.get("method") == "custom":
            self.screen.take(data["content"], buffers[0] if buffers else None)

    def _reply_subshell_for(self, data: Any, default: Any) -> Any:
        raise AssertionError("a click was sent to another shell")


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Screen]:
    monkeypatch.setattr(PageComm, "screen", Screen())
    monkeypatch.setattr(comm, "create_comm", PageComm)
    yield PageComm.screen
    StudyWidget.close_all()


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return make_study(tmp_path)


def say(one: StudyWidget, message: dict[str, Any]) -> None:
    one.comm.handle_msg(
        {"content": {"data": {"method": "custom", "content": message}}, "buffers": []}
    )


def test_the_page_is_told_which_study_it_is(folder: StudyFolder, screen: Screen) -> None:
    one = StudyWidget(folder, "review", 4)
    with Journal(folder) as journal:
        assert one.opened_at == journal.read_entries(limit=1)[0].at
    assert (one.study_path, one.view, one.candidate, one.route) == (
        str(folder.path),
        "review",
        4,
        "auto",
    )
    assert StudyWidget(folder).candidate == -1
    assert "export" in str(one._esm)
    assert ".ar" in str(one._css)


def test_a_feed_begins_with_a_word_of_the_page_and_ends_with_the_widget(
    folder: StudyFolder, screen: Screen
) -> None:
    one = StudyWidget(folder)
    assert one._feed is None
    say(one, HELLO)
    screen.wait_for(lambda: screen.of("snapshot"))
    append(folder, StateChanged(state="paused"))
    screen.wait_for(lambda: screen.of("changes"))
    feed = one._feed
    one.close()
    feed.join(30)
    assert feed.closed


def test_a_feed_ends_when_the_page_closes_the_comm(folder: StudyFolder, screen: Screen) -> None:
    one = StudyWidget(folder)
    say(one, HELLO)
    screen.wait_for(lambda: screen.of("snapshot"))
    one.comm.handle_close({})
    assert one._feed.closed


def test_a_page_that_comes_back_gets_a_new_feed(folder: StudyFolder, screen: Screen) -> None:
    one = StudyWidget(folder)
    say(one, HELLO)
    screen.wait_for(lambda: screen.of("snapshot"))
    one._feed.close()
    say(one, HELLO)
    screen.wait_for(lambda: len(screen.of("snapshot")) == 2)


def test_clicks_are_not_routed_to_the_shell_that_published_last(
    folder: StudyFolder, screen: Screen
) -> None:
    assert StudyWidget(folder).comm._reply_subshell_for is None


def test_a_click_over_the_comm_is_stored_at_once(folder: StudyFolder, screen: Screen) -> None:
    say(
        StudyWidget(folder),
        {"type": "request", "decision_id": "f" * 32, "verb": "guide", "body": {"text": "try less"}},
    )
    assert [one["decision_id"] for one in screen.of("filed")] == ["f" * 32]
    with Journal(folder) as journal:
        assert [request.body["text"] for request in journal.read_requests(0)] == ["try less"]


def test_nbclient_is_no_front_end_and_one_that_takes_input_is(
    folder: StudyFolder, tmp_path: Path
) -> None:
    codes = [
        f"import workbench\nworkbench.open({str(folder.path)!r})",
        f"%reload_ext workbench\n%autoresearch status {folder.path}",
    ]
    notebook = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(code) for code in [*codes, *codes]]
    )
    client = NotebookClient(
        notebook,
        timeout=120,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    )
    with client.setup_kernel():
        for index, cell in enumerate(notebook.cells):
            client.kc.allow_stdin = index >= len(codes)  # as JupyterLab, Notebook and VS Code ask
            client.execute_cell(cell, index)
    outputs = [[dict(output) for output in cell.outputs] for cell in notebook.cells]
    for (dead,) in outputs[: len(codes)]:
        assert dead["output_type"] == "execute_result"
        assert "toy-1: finished" in dead["data"]["text/plain"]
    assert [len(shown) for shown in outputs] == [1, 1, 2, 2], outputs[2:]
    for sentence, shown in outputs[len(codes) :]:
        assert sentence["data"] == {
            "text/plain": "study toy-1, live; later on, or in another notebook: "
            "%autoresearch attach toy-1"
        }
        assert "application/vnd.jupyter.widget-view+json" in shown["data"]
