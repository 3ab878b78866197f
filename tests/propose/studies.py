"""A whole study with a proposer that asks a model, played by the scripted server."""

import time
from pathlib import Path
from typing import Any

from tests.messages_server import MessagesServer
from workbench.ledger import lease
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.records import Options
from workbench.verbs import launch

OPUS = "claude-opus-5-5"
SMALL = {"items": "200", "count": "2", "fresh": "0"}


def finished(tmp_path: Path, experiment: str, settings: dict[str, str], server: MessagesServer, **more: Any) -> tuple[Study, Journal]:
    """Runs the study `s` to its end by the real loop; one question after the other, as scripts that count them want it."""
    options = Options(**{"model": OPUS, "base_url": server.url, "slots": 1, "ahead": 0, "policy": "greedy", **more})
    folder = launch.create(experiment, study="s", root=tmp_path, options=options, settings=settings)
    launch.spawn(folder)
    journal, study, until = Journal(folder), Study(), time.monotonic() + 240
    while study.fold(journal.entries(study.last_id)).state == "running" or lease.holder(folder) is not None:
        assert time.monotonic() < until, launch.last_line(folder.loop_log)
        time.sleep(0.05)
    return study, journal
