"""Moves: ranks the changes that the tuner may make next by what they promise.

It predicts gains (`effects`), asks TPE for values, and estimates which values would break the
program. It knows knobs and scores, and nothing of briefs and proposals.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import numpy.typing as npt

from workbench.propose import tpe
from workbench.propose.effects import Array, Effects, expected_improvement
from workbench.propose.knob_history import Attempt, KnobHistory
from workbench.propose.knob_space import KnobSpace, Move
from workbench.propose.scales import Value
from workbench.propose.settings import TunerSettings

MAX_EVALUATIONS = 200  # candidates that the effects are fitted to
MAX_TPE_EVALUATIONS = 60
MIN_TPE_SCORES = 4
MAX_TPE_KNOBS = 3  # that TPE moves together
N_SUGGESTIONS = 2  # of TPE for each set of knobs
N_BEST_FOR_TRIPLES = 9
MAX_MOVES_PER_KNOB = 2  # among those that are combined
GUIDANCE_FACTOR = (
    4.0  # worth of a move that follows guidance, relative to one that no one asked for
)
OTHER_SIDE_BLAME = 0.3  # what breaks one way may break the other way
_UNDECIDED = ("provisional", "waiting", "running", "queued")


@dataclass(frozen=True)
class RankedMove:
    """A move with what it promises.

    Attributes:
        changes: knob id to new value.
        worth: expected improvement over the best candidate so far, weighted with the chance that
            the program runs.
        expected: mean and standard deviation of the gain over the parent.
    """

    changes: Move
    worth: float
    expected: tuple[float, float]


class Moves:
    """The moves from one parent.

    Args:
        space: the parent's knobs.
        history: all candidates so far.
        parent: number of the parent.
        directions: knob id to direction and text, for the knobs that guidance names.
        seed: randomness of TPE.
        settings: how to search.
    """

    def __init__(
        self,
        space: KnobSpace,
        history: KnobHistory,
        parent: int,
        directions: Mapping[str, tuple[int, str]],
        seed: int,
        settings: TunerSettings,
    ) -> None:
        self._space = space
        self._history = history
        self._parent = history.attempts[parent]
        self._directions = directions
        self._seed = seed
        self._settings = settings
        self._chances: dict[tuple[str, Value], float] = {}
        self._learn()

    def _learn(self) -> None:
        """Fits the effects to the candidates that have a score, or will get one."""
        latest = self._history.select_latest(MAX_EVALUATIONS)
        self._known = [attempt for attempt in latest if attempt.is_pending or attempt.has_score]
        self._points = self._make_points(self._known)
        self._gains = np.array(self._measure_gains(self._known))
        self._counts = np.array([float(len(attempt.history.scored)) for attempt in self._known])
        self._effects = Effects(
            self._space.axes,
            self._points,
            [attempt.root for attempt in self._known],
            self._gains,
            self._counts,
            self._history.estimate_noise(),
            self._settings,
        )
        self._threshold = self._estimate_best()

    def _make_points(self, attempts: Sequence[Attempt]) -> Array:
        """The points of some attempts, `(attempts, knobs)`."""
        points = []
        for attempt in attempts:
            if attempt is self._parent:
                points.append(self._space.parent)
            else:
                points.append(self._space.point(attempt.state))
        return np.array(points).reshape(-1, len(self._space.names))

    def _measure_gains(self, attempts: Sequence[Attempt]) -> list[float]:
        """The gain of each attempt over the baseline; 0 if its score is still awaited."""
        scores = [attempt.history.score for attempt in attempts]
        reference = self._history.attempts[0].history.score
        if (
            reference is None
        ):  # the baseline failed: any score will do, since only differences count
            reference = next((score for score in scores if score is not None), 0.0)
        objective = self._history.objective
        return [
            objective.gain(reference if score is None else score, reference) for score in scores
        ]

    def _estimate_best(self) -> float:
        """Expected gain over the parent of the best candidate that may still be kept.

        It is at least 0.
        """
        rivals = [
            index
            for index, attempt in enumerate(self._known)
            if attempt.root == self._parent.root and attempt.history.status in _UNDECIDED
        ]
        if not rivals:
            return 0.0
        mean, _ = self._effects.gain(self._points[rivals], self._parent.root, self._space.parent)
        return max(0.0, float(mean.max()))

    def rank(self, first: Sequence[str]) -> list[RankedMove]:
        """All moves that are worth anything, the most promising ones first.

        Args:
            first: ids of knobs; the moves that turn any of them come before all others.
        """
        steps = [{name: value} for name in self._space.names for value in self._next_values(name)]
        ranked_steps = self._rank_moves(steps)
        suggested = self._rank_moves(self._suggest(ranked_steps))
        moves = _sort([*ranked_steps, *suggested])
        combined = self._rank_moves(self._combine(self._select_best(moves)))
        moves = [move for move in _sort([*moves, *combined]) if move.worth > 0]
        if first:
            moves.sort(key=lambda move: not any(name in first for name in move.changes))
        return moves

    def _next_values(self, name: str) -> list[Value]:
        """The values that one knob may take next."""
        sizes = [1.0]
        if name not in self._space.costly:
            sizes.append(2.0)
        if self._space.scales[name].is_fine and self._history.attempts_at(name):
            sizes.insert(0, 0.5)
        return self._space.steps(name, sizes)

    def _select_best(self, moves: Iterable[RankedMove]) -> list[RankedMove]:
        """The best moves of a single knob, at most two of the same one."""
        selected: list[RankedMove] = []
        counts: dict[str, int] = {}
        for move in moves:
            if len(move.changes) > 1 or len(selected) >= self._settings.n_best:
                continue
            (name,) = move.changes
            counts[name] = counts.get(name, 0) + 1
            if counts[name] <= MAX_MOVES_PER_KNOB:
                selected.append(move)
        return selected

    def _combine(self, best: Sequence[RankedMove]) -> list[Move]:
        """Pairs and triples of the best single moves."""
        groups = [*combinations(best, 2), *combinations(best[:N_BEST_FOR_TRIPLES], 3)]
        moves = [_join(group) for group in groups]
        return [move for move in moves if move and self._is_telling(move)]

    def _is_telling(self, move: Move) -> bool:
        """True if the score will say something about a knob that is turned for the first time.

        Where several are, no one knows which of them made the difference.
        """
        n_new = sum(not self._history.attempts_at(name) for name in move)
        return n_new <= self._settings.new_together

    def _suggest(self, steps: Sequence[RankedMove]) -> list[Move]:
        """What TPE suggests for the most promising knobs, alone and together."""
        if sum(self._counts > 0) < MIN_TPE_SCORES:
            return []
        by_worth = dict.fromkeys(name for move in _sort(steps) for name in move.changes)
        tried = self._settings.tried
        names = [name for name in by_worth if len(self._history.attempts_at(name)) >= tried]
        moves: list[Move] = []
        for size in range(1, min(len(names), MAX_TPE_KNOBS) + 1):
            moves += self._suggest_for(names[:size])
        return [move for move in moves if move]

    def _suggest_for(self, names: Sequence[str]) -> list[Move]:
        space = self._space
        axes = {name: self._make_axis(name) for name in names}
        evaluations = []
        for point, gain, count in zip(self._points, self._gains, self._counts, strict=True):
            coordinates = {
                name: space.search_coordinate(name, point[space.index(name)]) for name in names
            }
            evaluations.append(tpe.Evaluation(coordinates, float(gain) if count else None))
        suggestions = tpe.suggest(
            axes,
            evaluations[-MAX_TPE_EVALUATIONS:],
            self._seed + len(names),
            count=N_SUGGESTIONS,
        )
        moves = []
        for suggestion in suggestions:
            values = {name: space.value_at(name, x) for name, x in suggestion.items()}
            moves.append(
                {name: value for name, value in values.items() if value != space.knobs[name].value}
            )
        return moves

    def _make_axis(self, name: str) -> tpe.Axis:
        scale = self._space.scales[name]
        if not scale.is_ordered:
            return tpe.Axis(n_choices=len(scale.values))
        x = self._space.parent[self._space.index(name)]
        reach = 1.0 if name in self._space.costly else self._settings.reach
        return tpe.Axis(x - reach, x + reach)

    def _rank_moves(self, moves: Sequence[Move]) -> list[RankedMove]:
        """The moves with what they promise, in the same order."""
        if not moves:
            return []
        points = self._space.points_after(moves)
        mean, sd = self._effects.gain(points, self._parent.root, self._space.parent)
        improvement = expected_improvement(mean, sd, self._threshold)
        improvement[self._is_repetition(points)] = 0.0
        ranked = []
        for move, value, gain, error in zip(moves, improvement, mean, sd, strict=True):
            worth = float(value) * self._factor(move)
            ranked.append(RankedMove(move, worth, (float(gain), float(error))))
        return ranked

    def _is_repetition(self, points: Array) -> npt.NDArray[np.bool_]:
        """Which points are so near to an earlier one of their lineage that only noise differs."""
        is_near = np.zeros(len(points), dtype=bool)
        for point, attempt in zip(self._points, self._known, strict=True):
            if attempt.root == self._parent.root:
                is_near |= np.abs(points - point).max(axis=1) < self._settings.repetition
        return is_near

    def _factor(self, move: Move) -> float:
        """By how much a move is worth more or less than its expected improvement."""
        factor = self._settings.company ** (len(move) - 1)
        for name, value in move.items():
            if (name, value) not in self._chances:
                self._chances[name, value] = self._chance_to_run(name, value)
            factor *= self._chances[name, value]
            if name in self._directions:
                direction, _ = self._directions[name]
                delta = self._space.coordinate(name, value) - self._parent_coordinate(name)
                if direction * np.sign(delta) >= 0:
                    factor *= GUIDANCE_FACTOR
                else:
                    factor *= 1 / GUIDANCE_FACTOR
        return factor

    def _parent_coordinate(self, name: str) -> float:
        return float(self._space.parent[self._space.index(name)])

    def _chance_to_run(self, name: str, value: Value) -> float:
        """How likely the program still runs with a value, judging by earlier attempts at the knob.

        An attempt that broke at this value, or less far in the same direction, counts against it in
        full. Other failures count for less, and so do those of attempts that turned other knobs as
        well. An attempt that ran at this value, or further in the same direction, speaks for it. 0
        means that the value is not tried again.
        """
        x = self._space.coordinate(name, value)
        start = self._parent_coordinate(name)
        failures = 0.0
        successes = 0
        for attempt in self._history.attempts_at(name):
            tried = self._space.coordinate(name, attempt.changed[name][1])
            is_same_side = self._space.scales[name].is_ordered and (tried - start) * (x - start) > 0
            is_further = abs(x - start) >= abs(tried - start)
            is_less_far = abs(tried - start) >= abs(x - start)
            if attempt.has_failed:
                is_beyond = tried == x or (is_same_side and is_further)
                blame = 1.0 if is_beyond else OTHER_SIDE_BLAME
                failures += blame / len(attempt.changed)
            elif attempt.history.score is not None:
                successes += tried == x or (is_same_side and is_less_far)
        if failures >= 2 and not successes:
            return 0.0
        return (1 + successes) / (1 + successes + 2 * failures)


def _sort(moves: Iterable[RankedMove]) -> list[RankedMove]:
    return sorted(moves, key=lambda move: -move.worth)


def _join(group: Sequence[RankedMove]) -> Move:
    """All changes of some moves in one move; empty if two of them turn the same knob."""
    joined: Move = {}
    for move in group:
        if any(name in joined for name in move.changes):
            return {}
        joined |= move.changes
    return joined
