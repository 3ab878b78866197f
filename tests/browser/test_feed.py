"""The real feed behind the shipped bundle in a real browser, over the comm and over a server's websocket."""

import json
import queue
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, Route, WebSocketRoute

from tests.browser.stage import Stage, row, snapshot, state
from tests.by_hand import RECORDS, append, make_study
from tests.lab.live.screen import HELLO, add_points
from tests.waiting import events_of, until
from workbench.lab.live.feed import Feed
from workbench.lab.server.handlers import pack
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.records import Adopted, StateChanged, TrialStarted

SITE = "http://lab.test/user/ada/"
NAME = "toy-1"


class Kernel:
    """What a kernel does for a widget, in the thread of the test.

    `pump` carries messages both ways.
    """

    def __init__(self, folder: StudyFolder, stage: Stage) -> None:
        self.folder, self.stage, self.feed = folder, stage, None
        self._heard = 0
        self._queue: queue.Queue[tuple[dict[str, Any], bytes | None]] = queue.Queue()
        self.is_dead = False

    def pump(self) -> None:
        while not self._queue.empty():
            self.stage.deliver(*self._queue.get())
        for message in self.stage.heard[self._heard :]:
            self._heard += 1
            if not self.is_dead:
                self._hear(message)

    def _hear(self, message: dict[str, Any]) -> None:
        if self.feed is None:
            self.feed = Feed(
                self.folder, lambda message, buffer: self._queue.put((message, buffer))
            )
            self.feed.start()
        self.feed.receive(message)

    def restart(self) -> None:
        """Nobody is there any more who knows the widget."""
        self.is_dead = True
        self.close()

    def close(self) -> None:
        if self.feed is not None:
            self.feed.close()
            self.feed.join(30)
            self.feed = None

    def until(self, holds: Callable[[], object], seconds: float = 30.0) -> None:
        def pumped() -> object:
            self.pump()
            return holds()

        page = self.stage.page
        until(
            pumped,
            seconds,
            told=lambda: page.locator("#cell").inner_text()[:2000],
            pause=events_of(page),
        )


@pytest.fixture
def folder(tmp_path: Path) -> StudyFolder:
    return make_study(
        tmp_path,
        NAME,
        records=(*RECORDS, StateChanged(state="paused", reason="paused by a person")),
    )


@pytest.fixture
def kernel(folder: StudyFolder, page: Page) -> Iterator[Kernel]:
    made = Kernel(folder, Stage(page))
    yield made
    made.close()


def says(page: Page, text: str) -> Callable[[], bool]:
    return lambda: text in page.locator("#cell").inner_text()


def test_the_screen_follows_the_study(kernel: Kernel, page: Page) -> None:
    kernel.until(says(page, NAME))
    kernel.until(says(page, "a lower rate helps"))
    kernel.until(says(page, "through the kernel"))
    append(kernel.folder, StateChanged(state="stopped", reason="no more electricity"))
    kernel.until(says(page, "no more electricity"))
    append(kernel.folder, TrialStarted(candidate=4, trial=1, seed=9))
    add_points(kernel.folder, 4, 1, range(50))
    kernel.until(says(page, "train_loss"))


def test_a_click_is_stored_adopted_and_then_shown(kernel: Kernel, page: Page) -> None:
    kernel.until(says(page, NAME))
    kernel.until(lambda: page.get_by_role("button", name="Stop", exact=True).is_enabled())
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Stop for good?").click()
    kernel.until(says(page, "stopped by a person"))
    with Journal(kernel.folder) as journal:
        adopted = [
            entry.record for entry in journal.read_entries() if isinstance(entry.record, Adopted)
        ]
    (request,) = kernel.stage.said("request")
    assert [(one.request, one.verb) for one in adopted] == [(request["decision_id"], "stop")]


def test_after_a_restart_of_the_kernel_the_screen_says_that_nobody_answers_until_somebody_does(
    kernel: Kernel, page: Page
) -> None:
    kernel.until(says(page, "through the kernel"))
    kernel.restart()
    kernel.until(says(page, "does not answer"), 12)
    greeted = len(kernel.stage.said("hello"))
    kernel.until(lambda: len(kernel.stage.said("hello")) > greeted)
    assert (
        "does not answer" in page.locator("#cell").inner_text()
    )  # to have asked is not to have been answered
    kernel.is_dead = False
    kernel.until(lambda: not says(page, "does not answer")())


