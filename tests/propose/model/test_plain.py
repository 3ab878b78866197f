"""A model behind one function, against the scripted server."""

import pytest

from tests.messages_server import Answer, Failure, MessagesServer
from workbench.errors import WorkbenchError
from workbench.propose.model.plain import MAX_ANSWER_TOKENS, plain
from workbench.propose.proposer import Receipt


def test_a_prompt_is_sent_as_it_is_and_the_receipt_holds_the_cost_of_every_call(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-a-key-of-this-test")
    receipt = Receipt()
    with MessagesServer(
        lambda body: Answer("four", usage={"input_tokens": 1000, "output_tokens": 10})
    ) as server:
        ask = plain("claude-haiku-4-5", server.url, receipt)
        assert ask("two and two?\n") == ask("") == "four"
    first, second = (request["body"] for request in server.requests)
    assert first["messages"] == [
        {"role": "user", "content": [{"type": "text", "text": "two and two?\n"}]}
    ]
    assert (first["model"], first["max_tokens"], first["system"]) == (
        "claude-haiku-4-5",
        MAX_ANSWER_TOKENS,
        "",
    )
    assert second["messages"][0]["content"][0]["text"] == " "  # the wire takes no empty text
    assert receipt.tokens == 2020
    assert receipt.usd == pytest.approx(2 * (1000 * 1.0 + 10 * 5.0) / 1e6)


def test_a_model_that_does_not_answer_raises_an_error() -> None:
    with MessagesServer(lambda body: Failure(404, "not_found_error", "model: missing")) as server:
        ask = plain("missing", server.url, Receipt())
        with pytest.raises(WorkbenchError, match="missing"):
            ask("hello")
