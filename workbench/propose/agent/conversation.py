"""Conversation: the calls of one round, each with all turns before it.

They are kept short enough for the model's context.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.propose.model.call import ModelRequest, Reply, text_block
from workbench.propose.model.client import Client
from workbench.propose.proposer import Brief, Glimpse

ANTHROPIC_CONTEXT_CHARS = 400_000  # about 100,000 tokens
LOCAL_CONTEXT_CHARS = 60_000  # the context of a local model is often small
CLEARED = "(cleared to save room; call the tool again if you need it)"
MIN_CLEARED = 200  # characters; a shorter answer is not worth clearing


class Conversation:
    """The turns of a model and of the tools.

    Every turn of the model goes back whole, thinking included, as the API demands if tools are
    used.

    When all turns together grow past `max_chars`, old answers of tools are replaced by a line, the
    oldest first, until half of it is left. That makes everything that follows new to the server's
    prompt cache, so it clears much at once, and seldom. It is done here since only Claude's server
    could do it by itself.
    """

    def __init__(
        self, client: Client, request: ModelRequest, brief: Brief, max_chars: int = 0
    ) -> None:
        default_chars = LOCAL_CONTEXT_CHARS
        if client.is_anthropic:
            default_chars = ANTHROPIC_CONTEXT_CHARS
        self._client = client
        self._request = request
        self._brief = brief
        self._max_chars = max_chars or default_chars
        self._turns: list[dict[str, Any]] = [dict(turn) for turn in request.messages]
        self._n_calls = 0

    @property
    def turn_chars(self) -> int:
        """How long the answers of one turn may be together.

        More than that would leave no room for anything else.
        """
        return self._max_chars // 2

    def ask(self) -> Reply:
        """The model's next turn; raises what `Client.ask` does."""
        self._clear()
        brief = self._brief
        request = replace(self._request, messages=self._turns)
        self._n_calls += 1
        glimpse = Glimpse("model", request.model, turn=self._n_calls, tokens=brief.receipt.tokens)
        brief.show(glimpse)
        reply = self._client.ask(request, brief.receipt, brief.cancelled, brief.say, brief.show)
        # The API refuses blocks of blank text, which some models produce, and turns without a
        # block.
        blocks = [dict(block) for block in reply.content if not _is_blank(block)]
        content = blocks or [text_block("(nothing)")]
        self._turns.append({"role": "assistant", "content": content})
        return reply

    def tell(self, content: Sequence[Mapping[str, Any]]) -> None:
        """Adds a turn of ours: answers of tools, or a text."""
        self._turns.append({"role": "user", "content": [dict(block) for block in content]})

    def _clear(self) -> None:
        """Replaces old answers of tools by a line, if the conversation has become too long."""
        size = sum(map(_size, self._turns))
        if size <= self._max_chars:
            return
        for turn in self._turns[:-1]:
            for block in turn["content"]:
                if block["type"] == "tool_result" and len(block["content"]) > MIN_CLEARED:
                    size -= len(block["content"]) - len(CLEARED)
                    block["content"] = CLEARED
                if size <= self._max_chars // 2:
                    return


def _is_blank(block: Mapping[str, Any]) -> bool:
    return block["type"] == "text" and not block["text"].strip()


def _size(turn: Mapping[str, Any]) -> int:
    return len(json.dumps(turn["content"], ensure_ascii=False))
