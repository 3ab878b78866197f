"""A model as a function from text to text, for an evaluator whose candidates ask a model."""

from collections.abc import Callable

from workbench.propose.model.call import ModelRequest, text_block
from workbench.propose.model.client import Client
from workbench.propose.proposer import Receipt

MAX_ANSWER_TOKENS = 2000  # thinking included


def plain(name: str, base_url: str, receipt: Receipt) -> Callable[[str], str]:
    """A function that asks a model of the Messages API. It waits out overload.

    What goes wrong with the model (no key, an unknown name, a refusal) raises as in `Client.ask`.
    In an evaluator it ends the trial as the evaluator's fault, and never counts as a wrong answer
    of the candidate.

    Args:
        name: the model.
        base_url: where it is asked; empty for ANTHROPIC_BASE_URL, or else Anthropic.
        receipt: each call is added to it.
    """
    client = Client(base_url)

    def answer(prompt: str) -> str:
        messages = [{"role": "user", "content": [text_block(prompt or " ")]}]
        request = ModelRequest(
            model=name, system="", messages=messages, max_tokens=MAX_ANSWER_TOKENS
        )
        return client.ask(request, receipt).text

    return answer
