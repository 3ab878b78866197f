"""AlphaEvolve's ablation as variants of `evolve`.

Each leaves out one part of what the model is shown.
"""

from pathlib import Path

import pytest

from tests.messages_server import MessagesServer, play_steps
from tests.propose.test_evolve import EVERYTHING, GOOD, make_brief, options
from workbench.propose.evolve import Evolve
from workbench.records import Options
from workbench.search.best_of_n import BestOfN
from workbench.testing import experiment_for_tests

pytestmark = pytest.mark.usefixtures("key")
CONTEXT = "Make the loss small, as the data are few."
HISTORY = (
    "# the program of candidate 1",
    "a higher rate learns faster",
    "Traceback of 3: loss is inf",
    "train.py does not parse: line 3",
)
ALWAYS = (
    "Score: loss. Lower is better.",
    "Files that may change: train.py",
    'parent candidate="0" score="1.5"',
    "WIDTH = 8",
    "Traceback of 0: loss is inf",
    "try the optimiser first",
    "larger batches",
    "we need the warm-up",
    "use a cosine schedule",
)


@pytest.mark.parametrize(
    ("argument", "has_context", "has_history"),
    [
        ("", True, True),
        ("no-context", False, True),
        ("no-history", True, False),
        ("no-context,no-history", False, False),
    ],
)
def test_each_arm_is_shown_what_it_names_and_nothing_else_is_left_out(
    tmp_path: Path, argument: str, has_context: bool, has_history: bool
) -> None:
    (tmp_path / "program.md").write_text(CONTEXT)
    experiment = experiment_for_tests(tmp_path)
    with MessagesServer(play_steps(GOOD)) as server:
        brief = make_brief(experiment, options(server), **EVERYTHING)
        assert Evolve(argument, experiment, options(server)).propose(brief).hypothesis
        (request,) = server.requests
    prompt = "\n".join(block["text"] for block in request["body"]["messages"][0]["content"])
    assert (CONTEXT in prompt, "<instructions>" in prompt) == (has_context, has_context)
    assert [text in prompt for text in HISTORY] == [has_history] * len(HISTORY)
    assert [text for text in ALWAYS if text not in prompt] == []


def test_the_arm_without_evolution_starts_from_the_baseline_and_shows_it_alone(
    tmp_path: Path,
) -> None:
    experiment = experiment_for_tests(tmp_path)
    with MessagesServer(play_steps(GOOD)) as server:
        brief = make_brief(experiment, options(server))
        ask = BestOfN(experiment, Options()).ask(brief.study)
        Evolve("no-history", experiment, options(server)).propose(brief)
        prompt = server.prompts[0]
    assert (ask.parent, ask.inspirations) == (0, ())
    assert 'candidate="0"' in prompt
    assert [number for number in (1, 2, 3) if f'candidate="{number}"' in prompt] == []
    assert "<attempts>" not in prompt
