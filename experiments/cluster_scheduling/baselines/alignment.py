"""Alignment: the machine whose free CPU and memory point the same way as the job's needs, both as shares of what it has.

Source: cosine form of the dot product of Grandl et al., Multi-resource packing for cluster schedulers (SIGCOMM 2014), section 3.2."""

import numpy as np


def score(
    cpu: float, memory: float, free_cpu: np.ndarray, free_memory: np.ndarray, total_cpu: np.ndarray, total_memory: np.ndarray
) -> np.ndarray:
    """Returns how much each machine is wanted for the job; the first machine with the highest value takes it.

    Args:
        cpu, memory: what the job needs, at least 1.
        free_cpu, free_memory: `(n,)` what is free on the machines that have room for it, the job not yet placed.
        total_cpu, total_memory: `(n,)` what these machines have when they are empty.

    Returns:
        `(n,)` numbers, higher is better; -inf is allowed, NaN is not.
    """
    job, free = np.stack([cpu / total_cpu, memory / total_memory]), np.stack([free_cpu / total_cpu, free_memory / total_memory])
    return (job * free).sum(axis=0) / np.linalg.norm(free, axis=0) / np.linalg.norm(job, axis=0)
