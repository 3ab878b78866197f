"""The pipes to one candidate: a request goes out and its answer comes back.

It never waits past its deadline, whatever the other end does with the pipes.
"""

import os
import secrets
import selectors
import time
from typing import Any

from workbench.evaluate.sandbox import wire


class ChannelClosed(Exception):
    """The other end has closed its pipe."""


class AnswerTimeout(Exception):
    """No answer came in time."""


class Channel:
    """A pair of pipe ends that never block.

    A candidate that never reads, or that writes forever, cannot hold up this side.
    """

    def __init__(self, requests: int, answers: int) -> None:
        self._requests = requests
        self._answers = answers
        for fd in (requests, answers):
            os.set_blocking(fd, False)

    def close(self) -> None:
        for fd in (self._requests, self._answers):
            os.close(fd)

    def ask(
        self, message: dict[str, Any], max_header: int, max_raw: int, end: float | None
    ) -> dict[str, Any]:
        """Sends a message and returns its answer.

        Each request has a random number that its answer repeats. So nothing that a candidate wrote
        before it saw the request can pass for the answer.

        Args:
            message: plain data.
            max_header: largest header of the answer, in bytes; a larger one is not read.
            max_raw: most raw bytes of the answer.
            end: deadline on the monotonic clock; None for no deadline.

        Raises:
            ChannelClosed: the other end closed its pipe.
            AnswerTimeout: no answer came before the deadline.
            WireError: what came is not an answer to this message.
            TypeError: the message is not plain data.
        """
        number = secrets.randbits(62)
        frame = wire.pack({**message, "id": number})
        unsent = [memoryview(part).cast("B") for part in frame if len(part)]
        reader = wire.Reader(max_header, max_raw)
        with selectors.DefaultSelector() as selector:
            selector.register(self._answers, selectors.EVENT_READ)
            selector.register(self._requests, selectors.EVENT_WRITE)
            while True:
                seconds_left = None if end is None else end - time.monotonic()
                if seconds_left is not None and seconds_left <= 0:
                    raise AnswerTimeout
                for key, _ in selector.select(seconds_left):
                    if key.fd == self._requests:
                        if not self._write_some(unsent):
                            selector.unregister(self._requests)
                    elif (answer := self._read_some(reader)) is not None:
                        # An answer before the whole request was sent cannot be an answer to it.
                        if unsent or answer.get("id") != number:
                            raise wire.WireError("an answer without its request")
                        return answer

    def _write_some(self, unsent: list[memoryview]) -> bool:
        """Writes what the pipe takes; returns whether something is left to write."""
        try:
            while unsent:
                unsent[0] = unsent[0][os.write(self._requests, unsent[0]) :]
                if not len(unsent[0]):
                    del unsent[0]
        except BlockingIOError:
            return True
        except BrokenPipeError:
            return False  # the pipe of answers has ended as well, and reading it will say so
        return False

    def _read_some(self, reader: wire.Reader) -> dict[str, Any] | None:
        try:
            count = os.readv(self._answers, [reader.free_space])
        except BlockingIOError:
            return None
        if not count:
            raise ChannelClosed
        return reader.advance(count)
