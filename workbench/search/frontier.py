"""Frontier: the programs that no other one beats in every metric (Pareto), as Meta-Harness keeps them."""

import random
from collections.abc import Sequence

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.ledger.turns import Turn
from workbench.records import Options
from workbench.search.archive import Turns, value
from workbench.search.strategy import Ask, incumbent_of, question

N_INSPIRATIONS = 5
N_BEST = 5  # of a single metric

Point = tuple[float, ...]  # by metric, more is better


class Frontier:
    """The parent is one of the frontier, the inspirations are others of it; no rule prefers a parent by its score (Meta-Harness).

    The metrics are those of `[search] metrics` with their goals, else the objective alone: then it is the best five. In it is
    every candidate that was decided, has all metrics, did not fail or cheat, and that no person vetoed (nor any it was made from),
    kept or not: what is kept is the policy's affair, and it looks at the objective only. Of equal ones the first stays. Metrics are
    means over the trials that the decision rested on, noise included.

    Of two drawn at random the one in the emptier stretch of the frontier is the parent. After a person's fork the frontier begins
    anew with that candidate; while it is empty the parent is the incumbent. Work: one comparison with the frontier per candidate; a
    veto builds it anew.

    Sources: Meta-Harness (arXiv 2603.28052), algorithm 1; the tournament by crowding distance: NSGA-II (Deb et al., 2002).
    """

    name = "frontier"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        objective = experiment.objective
        self._metrics = dict(experiment.search.metrics) or {objective.name: objective.goal}
        self._seed, self._turns = options.seed, Turns()
        self._points: dict[int, Point] = {}
        self._front: list[int] = []
        self._crowding: dict[int, float] | None = None

    def ask(self, study: Study) -> Ask:
        incumbent = incumbent_of(study)
        for turn in self._turns.new(study):
            self._learn(study, turn)
        if not self._front:
            return Ask(incumbent)
        rng = random.Random(f"{self._seed}/{question(study)}")
        parent = self._tournament(rng)
        others = [number for number in self._front if number != parent]
        return Ask(
            parent,
            tuple(rng.sample(others, min(N_INSPIRATIONS, len(others)))),
            is_one_of_several=bool(others),
        )

    def _tournament(self, rng: random.Random) -> int:
        drawn = rng.sample(self._front, min(2, len(self._front)))
        if len(self._metrics) == 1:
            return drawn[0]
        if self._crowding is None:
            self._crowding = crowding({number: self._points[number] for number in self._front})
        return max(drawn, key=self._crowding.__getitem__)

    def _learn(self, study: Study, turn: Turn) -> None:
        match turn.kind:
            case "scored" if not self._turns.is_barred(study, turn.candidate):
                self._add(study, turn)
            case "barred":
                self._points = {
                    number: point
                    for number, point in self._points.items()
                    if not self._turns.is_barred(study, number)
                }
                self._front = []
                for number in self._points:
                    self._enter(number)
            case "forked":
                self._points, self._front = {}, []
                self._add(study, turn)

    def _add(self, study: Study, turn: Turn) -> None:
        values = {name: value(study, turn, name) for name in self._metrics}
        point = tuple(
            -x if self._metrics[name] == "minimize" else x
            for name, x in values.items()
            if x is not None
        )
        if len(point) == len(self._metrics) and turn.candidate not in self._points:
            self._points[turn.candidate] = point
            self._enter(turn.candidate)

    def _enter(self, number: int) -> None:
        """Puts a program in the frontier, and those out that it beats; without effect where it is beaten or equalled."""
        point, self._crowding = self._points[number], None
        if len(self._metrics) == 1:
            self._front = sorted(
                [*self._front, number], key=lambda one: (-self._points[one][0], one)
            )[:N_BEST]
        elif not any(_covers(self._points[rival], point) for rival in self._front):
            self._front = [
                *(rival for rival in self._front if not _covers(point, self._points[rival])),
                number,
            ]


def _covers(one: Point, other: Point) -> bool:
    return all(x >= y for x, y in zip(one, other, strict=True))


def crowding(points: dict[int, Point]) -> dict[int, float]:
    """How far apart the neighbours of each point are along the front: the sum over metrics, each divided by its range.

    Infinite for the ends of each metric. Source: NSGA-II (Deb et al., 2002), section III B.
    """
    distances = dict.fromkeys(points, 0.0)
    n_metrics = len(next(iter(points.values()), ()))
    for metric in range(n_metrics):
        order: Sequence[int] = sorted(points, key=lambda number: points[number][metric])
        low, high = points[order[0]][metric], points[order[-1]][metric]
        distances[order[0]] = distances[order[-1]] = float("inf")
        for before, number, after in zip(order, order[1:], order[2:], strict=False):
            if high > low:
                distances[number] += (points[after][metric] - points[before][metric]) / (high - low)
    return distances
