"""The rule that AlphaEvolve found for Borg. Source: AlphaEvolve (arXiv 2506.13131), section 3.3.1."""

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
    c, m = cpu / free_cpu, memory / free_memory
    return -(c + m + m / c + c / m)
