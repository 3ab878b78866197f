"""Where the buffers of one input lie.

Each aligned, with a guard zone directly before and behind it. Both sides compute it.
"""

import math

GUARD_BYTES = 4096
ALIGNMENT = 64
ITEM_BYTES = 4  # float32
# four of them are a NaN: an output that is not written shows, and so does an input that is read
# past its end
POISON = 0xFF


def spans(shapes: list) -> tuple[list[tuple[int, int]], int]:
    """Start and end of each buffer in bytes, and the size of the whole."""
    buffers = []
    end = 0
    for shape in shapes:
        start = _align(end + GUARD_BYTES)
        end = start + ITEM_BYTES * math.prod(shape)
        buffers.append((start, end))
    return buffers, _align(end + GUARD_BYTES)


def _align(place: int) -> int:
    return -(-place // ALIGNMENT) * ALIGNMENT
