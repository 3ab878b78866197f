"""A scripted server that speaks the wire format of the Messages API: JSON, streaming events, errors, overload; standard library only.

What it says is a script of the test's, and is called so wherever it shows: every message's model ends in ` (scripted)`.
"""

import itertools
import json
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self

Body = Mapping[str, Any]


@dataclass(frozen=True)
class Says:
    """An answer: a text, or content blocks. `lost_after`: the connection breaks after so many events. `pause`: seconds between events."""

    content: str | Sequence[Body]
    stop: str = ""
    usage: Body = field(default_factory=dict)
    lost_after: int | None = None
    pause: float = 0.0


@dataclass(frozen=True)
class Fails:
    """An error in place of an answer; `in_stream`: status 200, then the error as the first event. `body`: in place of the usual one."""

    status: int
    kind: str = "api_error"
    message: str = "scripted failure"
    headers: Mapping[str, str] = field(default_factory=dict)
    in_stream: bool = False
    body: str | None = None
    content_type: str = "application/json"


Step = Says | Fails | str
Script = Callable[[Body], Step]
_IDS = itertools.count(1)


def uses(*calls: tuple[str, Any], said: str = "", usage: Body | None = None) -> Says:
    """An answer that calls tools, each a name and its arguments; arguments that are a text are sent as they are, JSON or not."""
    blocks: list[Body] = (
        [{"type": "thinking", "thinking": said}, {"type": "text", "text": said}] if said else []
    )
    made = [
        {"type": "tool_use", "id": f"toolu_{next(_IDS)}", "name": name, "input": given}
        for name, given in calls
    ]
    return Says([*blocks, *made], usage=usage or {})


def in_turn(*steps: Step) -> Script:
    """A script that takes its steps one by one, the last one for ever."""
    left = list(steps)
    return lambda body: left.pop(0) if len(left) > 1 else left[0]


class MessagesServer:
    """Answers `POST /v1/messages` as `script(request body)` says; `requests` holds path, headers and body of each."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[dict[str, Any]] = []
        self.disconnected = threading.Event()
        server = self

        class Handler(_Handler):
            owner = server

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._thread = threading.Thread(
            target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True
        )
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()

    @property
    def prompts(self) -> list[str]:
        """The last turn of each request, as one text."""
        turns = [request["body"]["messages"][-1]["content"] for request in self.requests]
        return [
            "\n".join(block.get("text") or block.get("content", "") for block in turn)
            for turn in turns
        ]


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    owner: MessagesServer

    def log_message(self, format: str, *args: object) -> None:
        pass

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        path = self.path.split("?")[0]
        self.owner.requests.append({"path": path, "headers": dict(self.headers), "body": body})
        step = (
            self.owner.script(body)
            if path == "/v1/messages"
            else Fails(404, "not_found_error", path)
        )
        try:
            if isinstance(step, Fails):
                self._fail(step)
            else:
                self._say(step if isinstance(step, Says) else Says(step), body)
        except (BrokenPipeError, ConnectionResetError):
            self.owner.disconnected.set()
            self.close_connection = True

    def _fail(self, step: Fails) -> None:
        error = {
            "type": "error",
            "error": {"type": step.kind, "message": step.message},
            "request_id": "req_scripted",
        }
        if step.in_stream:
            self._begin()
            self._event("error", error)
            self.wfile.write(b"0\r\n\r\n")
            return
        data = (json.dumps(error) if step.body is None else step.body).encode()
        self.send_response(step.status)
        for name, value in {
            "content-type": step.content_type,
            "content-length": str(len(data)),
            **step.headers,
        }.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _begin(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def _event(self, name: str, data: Body) -> None:
        text = f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
        self.wfile.flush()

    def _say(self, step: Says, body: Body) -> None:
        blocks = (
            [{"type": "text", "text": step.content}]
            if isinstance(step.content, str)
            else list(step.content)
        )
        stop = step.stop or (
            "tool_use" if any(block["type"] == "tool_use" for block in blocks) else "end_turn"
        )
        usage = {
            "input_tokens": len(json.dumps(body)) // 4,
            "output_tokens": len(json.dumps(blocks)) // 4,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            **step.usage,
        }
        self._begin()
        for number, (name, data) in enumerate(
            _events(blocks, stop, usage, f"{body['model']} (scripted)")
        ):
            if number == step.lost_after:
                self.close_connection = True
                self.connection.shutdown(2)
                return
            self._event(name, data)
            time.sleep(step.pause)
        self.wfile.write(b"0\r\n\r\n")


def _events(blocks: Sequence[Body], stop: str, usage: Body, model: str) -> list[tuple[str, Body]]:
    start = {
        "id": "msg_scripted",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
    }
    message = {**start, "stop_sequence": None, "usage": {**usage, "output_tokens": 1}}
    events: list[tuple[str, Body]] = [("message_start", {"message": message}), ("ping", {})]
    for index, block in enumerate(blocks):
        empty, deltas = _parts(block)
        events.append(("content_block_start", {"index": index, "content_block": empty}))
        events += [("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
        events.append(("content_block_stop", {"index": index}))
    end = {"stop_reason": stop, "stop_sequence": None}
    events.append(
        ("message_delta", {"delta": end, "usage": {"output_tokens": usage["output_tokens"]}})
    )
    events.append(("message_stop", {}))
    return events


def _parts(block: Body) -> tuple[Body, list[Body]]:
    """What a block starts as, and the pieces in which it comes."""

    def cut(text: str, size: int = 400) -> list[str]:
        return [text[at : at + size] for at in range(0, len(text), size)]

    if block["type"] == "tool_use":
        given = block["input"] if isinstance(block["input"], str) else json.dumps(block["input"])
        return {**block, "input": {}}, [
            {"type": "input_json_delta", "partial_json": part} for part in cut(given)
        ]
    if block["type"] == "thinking":
        pieces: list[Body] = [
            {"type": "thinking_delta", "thinking": part} for part in cut(block["thinking"])
        ]
        return {"type": "thinking", "thinking": "", "signature": ""}, [
            *pieces,
            {"type": "signature_delta", "signature": "scripted"},
        ]
    return {"type": "text", "text": ""}, [
        {"type": "text_delta", "text": part} for part in cut(block["text"])
    ]
