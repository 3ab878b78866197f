"""Pauses garbage collection for work that makes many objects and no garbage.

Reading a journal is such work.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pause_garbage_collection() -> Iterator[None]:
    """Pauses the garbage collector for the duration of the block.

    It would look through a hundred thousand new records again and again, which doubles the time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()
