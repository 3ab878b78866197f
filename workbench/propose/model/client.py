"""Client: one call of a model that speaks the Messages API, through Anthropic's SDK, which is imported here and nowhere else.

Only streaming `messages` calls, which local servers (Ollama, llama.cpp, vLLM, LM Studio, ...) speak too. Keys come from the
environment or the SDK's own configuration; they are never stored, logged or named in a message. Retries are ours, so that a
person sees them; a call whose answer has begun is paid for, and is not made again here.
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
from workbench.propose.model.call import Reply, Request, Usage, filtered
from workbench.propose.model.reading import Reading
from workbench.propose.proposer import Receipt, Shown

if TYPE_CHECKING:
    import anthropic

MAX_TRIES = 6
FIRST_WAIT_SECONDS, LONGEST_WAIT_SECONDS = 1.0, 300.0
READ_SECONDS, CONNECT_SECONDS = 600.0, 10.0
ANSWER_TOKENS = {
    True: 32_000,
    False: 16_000,
}  # of Claude, which thinks at length; of a local model, whose context is often small
INSTALL = "pip install 'autoresearch-workbench[claude]'"
EFFORTS = ("low", "medium", "high", "xhigh", "max")


class Client:
    """Asks models at one address.

    Args:
        base_url: where; empty: ANTHROPIC_BASE_URL, else what the SDK is configured for.
        wait: waits so many seconds, or until the event is set; the test's own clock.

    Raises:
        ProposerUnusable: the SDK is not installed, or its configuration cannot be read.
    """

    def __init__(
        self, base_url: str = "", wait: Callable[[Event, float], bool] = Event.wait
    ) -> None:
        try:
            import anthropic
        except ModuleNotFoundError:
            raise ProposerUnusable(
                f"a model is asked through the package anthropic, which is not installed: {INSTALL}"
            ) from None
        timeout = anthropic.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        try:
            self._sdk = anthropic.Anthropic(
                base_url=base_url or None, max_retries=0, timeout=timeout
            )
            if (
                not self.is_anthropics and not self._has_key()
            ):  # most local servers want none, and the SDK insists on one
                self._sdk = anthropic.Anthropic(
                    base_url=base_url or None, api_key="none", max_retries=0, timeout=timeout
                )
        except anthropic.AnthropicError as error:
            raise ProposerUnusable(
                f"the SDK's configuration cannot be used: {filtered(failures.first_line(str(error)))}"
            ) from None
        weakref.finalize(self, self._sdk.close)
        self._wait = wait

    @property
    def address(self) -> str:
        """Where models are asked, without what may be secret in it."""
        parts = urlsplit(str(self._sdk.base_url))
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}".rstrip("/")

    @property
    def is_anthropics(self) -> bool:
        host = urlsplit(str(self._sdk.base_url)).hostname or ""
        return host == "anthropic.com" or host.endswith(".anthropic.com")

    def _has_key(self) -> bool:
        sdk = self._sdk
        return bool(sdk.api_key or sdk.auth_token or sdk.credentials) or any(
            name.lower() in ("authorization", "x-api-key") for name in sdk.default_headers
        )

    def ask(
        self,
        request: Request,
        receipt: Receipt,
        cancelled: Event | None = None,
        say: Callable[[str], None] = lambda line: None,
        show: Callable[[Shown], None] = lambda shown: None,
    ) -> Reply:
        """The model's whole answer; what it took stands on the receipt, however the call ends.

        Args:
            cancelled: once it is set, the stream is closed at its next event, and a wait ends. say: is told of each wait.
            show: is told of each piece of the answer as it comes.

        Raises:
            ProposerFault: no usable answer: refused, cut off, too long for the model, lost on the way, overloaded for too long.
            ProposerUnusable: it will not answer before a person mends something: key, model, address.
        """
        if self.is_anthropics and not self._has_key():
            what = "set ANTHROPIC_API_KEY where the study is started, or name a local server with --base-url"
            raise ProposerUnusable(f"no key for Claude: {what}")
        body = wire(request, self.is_anthropics)
        call = _Call(self, request, body, receipt, cancelled or Event(), say, show)
        receipt.in_flight = True
        try:
            return call.made()
        finally:
            receipt.in_flight = False
            call.write_down()

    def open(self, body: Mapping[str, Any]) -> "anthropic.Stream[Any]":
        """The stream of one try."""
        stream: anthropic.Stream[Any] = self._sdk.messages.create(**body, stream=True)
        return stream

    def pause(self, cancelled: Event, seconds: float) -> bool:
        """Waits; True when it was cancelled meanwhile."""
        return self._wait(cancelled, seconds)


def check(base_url: str, effort: str) -> None:
    """Raises UsageError where a model cannot be asked so: no SDK, an address that is none or holds a secret, an unknown effort."""
    if find_spec("anthropic") is None:
        raise UsageError(
            f"a model is asked through the package anthropic, which is not installed: {INSTALL}"
        )
    parts = urlsplit(base_url)
    if base_url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise UsageError(
            f"--base-url is no address: {filtered(base_url)!r}; write it as http://localhost:11434"
        )
    if parts.username or parts.password or parts.query:
        raise UsageError(
            "--base-url would be kept with the study, and holds what may be a key; put that in ANTHROPIC_AUTH_TOKEN instead"
        )
    if effort and effort not in EFFORTS:
        raise UsageError(f"no effort {effort!r}; choose one of {', '.join(EFFORTS)}")


def wire(request: Request, is_anthropics: bool) -> dict[str, Any]:
    """The body of a request. What stays the same is marked for Claude's prompt cache; other servers may not know the mark."""
    system: Any = request.system
    messages = [
        {"role": turn["role"], "content": [dict(block) for block in turn["content"]]}
        for turn in request.messages
    ]
    if is_anthropics:
        mark = {"cache_control": {"type": "ephemeral"}}
        system = [{"type": "text", "text": request.system, **mark}]
        messages[0]["content"][0].update(mark)
        if request.tools:  # the next call of the same work begins with all of this one
            messages[-1]["content"][-1].update(mark)
    limit = request.max_tokens or ANSWER_TOKENS[is_anthropics]
    effort = {"output_config": {"effort": request.effort}} if request.effort else {}
    tools = {"tools": [dict(tool) for tool in request.tools]} if request.tools else {}
    return {
        "model": request.model,
        "max_tokens": limit,
        "system": system,
        "messages": messages,
        **tools,
        **effort,
    }


