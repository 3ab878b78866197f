"""Failures: what can go wrong with a call, each as one of our errors.

The message of each is one line that says what to do.

It knows errors by their names and by what is on the wire, and does not import the SDK.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from workbench.errors import ProposerFault, ProposerUnusable
from workbench.propose.model.call import ModelRequest, Reply, redact

_TRANSPORT = ("httpx2", "httpcore2", "httpx", "httpcore", "h11", "ssl", "socket")
_TOO_LONG = re.compile(
    r"(?i)prompt is too long|context (length|window|size)|maximum context|too many tokens"
    r"|exceed.{0,40}context"
)
_LINE_CHARS = 300


class Unanswered(ProposerFault):
    """The model was reached and gave no whole answer; another prompt may help.

    It refused, was cut off, or the prompt was too long.
    """


@dataclass(frozen=True)
class Failure:
    """What went wrong with a call.

    Attributes:
        error: the error to raise.
        label: what went wrong in a word or two, for the line about a wait.
        can_retry: true if another try may help.
        retry_after: seconds that the server asks to wait; None if it does not say.
    """

    error: ProposerFault
    label: str = ""
    can_retry: bool = False
    retry_after: float | None = None


def take_first_line(text: str) -> str:
    """The first line of a text, cut to a length that can be shown."""
    lines = text.strip().splitlines()
    return lines[0][:_LINE_CHARS] if lines else ""


def cancellation() -> ProposerFault:
    """The error for a call that was ended because its answer is no longer needed."""
    return ProposerFault("the call was ended: the study was stopped, or its loop asked to end")


def wrong_server(address: str) -> ProposerUnusable:
    """The error for a server that does not speak the Messages API."""
    return ProposerUnusable(
        f"what answers at {address} is not a server of the Messages API; "
        "give its root as --base-url, without /v1"
    )


def check_complete(reply: Reply) -> None:
    """Checks that an answer came to its end.

    Raises:
        Unanswered: the model refused, was cut off, or the prompt was too long.
        ProposerFault: the connection was lost.
    """
    match reply.stop:
        case "refusal":
            raise Unanswered(
                f"{reply.model} refused to answer; "
                "reword program.md or the guidance, or choose another --model"
            )
        case "max_tokens":
            raise Unanswered(
                f"the answer was cut off after {reply.usage.output:,} tokens; "
                "ask for smaller changes with guide, or lower --effort"
            )
        case "model_context_window_exceeded":
            raise _too_long(reply.model)
        case "":
            raise ProposerFault(
                "the answer broke off: the connection was lost; what had come is counted"
            )


def classify_error(error: Exception, request: ModelRequest, address: str) -> Failure | None:
    """What an exception of a call means; None if it is a mistake in our own code."""
    if isinstance(error, ProposerFault):
        return Failure(error)
    status = getattr(error, "status_code", None)
    kinds = {cls.__name__ for cls in type(error).__mro__}
    if isinstance(status, int) and "APIStatusError" in kinds:
        return _classify_status(error, status, request.model, address)
    is_transport = type(error).__module__.split(".")[0] in _TRANSPORT
    if "APIConnectionError" in kinds or is_transport or isinstance(error, OSError):
        cause = take_first_line(redact(str(error.__cause__ or error))) or type(error).__name__
        fault = ProposerFault(
            f"the connection to {address} failed ({cause}); "
            "is the server running, and the network up?"
        )
        return Failure(fault, "no connection", can_retry=True)
    if kinds & {"APIResponseValidationError", "JSONDecodeError"}:
        return Failure(wrong_server(address))
    if "CredentialsError" in kinds:
        cause = redact(take_first_line(str(error)))
        return _unusable(f"the key cannot be read: {cause}; see autoresearch doctor")
    return None


def _classify_status(error: Any, status: int, model: str, address: str) -> Failure:
    """What an answer with an error status means.

    Servers agree on the status more than on the body, and some send an error in a stream whose
    status is 200, so either of the two decides. The order matters: an overloaded server may answer
    503 with its own kind.
    """
    body = error.body if isinstance(error.body, Mapping) else {}
    details = body.get("error")
    if not isinstance(details, Mapping):
        details = {}
    kind = str(details.get("type", ""))
    message = redact(take_first_line(str(details.get("message", ""))))
    if status == 429 or kind == "rate_limit_error":
        advice = "wait, or use fewer or smaller calls"
        problem = f"the rate limit at {address} still applies; {advice}"
        return _retry_later(error, "rate limited", problem)
    if status == 529 or kind == "overloaded_error":
        advice = "resume later, or choose another --model"
        problem = f"{address} is overloaded, and was at every try; {advice}"
        return _retry_later(error, "overloaded", problem)
    if status >= 500 or status == 408 or kind in ("api_error", "timeout_error"):
        problem = f"{address} failed ({status} {message}); resume later"
        return _retry_later(error, f"server error {status}", problem)
    if status == 401 or kind == "authentication_error":
        return _unusable(
            f"{address} does not accept the key; "
            "set a valid ANTHROPIC_API_KEY, then resume from there"
        )
    if status == 403:
        return _unusable(
            f"this key may not use {model} at {address} ({message}); choose another --model or key"
        )
    if status == 402 or kind == "billing_error" or "credit balance" in message:
        return _unusable(f"{address} wants to be paid first ({message}); add credit, then resume")
    # A 404 of the Messages API is about the model; any other one means that the path does not
    # exist.
    if status == 404 and (body.get("type") == "error" or model in message):
        return _unusable(f"no model {model!r} at {address}; name one that it has with --model")
    if status in (404, 405) or not details:
        return Failure(wrong_server(address))
    if status == 413 or _TOO_LONG.search(message):
        return Failure(_too_long(model))
    return Failure(ProposerFault(f"{address} refused the request ({status} {message})"))


def _unusable(problem: str) -> Failure:
    """A failure that only a person can fix."""
    return Failure(ProposerUnusable(problem))


def _retry_later(error: Any, label: str, problem: str) -> Failure:
    """A failure for which another try may help, after the wait that the server asks for."""
    try:
        seconds = float(error.response.headers.get("retry-after"))
    except (TypeError, ValueError):
        return Failure(ProposerFault(problem), label, can_retry=True)
    fault = ProposerFault(f"{problem} (it asks to wait {seconds:.3g} s)")
    return Failure(fault, label, can_retry=True, retry_after=max(0.0, seconds))


def _too_long(model: str) -> Unanswered:
    return Unanswered(
        f"the prompt is too long for the context of {model}; "
        "shorten program.md, or choose a model with a larger context"
    )
