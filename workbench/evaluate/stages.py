"""The cascade of one trial: the values of its stages, and whether one of them ended the trial."""

import math
from collections.abc import Mapping

from workbench.errors import EvaluatorFault
from workbench.evaluate.answers import CandidateFailed
from workbench.experiment import Experiment


class Stages:
    """The values that the evaluator handed over at the stages which `[cascade]` declares.

    Attributes:
        values: by stage, in the order in which they came.
        shortfall: why one of them ended the trial, in one line; empty while none did.
    """

    def __init__(self, experiment: Experiment, incumbent: Mapping[str, float]) -> None:
        """Begins a trial.

        Args:
            experiment: declares the stages and their margins.
            incumbent: the values that this trial has to come up to, by stage. A stage without one
                never ends the trial.
        """
        self._experiment = experiment
        self._incumbent = incumbent
        self.values: dict[str, float] = {}
        self.shortfall = ""

    def take(self, name: str, value: float) -> None:
        """Takes the value of a stage.

        Raises:
            CandidateFailed: it is worse than the incumbent's by more than the margin.
            ValueError: the stage is not declared, it has a value already, or the value is not
                finite.
        """
        margin = self._experiment.cascade.get(name)
        if margin is None:
            declared = ", ".join(self._experiment.cascade) or "none"
            raise ValueError(
                f"trial.stage({name!r}): [cascade] in experiment.toml has no such stage; "
                f"it has: {declared}"
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
            # Kept as well as raised, because an evaluator may catch what ends its trial.
            self.shortfall = (
                f"stage {name}: {value:.6g}, "
                f"more than {margin:g} worse than the incumbent's {bar:.6g}"
            )
            raise CandidateFailed(self.shortfall)

    def add_to(self, metrics: Mapping[str, float]) -> dict[str, float]:
        """Returns the metrics of a trial that ran whole together with the values of its stages.

        Raises:
            EvaluatorFault: a stage has no value, or a metric has the name of a stage.
        """
        file = self._experiment.evaluator
        missing = [name for name in self._experiment.cascade if name not in self.values]
        if missing:
            raise EvaluatorFault(
                f"{file} ended without trial.stage({missing[0]!r}), which [cascade] declares"
            )
        ambiguous = sorted(self.values.keys() & metrics.keys())
        if ambiguous:
            raise EvaluatorFault(
                f"{file} returned a metric with the name of the stage {ambiguous[0]!r}"
            )
        return {**metrics, **self.values}
