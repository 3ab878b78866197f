"""Conversation: the calls of one proposal, each with all that was said before, kept short enough for the model's context."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from workbench.propose.model.call import Reply, Request, text_block
from workbench.propose.model.client import Client
from workbench.propose.proposer import Brief, Shown

CONTEXT_CHARS = {
    True: 400_000,
    False: 60_000,
}  # of Claude, about 100,000 tokens; of a local model, whose context is often small
CLEARED = "(cleared to save room; call the tool again if you need it)"
MIN_CLEARED = 200  # characters: a shorter answer is not worth clearing


class Conversation:
    """What was said between a model and the tools.

    Every assistant turn goes back whole, thinking included, as the API asks where tools are used. When all turns together grow past
    `max_chars`, old answers of tools are replaced by a line, the oldest first, down to half of it, so that this is done seldom: it
    makes what follows new to the server's prompt cache. Servers other than Claude's cannot do this by themselves.
    """

    def __init__(self, client: Client, request: Request, brief: Brief, max_chars: int = 0) -> None:
        self._client, self._request, self._brief = client, request, brief
        self._max_chars = max_chars or CONTEXT_CHARS[client.is_anthropics]
        self._turns: list[dict[str, Any]] = [dict(turn) for turn in request.messages]
        self._n_asked = 0

    @property
    def turn_chars(self) -> int:
        """How long the answers of one turn may be together: more than that would leave no room for anything else."""
        return self._max_chars // 2

    def ask(self) -> Reply:
        """The model's next turn; raises what `Client.ask` does."""
        self._clear()
        brief, request = self._brief, replace(self._request, messages=self._turns)
        self._n_asked += 1
        brief.show(Shown("model", request.model, turn=self._n_asked, tokens=brief.receipt.tokens))
        reply = self._client.ask(request, brief.receipt, brief.cancelled, brief.say, brief.show)
        said = [
            dict(block)
            for block in reply.content
            if block["type"] != "text" or block["text"].strip()
        ]
        self._turns.append({"role": "assistant", "content": said or [text_block("(nothing)")]})
        return reply

    def tell(self, content: Sequence[Mapping[str, Any]]) -> None:
        """Adds a turn of ours: answers of tools, or a text."""
        self._turns.append({"role": "user", "content": [dict(block) for block in content]})

    def _clear(self) -> None:
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


def _size(turn: Mapping[str, Any]) -> int:
    return len(json.dumps(turn["content"], ensure_ascii=False))
