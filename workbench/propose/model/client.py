"""Client: one call of a model that speaks the Messages API, through Anthropic's SDK.

Only this module imports the SDK.

It uses streaming `messages` calls only, which local servers (Ollama, llama.cpp, vLLM, LM Studio,
...) speak too. Keys come from the environment or the SDK's own configuration. They are never
stored, logged or named in a message.

It repeats calls itself rather than through the SDK, so that a person sees each wait. Once an answer
has begun it is paid for, so the call is not repeated.
"""

import time
import weakref
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from threading import Event
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from workbench.errors import ProposerUnusable, UsageError
from workbench.propose.model import failures, prices
from workbench.propose.model.call import ModelRequest, Reply, Usage, redact
from workbench.propose.model.stream_reader import StreamReader
from workbench.propose.proposer import Glimpse, Receipt

if TYPE_CHECKING:
    import anthropic

MAX_TRIES = 6
FIRST_WAIT_SECONDS = 1.0
LONGEST_WAIT_SECONDS = 300.0
READ_SECONDS = 600.0
CONNECT_SECONDS = 10.0
ANTHROPIC_ANSWER_TOKENS = 32_000  # Claude thinks at length
LOCAL_ANSWER_TOKENS = 16_000  # the context of a local model is often small
INSTALL = "pip install 'autoresearch-workbench[claude]'"
EFFORTS = ("low", "medium", "high", "xhigh", "max")


class Client:
    """Asks models at one address.

    Args:
        base_url: the address; empty for ANTHROPIC_BASE_URL, or else what the SDK is configured for.
        wait: waits some seconds or until the event is set, and returns whether it is. Tests replace
            it.

    Raises:
        ProposerUnusable: the SDK is not installed, or its configuration cannot be read.
    """

    def __init__(
        self, base_url: str = "", wait: Callable[[Event, float], bool] = Event.wait
    ) -> None:
        try:
            import anthropic
        except ModuleNotFoundError:
            raise ProposerUnusable(_not_installed()) from None
        timeout = anthropic.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        address = base_url or None
        try:
            self._sdk = anthropic.Anthropic(base_url=address, max_retries=0, timeout=timeout)
            if not self.is_anthropic and not self._has_key():
                # Most local servers need no key, but the SDK insists on one.
                self._sdk = anthropic.Anthropic(
                    base_url=address, api_key="none", max_retries=0, timeout=timeout
                )
        except anthropic.AnthropicError as error:
            problem = redact(failures.take_first_line(str(error)))
            raise ProposerUnusable(f"the SDK's configuration cannot be used: {problem}") from None
        weakref.finalize(self, self._sdk.close)
        self._wait = wait

    @property
    def address(self) -> str:
        """Where models are asked, without a user, password or query, which may be secret."""
        parts = urlsplit(str(self._sdk.base_url))
        host = parts.netloc.rpartition("@")[2]
        return f"{parts.scheme}://{host}{parts.path}".rstrip("/")

    @property
    def is_anthropic(self) -> bool:
        """True if the server is Anthropic's own."""
        host = urlsplit(str(self._sdk.base_url)).hostname or ""
        return host == "anthropic.com" or host.endswith(".anthropic.com")

    def _has_key(self) -> bool:
        if self._sdk.api_key or self._sdk.auth_token or self._sdk.credentials:
            return True
        headers = {name.lower() for name in self._sdk.default_headers}
        return bool(headers & {"authorization", "x-api-key"})

    def ask(
        self,
        request: ModelRequest,
        receipt: Receipt,
        cancelled: Event | None = None,
        say: Callable[[str], None] = lambda line: None,
        show: Callable[[Glimpse], None] = lambda glimpse: None,
    ) -> Reply:
        """The model's whole answer. However the call ends, its cost is added to the receipt.

        Args:
            request: what to ask.
            receipt: gets the cost, and the call without secrets.
            cancelled: once it is set, the stream is closed at its next event, and a wait ends.
            say: called with one line for each wait.
            show: called with each piece of the answer as it comes.

        Raises:
            ProposerFault: the answer cannot be used. The model refused or was cut off, the prompt
                was too long, the connection was lost, or the server was overloaded for too long.
            ProposerUnusable: the model will not answer before a person fixes the key, the name or
                the address.
        """
        if self.is_anthropic and not self._has_key():
            raise ProposerUnusable(
                "no key for Claude: set ANTHROPIC_API_KEY where the study is started, "
                "or name a local server with --base-url"
            )
        body = make_body(request, self.is_anthropic)
        call = _Call(self, request, body, receipt, cancelled or Event(), say, show)
        receipt.in_flight = True
        try:
            return call.run()
        finally:
            receipt.in_flight = False
            call.add_to_receipt()

    def open_stream(self, body: Mapping[str, Any]) -> "anthropic.Stream[Any]":
        """The stream of one try."""
        stream: anthropic.Stream[Any] = self._sdk.messages.create(**body, stream=True)
        return stream

    def pause(self, cancelled: Event, seconds: float) -> bool:
        """Waits; returns True if the call was cancelled meanwhile."""
        return self._wait(cancelled, seconds)


def _not_installed() -> str:
    return f"a model is asked through the package anthropic, which is not installed: {INSTALL}"


