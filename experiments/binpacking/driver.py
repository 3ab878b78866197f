"""Runs in the sandbox beside the heuristic: keeps one instance's bins and asks for priorities.

It never holds more than the present item, so a candidate cannot look up what comes next. The
evaluator keeps its bins separately and checks each answer.
"""

import heuristic
import numpy as np

bins = np.zeros(0)  # remaining capacity of each bin


def begin(capacity: int, n_bins: int) -> None:
    """A new instance: `n_bins` empty bins."""
    global bins
    bins = np.full(n_bins, float(capacity))


def place(item: int) -> int:
    """The index of the bin that takes the item.

    The first maximum of `priority` over those with room.
    """
    room = np.flatnonzero(bins >= item)
    # Indexing makes a copy, so the heuristic cannot change the bins.
    priorities = np.asarray(heuristic.priority(float(item), bins[room]))
    if priorities.shape != room.shape:
        raise ValueError(
            f"priority returned shape {priorities.shape} for {len(room)} bins; "
            f"it must be {room.shape}"
        )
    if priorities.dtype.kind not in "fiub":
        raise ValueError(f"priority returned dtype {priorities.dtype}; it must be numbers")
    best = priorities.argmax()  # NaN wins in argmax, so looking at the winner is enough
    if priorities[best] != priorities[best]:
        raise ValueError(f"priority returned NaN for item {item}")
    index = int(room[best])
    bins[index] -= item
    return index
