"""A whole study with a proposer that asks a model; the scripted server plays the model."""

from pathlib import Path
from typing import Any

from tests.messages_server import MessagesServer
from tests.studies import ended
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.records import Options
from workbench.verbs import create, loop_process

OPUS = "claude-opus-5-5"
USAGE = {"input_tokens": 5000, "output_tokens": 800, "cache_read_input_tokens": 2000}
CALL_USD = (5000 * 4 + 800 * 20 + 2000 * 0.2) / 1e6  # of a call with this usage
SMALL = {"items": "200", "count": "2", "fresh": "0"}


def run_study(
    tmp_path: Path, experiment: str, settings: dict[str, str], server: MessagesServer, **more: Any
) -> tuple[Study, Journal]:
    """Runs the study `s` to its end with the real loop.

    It asks one question after the other, because scripts count the questions.
    """
    options = Options(
        **{
            "model": OPUS,
            "base_url": server.url,
            "slots": 1,
            "ahead": 0,
            "policy": "greedy",
            **more,
        }
    )
    folder = create.create(experiment, study="s", root=tmp_path, options=options, settings=settings)
    loop_process.spawn(folder)
    return ended(folder, 240), Journal(folder)
