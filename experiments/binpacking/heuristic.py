"""The heuristic under improvement.

Which open bin should take the next item? Starts as Best Fit with a dislike of small gaps.
"""

import numpy as np

SMALL_GAP = 20  # room that is left over, up to which it counts as small
SMALL_GAP_COST = 5.0  # what leaving a small gap costs, in units of room; 0 is plain Best Fit


def priority(item: float, bins: np.ndarray) -> np.ndarray:
    """Returns how well each bin suits the item; the first one with the highest value takes it.

    Args:
        item: size of the item that has to be packed now, above 0.
        bins: `(n,)` remaining capacities of the bins that have room for it, in the order in which
            they stand. Bins that are still empty are among them, with the full capacity.

    Returns:
        `(n,)` numbers, higher is better; -inf is allowed, NaN is not.
    """
    gap = bins - item
    small = (gap > 0) & (gap <= SMALL_GAP)
    return -gap - SMALL_GAP_COST * small
