"""Every failure of a call, through the real SDK, against a scripted server."""

import json
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from threading import Event

import pytest

from tests.messages_server import Answer, Failure, MessagesServer, Step, play_steps
from workbench.errors import ProposerFault, ProposerUnusable
from workbench.propose.model.call import ModelRequest, Reply, Usage, text_block
from workbench.propose.model.client import LONGEST_WAIT_SECONDS, MAX_TRIES, Client, make_body
from workbench.propose.proposer import Receipt

KEY = "sk-ant-made-up-for-this-test"
OPUS = "claude-opus-5-5"


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in (
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_BASE_URL",
        "ANTHROPIC_CUSTOM_HEADERS",
        "ANTHROPIC_PROFILE",
        "ANTHROPIC_CONFIG_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


def request(model: str = OPUS, effort: str = "") -> ModelRequest:
    messages = [{"role": "user", "content": [text_block("what stays"), text_block("what changes")]}]
    return ModelRequest(model=model, system="be brief", messages=messages, effort=effort)


class Caller:
    """Asks a scripted server one question, and records its waits instead of waiting."""

    def __init__(self) -> None:
        self.receipt = Receipt()
        self.waits: list[float] = []
        self.lines: list[str] = []
        self.on_wait: Callable[[], bool] = lambda: False

    def wait(self, cancelled: Event, seconds: float) -> bool:
        self.waits.append(seconds)
        return self.on_wait()

    def ask(
        self,
        server: MessagesServer,
        cancelled: Event | None = None,
        model: str = OPUS,
        effort: str = "",
    ) -> Reply:
        client = Client(server.url, wait=self.wait)
        return client.ask(request(model, effort), self.receipt, cancelled, self.lines.append)

    def fail(self, *steps: Step) -> str:
        """Asks a question that fails; returns the message."""
        with MessagesServer(play_steps(*steps)) as server, pytest.raises(ProposerFault) as caught:
            self.ask(server)
        assert not self.receipt.in_flight
        assert "\n" not in str(caught.value)
        self.error = caught.value
        return str(caught.value)


@pytest.fixture
def caller() -> Caller:
    return Caller()


def test_an_answer_comes_with_its_usage_and_its_price(caller: Caller) -> None:
    used = {
        "input_tokens": 1000,
        "output_tokens": 200,
        "cache_creation_input_tokens": 400,
        "cache_read_input_tokens": 3000,
    }
    thought = {"type": "thinking", "thinking": "hm", "signature": "scripted"}
    with MessagesServer(
        play_steps(Answer([thought, text_block("hello \u00e9")], usage=used))
    ) as server:
        reply = caller.ask(server, effort="low")
    assert (reply.text, reply.stop, reply.model) == (
        "hello \u00e9",
        "end_turn",
        f"{OPUS} (scripted)",
    )
    assert reply.usage == Usage(input=1000, output=200, cache_write=400, cache_read=3000)
    assert caller.receipt.tokens == 4600
    assert caller.receipt.usd == pytest.approx((1000 * 4 + 200 * 20 + 400 * 5 + 3000 * 0.2) / 1e6)
    sent = server.requests[0]
    assert (sent["path"], sent["body"]["stream"], sent["body"]["output_config"]) == (
        "/v1/messages",
        True,
        {"effort": "low"},
    )
    assert sent["body"]["system"] == "be brief"
    assert "cache_control" not in json.dumps(sent["body"]), "a local server may not know it"
    assert [block["type"] for block in caller.receipt.calls[0]["response"]["content"]] == [
        "thinking",
        "text",
    ]


def test_a_model_without_a_price_is_counted_in_tokens_only(caller: Caller) -> None:
    with MessagesServer(play_steps("hello")) as server:
        caller.ask(server, model="qwen3:8b")
    assert caller.receipt.usd == 0.0
    assert caller.receipt.tokens > 0
    assert caller.receipt.calls[0]["usd"] is None


def test_what_stays_the_same_is_marked_for_the_cache_of_claude_only() -> None:
    body = make_body(request(), is_anthropic=True)
    first, second = body["messages"][0]["content"]
    assert body["system"][0]["cache_control"] == first["cache_control"] == {"type": "ephemeral"}
    assert "cache_control" not in second
    assert "cache_control" not in json.dumps(make_body(request(), is_anthropic=False))


def test_overload_and_rate_limits_are_waited_out_where_a_person_sees_it(caller: Caller) -> None:
    busy = Failure(529, "overloaded_error", headers={"retry-after": "8"})
    limited = Failure(429, "rate_limit_error", headers={"retry-after": "0.5"})
    with MessagesServer(
        play_steps(
            busy, limited, Failure(500), Failure(200, "overloaded_error", in_stream=True), "at last"
        )
    ) as server:
        assert caller.ask(server).text == "at last"
    assert caller.waits == [8.0, 0.5, 4.0, 8.0]
    assert caller.lines == [
        "overloaded; trying again in 8 s",
        "rate limited; trying again in 0.5 s",
        "server error 500; trying again in 4 s",
        "overloaded; trying again in 8 s",
    ]
    assert len(caller.receipt.calls) == 1
    assert caller.receipt.calls[0]["waits"] == caller.lines


def test_waiting_has_an_end(caller: Caller) -> None:
    assert "is overloaded, and was at every try" in caller.fail(Failure(529, "overloaded_error"))
    assert caller.waits == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert len(caller.waits) == MAX_TRIES - 1
    assert not isinstance(caller.error, ProposerUnusable)


def test_a_wait_that_is_too_long_is_not_begun(caller: Caller) -> None:
    assert "it asks to wait 3.6e+03 s" in caller.fail(
        Failure(429, "rate_limit_error", headers={"retry-after": "3600"})
    )
    assert caller.waits == []
    assert LONGEST_WAIT_SECONDS < 3600


@pytest.mark.parametrize(
    ("step", "message"),
    [
        (
            Failure(401, "authentication_error", f"invalid x-api-key {KEY}"),
            "does not accept the key; set a valid ANTHROPIC_API_KEY",
        ),
        (
            Failure(403, "permission_error", f"{KEY} may not"),
            "this key may not use claude-opus-5-5",
        ),
        (Failure(402, "billing_error", "no money"), "add credit, then resume"),
        (
            Failure(400, "invalid_request_error", "Your credit balance is too low"),
            "add credit, then resume",
        ),
        (Failure(404, "not_found_error", f"model: {OPUS}"), "no model 'claude-opus-5-5' at"),
        (
            Failure(404, body="<h1>not here</h1>", content_type="text/html"),
            "is not a server of the Messages API",
        ),
        (
            Failure(200, body="<h1>welcome</h1>", content_type="text/html"),
            "is not a server of the Messages API",
        ),
        (Failure(200, body='{"choices": []}'), "is not a server of the Messages API"),
    ],
)
def test_what_a_person_has_to_mend_is_said_in_one_line_and_not_tried_again(
    caller: Caller, step: Failure, message: str
) -> None:
    line = caller.fail(step)
    assert message in line
    assert isinstance(caller.error, ProposerUnusable)
    assert caller.waits == []
    assert "made-up" not in line + json.dumps(caller.receipt.calls)


@pytest.mark.parametrize(
    ("step", "message", "is_paid"),
    [
        (Answer("I will not", stop="refusal"), "refused to answer; reword program.md", True),
        (Answer("half an ans", stop="max_tokens"), "the answer was cut off after", True),
        (
            Answer("half an ans", stop="model_context_window_exceeded"),
            "the prompt is too long for the context of",
            True,
        ),
        (
            Failure(
                400, "invalid_request_error", "prompt is too long: 1234567 tokens > 1000000 maximum"
            ),
            "too long for the context of",
            False,
        ),
        (Failure(413, "request_too_large", "too big"), "too long for the context of", False),
        (
            Failure(400, "invalid_request_error", f"what is {KEY}?"),
            "refused the request (400 what is [key]?)",
            False,
        ),
        (Answer("half an answer", lost_after=4), "connection", True),
    ],
)
def test_an_answer_that_cannot_be_used_is_a_fault_with_its_cost(
    caller: Caller, step: Step, message: str, is_paid: bool
) -> None:
    assert message in caller.fail(step)
    assert not isinstance(caller.error, ProposerUnusable)
    assert (caller.receipt.tokens > 0, caller.receipt.usd > 0) == (is_paid, is_paid)
    assert caller.receipt.calls[0]["problem"] == str(caller.error)
    assert caller.waits == []


def test_a_server_that_is_not_there_is_tried_again_and_then_named(caller: Caller) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://me:secret@127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(ProposerFault, match="is the server running") as caught:
            Client(url, wait=caller.wait).ask(request(), caller.receipt, say=caller.lines.append)
    assert len(caller.waits) == MAX_TRIES - 1
    assert caller.lines[0] == "no connection; trying again in 1 s"
    assert "secret" not in str(caught.value) + json.dumps(caller.receipt.calls)


def test_claude_is_not_asked_without_a_key_and_a_local_server_is(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    with pytest.raises(ProposerUnusable, match="no key for Claude: set ANTHROPIC_API_KEY"):
        Client().ask(request(), caller.receipt)
    assert caller.receipt.calls == []
    with MessagesServer(play_steps("hello")) as server:
        assert caller.ask(server).text == "hello"


def test_the_address_is_the_environments_where_none_is_given(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    with MessagesServer(play_steps("hello")) as server:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", server.url)
        assert Client().ask(request(), caller.receipt).text == "hello"
    assert Client().address == server.url


def test_a_stop_closes_the_stream_and_keeps_what_it_cost(caller: Caller) -> None:
    cancelled = Event()
    with MessagesServer(play_steps(Answer("word " * 40_000, pause=0.02))) as server:
        timer = threading.Timer(0.2, cancelled.set)
        timer.start()
        with pytest.raises(ProposerFault, match="the call was ended"):
            caller.ask(server, cancelled)
        timer.join()
        assert server.disconnected.wait(30), "the stream is still open"
    assert caller.receipt.tokens > 0


def test_a_stop_ends_a_wait(caller: Caller) -> None:
    caller.on_wait = lambda: True
    assert "the call was ended" in caller.fail(Failure(529, "overloaded_error"))
    assert len(caller.waits) == 1


def test_what_is_kept_of_a_call_has_no_key_and_no_home_folder(
    caller: Caller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_CUSTOM_HEADERS", "x-tenant: my-tenant-token")
    text = (
        f"your key {KEY}, my-tenant-token, sk-other-key-0123456789, "
        "in /home/jane/work/train.py and /Users/jane"
    )
    with MessagesServer(play_steps(text)) as server:
        assert caller.ask(server).text == text
        assert KEY in json.dumps(server.requests[0]["headers"])
    kept = json.dumps(caller.receipt.calls)
    assert "your key [key], [key], [key], in ~/work/train.py and ~" in kept
    assert [each for each in (KEY, "my-tenant", "0123456789", "jane") if each in kept] == []
