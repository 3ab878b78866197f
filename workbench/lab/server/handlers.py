"""Handlers under `{base_url}/workbench/`: the list of studies, one study's feed, and requests.

Whoever may read files here may look at studies. A request can start a loop, which runs code, so it
needs the right to write files and the right to run kernels. Every path is confined to the server's
root (`Shelf.find`). Journals are read outside the server's event loop, which must not wait for a
disk.
"""

import asyncio
import json
import struct
from concurrent.futures import CancelledError
from typing import Any

from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.utils import ensure_async, url_path_join
from tornado import web
from tornado.websocket import WebSocketClosedError, WebSocketHandler

from workbench.errors import StudyError, UsageError, WorkbenchError
from workbench.lab.live import filing
from workbench.lab.live.feed import Feed
from workbench.lab.server.shelf import Shelf

WATCH_SECONDS = 1.0
SEND_SECONDS = 30.0
MAX_MESSAGE_BYTES = 256 * 1024
MAX_REQUEST_BYTES = 8 * 1024 * 1024
MAY_LOOK = (("read", "contents"),)  # action and resource, as the server's authorizer knows them
MAY_DECIDE = (("write", "contents"), ("execute", "kernels"))
# What a socket may ask. A request is not among them: it needs other rights, and comes as a POST.
QUESTIONS = frozenset({"hello", "watch", "card", "files", "cell"})

# Codes with which a socket is closed
NO_STUDY = 4404
BAD_MESSAGE = 4400
TOO_SLOW = 1008
FAILED = 1011


def handlers(base_url: str, shelf: Shelf) -> list[tuple[str, type[JupyterHandler], dict[str, Any]]]:
    """The routes, for `web_app.add_handlers`."""
    routes = {"studies": Studies, "request": Requests, "watch": WatchSocket, "feed": FeedSocket}
    return [
        (url_path_join(base_url, "workbench", name), handler, {"shelf": shelf})
        for name, handler in routes.items()
    ]


async def _require(handler: JupyterHandler, *rights: tuple[str, str]) -> None:
    for action, resource in rights:
        if not await ensure_async(
            handler.authorizer.is_authorized(handler, handler.current_user, action, resource)
        ):
            raise web.HTTPError(403, f"this user may not {action} {resource} here")


