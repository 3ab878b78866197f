"""The model behind the harness.

The frozen one, or a real one; either is a function from a prompt to a text.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import frozen

from workbench.evaluate import CandidateFailed
from workbench.propose.model.plain import plain
from workbench.propose.proposer import Receipt


@dataclass
class Counter:
    """Asks a model and counts; what one prediction was told stays until the next one begins.

    Attributes:
        calls, chars: since the last `begin`. replies: what the model said since then. usd, tokens:
            in all; 0 for the frozen model.
    """

    model: Callable[[str], str]
    receipt: Receipt
    max_chars: int
    calls: int = 0
    chars: int = 0
    replies: list[str] = field(default_factory=list)

    def begin(self) -> None:
        self.calls = self.chars = 0
        self.replies = []

    def ask(self, prompt: str) -> str:
        """The model's answer to a candidate's question.

        Raises:
            CandidateFailed: the prompts of one prediction have become too long together.
        """
        self.calls += 1
        self.chars += len(prompt)
        if self.chars > self.max_chars:
            raise CandidateFailed(
                f"one prediction asked with {self.chars} characters; at most {self.max_chars} "
                "(the setting prompt_chars)"
            )
        self.replies.append(self.model(prompt))
        return self.replies[-1]


def counter(settings: Mapping[str, Any]) -> Counter:
    """The model that the settings name, with a new count."""
    receipt = Receipt()
    name = str(settings["model"])
    model = plain(name, str(settings["base_url"]), receipt) if name else frozen.answer
    return Counter(model, receipt, int(settings["prompt_chars"]))
