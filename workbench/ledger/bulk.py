"""Bulk: work that makes very many objects and no garbage, such as reading a journal."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def no_collections() -> Iterator[None]:
    """Lets Python's cycle collector rest meanwhile: looking through a hundred thousand new records again and again doubles the time."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
