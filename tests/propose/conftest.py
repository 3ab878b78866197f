"""A key for the proposers that ask a model; a scripted server answers them."""

import pytest


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    text = "sk-ant-zyxwv-for-this-test"
    monkeypatch.setenv("ANTHROPIC_API_KEY", text)
    return text
