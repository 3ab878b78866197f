"""A scripted server that speaks the wire format of the Messages API. Standard library only.

It answers with JSON, streaming events, errors and overload, as a test's script says. So that no one
takes these answers for those of a model, the model in every message ends in ` (scripted)`.
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
class Answer:
    """An answer.

    Attributes:
        content: a text, or content blocks.
        stop: why the model stopped; empty for the usual reason.
        usage: counts of tokens, in place of the usual ones.
        lost_after: after how many events the connection breaks; None if it holds.
        pause: seconds between events.
    """

    content: str | Sequence[Body]
    stop: str = ""
    usage: Body = field(default_factory=dict)
    lost_after: int | None = None
    pause: float = 0.0


@dataclass(frozen=True)
class Failure:
    """An error in place of an answer.

    Attributes:
        status: the HTTP status.
        kind: the kind of the error in the body.
        message: the message in the body.
        headers: further headers.
        in_stream: true to send status 200, and the error as the first event.
        body: the body, in place of the usual one.
        content_type: the type of the body.
    """

    status: int
    kind: str = "api_error"
    message: str = "scripted failure"
    headers: Mapping[str, str] = field(default_factory=dict)
    in_stream: bool = False
    body: str | None = None
    content_type: str = "application/json"


Step = Answer | Failure | str
Script = Callable[[Body], Step]
_IDS = itertools.count(1)


def call_tools(*calls: tuple[str, Any], text: str = "", usage: Body | None = None) -> Answer:
    """An answer that calls tools.

    Args:
        calls: name and arguments of each call. Arguments that are a text are sent as they are, JSON
            or not.
        text: what the model thinks and says before; empty for nothing.
        usage: counts of tokens, in place of the usual ones.
    """
    blocks: list[Body] = []
    if text:
        blocks = [{"type": "thinking", "thinking": text}, {"type": "text", "text": text}]
    for name, arguments in calls:
        call_id = f"toolu_{next(_IDS)}"
        blocks.append({"type": "tool_use", "id": call_id, "name": name, "input": arguments})
    return Answer(blocks, usage=usage or {})


def play_steps(*steps: Step) -> Script:
    """A script that plays its steps one by one, and repeats the last one."""
    left = list(steps)
    return lambda body: left.pop(0) if len(left) > 1 else left[0]


class MessagesServer:
    """Answers `POST /v1/messages` as a script says.

    Attributes:
        script: called with the body of each request.
        requests: path, headers and body of each request.
        disconnected: set once a client has closed a connection early.
        url: where the server listens.
    """

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
        step: Step = Failure(404, "not_found_error", path)
        if path == "/v1/messages":
            step = self.owner.script(body)
        if isinstance(step, str):
            step = Answer(step)
        try:
            if isinstance(step, Failure):
                self._send_failure(step)
            else:
                self._send_answer(step, body)
        except (BrokenPipeError, ConnectionResetError):
            self.owner.disconnected.set()
            self.close_connection = True

    def _send_failure(self, step: Failure) -> None:
        error = {
            "type": "error",
            "error": {"type": step.kind, "message": step.message},
            "request_id": "req_scripted",
        }
        if step.in_stream:
            self._begin_stream()
            self._send_event("error", error)
            self.wfile.write(b"0\r\n\r\n")
            return
        body = json.dumps(error)
        if step.body is not None:
            body = step.body
        data = body.encode()
        headers = {"content-type": step.content_type, "content-length": str(len(data))}
        self.send_response(step.status)
        for name, value in {**headers, **step.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    def _begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def _send_event(self, name: str, data: Body) -> None:
        text = f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()
        self.wfile.write(b"%x\r\n%s\r\n" % (len(text), text))
        self.wfile.flush()

    def _send_answer(self, step: Answer, body: Body) -> None:
        blocks = step.content
        if isinstance(blocks, str):
            blocks = [{"type": "text", "text": blocks}]
        calls_tools = any(block["type"] == "tool_use" for block in blocks)
        stop = step.stop or ("tool_use" if calls_tools else "end_turn")
        usage = {
            "input_tokens": len(json.dumps(body)) // 4,
            "output_tokens": len(json.dumps(blocks)) // 4,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": 0,
            **step.usage,
        }
        self._begin_stream()
        events = _make_events(blocks, stop, usage, f"{body['model']} (scripted)")
        for number, (name, data) in enumerate(events):
            if number == step.lost_after:
                self.close_connection = True
                self.connection.shutdown(2)
                return
            self._send_event(name, data)
            time.sleep(step.pause)
        self.wfile.write(b"0\r\n\r\n")


def _make_events(
    blocks: Sequence[Body], stop: str, usage: Body, model: str
) -> list[tuple[str, Body]]:
    """Name and data of each event of an answer, in the order of the Messages API."""
    message = {
        "id": "msg_scripted",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": {**usage, "output_tokens": 1},
    }
    events: list[tuple[str, Body]] = [("message_start", {"message": message}), ("ping", {})]
    for index, block in enumerate(blocks):
        empty, deltas = _split_block(block)
        events.append(("content_block_start", {"index": index, "content_block": empty}))
        events += [("content_block_delta", {"index": index, "delta": delta}) for delta in deltas]
        events.append(("content_block_stop", {"index": index}))
    end = {"stop_reason": stop, "stop_sequence": None}
    output = {"output_tokens": usage["output_tokens"]}
    events.append(("message_delta", {"delta": end, "usage": output}))
    events.append(("message_stop", {}))
    return events


def _split_block(block: Body) -> tuple[Body, list[Body]]:
    """The block with which a stream begins, and the pieces that follow."""
    match block["type"]:
        case "tool_use":
            arguments = block["input"]
            if not isinstance(arguments, str):
                arguments = json.dumps(arguments)
            return {**block, "input": {}}, _make_deltas(
                "input_json_delta", "partial_json", arguments
            )
        case "thinking":
            deltas = _make_deltas("thinking_delta", "thinking", block["thinking"])
            deltas.append({"type": "signature_delta", "signature": "scripted"})
            return {"type": "thinking", "thinking": "", "signature": ""}, deltas
    return {"type": "text", "text": ""}, _make_deltas("text_delta", "text", block["text"])


def _make_deltas(kind: str, key: str, text: str, size: int = 400) -> list[Body]:
    """A text in pieces of at most `size` characters."""
    return [{"type": kind, key: text[at : at + size]} for at in range(0, len(text), size)]
