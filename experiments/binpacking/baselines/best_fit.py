"""Best Fit: the fullest bin that has room."""

import numpy as np


def priority(item: float, bins: np.ndarray) -> np.ndarray:
    """Returns how well each bin suits the item; the first one with the highest value takes it.

    Args:
        item: size of the item that has to be packed now, above 0.
        bins: `(n,)` remaining capacities of the bins that have room for it, in the order in which
            they stand. Bins that are still empty are among them, with the full capacity.

    Returns:
        `(n,)` numbers, higher is better; -inf is allowed, NaN is not.
    """
    return item - bins
