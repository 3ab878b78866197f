"""Reading: an answer as it streams in, event by event, to what has come of it so far; what comes is shown on the way.

The SDK's own reader ends the stream where a tool's arguments are no JSON. That is the model's mistake, which it can mend, and no fault.
"""

import json
from collections.abc import Callable
from typing import Any

from workbench.propose.model.call import Reply, Usage
from workbench.propose.proposer import Shown

_USAGE = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_write": "cache_creation_input_tokens",
    "cache_read": "cache_read_input_tokens",
}


class Reading:
    """One answer, as far as it has come. `show` is told of each piece."""

    def __init__(self, show: Callable[[Shown], None] = lambda shown: None) -> None:
        self._show = show
        self._model = self._stop = ""
        self._blocks: dict[int, dict[str, Any]] = {}
        self._given: dict[int, str] = {}
        self._malformed: dict[str, str] = {}
        self._usage: dict[str, int] = {}

    @property
    def has_begun(self) -> bool:
        """Whether the server has said that it answers; from then on the call is paid for."""
        return bool(self._usage)

    @property
    def reply(self) -> Reply:
        content = [self._blocks[index] for index in sorted(self._blocks)]
        return Reply(
            text="".join(block["text"] for block in content if block["type"] == "text"),
            content=content,
            model=self._model,
            stop=self._stop,
            usage=Usage(**self._usage),
            malformed=self._malformed,
        )

    def take(self, event: Any) -> None:
        """Takes the next event of the stream, as the SDK has it; one of another kind changes nothing."""
        match event.type:
            case "message_start":
                self._model = event.message.model
                self._usage = dict.fromkeys(_USAGE, 0)
                self._count(event.message.usage)
            case "content_block_start":
                self._begin(
                    event.index, event.content_block.model_dump(mode="json", exclude_none=True)
                )
            case "content_block_delta" if event.index in self._blocks:
                self._extend(event.index, event.delta)
            case "content_block_stop" if event.index in self._given:
                self._end_arguments(event.index)
            case "message_delta":
                self._stop = event.delta.stop_reason or ""
                self._count(event.usage)

    def _count(self, usage: Any) -> None:
        """Counts are totals so far; those that a server leaves out stay as they were."""
        found = {name: getattr(usage, wire, None) for name, wire in _USAGE.items()}
        self._usage |= {name: count for name, count in found.items() if count is not None}

    def _begin(self, index: int, block: dict[str, Any]) -> None:
        self._blocks[index] = block
        if block["type"] == "tool_use":
            self._show(Shown("input", f"{block['name']} "))

    def _extend(self, index: int, delta: Any) -> None:
        block = self._blocks[index]
        match delta.type:
            case "text_delta":
                block["text"] += delta.text
                self._show(Shown("text", delta.text))
            case "thinking_delta":
                block["thinking"] += delta.thinking
                self._show(Shown("thinking", delta.thinking))
            case "signature_delta":
                block["signature"] = delta.signature
            case "input_json_delta":
                self._given[index] = self._given.get(index, "") + delta.partial_json
                self._show(Shown("input", delta.partial_json))

    def _end_arguments(self, index: int) -> None:
        """Arguments that are no JSON object are set aside: what goes back to the server must be one."""
        block, text = self._blocks[index], self._given[index]
        try:
            given = json.loads(text or "{}")
        except (ValueError, RecursionError):
            given = None
        if isinstance(given, dict):
            block["input"] = given
        else:
            block["input"] = {}
            self._malformed[block["id"]] = text
