"""Proposers that a person named."""

from pathlib import Path

import pytest

from workbench import registry
from workbench.errors import UsageError


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def test_a_named_proposer_is_listed_and_stands_for_what_was_installed() -> None:
    assert registry.named_proposers() == {}
    file = registry.name_proposer("mine", "tuner:reach=3.0")
    assert file.read_text() == "tuner:reach=3.0\n"
    assert "mine" in registry.names("proposers")
    assert "mine" not in registry.names("strategies")
    assert registry.meant("mine") == ("tuner:reach=3.0", "")
    assert registry.meant("tuner:reach=2.5") == ("tuner:reach=2.5", "")
    registry.name_proposer("mine", "tuner")
    assert registry.meant("mine") == ("tuner", "")


def test_a_name_may_stand_for_a_proposer_with_a_prompt_and_takes_no_argument_of_its_own() -> None:
    registry.name_proposer("told", 'evolve:full\nattempts = 9\nsystem = """\ntwo\nlines"""')
    assert registry.meant("told") == ("evolve:full", 'attempts = 9\nsystem = """\ntwo\nlines"""')
    assert "told" in registry.names("proposers")
    with pytest.raises(
        UsageError,
        match="told stands for evolve:full already; write --proposer told, without a colon",
    ):
        registry.meant("told:bandit")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tuner", "'tuner' is a proposer's own name; choose another"),
        ("../mine", "'../mine' is no name for a proposer; use letters, digits, dots, - and _"),
        ("", "'' is no name for a proposer; use letters, digits, dots, - and _"),
    ],
)
def test_a_name_that_cannot_be_is_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        registry.name_proposer(name, "tuner")
    assert str(raised.value) == message
