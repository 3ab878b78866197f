"""Values for a few knobs from Optuna's tree-structured Parzen estimator.

The only module that loads Optuna.

Source: Bergstra et al. (2011), "Algorithms for hyper-parameter optimization"; Optuna (Akiba et al.
2019), `TPESampler`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

N_STARTUP = 4  # evaluations before the estimator is used; suggestions are random until then


@dataclass(frozen=True)
class Axis:
    """What values a knob may take.

    Attributes:
        low: least coordinate, if it is ordered.
        high: largest coordinate, if it is ordered.
        n_choices: number of its choices; 0 if it is ordered.
    """

    low: float = 0.0
    high: float = 0.0
    n_choices: int = 0

    def clip(self, x: float) -> float | int:
        """The nearest coordinate within the range; of choices, the nearest index."""
        if self.n_choices:
            return min(max(round(x), 0), self.n_choices - 1)
        return min(max(x, self.low), self.high)


@dataclass(frozen=True)
class Evaluation:
    """An earlier candidate.

    Attributes:
        point: its coordinates by knob.
        gain: what it gained; None if its score is still awaited.
        failed: true if it will never have a score.
    """

    point: Mapping[str, float]
    gain: float | None = None
    failed: bool = False


def suggest(
    axes: Mapping[str, Axis], history: Sequence[Evaluation], seed: int, count: int = 1
) -> list[dict[str, float]]:
    """`count` points with new coordinates for the knobs in `axes`.

    Each point takes the ones before it into account.

    Args:
        axes: the knobs to move together.
        history: evaluations; each has a coordinate for each of those knobs, which is clipped to its
            range.
        seed: the only source of randomness.
        count: how many points.
    """
    import optuna  # takes a second to load, so only when there is something to suggest
    from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    sampler = optuna.samplers.TPESampler(
        seed=seed, n_startup_trials=N_STARTUP, multivariate=len(axes) > 1, constant_liar=True
    )
    study = optuna.create_study(direction="maximize", sampler=sampler)
    space: dict[str, BaseDistribution] = {}
    for name, axis in axes.items():
        if axis.n_choices:
            space[name] = CategoricalDistribution(tuple(range(axis.n_choices)))
        else:
            space[name] = FloatDistribution(axis.low, axis.high)
    for evaluation in history:
        params = {name: axis.clip(evaluation.point[name]) for name, axis in axes.items()}
        if evaluation.failed:
            trial = create_trial(state=TrialState.FAIL, params=params, distributions=space)
        elif evaluation.gain is None:
            trial = create_trial(state=TrialState.RUNNING, params=params, distributions=space)
        else:
            trial = create_trial(value=evaluation.gain, params=params, distributions=space)
        study.add_trial(trial)
    trials = [study.ask(space) for _ in range(count)]
    return [{name: float(trial.params[name]) for name in axes} for trial in trials]
