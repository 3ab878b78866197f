"""Handlers under `{base_url}/workbench/`: the list of studies, one study's feed, and requests of a person.

Who may read files here may look at studies; a request can start a loop, which runs code, so that it takes the right to write files
and the right to run kernels. Every path is confined to the server's root (`Shelf.find`). Journals are read off the server's event loop.
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
from workbench.ledger.folder import StudyFolder

WATCH_SECONDS = 1.0
SEND_SECONDS = 30.0
MAX_MESSAGE_BYTES = 256 * 1024
MAX_REQUEST_BYTES = 8 * 1024 * 1024
NO_STUDY, BAD_MESSAGE, TOO_SLOW, FAILED = 4404, 4400, 1008, 1011  # close codes
MAY_LOOK = (("read", "contents"),)  # action and resource, as the server's authorizer knows them
MAY_DECIDE = (("write", "contents"), ("execute", "kernels"))
QUESTIONS = frozenset(
    {"hello", "watch", "card", "files", "cell"}
)  # a request comes as a POST, which needs other rights


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
    """`GET studies`: what `Shelf.listing` says."""

    def initialize(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @web.authenticated
    async def get(self) -> None:
        await _require(self, *MAY_LOOK)
        self.finish(json.dumps(await asyncio.to_thread(self._shelf.listing)))


class Requests(APIHandler):
    """`POST request` with `{study, decision_id, verb, body}`: answers `{}` once it is stored, else `{"message"}`.

    The same `decision_id` again has no further effect. Whether a loop adopts the request is told by the feed.
    """

    def initialize(self, shelf: Shelf) -> None:
        self._shelf = shelf

    @web.authenticated
    async def post(self) -> None:
        await _require(self, *MAY_DECIDE)
        try:
            folder, asked = self._read()
            await asyncio.to_thread(filing.file, folder, *asked)
        except WorkbenchError as error:
            self.set_status(
                404
                if isinstance(error, StudyError)
                else 400
                if isinstance(error, UsageError)
                else 409
            )
            self.finish(json.dumps({"message": str(error)}))
            return
        # The answer does not wait for a loop; where none can start, the screens show that none is alive, and its last words.
        filing.ensure_loop(
            folder,
            lambda line: self.log.warning("autoresearch: no loop for %s: %s", folder.path, line),
        )
        self.finish("{}")

    def _read(self) -> tuple[StudyFolder, tuple[str, str, dict[str, Any]]]:
        if len(self.request.body) > MAX_REQUEST_BYTES:
            raise UsageError(
                f"a request of more than {MAX_REQUEST_BYTES // 1024**2} MiB; make the change smaller"
            )
        try:
            body = json.loads(self.request.body)
            study, decision_id, verb, details = (
                body[name] for name in ("study", "decision_id", "verb", "body")
            )
        except (ValueError, TypeError, KeyError, RecursionError):
            raise UsageError(
                "a request is a JSON object with study, decision_id, verb and body"
            ) from None
        if not all(isinstance(text, str) for text in (study, decision_id, verb)) or not isinstance(
            details, dict
        ):
            raise UsageError(
                "of a request study, decision_id and verb are texts, and body is an object"
            )
        return self._shelf.find(study), (decision_id, verb, details)


class _Socket(WebSocketMixin, WebSocketHandler, JupyterHandler):
    """An authenticated, origin-checked socket of somebody who may read files here."""

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
                    {"type": "studies", **await asyncio.to_thread(self._shelf.listing)}
                )
                if text != last:
                    await self.write_message(
                        text
                    )  # waits for a slow browser, which then gets the newest list only
                    last = text
                await asyncio.sleep(WATCH_SECONDS)
        except WebSocketClosedError:
            pass
        except Exception:
            self.close(FAILED, "the list of studies cannot be read; see the server's log")
            raise

    def on_message(self, message: str | bytes) -> None:
        self.close(BAD_MESSAGE, "nothing is said here")

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
        """Tornado reads the next message when this one is done."""
        try:
            question = json.loads(message)
            known = question["type"] in QUESTIONS
        except (ValueError, TypeError, KeyError, RecursionError):
            known = False
        if not known:
            self.close(
                BAD_MESSAGE,
                f"a message is a JSON object whose type is one of {', '.join(sorted(QUESTIONS))}",
            )
        elif self._feed is not None:
            await asyncio.to_thread(self._feed.receive, question)

    def _send(self, message: dict[str, Any], buffer: bytes | None) -> None:
        """Called in the feed's threads; returns when the bytes have left, so that a slow browser slows the feed down.

        Raises:
            ConnectionError: the browser is gone, or takes nothing any more.
        """
        frame = pack(message, buffer)
        if self._loop.is_closed():
            raise ConnectionError("the server ends")
        try:
            asyncio.run_coroutine_threadsafe(self._write(frame), self._loop).result(SEND_SECONDS)
        except TimeoutError:
            self._loop.call_soon_threadsafe(self.close, TOO_SLOW, "the browser takes nothing")
            raise ConnectionError("the browser takes nothing") from None
        except (WebSocketClosedError, CancelledError):
            raise ConnectionError("the browser has closed") from None

    async def _write(self, frame: str | bytes) -> None:
        await self.write_message(frame, binary=isinstance(frame, bytes))

    def on_close(self) -> None:
        super().on_close()
        if self._feed is not None:
            self._feed.close()


def pack(message: dict[str, Any], buffer: bytes | None) -> str | bytes:
    """A frame: JSON text, or `uint32 length | JSON | zeros to a multiple of 8 | buffer`, which leaves the buffer aligned."""
    text = json.dumps(message, allow_nan=False, separators=(",", ":"))
    if buffer is None:
        return text
    header = text.encode()
    padding = -(4 + len(header)) % 8
    return struct.pack("<I", len(header)) + header + bytes(padding) + buffer
