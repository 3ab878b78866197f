"""Values for a few knobs from Optuna's tree-structured Parzen estimator. The one place that loads Optuna, at the first suggestion.

Source: Bergstra et al. (2011), "Algorithms for hyper-parameter optimization"; Optuna (Akiba et al. 2019), `TPESampler`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

N_STARTUP = 4


@dataclass(frozen=True)
class Axis:
    """A knob's range in its coordinate, or the number of its choices."""

    low: float = 0.0
    high: float = 0.0
    n_choices: int = 0

    def inside(self, x: float) -> float | int:
        return (
            min(max(round(x), 0), self.n_choices - 1)
            if self.n_choices
            else min(max(x, self.low), self.high)
        )


@dataclass(frozen=True)
class Evaluation:
    """Coordinates by knob; the gain, or None where it is still awaited; `failed` where there will be none."""

    point: Mapping[str, float]
    gain: float | None = None
    failed: bool = False


def suggest(
    axes: Mapping[str, Axis], history: Sequence[Evaluation], seed: int, count: int = 1
) -> list[dict[str, float]]:
    """`count` new coordinates for the knobs in `axes`, the others being left as they are; each knows of those before it.

    Args:
        axes: the knobs to move together.
        history: evaluations; each has a coordinate for each of those knobs, clipped to its range.
        seed: all the chance there is.
    """
    import optuna
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=N_STARTUP, multivariate=len(axes) > 1, constant_liar=True
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    space: dict[str, BaseDistribution] = {}
    for name, axis in axes.items():
        space[name] = (
            CategoricalDistribution(tuple(range(axis.n_choices)))
            if axis.n_choices
            else FloatDistribution(axis.low, axis.high)
        )
    for evaluation in history:
        state = (
            TrialState.FAIL
            if evaluation.failed
            else TrialState.RUNNING
            if evaluation.gain is None
            else TrialState.COMPLETE
        )
        params = {name: axis.inside(evaluation.point[name]) for name, axis in axes.items()}
        value = evaluation.gain if state == TrialState.COMPLETE else None
        study.add_trial(create_trial(state=state, value=value, params=params, distributions=space))
    asked = [study.ask(space) for _ in range(count)]
    return [{name: float(one.params[name]) for name in axes} for one in asked]
