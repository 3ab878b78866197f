"""One call of a model, as values: what is asked, and what came back.

Also how secrets are removed from both.
"""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_KEY = re.compile(r"\bsk-[A-Za-z0-9_-]{8,}")
_BEARER = re.compile(r"(?i)\b(bearer|x-api-key:?)\s+[^\s\"',]+")
_HOME = re.compile(r"(?<![\w.])/(?:home|Users)/[^/\s\"'`:;,)]+")
_SECRETS = ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_IDENTITY_TOKEN")
_SECRET_HEADERS = "ANTHROPIC_CUSTOM_HEADERS"
MIN_SECRET = (
    6  # characters; a shorter value is a placeholder such as `x`, and would remove half of any text
)


@dataclass(frozen=True, kw_only=True)
class ModelRequest:
    """What a model is asked.

    Attributes:
        model: its name.
        system: the instructions.
        messages: turns, the user's first; each has a `role` and a list of blocks as `content`. The
            first block of the first turn is the part that stays the same from call to call.
        max_tokens: the longest answer, thinking included; 0 leaves it to the client.
        effort: how hard to think; empty for the model's default.
        seed: what the randomness of the prompt was drawn with. It is not sent, but stored with the
            call.
        tools: what the model may call, as the Messages API describes tools.
    """

    model: str
    system: str
    messages: Sequence[Mapping[str, Any]]
    max_tokens: int = 0
    effort: str = ""
    seed: str = ""
    tools: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, kw_only=True)
class Usage:
    """Tokens of one call.

    Attributes:
        input: tokens of the prompt that were neither read from the cache nor written to it.
        output: tokens of the answer, thinking included.
        cache_write: tokens of the prompt that were written to the cache.
        cache_read: tokens of the prompt that were read from the cache.
    """

    input: int = 0
    output: int = 0
    cache_write: int = 0
    cache_read: int = 0

    @property
    def prompt(self) -> int:
        return self.input + self.cache_write + self.cache_read

    @property
    def total(self) -> int:
        return self.prompt + self.output


@dataclass(frozen=True, kw_only=True)
class Reply:
    """What came back.

    Attributes:
        text: the text of the answer.
        content: the blocks of the answer as the server sent them.
        model: the model that answered.
        stop: why it stopped; empty if the answer broke off.
        usage: its tokens.
        malformed: arguments of tool calls that are not a JSON object, by the id of the call. In
            `content` they are replaced by an empty object.
    """

    text: str
    content: Sequence[Mapping[str, Any]]
    model: str
    stop: str
    usage: Usage
    malformed: Mapping[str, str] = field(default_factory=dict)


def text_block(text: str) -> dict[str, str]:
    """A text as a block of a message."""
    return {"type": "text", "text": text}


def redact(value: Any) -> Any:
    """A plain value or text with keys replaced by `[key]`, and home folders written as `~`."""
    if isinstance(value, Mapping):
        return {key: redact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [redact(item) for item in value]
    if not isinstance(value, str):
        return value
    for secret in _list_secrets():
        value = value.replace(secret, "[key]")
    home = str(Path.home())
    if len(home) > len("/root"):  # a short one may occur anywhere
        value = value.replace(home, "~")
    value = _KEY.sub("[key]", value)
    value = _BEARER.sub(r"\1 [key]", value)
    return _HOME.sub("~", value)


def _list_secrets() -> list[str]:
    """The secrets in the environment.

    The longest comes first, since one may be a part of another.
    """
    secrets = {os.environ.get(name, "") for name in _SECRETS}
    headers = os.environ.get(_SECRET_HEADERS, "")
    secrets |= {headers, *(line.partition(":")[2].strip() for line in headers.splitlines())}
    return sorted((each for each in secrets if len(each) >= MIN_SECRET), key=len, reverse=True)
