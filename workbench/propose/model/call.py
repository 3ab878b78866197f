"""One call of a model, as values: what is asked, what came back, and the receipt on which every call of a proposal is written."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

_KEY = re.compile(r"\bsk-[A-Za-z0-9_-]{8,}")
_BEARER = re.compile(r"(?i)\b(bearer|x-api-key:?)\s+[^\s\"',]+")
_HOME = re.compile(r"(?<![\w.])/(?:home|Users)/[^/\s\"'`:;,)]+")
_SECRETS = (
    "ANTHROPIC_API_KEY",
    "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS",
    "ANTHROPIC_IDENTITY_TOKEN",
)
MIN_SECRET = 6  # characters: a shorter value is a stand-in such as `x`, which would blot out half of any text


@dataclass(frozen=True, kw_only=True)
class Request:
    """What a model is asked.

    Attributes:
        system: instructions. messages: turns, the user's first; each with a `role` and a list of blocks as `content`.
            The first block of the first turn is what stays the same from call to call.
        tools: what the model may call, as the Messages API describes tools.
        seed: what chance in the prompt was drawn with; not sent, kept with the call.
        max_tokens: the longest answer, thinking included; 0 leaves it to the client. effort: how hard to think; empty: the model's default.
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
    """Tokens of one call: `input` are those that were neither read from the cache nor written to it; `output` includes thinking."""

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
    """What came back: the `text` of the answer, `content` as the server sent it, the model that answered, why it stopped.

    `malformed`: of calls of tools whose arguments are no JSON object, by id, what was given; `content` has an empty object there.
    """

    text: str
    content: Sequence[Mapping[str, Any]]
    model: str
    stop: str
    usage: Usage
    malformed: Mapping[str, str] = field(default_factory=dict)


def text_block(text: str) -> dict[str, str]:
    """A block of text, as it stands in a message."""
    return {"type": "text", "text": text}


def filtered(value: Any) -> Any:
    """A plain value (or text) with keys blotted out and the home folders of people written as `~`."""
    if isinstance(value, Mapping):
        return {key: filtered(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [filtered(item) for item in value]
    if not isinstance(value, str):
        return value
    for secret in _secrets():
        value = value.replace(secret, "[key]")
    home = str(Path.home())
    value = value.replace(home, "~") if len(home) > len("/root") else value
    return _HOME.sub("~", _BEARER.sub(r"\1 [key]", _KEY.sub("[key]", value)))


def _secrets() -> list[str]:
    found = [os.environ.get(name, "") for name in _SECRETS]
    found += [line.partition(":")[2].strip() for line in found[2].splitlines()]
    return sorted({secret for secret in found if len(secret) >= MIN_SECRET}, key=len, reverse=True)
