"""The function under improvement.

Which machine should take the next job? Starts as Best Fit with a slight dislike of lopsided
machines.
"""

import numpy as np

FULLNESS = 1.0  # cost of the room that is left, as a share of the machine, CPU and memory added
IMBALANCE = 0.1  # cost of the difference between the shares of CPU and memory that are left
# cost of a machine whose free CPU and memory have another ratio than the job's, as a logarithm
MISMATCH = 0.05


def score(
    cpu: float,
    memory: float,
    free_cpu: np.ndarray,
    free_memory: np.ndarray,
    total_cpu: np.ndarray,
    total_memory: np.ndarray,
) -> np.ndarray:
    """Returns how well each machine suits the job; the first with the highest value takes it.

    Args:
        cpu, memory: what the job needs, at least 1.
        free_cpu, free_memory: `(n,)` what is free on the machines that have room for it, the job
            not yet placed.
        total_cpu, total_memory: `(n,)` what these machines have when they are empty.

    Returns:
        `(n,)` numbers, higher is better; -inf is allowed, NaN is not.
    """
    left_cpu = (free_cpu - cpu) / total_cpu
    left_memory = (free_memory - memory) / total_memory
    imbalance = np.abs(left_cpu - left_memory)
    mismatch = np.abs(np.log((cpu / free_cpu) / (memory / free_memory)))
    return -(FULLNESS * (left_cpu + left_memory) + IMBALANCE * imbalance + MISMATCH * mismatch)
