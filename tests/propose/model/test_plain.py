"""A model behind one function, against the scripted server: what it is sent, what it says, what it took."""

import pytest

from tests.messages_server import Fails, MessagesServer, Says
from workbench.errors import WorkbenchError
from workbench.propose.model.plain import MAX_ANSWER_TOKENS, plain
from workbench.propose.proposer import Receipt


def test_a_prompt_is_sent_as_it_is_and_the_receipt_holds_what_every_call_took(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-a-key-of-this-test")
    receipt = Receipt()
    with MessagesServer(
        lambda body: Says("four", usage={"input_tokens": 1000, "output_tokens": 10})
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


def test_a_model_that_does_not_answer_raises_and_is_no_empty_answer() -> None:
    with MessagesServer(lambda body: Fails(404, "not_found_error", "model: nobody")) as server:
        ask = plain("nobody", server.url, Receipt())
        with pytest.raises(WorkbenchError, match="nobody"):
            ask("hello")
