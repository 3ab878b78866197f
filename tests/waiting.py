"""Waiting for what another process, thread or page does: for a condition, never for a time."""

import time
import traceback
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


def until(
    holds: Callable[[], T],
    seconds: float = 60.0,
    told: Callable[[], object] | None = None,
    pause: Callable[[float], object] = time.sleep,
) -> T:
    """What `holds` returns, as soon as it is true.

    Args:
        told: what the message says besides the line that waits, asked once the time is over.
        pause: lets others go on for so many seconds.

    Raises:
        AssertionError: it was not true within so many seconds.
    """
    end = time.monotonic() + seconds
    while not (found := holds()):
        if time.monotonic() > end:
            line = traceback.extract_stack(limit=2)[0].line
            raise AssertionError(
                f"waited {seconds:g} s in vain: {line}" + (f"; {told()}" if told else "")
            )
        pause(0.01)
    return found


def events_of(page: Any) -> Callable[[float], object]:
    """A pause in which a browser's page goes on.

    Its events, and the functions that it was given.
    """
    return lambda seconds: page.wait_for_timeout(1000 * seconds)
