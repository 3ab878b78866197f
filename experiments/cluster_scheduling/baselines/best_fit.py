"""Best Fit: the machine with the least room left, CPU and memory as shares of what it has, added."""

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
    return -((free_cpu - cpu) / total_cpu + (free_memory - memory) / total_memory)
