"""Which proposer a kept program describes, as each proposer says itself."""

import pytest

from workbench.errors import UsageError
from workbench.propose.alias import find_meaning
from workbench.propose.wording import AgentWording, EvolveWording

SETTINGS = '"""Settings."""\n\nREACH = 3.0\nN_BEST = 14\n'
EVOLVE = f"system = {EvolveWording().system!r}\n"
AGENT = f"system = {AgentWording().system!r}\n"
FILES = {"settings.py": SETTINGS, "evolve.toml": EVOLVE, "agent.toml": AGENT}


@pytest.mark.parametrize(
    ("proposer", "meaning"),
    [
        ("", "tuner:reach=3.0"),
        ("tuner", "tuner:reach=3.0"),
        ("evolve", f"evolve\n{EVOLVE.strip()}"),
        ("evolve:full", f"evolve:full\n{EVOLVE.strip()}"),
        ("agent:scores", f"agent:scores\n{AGENT.strip()}"),
        # No file describes these, so the study is about the tuner's settings.
        ("null", "tuner:reach=3.0"),
        ("unknown", "tuner:reach=3.0"),
    ],
)
def test_the_proposer_that_the_study_is_about_reads_its_file(proposer: str, meaning: str) -> None:
    assert find_meaning(FILES, proposer) == meaning


def test_settings_that_are_the_defaults_need_no_argument() -> None:
    assert find_meaning({"settings.py": "REACH = 2.0\n"}, "") == "tuner"


@pytest.mark.parametrize("proposer", ["", "tuner", "evolve", "agent", "null"])
def test_a_program_without_the_file_describes_no_proposer(proposer: str) -> None:
    assert find_meaning({"train.py": "x = 1\n"}, proposer) is None


@pytest.mark.parametrize(
    ("files", "proposer", "message"),
    [
        ({"settings.py": "REACH = f()\n"}, "", "only lines such as REACH = 2.0"),
        ({"settings.py": "REECH = 2.0\n"}, "", "the tuner has no setting 'reech'"),
        ({"evolve.toml": "attempts = 3\n"}, "evolve", "the prompt is empty"),
    ],
)
def test_one_that_cannot_be_is_refused(files: dict[str, str], proposer: str, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        find_meaning(files, proposer)
