"""Ends a trial early when its curve says that it cannot win.

Only ever discards; never keeps anything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import pairwise
from statistics import fmean

from workbench.decide.screen import is_screened, trials_to_match
from workbench.experiment import EarlyStop as Rule
from workbench.experiment import Experiment
from workbench.ledger.curves import Curve
from workbench.ledger.study import Study

Point = tuple[float, float]  # step, value
CurvesOf = Callable[[int, int], Mapping[str, Curve]]
MAX_CACHED_CURVES = 64


class EarlyStop:
    """Looks once at the curve of each screening trial, and ends the trial if it is too far behind.

    The look is at the first point at or after the share `after` of the incumbent's last step. The
    trial ends if its value there is worse than the incumbent's at the same step by more than the
    margin. The incumbent's value is the mean over its trials, each curve read as straight lines
    between its points.

    Where the evaluator measures the series, only measured points count. Where the candidates print
    it themselves, their claims have to do, and the reason says so. That can only hurt a candidate
    that
    cheats: one that prints a better curve than it has is simply run to its end. To stop an
        incumbent from
    ending its rivals by printing a curve that no one can reach, a candidate is then compared with
    the incumbent and with the baseline, and ended only where it is worse than both, at or after
    that share of the longer one's steps.

    What it costs: a margin that is small beside the spread of the curve ends good candidates. So
        may a
    change that gives a step another meaning, such as a smaller batch; where candidates report the
    curve, they count the steps too.

    Source: the median stopping rule of Google Vizier (Golovin et al., KDD 2017), with the incumbent
        in the
    place of the median.
    """

    name = "early-stop"

    def __init__(self, experiment: Experiment, rule: Rule, curves: CurvesOf) -> None:
        """Takes `curves(candidate, trial)`: the series of an ended trial, as in `Journal`."""
        self._experiment = experiment
        self._rule = rule
        self._curves = curves
        self._cached_curve = lru_cache(maxsize=MAX_CACHED_CURVES)(self._read_curve)
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
        """Why a running trial is to end now, in one line; empty where it goes on.

        Args:
            series: name of the series that the points belong to.
            points: the next points of that series, `(step, value)`.
            self_reported: True where the candidate printed them.
        """
        incumbent = study.incumbent
        if series != self._rule.series or incumbent is None:
            return ""
        if (candidate, trial) in self._looked or not is_screened(study, candidate):
            return ""
        numbers = {incumbent}
        if self_reported:
            numbers.add(0)  # the baseline printed nothing to win by, so it cannot be a false bar
        rivals = {number: self._curves_of(study, number, seed) for number in numbers}
        if not _all_reported_alike(rivals.values(), self_reported):
            return ""
        longest = max(curve.steps[-1] for curves in rivals.values() for curve in curves)
        look_at = self._rule.after * longest
        point = next((point for point in points if point[0] >= look_at), None)
        if point is None:
            return ""
        self._looked.add((candidate, trial))
        bars = {number: _mean_at(curves, point[0]) for number, curves in rivals.items()}
        return self._verdict(point, bars, self_reported)

    def _verdict(self, point: Point, bars: Mapping[int, float | None], self_reported: bool) -> str:
        """Why a point is too bad.

        Worse than every bar, told of the easiest one; empty where it is not.
        """
        step, value = point
        objective = self._experiment.objective
        gains = {
            number: objective.gain(value, bar) for number, bar in bars.items() if bar is not None
        }
        if len(gains) < len(bars):
            return ""  # a rival has no value at this step
        easiest = max(gains, key=lambda number: gains[number])
        if gains[easiest] >= -self._rule.margin:
            return ""
        label = " (self-reported)" if self_reported else ""
        margin = self._rule.margin
        worse = f"more than {margin:g} worse than candidate {easiest}'s {bars[easiest]:.6g}"
        return f"{self._rule.series}{label} at step {step:g}: {value:.6g}, {worse}"

    def _curves_of(self, study: Study, number: int, seed: int) -> list[Curve]:
        trials = trials_to_match(study.candidates[number], self._experiment, seed)
        curves = [self._cached_curve(number, trial.trial) for trial in trials]
        return [curve for curve in curves if curve is not None]

    def _read_curve(self, number: int, trial: int) -> Curve | None:
        """The series of a trial with rising steps.

        The last of several values at one step counts.
        """
        curve = self._curves(number, trial).get(self._rule.series)
        if curve is None:
            return None
        value_at = dict(zip(curve.steps, curve.values, strict=True))
        steps = tuple(sorted(value_at))
        return Curve(steps, tuple(value_at[step] for step in steps), curve.self_reported)


def _all_reported_alike(rivals: Iterable[Sequence[Curve]], self_reported: bool) -> bool:
    """Whether every rival has curves, all measured or all self-reported as the trial's own are.

    A printed curve is never compared with a measured one: whoever prints could print past it.
    """
    for curves in rivals:
        if not curves or any(curve.self_reported is not self_reported for curve in curves):
            return False
    return True


def _mean_at(curves: Sequence[Curve], step: float) -> float | None:
    """The mean value of curves at a step; None where none of them reaches it."""
    values = [_value_at(curve, step) for curve in curves]
    reached = [value for value in values if value is not None]
    return fmean(reached) if reached else None


def _value_at(curve: Curve, step: float) -> float | None:
    """The value of a curve at a step, on a straight line between two points.

    None outside its range.
    """
    if step == curve.steps[0]:
        return curve.values[0]
    for (left, low), (right, high) in pairwise(zip(curve.steps, curve.values, strict=True)):
        if left < step <= right:
            return low + (high - low) * (step - left) / (right - left)
    return None
