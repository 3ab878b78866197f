"""A model as a function from a prompt to a text, for an evaluator that puts one behind the questions of its candidates."""

from collections.abc import Callable

from workbench.propose.model.call import Request
from workbench.propose.model.client import Client
from workbench.propose.proposer import Receipt

MAX_ANSWER_TOKENS = 2000  # thinking included


def plain(name: str, base_url: str, receipt: Receipt) -> Callable[[str], str]:
    """A model that speaks the Messages API; waits out overload, and writes on the receipt what each call took.

    What goes wrong with it (no key, no such model, a refusal) raises as `Client.ask` does: in an evaluator it ends the trial as the
    evaluator's fault, never as a wrong answer of the candidate's.

    Args:
        base_url: where it is asked; empty: ANTHROPIC_BASE_URL, else Anthropic.
    """
    client = Client(base_url)

    def answer(prompt: str) -> str:
        messages = [{"role": "user", "content": [{"type": "text", "text": prompt or " "}]}]
        request = Request(model=name, system="", messages=messages, max_tokens=MAX_ANSWER_TOKENS)
        return client.ask(request, receipt).text

    return answer