class Server:
    """A Jupyter server's two endpoints, in the browser's own network stack.

    `take` is called with what the page says.
    """

    def __init__(self, page: Page, status: int = 200) -> None:
        self.sockets: list[WebSocketRoute] = []
        self.said: list[dict[str, Any]] = []
        self.posts: list[Any] = []
        self.status = status
        page.context.add_cookies([{"name": "_xsrf", "value": "2|secret", "url": SITE}])
        page.route("http://lab.test/**", self._answer)
        page.route_web_socket("ws://lab.test/**", self._open)
        page.goto(SITE)

    def _answer(self, route: Route) -> None:
        if route.request.method == "POST":
            self.posts.append(route.request)
            route.fulfill(
                status=self.status,
                json={} if self.status == 200 else {"message": "candidate 4 is not yours"},
            )
        else:
            route.fulfill(body="<html></html>", content_type="text/html")

    def _open(self, socket: WebSocketRoute) -> None:
        self.sockets.append(socket)
        socket.on_message(lambda text: self.said.append(json.loads(text)))

    def send(self, message: dict[str, Any], buffer: bytes | None = None) -> None:
        self.sockets[-1].send(pack(message, buffer))


def mounted(page: Page, **traits: Any) -> Stage:
    config = {"baseUrl": "/user/ada/", "token": "t0ken"}
    return Stage(
        page,
        traits={"route": "auto", "study_path": "/studies/a b", "opened_at": 1.0, **traits},
        jupyter=config,
    )


def test_the_server_is_preferred_and_gets_decisions_as_posts(page: Page) -> None:
    server, faults = Server(page), list[str]()
    page.on("pageerror", lambda error: faults.append(str(error)))
    stage = mounted(page)
    stage.wait_for(lambda: server.said)
    assert (
        server.sockets[0].url
        == "ws://lab.test/user/ada/workbench/feed?study=%2Fstudies%2Fa+b&token=t0ken"
    )
    assert server.said[0] == HELLO
    server.send(snapshot([row(n) for n in range(3)]))
    series = {
        "id": 0,
        "candidate": 0,
        "trial": 0,
        "name": "a_loss",
        "self_reported": False,
        "running": True,
    }
    server.send({"type": "series", "series": [series]})
    server.send({"type": "points", "counts": [0, 2]}, struct.pack("<2d2f", 1.0, 2.0, 0.5, 0.25))
    rows = [row(n) for n in range(3)]
    server.send(
        {
            "type": "changes",
            "state": state(rows, reason="paused by a storm", state="paused"),
            "rows": [],
        },
        b"",
    )  # a binary frame too
    stage.wait_for(says(page, "paused by a storm"), 10)
    assert faults == []
    assert "through the server" in page.locator("#cell").inner_text()
    page.get_by_role("button", name="Resume", exact=True).click()
    stage.wait_for(lambda: server.posts)
    post = server.posts[0]
    assert post.url == f"{SITE}workbench/request"
    assert (post.headers["x-xsrftoken"], post.headers["authorization"]) == (
        "2|secret",
        "token t0ken",
    )
    body = post.post_data_json
    assert (body["study"], body["verb"], body["body"]) == ("/studies/a b", "resume", {})
    assert not stage.heard  # nothing went to the kernel


def test_a_refused_post_shows_its_reason(page: Page) -> None:
    server = Server(page, status=400)
    stage = mounted(page)
    stage.wait_for(lambda: server.said)
    server.send(snapshot([row(n) for n in range(3)]))
    page.get_by_role("button", name="Pause", exact=True).click()
    stage.wait_for(says(page, "candidate 4 is not yours"), 10)


def test_a_lost_socket_is_said_and_opened_again(page: Page) -> None:
    server = Server(page)
    stage = mounted(page)
    stage.wait_for(lambda: server.said)
    server.send(snapshot([row(n) for n in range(3)]))
    stage.wait_for(says(page, "through the server"), 10)
    server.sockets[0].close(code=1001, reason="the server restarts")
    stage.wait_for(says(page, "the server restarts"), 10)
    stage.wait_for(lambda: len(server.sockets) == 2, 10)
    stage.wait_for(lambda: len(server.said) > 1 and server.said[-1]["type"] == "hello", 10)
    server.send(snapshot([row(n) for n in range(4)]))
    stage.wait_for(lambda: not says(page, "the server restarts")(), 10)
    assert not stage.heard


@pytest.mark.parametrize("why", ["no extension", "another study", "silence"])
def test_the_kernel_is_asked_where_the_server_has_not_this_study(page: Page, why: str) -> None:
    server = Server(page)
    if why == "no extension":
        page.route_web_socket(
            "ws://lab.test/**", lambda socket: socket.close(code=4404, reason="no such study")
        )
    stage = mounted(page, opened_at=2.0 if why == "another study" else 1.0)
    if why == "another study":
        stage.wait_for(lambda: server.said)
        server.send(snapshot([row(n) for n in range(3)]))
    stage.wait_for(lambda: stage.said("hello"), 10)
    stage.deliver(snapshot([row(n) for n in range(3)]))
    stage.wait_for(says(page, "through the kernel"), 10)
