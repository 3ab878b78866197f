"""What completion offers at each place of a command line."""

from pathlib import Path

import pytest

from tests.by_hand import make_study
from workbench.verbs.completion import suggest
from workbench.verbs.table import NAMES, VERBS


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("start to", {"toy", "binpacking"}),
        ("start toy --proposer ", {"tuner", "evolve"}),
        ("start toy --strategy hill", {"hillclimb", "islands"}),
        ("start toy --review ", {"off", "keeps", "all"}),
        ("start toy --goal ", {"minimize", "maximize"}),
        ("start toy --sandbox ", {"auto", "off"}),
        ("start --minimize ", {"toy"}),
        ("start --slots 2 ", {"toy"}),
        ("start toy --pro", {"--proposer"}),
        ("status ", {"toy-1"}),
        ("show 1 ", {"toy-1"}),
        ("show --json 1 ", {"toy-1"}),
        ("accept 1 --study ", {"toy-1"}),
        ("accept 1 ", {"--hunks", "--reason"}),
        ("guide try ", {"--next"}),
    ],
)
def test_what_can_follow_is_offered(tmp_path: Path, line: str, expected: set[str]) -> None:
    make_study(tmp_path)
    assert expected - set(suggest(line.split(" "), tmp_path)) == set()


@pytest.mark.parametrize(
    "line", ["fly ", "start toy --model ", "start toy --study ", "reject 1 --reason "]
)
def test_where_anything_can_follow_nothing_is_offered(tmp_path: Path, line: str) -> None:
    make_study(tmp_path)
    assert suggest(line.split(" "), tmp_path) == []


def test_verbs_are_offered_first(tmp_path: Path) -> None:
    assert suggest([""], tmp_path) == list(NAMES)
    assert suggest([], tmp_path) == list(NAMES)


@pytest.mark.parametrize("verb", NAMES)
def test_every_option_of_a_verb_is_offered(tmp_path: Path, verb: str) -> None:
    assert suggest([verb, "--"], tmp_path) == VERBS[verb].option_strings
