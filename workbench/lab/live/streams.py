"""Which curves a screen has been sent, and how far.

What comes next of a curve is always the rest of it, whatever happened in between.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

import numpy as np

from workbench.lab.live.follower import News
from workbench.lab.live.protocol import FromFeed, Series
from workbench.lab.live.texts import to_line
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.curves import Curve
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.show.plot import thin_out

MAX_POINTS = 2000  # of one series in one update
MAX_NAME = 100
N_TRIALS_KEPT = 16  # that ended and that no view watches
FLOAT32_MAX = float(np.finfo(np.float32).max)
Message = tuple[FromFeed, bytes | None]  # with its buffer
TrialKey = tuple[int, int]  # candidate, trial


@dataclass
class _Series:
    """One series on a screen.

    Attributes:
        n_sent: how many of its points were sent, or thinned out.
    """

    id: int
    self_reported: bool
    n_sent: int = 0


@dataclass
class _Batch:
    """What one update sends: descriptions of series by id, and new points."""

    descriptions: dict[int, Series] = field(default_factory=dict)
    points: list[tuple[int, list[float], list[float]]] = field(default_factory=list)

    def to_messages(self) -> list[Message]:
        messages: list[Message] = []
        if self.descriptions:
            series = list(self.descriptions.values())
            messages.append(({"type": "series", "series": series}, None))
        if self.points:
            counts = [number for id, steps, _ in self.points for number in (id, len(steps))]
            messages.append(({"type": "points", "counts": counts}, self._pack()))
        return messages

    def _pack(self) -> bytes:
        steps = np.concatenate([steps for _, steps, _ in self.points])
        values = np.concatenate([values for _, _, values in self.points])
        # Beyond its range a float32 would be infinite, which no axis can show.
        values = np.clip(values, -FLOAT32_MAX, FLOAT32_MAX)
        return bytes(steps.astype("<f8")) + bytes(values.astype("<f4"))


class Streams:
    """The series of one screen.

    It has those of running trials, of the incumbent, of watched candidates, and of the trials that
    ended last. An update takes all that is new at once, so a slow receiver gets fewer and longer
    messages. More than 2,000 new points of one series are thinned out.
    """

    def __init__(self) -> None:
        self._ids: dict[tuple[int, int, str], int] = {}
        self._cursor = 0
        self._trials: dict[TrialKey, dict[str, _Series]] = {}

    def restart(self) -> None:
        """The screen is empty again; series keep their ids."""
        self._cursor = 0
        self._trials.clear()

    def update(
        self, journal: Journal, study: Study, news: News, watched: Collection[int]
    ) -> list[Message]:
        """The messages that bring the screen up to date.

        Args:
            watched: candidates whose last finished curves the screen wants.
        """
        batch = _Batch()
        self._add_live_points(journal, batch)
        for key in news.ended:
            if key in self._trials:
                self._add_rest(journal, key, batch)
        needed = set[TrialKey]()
        for number in _choose_candidates(study, watched):
            last = find_last_trial(study.candidates[number])
            if last is not None:
                needed.add(last)
        for key in sorted(needed - self._trials.keys()):
            self._add_rest(journal, key, batch)
        messages = batch.to_messages()
        gone = self._forget(study, needed)
        if gone:
            messages.append(({"type": "gone", "series": gone}, None))
        return messages

    def _add_live_points(self, journal: Journal, batch: _Batch) -> None:
        self._cursor, points = journal.read_live_points(self._cursor)
        curves: dict[tuple[int, int, str], tuple[list[float], list[float], bool]] = {}
        for point in points:
            key = (point.candidate, point.trial, point.series)
            steps, values, _ = curves.setdefault(key, ([], [], point.self_reported))
            steps.append(point.step)
            values.append(point.value)
        for (candidate, trial, name), (steps, values, is_self_reported) in curves.items():
            curve = Curve(tuple(steps), tuple(values), is_self_reported)
            self._extend((candidate, trial), name, curve, True, batch)

    def _add_rest(self, journal: Journal, key: TrialKey, batch: _Batch) -> None:
        """What is missing of a trial that ended.

        Each series is described again even if no point is missing: the screen must learn that the
        trial runs no longer.
        """
        on_screen = self._trials.setdefault(key, {})
        for name, curve in journal.read_curves(*key).items():
            n_sent = on_screen[name].n_sent if name in on_screen else 0
            rest = Curve(curve.steps[n_sent:], curve.values[n_sent:], curve.self_reported)
            self._extend(key, name, rest, False, batch)

    def _extend(
        self, key: TrialKey, name: str, curve: Curve, is_running: bool, batch: _Batch
    ) -> None:
        on_screen = self._trials.setdefault(key, {})
        is_new = name not in on_screen
        if is_new:
            id = self._ids.setdefault((*key, name), len(self._ids))
            on_screen[name] = _Series(id, curve.self_reported)
        series = on_screen[name]
        series.n_sent += len(curve.steps)
        if is_new or not is_running:
            candidate, trial = key
            batch.descriptions[series.id] = {
                "id": series.id,
                "candidate": candidate,
                "trial": trial,
                "name": to_line(name, MAX_NAME),
                "self_reported": series.self_reported,
                "running": is_running,
            }
        steps, values = thin_out(curve, MAX_POINTS)
        if steps:
            batch.points.append((series.id, steps, values))

    def _forget(self, study: Study, needed: Collection[TrialKey]) -> list[int]:
        """Ids of the series that the screen drops: a study of a month would fill it."""
        ended = [
            (candidate, trial)
            for candidate, trial in self._trials
            if (candidate, trial) not in needed and trial not in study.candidates[candidate].running
        ]
        n_too_many = max(0, len(ended) - N_TRIALS_KEPT)
        dropped = [self._trials.pop(key) for key in ended[:n_too_many]]
        return [series.id for trial in dropped for series in trial.values()]


def find_last_trial(history: CandidateHistory) -> TrialKey | None:
    """The candidate's last trial of the search that ended."""
    return (history.number, history.trials[-1].trial) if history.trials else None


def _choose_candidates(study: Study, watched: Iterable[int]) -> set[int]:
    """The watched candidates that exist, and the incumbent."""
    numbers = {number for number in watched if 0 <= number < len(study.candidates)}
    if study.incumbent is not None:
        numbers.add(study.incumbent)
    return numbers
