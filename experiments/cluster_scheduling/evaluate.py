"""Scores a scheduling rule in a simulated data centre, compared with Best Fit.

Reveals jobs one by one and keeps the books.

After the scheduling task of AlphaEvolve (arXiv 2506.13131, section 3.3.1): the evolved function
scores a pair of job and machine, and what counts is capacity that would else be stranded. No
candidate code is imported here: the sandbox answers with an index, which is checked here in
integers.
"""

import heapq
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from workload import MIXES, Workload, draw

from workbench.evaluate import CandidateFailed, hidden

FOLDER = Path(__file__).parent
EXHAUSTED = 0.05  # of a machine's capacity: what is below counts as used up
CHECKED = (0.1, 0.1)  # mean durations of a job that a smoke run warms up and measures

Choose = Callable[[np.ndarray, np.ndarray, list[list[int]]], int]


@dataclass(frozen=True)
class Outcome:
    """What became of a workload after its warm-up, in percent.

    Attributes:
        idle: capacity that lay idle, averaged over time and over CPU and memory.
        stranded: the part of it that lay on machines whose other resource was used up.
        refused: jobs that no machine had room for. lost: the demand of these, size times duration.
    """

    idle: float
    stranded: float
    refused: float
    lost: float


def evaluate(trial: Any) -> dict[str, float]:
    """`recovered`: capacity in percentage points that is idle under Best Fit and serves jobs here.

    The mean over `workloads` workloads, drawn from the trial's seed after the candidate is ready;
    each is a unit.

    Raises:
        CandidateFailed: an answer is not a machine, or the machine has no room.
        ValueError: a setting that cannot be.
    """
    settings = trial.settings
    if settings["mix"] not in MIXES:
        raise ValueError(f"mix = {settings['mix']!r}; it is one of {', '.join(MIXES)}")
    for name in ("load", "warm_up", "measured"):
        if not 0 < settings[name] <= 100:
            raise ValueError(f"{name} = {settings[name]}; it lies above 0, and at 100 or below")
    if settings["workloads"] < 2:
        raise ValueError(f"workloads = {settings['workloads']}; a comparison needs 2 or more")
    outcomes = []
    units = []
    with start(trial) as process:
        rngs = np.random.default_rng(hidden(trial.seed)).spawn(int(settings["workloads"]))
        for number, rng in enumerate(rngs, 1):
            workload = draw(
                MIXES[settings["mix"]],
                settings["load"],
                settings["warm_up"],
                settings["measured"],
                rng,
            )
            outcomes.append(place_jobs(process, workload))
            units.append(simulate(workload, best_fit(workload)).idle - outcomes[-1].idle)
            trial.report("recovered", number, float(np.mean(units)))
    trial.units(units)
    trial.exact = True
    means = {
        name: float(np.mean([getattr(outcome, name) for outcome in outcomes]))
        for name in ("idle", "stranded", "refused", "lost")
    }
    return {"recovered": float(np.mean(units)), **means, "cpu_seconds": float(process.cpu_seconds)}


def check(trial: Any) -> None:
    """A smoke run: places the jobs of one short workload that no trial draws.

    Raises:
        CandidateFailed: the rule would fail in a trial.
    """
    workload = draw(
        MIXES[trial.settings["mix"]], trial.settings["load"], *CHECKED, np.random.default_rng(0)
    )
    with start(trial) as process:
        place_jobs(process, workload)


def start(trial: Any) -> Any:
    return trial.start("driver.py", files={"driver.py": FOLDER / "driver.py"}, threads=1)


def place_jobs(process: Any, workload: Workload) -> Outcome:
    """What becomes of a workload under the candidate's rule; raises as `simulate` does."""
    process.call("begin", workload.capacity, returns=None)
    return simulate(
        workload, lambda job, _, ended: process.call("place", *job.tolist(), ended, returns=int)
    )


