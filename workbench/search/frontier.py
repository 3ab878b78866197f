"""The strategy `frontier`.

Starts from programs that no other one beats in every metric (Pareto).
"""

import random
from collections.abc import Sequence

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.ledger.turns import Turn
from workbench.records import Options
from workbench.search.archive import Turns, value
from workbench.search.strategy import Ask, question_number

N_INSPIRATIONS = 5
N_BEST = 5  # size of the frontier where there is a single metric

Point = tuple[float, ...]  # one value per metric; more is better


class Frontier:
    """Takes parent and inspirations from the frontier; no rule prefers a parent by its score.

    *Metrics.* Those of `[search] metrics` with their goals. Without any, the objective alone: the
    frontier is then the best five. Values are means over the trials that the decision rested on,
    noise included.

    *Who is on it.* Candidates that were decided, have all metrics, and did not fail or cheat. Those
    that a person vetoed are excluded, with everything made from them. Whether a candidate was kept
    does not
    matter: that is the policy's question, and the policy looks at the objective only. Of equal
        candidates
    the first stays.

    *Parent.* Of two drawn at random, the one in the emptier stretch of the frontier. After a
    person's fork the frontier starts again with the forked candidate. While it is empty the parent
    is the incumbent.

    *Work.* One comparison with the frontier per candidate; a veto rebuilds the frontier.

    Sources: Meta-Harness (arXiv 2603.28052), algorithm 1; the tournament by crowding distance:
    NSGA-II (Deb et al., 2002).
    """

    name = "frontier"

    def __init__(self, experiment: Experiment, options: Options) -> None:
        objective = experiment.objective
        self._metrics = dict(experiment.search.metrics) or {objective.name: objective.goal}
        self._seed = options.seed
        self._turns = Turns()
        self._points: dict[int, Point] = {}
        self._front: list[int] = []
        self._crowding: dict[int, float] | None = None

    def ask(self, study: Study) -> Ask:
        incumbent = study.require_incumbent()
        for turn in self._turns.new(study):
            self._learn(study, turn)
        if not self._front:
            return Ask(incumbent)
        rng = random.Random(f"{self._seed}/{question_number(study)}")
        parent = self._tournament(rng)
        others = [number for number in self._front if number != parent]
        inspirations = rng.sample(others, min(N_INSPIRATIONS, len(others)))
        return Ask(parent, tuple(inspirations), is_one_of_several=bool(others))

    def _tournament(self, rng: random.Random) -> int:
        contestants = rng.sample(self._front, min(2, len(self._front)))
        if len(self._metrics) == 1:
            return contestants[0]
        if self._crowding is None:
            self._crowding = crowding({number: self._points[number] for number in self._front})
        return max(contestants, key=self._crowding.__getitem__)

    def _learn(self, study: Study, turn: Turn) -> None:
        match turn.kind:
            case "scored" if not self._turns.is_barred(study, turn.candidate):
                self._add(study, turn)
            case "barred":
                self._rebuild(study)
            case "forked":
                self._points = {}
                self._front = []
                self._add(study, turn)

    def _rebuild(self, study: Study) -> None:
        """The frontier again without what is barred.

        A veto may bring back programs that were beaten.
        """
        eligible = {
            number: point
            for number, point in self._points.items()
            if not self._turns.is_barred(study, number)
        }
        self._points = eligible
        self._front = []
        for number in eligible:
            self._enter(number)

    def _add(self, study: Study, turn: Turn) -> None:
        coordinates = []
        for name, goal in self._metrics.items():
            metric = value(study, turn, name)
            if metric is None:
                return
            coordinates.append(-metric if goal == "minimize" else metric)
        if turn.candidate not in self._points:
            self._points[turn.candidate] = tuple(coordinates)
            self._enter(turn.candidate)

    def _enter(self, number: int) -> None:
        """Adds a program to the frontier and removes those that it beats.

        Does nothing if the program is beaten or equalled.
        """
        self._crowding = None
        if len(self._metrics) == 1:
            ranked = sorted([*self._front, number], key=self._rank)
            self._front = ranked[:N_BEST]
            return
        point = self._points[number]
        if any(_covers(self._points[rival], point) for rival in self._front):
            return
        unbeaten = [rival for rival in self._front if not _covers(point, self._points[rival])]
        self._front = [*unbeaten, number]

    def _rank(self, number: int) -> tuple[float, int]:
        """Sorts by the single metric, the best first and the older of equals first."""
        return -self._points[number][0], number


def _covers(point: Point, other: Point) -> bool:
    """Whether a point is at least as good as another one in every metric."""
    return all(x >= y for x, y in zip(point, other, strict=True))


def crowding(points: dict[int, Point]) -> dict[int, float]:
    """How far apart the neighbours of each point are along the front.

    The sum over all metrics of the distance between neighbours, each divided by the metric's range.
    Infinite for the two ends of each metric. Source: NSGA-II (Deb et al., 2002), section III B.
    """
    distances = dict.fromkeys(points, 0.0)
    n_metrics = len(next(iter(points.values()), ()))
    for metric in range(n_metrics):
        order: Sequence[int] = sorted(points, key=lambda number: points[number][metric])
        low = points[order[0]][metric]
        high = points[order[-1]][metric]
        distances[order[0]] = distances[order[-1]] = float("inf")
        for before, number, after in zip(order, order[1:], order[2:], strict=False):
            if high > low:
                distances[number] += (points[after][metric] - points[before][metric]) / (high - low)
    return distances
