"""Reads an answer as it streams in, event by event, and shows each piece to people who watch.

The SDK's own reader ends the stream if the arguments of a tool are not JSON. That is the model's
mistake, which it can correct, and not a fault of the connection. So the events are read here.
"""

import json
from collections.abc import Callable
from typing import Any

from workbench.propose.model.call import Reply, Usage
from workbench.propose.proposer import Glimpse

# Our names of counts, and those of the Messages API.
_USAGE = {
    "input": "input_tokens",
    "output": "output_tokens",
    "cache_write": "cache_creation_input_tokens",
    "cache_read": "cache_read_input_tokens",
}


class StreamReader:
    """One answer, as far as it has come.

    Args:
        show: called with each piece.
    """

    def __init__(self, show: Callable[[Glimpse], None] = lambda glimpse: None) -> None:
        self._show = show
        self._model = ""
        self._stop = ""
        self._blocks: dict[int, dict[str, Any]] = {}
        self._arguments: dict[int, str] = {}  # of tool calls, by block, as far as they have come
        self._malformed: dict[str, str] = {}
        self._usage: dict[str, int] = {}

    @property
    def has_begun(self) -> bool:
        """True once the server has begun to answer; from then on the call is paid for."""
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

    def read(self, event: Any) -> None:
        """Reads the next event of the stream, an object of the SDK. Unknown kinds are ignored."""
        match event.type:
            case "message_start":
                self._model = event.message.model
                self._usage = dict.fromkeys(_USAGE, 0)
                self._count(event.message.usage)
            case "content_block_start":
                block = event.content_block.model_dump(mode="json", exclude_none=True)
                self._begin_block(event.index, block)
            case "content_block_delta" if event.index in self._blocks:
                self._extend_block(event.index, event.delta)
            case "content_block_stop" if event.index in self._arguments:
                self._end_arguments(event.index)
            case "message_delta":
                self._stop = event.delta.stop_reason or ""
                self._count(event.usage)

    def _count(self, usage: Any) -> None:
        """Counts are totals so far. Those that a server leaves out stay as they were."""
        for name, api_name in _USAGE.items():
            count = getattr(usage, api_name, None)
            if count is not None:
                self._usage[name] = count

    def _begin_block(self, index: int, block: dict[str, Any]) -> None:
        self._blocks[index] = block
        if block["type"] == "tool_use":
            self._show(Glimpse("input", f"{block['name']} "))

    def _extend_block(self, index: int, delta: Any) -> None:
        block = self._blocks[index]
        match delta.type:
            case "text_delta":
                block["text"] += delta.text
                self._show(Glimpse("text", delta.text))
            case "thinking_delta":
                block["thinking"] += delta.thinking
                self._show(Glimpse("thinking", delta.thinking))
            case "signature_delta":
                block["signature"] = delta.signature
            case "input_json_delta":
                self._arguments[index] = self._arguments.get(index, "") + delta.partial_json
                self._show(Glimpse("input", delta.partial_json))

    def _end_arguments(self, index: int) -> None:
        """Reads complete arguments. If they are not a JSON object, they are set aside.

        What goes back to the server in the next call must be an object.
        """
        block = self._blocks[index]
        text = self._arguments[index]
        try:
            arguments = json.loads(text or "{}")
        except (ValueError, RecursionError):
            arguments = None
        if isinstance(arguments, dict):
            block["input"] = arguments
        else:
            block["input"] = {}
            self._malformed[block["id"]] = text