class Studies(APIHandler):
    """`GET studies`: what `Shelf.list_studies` says."""

    def initialize(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @web.authenticated
    async def get(self) -> None:
        await _require(self, *MAY_LOOK)
        self.finish(json.dumps(await asyncio.to_thread(self._shelf.list_studies)))


class Requests(APIHandler):
    """`POST request` with `{study, decision_id, verb, body}`.

    Answers `{}` once the request is stored, else `{"message"}`. The same `decision_id` again has no
    further effect. The feed tells whether a loop adopts the request.
    """

    def initialize(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @web.authenticated
    async def post(self) -> None:
        await _require(self, *MAY_DECIDE)
        try:
            message = self._read()
            folder = self._shelf.find(message["study"])
            await asyncio.to_thread(
                filing.file, folder, message["decision_id"], message["verb"], message["body"]
            )
        except WorkbenchError as error:
            self.set_status(_choose_status(error))
            self.finish(json.dumps({"message": str(error)}))
            return

        def warn(line: str) -> None:
            self.log.warning("autoresearch: no loop for %s: %s", folder.path, line)

        # The answer does not wait for a loop. Where none can start, the screens show that none is
        # alive, and what it printed last.
        filing.ensure_loop(folder, warn)
        self.finish("{}")

    def _read(self) -> dict[str, Any]:
        """The posted message; `filing.file` checks the request in it."""
        size = len(self.request.body)
        if size > MAX_REQUEST_BYTES:
            raise UsageError(
                f"a request must have at most {MAX_REQUEST_BYTES // 1024**2} MiB; "
                f"it has {size:,} bytes; make the change smaller"
            )
        fields = ("study", "decision_id", "verb", "body")
        try:
            message = json.loads(self.request.body)
            values = {name: message[name] for name in fields}
        except (ValueError, TypeError, KeyError, RecursionError):
            raise UsageError(f"a request must be a JSON object with {', '.join(fields)}") from None
        if not isinstance(values["study"], str):
            raise UsageError("study must be a text, the path of the study's folder")
        return values


def _choose_status(error: WorkbenchError) -> int:
    """The HTTP status that says whose fault an error is."""
    if isinstance(error, StudyError):
        return 404
    if isinstance(error, UsageError):
        return 400
    return 409


class _Socket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """An authenticated, origin-checked socket of a user who may read files here."""

    def initialize(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @property
    def max_message_size(self) -> int:
        return MAX_MESSAGE_BYTES

    async def get(self, *args: Any, **kwargs: Any) -> None:
        if self.current_user is None:
            raise web.HTTPError(403)
        await _require(self, *MAY_LOOK)
        await super().get(*args, **kwargs)


class WatchSocket(_Socket):
    """`watch`: `{type: "studies", studies, unreadable}` at once and after every change."""

    _task: asyncio.Task[None] | None = None

    def open(self, *args: Any, **kwargs: Any) -> None:
        super().open(*args, **kwargs)
        self._task = asyncio.ensure_future(self._follow())

    async def _follow(self) -> None:
        last = ""
        try:
            while True:
                text = json.dumps(
                    {"type": "studies", **await asyncio.to_thread(self._shelf.list_studies)}
                )
                if text != last:
                    # Waits for a slow browser, which then gets only the newest of the lists.
                    await self.write_message(text)
                    last = text
                await asyncio.sleep(WATCH_SECONDS)
        except WebSocketClosedError:
            pass
        except Exception:
            self.close(FAILED, "the list of studies cannot be read; see the server's log")
            raise

    def on_message(self, message: str | bytes) -> None:
        self.close(BAD_MESSAGE, "this socket takes no messages")

    def on_close(self) -> None:
        super().on_close()
        if self._task is not None:
            self._task.cancel()


class FeedSocket(_Socket):
    """`feed?study=PATH`: the messages of `extensions/src/protocol.ts`, of one study."""

    _feed: Feed | None = None

    def initialize(self, shelf: Shelf) -> None:
        super().initialize(shelf)
        self._loop = asyncio.get_running_loop()

    def open(self, *args: Any, **kwargs: Any) -> None:
        super().open(*args, **kwargs)
        try:
            folder = self._shelf.find(self.get_query_argument("study", ""))
        except StudyError as error:
            self.close(NO_STUDY, str(error))
            return
        self._feed = Feed(folder, self._send)
        self._feed.start()

    async def on_message(self, message: str | bytes) -> None:
        """Passes a question on to the feed. Tornado reads the next one when this one is done."""
        try:
            question = json.loads(message)
            is_question = question["type"] in QUESTIONS
        except (ValueError, TypeError, KeyError, RecursionError):
            is_question = False
        if not is_question:
            self.close(
                BAD_MESSAGE,
                f"a message is a JSON object whose type is one of {', '.join(sorted(QUESTIONS))}",
            )
        elif self._feed is not None:
            await asyncio.to_thread(self._feed.receive, question)

    def _send(self, message: dict[str, Any], buffer: bytes | None) -> None:
        """Sends one message to the browser; called in the feed's threads.

        Returns when the bytes have left, so that a slow browser slows the feed down.

        Raises:
            ConnectionError: the browser is gone, or reads nothing any more.
        """
        frame = pack(message, buffer)
        if self._loop.is_closed():
            raise ConnectionError("the server ends")
        try:
            asyncio.run_coroutine_threadsafe(self._write(frame), self._loop).result(SEND_SECONDS)
        except TimeoutError:
            self._loop.call_soon_threadsafe(self.close, TOO_SLOW, "the browser reads nothing")
            raise ConnectionError("the browser reads nothing") from None
        except (WebSocketClosedError, CancelledError):
            raise ConnectionError("the browser has closed") from None

    async def _write(self, frame: str | bytes) -> None:
        await self.write_message(frame, binary=isinstance(frame, bytes))

    def on_close(self) -> None:
        super().on_close()
        if self._feed is not None:
            self._feed.close()


def pack(message: dict[str, Any], buffer: bytes | None) -> str | bytes:
    """The frame of a message: its JSON, or bytes where there is a buffer.

    The bytes are `uint32 length of the JSON | JSON | zeros to a multiple of 8 | buffer`. With the
    zeros the buffer is aligned, so that the browser can read numbers in it without a copy.
    """
    text = json.dumps(message, allow_nan=False, separators=(",", ":"))
    if buffer is None:
        return text
    header = text.encode()
    padding = -(4 + len(header)) % 8
    return struct.pack("<I", len(header)) + header + bytes(padding) + buffer