class _Call:
    """One call under way, over all its tries."""

    def __init__(
        self,
        client: Client,
        request: Request,
        body: Mapping[str, Any],
        receipt: Receipt,
        cancelled: Event,
        say: Callable[[str], None],
        show: Callable[[Shown], None],
    ) -> None:
        self._client, self._request, self._body = client, request, body
        self._receipt, self._cancelled, self._say = receipt, cancelled, say
        self._since = time.monotonic()
        self._waits: list[str] = []
        self._reading = Reading(show)
        self._problem = ""

    def made(self) -> Reply:
        wait = FIRST_WAIT_SECONDS
        for tried in range(1, MAX_TRIES + 1):
            try:
                return self._try()
            except Exception as error:
                failure = failures.read(error, self._request, self._client.address)
                if failure is None:
                    self._problem = f"{type(error).__name__}: {failures.first_line(str(error))}"
                    raise
                seconds = wait if failure.retry_after is None else failure.retry_after
                if (
                    not failure.again
                    or self._reading.has_begun
                    or tried == MAX_TRIES
                    or seconds > LONGEST_WAIT_SECONDS
                ):
                    self._problem = str(failure.error)
                    raise failure.error from None
                self._tell(f"{failure.what}; trying again in {seconds:.3g} s")
                if self._client.pause(self._cancelled, seconds):
                    self._problem = "cancelled"
                    raise failures.cancelled() from None
                wait *= 2
        raise AssertionError("the last try returns or raises")

    def _tell(self, line: str) -> None:
        self._waits.append(line)
        self._say(line)

    def _try(self) -> Reply:
        with self._client.open(self._body) as stream:
            for event in stream:
                self._reading.take(event)
                if self._cancelled.is_set():
                    raise failures.cancelled()
        if not self._reading.has_begun:
            raise failures.no_messages_server(self._client.address)
        failures.check_end(self._reading.reply)
        return self._reading.reply

    def write_down(self) -> None:
        """What the call took, and the call itself with keys and personal paths filtered out."""
        reply, receipt = self._reading.reply if self._reading.has_begun else None, self._receipt
        usage = reply.usage if reply else Usage()
        cost = prices.usd(self._request.model, usage)
        said = (
            {
                "model": reply.model,
                "stop": reply.stop,
                "content": reply.content,
                **_malformed(reply),
            }
            if reply
            else None
        )
        taken = {
            "input": usage.input,
            "output": usage.output,
            "cache_write": usage.cache_write,
            "cache_read": usage.cache_read,
        }
        seconds = round(time.monotonic() - self._since, 3)
        call = {
            "address": self._client.address,
            "seed": self._request.seed,
            "request": self._body,
            "response": said,
            "usage": taken,
        }
        whole = filtered(
            {
                **call,
                "usd": cost,
                "seconds": seconds,
                "waits": self._waits,
                "problem": self._problem,
            }
        )
        receipt.add(cost or 0.0, usage.total, whole)


def _malformed(reply: Reply) -> dict[str, Any]:
    return {"malformed": reply.malformed} if reply.malformed else {}
