"""Failures: what can go wrong with a call, each as one of our errors, in one line that says what to do. Knows the wire, not the SDK."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import ProposerFault, ProposerUnusable
from workbench.propose.model.call import Reply, Request, filtered

_TRANSPORT = ("httpx2", "httpcore2", "httpx", "httpcore", "h11", "ssl", "socket")
_TOO_LONG = re.compile(
    r"(?i)prompt is too long|context (length|window|size)|maximum context|too many tokens|exceed.{0,40}context"
)
_MAX_MESSAGE = 300


class Unanswered(ProposerFault):
    """The model was reached and gave no whole answer: it refused, was cut off, or was asked too much. Another prompt may help."""


@dataclass(frozen=True)
class Failure:
    """What went wrong.

    Attributes:
        what: in a word or two, for the line about a wait. again: whether another try may help.
        retry_after: seconds that the server asks to wait; None where it does not.
    """

    error: ProposerFault
    what: str = ""
    again: bool = False
    retry_after: float | None = None


def first_line(text: str) -> str:
    """The first line of a text, cut to a length that can be shown."""
    lines = text.strip().splitlines()
    return lines[0][:_MAX_MESSAGE] if lines else ""


def cancelled() -> ProposerFault:
    """Nobody waits for the answer any more."""
    return ProposerFault("the call was ended: the study was stopped, or its loop asked to end")


def no_messages_server(address: str) -> ProposerUnusable:
    """What answers does not speak the Messages API."""
    return ProposerUnusable(
        f"what answers at {address} is no server of the Messages API; give its root as --base-url, without /v1"
    )


def check_end(reply: Reply) -> None:
    """Raises Unanswered or ProposerFault where an answer did not come to its end."""
    if reply.stop == "refusal":
        raise Unanswered(
            f"{reply.model} refused to answer; reword program.md or the guidance, or choose another --model"
        )
    if reply.stop == "max_tokens":
        tokens = f"{reply.usage.output:,} tokens"
        raise Unanswered(
            f"the answer was cut off after {tokens}; ask for smaller changes with guide, or lower --effort"
        )
    if reply.stop == "model_context_window_exceeded":
        raise _too_long(reply.model)
    if not reply.stop:
        raise ProposerFault(
            "the answer broke off: the connection was lost; what had come is counted"
        )


def read(error: Exception, request: Request, address: str) -> Failure | None:
    """What an exception of a call means; None where it is a mistake of ours."""
    if isinstance(error, ProposerFault):
        return Failure(error)
    status = getattr(error, "status_code", None)
    kinds = {cls.__name__ for cls in type(error).__mro__}
    if isinstance(status, int) and "APIStatusError" in kinds:
        return _status(error, status, request.model, address)
    if (
        "APIConnectionError" in kinds
        or type(error).__module__.split(".")[0] in _TRANSPORT
        or isinstance(error, OSError)
    ):
        cause = first_line(filtered(str(error.__cause__ or error))) or type(error).__name__
        problem = f"the connection to {address} failed ({cause}); is the server running, and the network up?"
        return Failure(ProposerFault(problem), "no connection", again=True)
    if kinds & {"APIResponseValidationError", "JSONDecodeError"}:
        return Failure(no_messages_server(address))
    if "CredentialsError" in kinds:
        return Failure(
            ProposerUnusable(
                f"the key cannot be had: {filtered(first_line(str(error)))}; see autoresearch doctor"
            )
        )
    return None


def _status(error: Any, status: int, model: str, address: str) -> Failure:
    body = error.body if isinstance(error.body, Mapping) else {}
    inner = body.get("error")
    details: Mapping[str, Any] = inner if isinstance(inner, Mapping) else {}
    kind, said = str(details.get("type", "")), filtered(first_line(str(details.get("message", ""))))
    if status == 429 or kind == "rate_limit_error":
        return _later(
            error,
            "rate limited",
            f"the rate limit at {address} holds on; wait, or use fewer or smaller calls",
        )
    if status == 529 or kind == "overloaded_error":
        return _later(
            error,
            "overloaded",
            f"{address} is overloaded, and was at every try; resume later, or choose another --model",
        )
    if status >= 500 or kind in ("api_error", "timeout_error") or status == 408:
        return _later(
            error, f"server error {status}", f"{address} failed ({status} {said}); resume later"
        )
    if status == 401 or kind == "authentication_error":
        return Failure(
            ProposerUnusable(
                f"{address} does not accept the key; set a valid ANTHROPIC_API_KEY, then resume from there"
            )
        )
    if status == 403:
        return Failure(
            ProposerUnusable(
                f"this key may not use {model} at {address} ({said}); choose another --model or key"
            )
        )
    if status == 402 or kind == "billing_error" or "credit balance" in said:
        return Failure(
            ProposerUnusable(f"{address} wants to be paid first ({said}); add credit, then resume")
        )
    if status == 404 and (body.get("type") == "error" or model in said):
        return Failure(
            ProposerUnusable(f"no model {model!r} at {address}; name one that it has with --model")
        )
    if status in (404, 405) or not details:
        return Failure(no_messages_server(address))
    if status == 413 or _TOO_LONG.search(said):
        return Failure(_too_long(model))
    return Failure(ProposerFault(f"{address} refused the request ({status} {said})"))


def _later(error: Any, what: str, problem: str) -> Failure:
    """Another try may help, after the wait that the server asks for."""
    try:
        seconds = float(error.response.headers.get("retry-after"))
    except (TypeError, ValueError):
        seconds = None
    if seconds is not None:
        problem += f" (it asks to wait {seconds:.3g} s)"
        seconds = max(0.0, seconds)
    return Failure(ProposerFault(problem), what, again=True, retry_after=seconds)


def _too_long(model: str) -> Unanswered:
    return Unanswered(
        f"the prompt is too long for the context of {model}; shorten program.md, or choose a model with a larger context"
    )