def best_fit(workload: Workload) -> Choose:
    """The least room left after the job, CPU and memory as shares of the machine, added.

    The first of equals.
    """

    def choose(job: np.ndarray, free: np.ndarray, _: list[list[int]]) -> int:
        left = ((free - job) / workload.capacity).sum(axis=1)
        left[(free < job).any(axis=1)] = np.inf
        return int(left.argmin())

    return choose


def simulate(workload: Workload, choose: Choose) -> Outcome:
    """Plays a workload. A job that fits on no machine is refused; any other must be placed.

    Args:
        choose: given the job `(2,)`, what is free `(machines, 2)`, and `[machine, cpu, memory]` of
            each job that has ended since it was asked last, answers a machine.

    Raises:
        CandidateFailed: an index out of range, or a machine without room.
    """
    books = Books(workload)
    for number, (now, job) in enumerate(zip(workload.arrival, workload.demand, strict=True)):
        books.advance(now)
        has_room = (books.free >= job).all(axis=1)
        if not has_room.any():
            books.refuse(number)
            continue
        ended = books.ended
        books.ended = []
        machine = choose(job, books.free, ended)
        if not 0 <= machine < len(has_room):
            raise CandidateFailed(
                f"job {number} was put on machine {machine}; there are {len(has_room)}"
            )
        if not has_room[machine]:
            cpu, memory = job.tolist()
            free = " and ".join(map(str, books.free[machine].tolist()))
            raise CandidateFailed(
                f"job {number} of {cpu} CPU and {memory} memory was put on machine {machine}, "
                f"where {free} are free"
            )
        books.place(number, machine)
    return books.outcome()


class Books:
    """What is free, who runs where, and the time averages.

    Attributes:
        free: `(machines, 2)` integers. ended: `[machine, cpu, memory]` of jobs that ended and were
            not told yet.
    """

    def __init__(self, workload: Workload) -> None:
        self.workload = workload
        self.free = workload.capacity.copy()
        self.ended = list[list[int]]()
        self._running: list[tuple[float, int, int]] = []  # when it ends, job, machine
        self._now = 0.0
        self._idle = 0.0
        self._stranded = 0.0
        self._refused: list[int] = []

    def advance(self, now: float) -> None:
        """Lets jobs end until `now`."""
        while self._running and self._running[0][0] <= now:
            end, number, machine = heapq.heappop(self._running)
            self._count(end)
            self.free[machine] += self.workload.demand[number]
            self.ended.append([machine, *self.workload.demand[number].tolist()])
        self._count(now)

    def place(self, number: int, machine: int) -> None:
        self.free[machine] -= self.workload.demand[number]
        heapq.heappush(self._running, (self._now + self.workload.duration[number], number, machine))

    def refuse(self, number: int) -> None:
        self._refused.append(number)

    def outcome(self) -> Outcome:
        workload = self.workload
        measured = workload.arrival >= workload.start
        refused = np.zeros(len(measured), dtype=bool)
        refused[self._refused] = True
        work = (
            workload.demand / workload.capacity.sum(axis=0) * workload.duration[:, None]
        )  # (jobs, 2) in capacities
        seconds = workload.arrival[-1] - workload.start
        return Outcome(
            idle=100 * self._idle / seconds,
            stranded=100 * self._stranded / seconds,
            refused=100 * float(refused[measured].mean()),
            lost=100
            * float((work[refused & measured].sum(axis=0) / work[measured].sum(axis=0)).mean()),
        )

    def _count(self, now: float) -> None:
        """Adds the time since the last event, with the machines as they stood."""
        span = now - max(self._now, self.workload.start)
        self._now = now
        if span > 0:
            capacity = self.workload.capacity
            share = self.free / capacity.sum(axis=0) / 2  # (machines, 2) of the data centre
            used_up = self.free < EXHAUSTED * capacity
            self._idle += span * float(share.sum())
            self._stranded += span * float(share[used_up[:, ::-1] & ~used_up].sum())
