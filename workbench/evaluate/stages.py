"""Stages: the cascade of one trial, which values were handed over on the way and whether one of them ended it."""

import math
from collections.abc import Mapping

from workbench.errors import EvaluatorFault
from workbench.evaluate.answers import CandidateFailed
from workbench.experiment import Experiment


class Stages:
    """What the evaluator handed over at the stages that `[cascade]` declares.

    Attributes:
        values: by stage, in the order in which they came. missed: why one of them ended the trial; empty while none did.
    """

    def __init__(self, experiment: Experiment, incumbent: Mapping[str, float]) -> None:
        """`incumbent`: its values, to which the trial is held; none at a stage where it is not."""
        self._experiment, self._incumbent = experiment, incumbent
        self.values: dict[str, float] = {}
        self.missed = ""

    def take(self, name: str, value: float) -> None:
        """Takes a stage's value.

        Raises:
            CandidateFailed: it is worse than the incumbent's by more than the margin.
            ValueError: there is no such stage, it has a value, or this one is not finite.
        """
        margin = self._experiment.cascade.get(name)
        if margin is None:
            known = ", ".join(self._experiment.cascade) or "none"
            raise ValueError(
                f"trial.stage({name!r}): [cascade] in experiment.toml has no such stage; it has: {known}"
            )
        if name in self.values:
            raise ValueError(f"trial.stage({name!r}) was called twice; a stage has one value")
        if not math.isfinite(value):
            raise ValueError(
                f"trial.stage({name!r}): {value} cannot be compared; only finite numbers can"
            )
        self.values[name] = float(value)
        bar = self._incumbent.get(name)
        if bar is not None and self._experiment.objective.gain(self.values[name], bar) < -margin:
            self.missed = f"stage {name}: {value:.6g}, more than {margin:g} worse than the incumbent's {bar:.6g}"
            raise CandidateFailed(self.missed)

    def joined(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """The metrics of a trial that ran whole, with the values of its stages.

        Raises:
            EvaluatorFault: a stage has no value, or a metric has its name.
        """
        if missing := [name for name in self._experiment.cascade if name not in self.values]:
            raise EvaluatorFault(
                f"{self._experiment.evaluator} ended without trial.stage({missing[0]!r}), which [cascade] declares"
            )
        if twice := sorted(self.values.keys() & metrics.keys()):
            raise EvaluatorFault(
                f"{self._experiment.evaluator} returned a metric with the name of the stage {twice[0]!r}"
            )
        return {**metrics, **self.values}
