"""EarlyStop: ends a trial that cannot win, by what its curve says on the way. It only ever discards; it keeps nothing."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from statistics import fmean

from workbench.decide.screen import is_screened, trials_of
from workbench.experiment import EarlyStop as Rule
from workbench.experiment import Experiment
from workbench.ledger.journal import Curve
from workbench.ledger.study import Study

Point = tuple[float, float]
CurvesOf = Callable[[int, int], Mapping[str, Curve]]
MAX_KNOWN = 64


class EarlyStop:
    """Looks once at the curve of each first trial, and ends the trial where it is worse than the incumbent's by more than the margin.

    The look is at the first point that lies the share `after` of the incumbent's last step or more along, and is at equal steps:
    the incumbent's value there is the mean over its trials, each curve being read as a straight line between two points.

    Where the evaluator measures the series, only its points count. Else the candidates' own word has to do, and the reason says so.
    It can only hurt who gives it: one that prints a better curve than it has is run to its end, as without this rule. The candidate
    is then compared with the incumbent and with the baseline, and ended where it is worse than both, at or after that share of
    the longer one's steps: no incumbent can print what ends its rivals.

    What it costs: a margin that is small beside the spread of the curve ends good candidates, and so may a change after which a step
    is something else, such as a smaller batch: of what the candidates report the steps are their own too.

    Source: the median stopping rule of Google Vizier (Golovin et al., KDD 2017), the incumbent in the place of the median.
    """

    name = "early-stop"

    def __init__(self, experiment: Experiment, rule: Rule, curves: CurvesOf) -> None:
        """`curves` gives the series of an ended trial by candidate and trial number, as `Journal.curves` does."""
        self._experiment, self._rule, self._curves = experiment, rule, curves
        self._curve = lru_cache(maxsize=MAX_KNOWN)(self._read)
        self._looked: set[tuple[int, int]] = set()

    def look(
        self,
        study: Study,
        candidate: int,
        trial: int,
        seed: int,
        series: str,
        points: Iterable[Point],
        *,
        self_reported: bool,
    ) -> str:
        """Why a running trial is to be ended now, in one line; empty where it goes on.

        Args:
            points: the next ones of one series, `(step, value)`. self_reported: the candidate printed them.
        """
        incumbent = study.incumbent
        if (
            series != self._rule.series
            or incumbent is None
            or (candidate, trial) in self._looked
            or not is_screened(study, candidate)
        ):
            return ""
        rivals = {
            number: self._curves_of(study, number, seed)
            for number in {incumbent, *((0,) if self_reported else ())}
        }
        if not all(
            curves and all(curve.self_reported is self_reported for curve in curves)
            for curves in rivals.values()
        ):
            return ""
        due = self._rule.after * max(
            curve.steps[-1] for curves in rivals.values() for curve in curves
        )
        point = next((point for point in points if point[0] >= due), None)
        if point is None:
            return ""
        self._looked.add((candidate, trial))
        return self._verdict(
            point,
            {number: _mean_at(curves, point[0]) for number, curves in rivals.items()},
            self_reported,
        )

    def _verdict(self, point: Point, bars: Mapping[int, float | None], self_reported: bool) -> str:
        """Why a point is too bad: worse than all bars, said of the lowest one."""
        step, value = point
        gains = {
            number: self._experiment.objective.gain(value, bar)
            for number, bar in bars.items()
            if bar is not None
        }
        number = max(gains, key=lambda number: gains[number], default=0)
        if len(gains) < len(bars) or gains[number] >= -self._rule.margin:
            return ""
        own, bar = " (self-reported)" if self_reported else "", bars[number]
        worse = f"more than {self._rule.margin:g} worse than candidate {number}'s {bar:.6g}"
        return f"{self._rule.series}{own} at step {step:g}: {value:.6g}, {worse}"

    def _curves_of(self, study: Study, number: int, seed: int) -> list[Curve]:
        trials = trials_of(study.candidates[number], self._experiment, seed)
        return [
            curve for trial in trials if (curve := self._curve(number, trial.trial)) is not None
        ]

    def _read(self, number: int, trial: int) -> Curve | None:
        """The series of a trial with rising steps; of several values at one step the last one counts."""
        found = self._curves(number, trial).get(self._rule.series)
        if found is None:
            return None
        steps, values = zip(
            *sorted(dict(zip(found.steps, found.values, strict=True)).items()), strict=True
        )
        return Curve(steps, values, found.self_reported)


def _mean_at(curves: Sequence[Curve], step: float) -> float | None:
    """The mean value of curves at a step; None where none of them goes so far."""
    found = [value for curve in curves if (value := _at(curve, step)) is not None]
    return fmean(found) if found else None


def _at(curve: Curve, step: float) -> float | None:
    """The value of a curve with rising steps at a step, on a straight line between two points; None outside of it."""
    if step == curve.steps[0]:
        return curve.values[0]
    for (left, low), (right, high) in pairwise(zip(curve.steps, curve.values, strict=True)):
        if left < step <= right:
            return low + (high - low) * (step - left) / (right - left)
    return None
