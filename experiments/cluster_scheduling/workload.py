"""The workloads: machines of several shapes, and jobs that arrive and leave.

The evaluator makes them from a seed.

Hard on purpose: most jobs want much of one resource and little of the other, machines come in
shapes of their own, a few jobs are huge, and durations are heavy-tailed (log-normal, sigma 1: a
tenth of the jobs does 39 % of the work).
"""

from dataclasses import dataclass

import numpy as np

SIGMA = 1.0  # of the logarithm of a duration


@dataclass(frozen=True)
class Machines:
    """`count` machines of one shape; CPU and memory in whole units."""

    count: int
    cpu: int
    memory: int


@dataclass(frozen=True)
class Jobs:
    """A kind of job.

    Its weight among arrivals, and the ranges of CPU and memory, log-uniform, both ends included.
    """

    weight: float
    cpu: tuple[int, int]
    memory: tuple[int, int]


@dataclass(frozen=True)
class Mix:
    """What a data centre consists of, and what arrives there."""

    machines: tuple[Machines, ...]
    jobs: tuple[Jobs, ...]


MIXES = {
    "search": Mix(
        machines=(Machines(12, 160, 40), Machines(8, 80, 80), Machines(12, 40, 160)),
        jobs=(
            Jobs(40, (10, 36), (3, 8)),
            Jobs(40, (3, 8), (10, 36)),
            Jobs(20, (4, 12), (4, 12)),
            Jobs(1, (30, 70), (30, 70)),
        ),
    ),
    "held_out": Mix(
        machines=(Machines(10, 144, 48), Machines(6, 96, 96), Machines(14, 36, 144)),
        jobs=(
            Jobs(30, (12, 40), (3, 9)),
            Jobs(40, (2, 7), (9, 32)),
            Jobs(25, (3, 14), (3, 14)),
            Jobs(1, (24, 80), (24, 80)),
        ),
    ),
}


@dataclass(frozen=True)
class Workload:
    """One simulated stretch of time; the unit of time is the mean duration of a job.

    Attributes:
        capacity: `(machines, 2)` CPU and memory, integers.
        demand: `(jobs, 2)` CPU and memory, integers of at least 1.
        arrival, duration: `(jobs,)`; arrivals ascend.
        start: the end of the warm-up, from which on is measured, until the last arrival.
    """

    capacity: np.ndarray
    demand: np.ndarray
    arrival: np.ndarray
    duration: np.ndarray
    start: float


def draw(
    mix: Mix, load: float, warm_up: float, measured: float, rng: np.random.Generator
) -> Workload:
    """A workload: Poisson arrivals into an empty data centre.

    Their rate makes the demand `load` times the capacity.

    Args:
        load: mean of CPU and memory; above 0.
        warm_up, measured: in mean durations of a job.
    """
    capacity = np.repeat(
        [[m.cpu, m.memory] for m in mix.machines], [m.count for m in mix.machines], axis=0
    )
    capacity = rng.permutation(capacity)
    low, high = np.array([[j.cpu, j.memory] for j in mix.jobs], dtype=float).transpose(
        2, 0, 1
    )  # (kinds, 2) each
    weights = np.array([j.weight for j in mix.jobs]) / sum(j.weight for j in mix.jobs)
    mean = weights @ ((high - low) / np.log(high / low))  # (2,) of log-uniform sizes
    rate = load / (mean / capacity.sum(axis=0)).mean()  # arrivals per mean duration
    n_jobs = int(rate * (warm_up + measured))
    kind = rng.choice(len(mix.jobs), n_jobs, p=weights)
    size = low[kind] * (high / low)[kind] ** rng.random((n_jobs, 2))
    return Workload(
        capacity=capacity,
        demand=np.round(size).astype(np.int64),
        arrival=np.cumsum(rng.exponential(1 / rate, n_jobs)),
        duration=rng.lognormal(-(SIGMA**2) / 2, SIGMA, n_jobs),
        start=warm_up,
    )
