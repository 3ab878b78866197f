"""The pipes to one candidate: a request goes out, its answer comes back, whatever the other end does with them."""

import os
import secrets
import selectors
import time
from typing import Any

from workbench.evaluate.sandbox import wire


class Gone(Exception):
    """The other end is closed."""


class Late(Exception):
    """No answer came in time."""


class Channel:
    """A pair of pipe ends, made not to block: a candidate that never reads, or writes for ever, stops nothing here."""

    def __init__(self, requests: int, answers: int) -> None:
        self._requests, self._answers = requests, answers
        for fd in (requests, answers):
            os.set_blocking(fd, False)

    def close(self) -> None:
        for fd in (self._requests, self._answers):
            os.close(fd)

    def ask(
        self, message: dict[str, Any], max_header: int, max_raw: int, end: float | None
    ) -> dict[str, Any]:
        """The answer to a message.

        Each request has a random number that its answer repeats, so that nothing written ahead of a request passes for its answer.

        Args:
            max_header, max_raw: bounds in bytes; nothing larger is taken in.
            end: on the monotonic clock.

        Raises:
            Gone, Late: no answer. WireError: bytes that are none. TypeError: the message is no plain data.
        """
        number = secrets.randbits(62)
        waiting = [
            memoryview(part).cast("B") for part in wire.pack({**message, "id": number}) if len(part)
        ]
        reader = wire.Reader(max_header, max_raw)
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            selector.register(self._requests, selectors.EVENT_WRITE)
            while True:
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    raise Late
                for key, _ in selector.select(left):
                    if key.fd == self._requests:
                        if not self._push(waiting):
                            selector.unregister(self._requests)
                    elif (answer := self._pull(reader)) is not None:
                        if waiting or answer.get("id") != number:
                            raise wire.WireError("an answer without its request")
                        return answer

    def _push(self, waiting: list[memoryview]) -> bool:
        """Writes what the pipe takes; false when nothing is left to write."""
        try:
            while waiting:
                waiting[0] = waiting[0][os.write(self._requests, waiting[0]) :]
                if not len(waiting[0]):
                    del waiting[0]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False  # the answers' pipe ends as well, and says it
        return False

    def _pull(self, reader: wire.Reader) -> dict[str, Any] | None:
        try:
            count = os.readv(self._answers, [reader.room()])
        except BlockingIOError:
            return None
        if not count:
            raise Gone
        return reader.filled(count)
