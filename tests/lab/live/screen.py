"""A screen without a browser: it collects what a feed sends, and waits for conditions on it."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tests.waiting import until
from workbench.lab.live.feed import Feed
from workbench.lab.live.protocol import PROTOCOL
from workbench.ledger.curves import LivePoint
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Pen
from workbench.ledger.lease import Lease

HELLO = {"type": "hello", "protocol": PROTOCOL, "pending": []}


class Screen:
    """What arrived, in order; `gate` holds up the receiver while it is cleared."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.curves: dict[int, list[tuple[float, float]]] = {}
        self.series: dict[int, dict[str, Any]] = {}
        self.gate = threading.Event()
        self.gate.set()

    def take(self, message: dict[str, Any], buffer: bytes | None) -> None:
        assert self.gate.wait(30)
        self.messages.append(message)
        if message["type"] == "snapshot":
            self.curves.clear()
        for series in message.get("series", []) if message["type"] == "series" else []:
            self.series[series["id"]] = series
        if message["type"] == "points":
            self._extend(message["counts"], buffer or b"")

    def _extend(self, counts: list[int], buffer: bytes) -> None:
        total = sum(counts[1::2])
        steps, values = (
            np.frombuffer(buffer, "<f8", total),
            np.frombuffer(buffer, "<f4", total, 8 * total),
        )
        at = 0
        for number, count in zip(counts[::2], counts[1::2], strict=True):
            self.curves.setdefault(number, []).extend(
                zip(steps[at : at + count].tolist(), values[at : at + count].tolist(), strict=True)
            )
            at += count
        assert at == total

    def curve(
        self, candidate: int, trial: int, name: str = "train_loss"
    ) -> list[tuple[float, float]]:
        ids = [
            one["id"]
            for one in self.series.values()
            if (one["candidate"], one["trial"], one["name"]) == (candidate, trial, name)
        ]
        return self.curves.get(ids[0], []) if ids else []

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [message for message in self.messages if message["type"] == kind]

    def last_row(self, candidate: int) -> dict[str, Any]:
        return next(
            row
            for change in reversed(self.of("changes"))
            for row in change["rows"]
            if row["candidate"] == candidate
        )

    def list_changed_rows(self) -> set[int]:
        """Candidates whose rows came after the snapshot."""
        return {row["candidate"] for change in self.of("changes") for row in change["rows"]}

    def wait_for(self, holds: Callable[[], object], seconds: float = 30.0) -> None:
        until(holds, seconds, told=lambda: [message["type"] for message in self.messages])


@contextmanager
def watching(
    folder: StudyFolder, greeting: Mapping[str, Any] = HELLO
) -> Iterator[tuple[Feed, Screen]]:
    """A feed that was greeted, and the screen it fills; its thread is over afterwards."""
    screen = Screen()
    feed = Feed(folder, screen.take)
    feed.start()
    try:
        feed.receive(greeting)
        screen.wait_for(lambda: screen.of("snapshot"))
        yield feed, screen
    finally:
        screen.gate.set()
        feed.close()
        feed.join(30)


def add_points(
    folder: StudyFolder, candidate: int, trial: int, steps: range, name: str = "train_loss"
) -> None:
    with Lease(folder) as lease, Pen(folder, lease) as pen:
        pen.add_points(
            [LivePoint(candidate, trial, name, step, 1.0 / (step + 1), True) for step in steps]
        )
