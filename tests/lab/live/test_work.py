"""A screen sees the proposer at work, whole and safe, while the loop that says so is alive."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.lab.live.screen import HELLO, Screen, watching
from workbench.ledger.folder import StudyFolder
from workbench.ledger.lease import Lease
from workbench.loop.glimpses import Glimpses
from workbench.propose.proposer import Glimpse


@pytest.fixture
def lease(folder: StudyFolder) -> Iterator[Lease]:
    with Lease(folder) as lease:
        yield lease


def last(screen: Screen) -> list[dict[str, Any]]:
    said = screen.of("work")
    return said[-1]["works"] if said else []


def test_the_work_comes_grows_and_goes(folder: StudyFolder, lease: Lease) -> None:
    glimpses = Glimpses(folder)
    with watching(folder) as (feed, screen):
        glimpses.of(7)(Glimpse("model", "claude", turn=1, tokens=10))
        glimpses.of(7)(Glimpse("text", "a first thought "))
        screen.wait_for(lambda: last(screen) and last(screen)[0]["pieces"])
        (work,) = last(screen)
        assert (work["number"], work["model"], work["turn"], work["tokens"]) == (7, "claude", 1, 10)
        assert work["pieces"] == [{"number": 0, "kind": "text", "text": "a first thought "}]
        n_said = len(screen.of("work"))
        screen.wait_for(lambda: screen.of("beat"))
        assert len(screen.of("work")) == n_said, "what did not change is not sent again"
        feed.receive(HELLO)  # the page was reloaded
        screen.wait_for(
            lambda: len(screen.of("snapshot")) == 2 and len(screen.of("work")) == n_said + 1
        )
        glimpses.end(7)
        screen.wait_for(lambda: last(screen) == [])


def test_what_a_model_says_is_made_visible_and_cannot_hide(
    folder: StudyFolder, lease: Lease
) -> None:
    evil = "\u202eevil \x1b[31mred\x1b[0m <script>alert(1)</script> "
    with watching(folder) as (_, screen):
        glimpses = Glimpses(folder)
        glimpses.of(1)(Glimpse("model", evil))
        glimpses.of(1)(Glimpse("text", evil))
        screen.wait_for(lambda: last(screen) and last(screen)[0]["pieces"])
        (work,) = last(screen)
        assert work["pieces"][0]["text"] == "<U+202E>evil red <script>alert(1)</script> "
        assert not set("\u202e\x1b") & set(work["model"])


def test_the_work_of_a_loop_that_died_is_gone(folder: StudyFolder) -> None:
    with watching(folder) as (_, screen):
        with Lease(folder):
            Glimpses(folder).of(1)(Glimpse("text", "half a thought "))
            screen.wait_for(lambda: last(screen))
        assert folder.live_proposals.exists()
        screen.wait_for(lambda: last(screen) == [])
