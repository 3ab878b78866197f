"""Streams: which curves a screen has been sent, and how far; what comes next of each is the rest, whatever happened in between."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from workbench.lab.live.following import News
from workbench.lab.live.state import line
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.journal import Curve, Journal
from workbench.ledger.study import Study
from workbench.show.plot import thinned

MAX_POINTS = 2000
TRIALS_KEPT = 16
FLOAT32_MAX = float(np.finfo(np.float32).max)
Message = dict[str, Any]
Sent = tuple[Message, bytes | None]
TrialKey = tuple[int, int]  # candidate, trial


@dataclass
class _Series:
    """One series on a screen. taken: how many of its points were sent, or thinned away."""

    id: int
    self_reported: bool
    taken: int = 0


@dataclass
class _Batch:
    """What one update sends: descriptions of series, and new points by series id."""

    described: dict[int, Message] = field(default_factory=dict)
    points: list[tuple[int, list[float], list[float]]] = field(default_factory=list)

    def messages(self) -> list[Sent]:
        found: list[Sent] = []
        if self.described:
            found.append(({"type": "series", "series": list(self.described.values())}, None))
        if self.points:
            steps = np.concatenate([steps for _, steps, _ in self.points])
            values = np.clip(
                np.concatenate([values for _, _, values in self.points]), -FLOAT32_MAX, FLOAT32_MAX
            )
            counts = [number for id, steps, _ in self.points for number in (id, len(steps))]
            found.append(
                (
                    {"type": "points", "counts": counts},
                    steps.astype("<f8").tobytes() + values.astype("<f4").tobytes(),
                )
            )
        return found


class Streams:
    """The series that one screen has: those of running trials, of the incumbent, of what is watched, and of trials that just ended.

    An update takes all that is new at once, so that a slow receiver gets fewer and longer messages; more than 2,000 new points of one
    series are thinned.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[int, int, str], int] = {}
        self._cursor = 0
        self._trials: dict[TrialKey, dict[str, _Series]] = {}

    def restart(self) -> None:
        """The screen has nothing any more; series keep their ids."""
        self._cursor = 0
        self._trials.clear()

    def update(
        self, journal: Journal, study: Study, news: News, watched: Collection[int]
    ) -> list[Sent]:
        """The messages that bring the screen up to date."""
        batch = _Batch()
        self._live(journal, batch)
        for key in news.ended:
            if key in self._trials:
                self._rest(journal, key, batch)
        wanted = {
            last
            for number in _shown(study, watched)
            if (last := last_ended(study.candidates[number])) is not None
        }
        for missing in sorted(wanted - self._trials.keys()):
            self._rest(journal, missing, batch)
        gone = self._forget(study, wanted)
        return [*batch.messages(), *([({"type": "gone", "series": gone}, None)] if gone else [])]

    def _live(self, journal: Journal, batch: _Batch) -> None:
        self._cursor, points = journal.live_points(self._cursor)
        found: dict[tuple[int, int, str], tuple[list[float], list[float], bool]] = {}
        for point in points:
            key = (point.candidate, point.trial, point.series)
            steps, values, _ = found.setdefault(key, ([], [], point.self_reported))
            steps.append(point.step)
            values.append(point.value)
        for (candidate, trial, name), (steps, values, own) in found.items():
            self._extend(
                (candidate, trial), name, Curve(tuple(steps), tuple(values), own), True, batch
            )

    def _rest(self, journal: Journal, key: TrialKey, batch: _Batch) -> None:
        """What is missing of a trial that ended; that it runs no longer is said even where nothing is missing."""
        known = self._trials.setdefault(key, {})
        for name, curve in journal.curves(*key).items():
            taken = known[name].taken if name in known else 0
            self._extend(
                key,
                name,
                Curve(curve.steps[taken:], curve.values[taken:], curve.self_reported),
                False,
                batch,
            )

    def _extend(
        self, key: TrialKey, name: str, curve: Curve, is_running: bool, batch: _Batch
    ) -> None:
        known = self._trials.setdefault(key, {})
        is_new = name not in known
        if is_new:
            known[name] = _Series(
                self._ids.setdefault((*key, name), len(self._ids)), curve.self_reported
            )
        series = known[name]
        series.taken += len(curve.steps)
        if is_new or not is_running:
            batch.described[series.id] = {
                "id": series.id,
                "candidate": key[0],
                "trial": key[1],
                "name": line(name, 100),
                "self_reported": series.self_reported,
                "running": is_running,
            }
        steps, values = thinned(curve, MAX_POINTS)
        if steps:
            batch.points.append((series.id, steps, values))

    def _forget(self, study: Study, wanted: Collection[TrialKey]) -> list[int]:
        """Ids of the series that the screen is to drop: a study of a month would fill it."""
        ended = [
            key
            for key in self._trials
            if key not in wanted and key[1] not in study.candidates[key[0]].running
        ]
        dropped = [self._trials.pop(key) for key in ended[: max(0, len(ended) - TRIALS_KEPT)]]
        return [series.id for trial in dropped for series in trial.values()]


def last_ended(history: CandidateHistory) -> TrialKey | None:
    """The candidate's last trial that ended, of those that the search made."""
    return (history.number, history.trials[-1].trial) if history.trials else None


def _shown(study: Study, watched: Iterable[int]) -> set[int]:
    numbers = {number for number in watched if 0 <= number < len(study.candidates)}
    return numbers if study.incumbent is None else numbers | {study.incumbent}
