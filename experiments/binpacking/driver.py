"""Lies in the sandbox beside the heuristic: keeps the bins of one instance, asks `priority` for each item, answers an index.

It holds no item but the present one, so there is no future to look up. The evaluator keeps bins of its own and checks each answer.
"""

import heuristic
import numpy as np

bins = np.zeros(0)  # remaining capacity of each bin


def begin(capacity: int, n_bins: int) -> None:
    """A new instance: `n_bins` empty bins."""
    global bins
    bins = np.full(n_bins, float(capacity))


def place(item: int) -> int:
    """The index of the bin that takes the item: the first maximum of `priority` over the bins with room."""
    room = np.flatnonzero(bins >= item)
    wanted = np.asarray(
        heuristic.priority(float(item), bins[room])
    )  # a copy: changes to it stay there
    if wanted.shape != room.shape:
        raise ValueError(
            f"priority returned shape {wanted.shape} for {len(room)} bins; it must be {room.shape}"
        )
    if wanted.dtype.kind not in "fiub":
        raise ValueError(f"priority returned dtype {wanted.dtype}; it must be numbers")
    best = wanted.argmax()  # NaN wins in argmax, so looking at the winner is enough
    if wanted[best] != wanted[best]:
        raise ValueError(f"priority returned NaN for item {item}")
    index = int(room[best])
    bins[index] -= item
    return index
