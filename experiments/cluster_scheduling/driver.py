"""Lies in the sandbox beside the scheduler: keeps the machines of one workload, asks `score` for each job, answers an index.

It knows the jobs that are running and the present one, no later one. The evaluator keeps books of its own and checks each answer.
"""

import numpy as np
import scheduler

total = free = np.zeros((0, 2))  # (machines, 2) CPU and memory


def begin(capacity: np.ndarray) -> None:
    """A new data centre of empty machines, `(machines, 2)`."""
    global total, free
    total, free = capacity.astype(float), capacity.astype(float)


def place(cpu: int, memory: int, departed: list[list[int]]) -> int:
    """The index of the machine that takes the job: the first maximum of `score` over the machines with room.

    `departed` lists `[machine, cpu, memory]` of each job that has ended since the last call.
    """
    for machine, *freed in departed:
        free[machine] += freed
    room = np.flatnonzero((free >= (cpu, memory)).all(axis=1))
    here, whole = free[room].T, total[room].T  # copies: changes to them stay there
    wanted = np.asarray(
        scheduler.score(float(cpu), float(memory), here[0], here[1], whole[0], whole[1])
    )
    if wanted.shape != room.shape:
        raise ValueError(
            f"score returned shape {wanted.shape} for {len(room)} machines; it must be {room.shape}"
        )
    if wanted.dtype.kind not in "fiub":
        raise ValueError(f"score returned dtype {wanted.dtype}; it must be numbers")
    best = wanted.argmax()  # NaN wins in argmax, so looking at the winner is enough
    if wanted[best] != wanted[best]:
        raise ValueError(f"score returned NaN for a job of {cpu} CPU and {memory} memory")
    index = int(room[best])
    free[index] -= (cpu, memory)
    return index
