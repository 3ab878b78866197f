"""Runs in the sandbox beside the scheduler: keeps the machines and asks `score` for each job.

It knows the jobs that are running and the present one, no later one. The evaluator keeps books of
its own and checks each answer.
"""

import numpy as np
import scheduler

total = free = np.zeros((0, 2))  # (machines, 2) CPU and memory


def begin(capacity: np.ndarray) -> None:
    """A new data centre of empty machines, `(machines, 2)`."""
    global total, free
    total = capacity.astype(float)
    free = capacity.astype(float)


def place(cpu: int, memory: int, departed: list[list[int]]) -> int:
    """The index of the machine that takes the job: the first maximum of `score` where it fits.

    `departed` lists `[machine, cpu, memory]` of each job that has ended since the last call.
    """
    for machine, *freed in departed:
        free[machine] += freed
    room = np.flatnonzero((free >= (cpu, memory)).all(axis=1))
    free_room, whole = free[room].T, total[room].T  # copies: changes to them stay there
    scores = np.asarray(
        scheduler.score(float(cpu), float(memory), free_room[0], free_room[1], whole[0], whole[1])
    )
    if scores.shape != room.shape:
        raise ValueError(
            f"score returned shape {scores.shape} for {len(room)} machines; it must be {room.shape}"
        )
    if scores.dtype.kind not in "fiub":
        raise ValueError(f"score returned dtype {scores.dtype}; it must be numbers")
    best = scores.argmax()  # NaN wins in argmax, so looking at the winner is enough
    if scores[best] != scores[best]:
        raise ValueError(f"score returned NaN for a job of {cpu} CPU and {memory} memory")
    index = int(room[best])
    free[index] -= (cpu, memory)
    return index