def check_options(base_url: str, effort: str) -> None:
    """Checks where and how a model is asked, before a study exists.

    Raises:
        UsageError: the SDK is not installed, the address is not one or holds a secret, or the
            effort is unknown.
    """
    if find_spec("anthropic") is None:
        raise UsageError(_not_installed())
    parts = urlsplit(base_url)
    if base_url and (parts.scheme not in ("http", "https") or not parts.hostname):
        text = repr(redact(base_url))
        raise UsageError(
            f"--base-url is not an address: {text}; write it as http://localhost:11434"
        )
    if parts.username or parts.password or parts.query:
        raise UsageError(
            "--base-url would be kept with the study, and holds what may be a key; "
            "put that in ANTHROPIC_AUTH_TOKEN instead"
        )
    if effort and effort not in EFFORTS:
        raise UsageError(f"no effort {effort!r}; choose one of {', '.join(EFFORTS)}")


def make_body(request: ModelRequest, is_anthropic: bool) -> dict[str, Any]:
    """The body of a request.

    For Claude, the parts that stay the same from call to call are marked for its prompt cache.
    Other servers may not know the mark.
    """
    system: Any = request.system
    messages = [
        {"role": turn["role"], "content": [dict(block) for block in turn["content"]]}
        for turn in request.messages
    ]
    answer_tokens = LOCAL_ANSWER_TOKENS
    if is_anthropic:
        answer_tokens = ANTHROPIC_ANSWER_TOKENS
        mark = {"cache_control": {"type": "ephemeral"}}
        system = [{"type": "text", "text": request.system, **mark}]
        messages[0]["content"][0].update(mark)
        if request.tools:  # the next call of the conversation begins with this whole one
            messages[-1]["content"][-1].update(mark)
    body = {
        "model": request.model,
        "max_tokens": request.max_tokens or answer_tokens,
        "system": system,
        "messages": messages,
    }
    if request.tools:
        body["tools"] = [dict(tool) for tool in request.tools]
    if request.effort:
        body["output_config"] = {"effort": request.effort}
    return body


class _Call:
    """One call over all its tries: it waits and repeats, and keeps what goes on the receipt."""

    def __init__(
        self,
        client: Client,
        request: ModelRequest,
        body: Mapping[str, Any],
        receipt: Receipt,
        cancelled: Event,
        say: Callable[[str], None],
        show: Callable[[Glimpse], None],
    ) -> None:
        self._client = client
        self._request = request
        self._body = body
        self._receipt = receipt
        self._cancelled = cancelled
        self._say = say
        self._started_at = time.monotonic()
        self._waits: list[str] = []
        self._reader = StreamReader(show)
        self._problem = ""

    def run(self) -> Reply:
        """The answer; raises as `Client.ask` does."""
        wait_seconds = FIRST_WAIT_SECONDS
        for number in range(1, MAX_TRIES + 1):
            try:
                return self._try()
            except Exception as error:
                failure = failures.classify_error(error, self._request, self._client.address)
                if failure is None:
                    problem = failures.take_first_line(str(error))
                    self._problem = f"{type(error).__name__}: {problem}"
                    raise
                seconds = wait_seconds
                if failure.retry_after is not None:
                    seconds = failure.retry_after
                is_last = number == MAX_TRIES or seconds > LONGEST_WAIT_SECONDS
                if is_last or not failure.can_retry or self._reader.has_begun:
                    self._problem = str(failure.error)
                    raise failure.error from None
                self._report_wait(f"{failure.label}; trying again in {seconds:.3g} s")
                if self._client.pause(self._cancelled, seconds):
                    self._problem = "cancelled"
                    raise failures.cancellation() from None
                wait_seconds *= 2
        raise AssertionError("the last try returns or raises")

    def _report_wait(self, line: str) -> None:
        self._waits.append(line)
        self._say(line)

    def _try(self) -> Reply:
        with self._client.open_stream(self._body) as stream:
            for event in stream:
                self._reader.read(event)
                if self._cancelled.is_set():
                    raise failures.cancellation()
        if not self._reader.has_begun:  # a stream without events: another kind of server
            raise failures.wrong_server(self._client.address)
        failures.check_complete(self._reader.reply)
        return self._reader.reply

    def add_to_receipt(self) -> None:
        """Adds the cost to the receipt, and the call without keys and personal paths."""
        reply = None
        usage = Usage()
        if self._reader.has_begun:
            reply = self._reader.reply
            usage = reply.usage
        usd = prices.compute_usd(self._request.model, usage)
        call = {
            "address": self._client.address,
            "seed": self._request.seed,
            "request": self._body,
            "response": _describe_reply(reply),
            "usage": {
                "input": usage.input,
                "output": usage.output,
                "cache_write": usage.cache_write,
                "cache_read": usage.cache_read,
            },
            "usd": usd,
            "seconds": round(time.monotonic() - self._started_at, 3),
            "waits": self._waits,
            "problem": self._problem,
        }
        self._receipt.add(usd or 0.0, usage.total, redact(call))


def _describe_reply(reply: Reply | None) -> dict[str, Any] | None:
    """A reply as it is stored with its call."""
    if reply is None:
        return None
    response: dict[str, Any] = {"model": reply.model, "stop": reply.stop, "content": reply.content}
    if reply.malformed:
        response["malformed"] = reply.malformed
    return response
