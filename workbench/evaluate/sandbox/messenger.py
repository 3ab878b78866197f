"""Sends requests to one candidate; its failures and its death become exceptions."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from workbench.evaluate.answers import SLACK_BYTES, Cancelled, CandidateFailed, TimedOut
from workbench.evaluate.sandbox import levels, wire
from workbench.evaluate.sandbox.channel import Channel, ChannelClosed
from workbench.evaluate.sandbox.dialogue import Dialogue
from workbench.evaluate.sandbox.reaper import Reaper

MAX_REASON = 500  # characters
DEATH_SECONDS = 0.5  # how long a candidate that closed its pipe may take to die


class Messenger:
    """Exchanges messages with a candidate, one at a time."""

    def __init__(
        self, channel: Channel, reaper: Reaper, level: str, output: Callable[[bytes], None]
    ) -> None:
        """Prepares to talk to a candidate that has been started.

        Args:
            channel: its pipes.
            reaper: the thread that watches it.
            level: of its sandbox.
            output: called with its tracebacks, for its log.
        """
        self._channel = channel
        self._reaper = reaper
        self._level = level
        self._output = output
        self._is_answering = False

    def exchange(
        self,
        message: dict[str, Any],
        max_header: int = SLACK_BYTES,
        max_raw: int = 0,
        seconds_left: float | None = None,
    ) -> dict[str, Any]:
        """Sends a message and returns its answer.

        Args:
            message: plain data.
            max_header: largest header of the answer, in bytes.
            max_raw: most raw bytes of the answer.
            seconds_left: until the answer has to be here; None for as long as the sandbox lives.

        Raises:
            CandidateFailed: the candidate has ended, or broke the protocol.
            AnswerTimeout: no answer came in time.
            Cancelled: a person ended the trial.
            RuntimeError: the candidate waits for an answer itself.
        """
        # Two requests at a time would each take the other's answer.
        if self._is_answering:
            raise RuntimeError(
                "the candidate waits for the answer to its question; "
                "it cannot be called before it has that answer"
            )
        end = None if seconds_left is None else time.monotonic() + seconds_left
        try:
            return self._channel.ask(message, max_header, max_raw, end)
        except ChannelClosed:
            pass
        except wire.WireError as error:
            self._reaper.end("failed", f"the candidate broke the protocol: {error}")
        raise self.wait_for_verdict()

    def request(self, message: dict[str, Any], max_raw: int = 0) -> Any:
        """Sends a message and returns the value in its answer.

        Raises:
            CandidateFailed: the candidate raised an error, has ended, or broke the protocol.
            Cancelled: a person ended the trial.
            RuntimeError: the candidate waits for an answer itself.
        """
        return self.get_value(self.exchange(message, max_raw=max_raw))

    def reply(self, dialogue: Dialogue, frame: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the message that answers a candidate's question."""
        self._is_answering = True
        try:
            return dialogue.reply(frame)
        except BaseException:
            # The candidate still waits for the answer, so its sandbox is of no more use.
            reason = f"{dialogue.function}() was left without the answer to its question"
            self._reaper.end("failed", reason)
            raise
        finally:
            self._is_answering = False

    def get_value(self, answer: dict[str, Any]) -> Any:
        """Returns the value in an answer; raises CandidateFailed with the error in it."""
        if "value" in answer:
            return answer["value"]
        trace = answer.get("trace")
        error = _shorten(answer.get("error"))
        if isinstance(trace, str) and trace:
            self._output(f"\n{trace}\n".encode("utf-8", "backslashreplace"))
            error += levels.explain_limitation(self._level, error, trace)
        raise CandidateFailed(error)

    def wait_for_verdict(self) -> BaseException:
        """Waits until the sandbox is dead, and returns the exception that says why."""
        # The candidate may have closed its pipes and live on.
        if not self._reaper.wait(DEATH_SECONDS):
            self._reaper.end("failed", "the candidate closed its pipes before it answered")
            self._reaper.wait()
        ending = self._reaper.ending
        assert ending is not None  # the reaper sets it before it says that the sandbox is dead
        if ending.status == "killed":
            return Cancelled(ending.reason)
        if ending.status == "timeout":
            return TimedOut(ending.reason)
        return CandidateFailed(ending.reason)


def _shorten(error: Any) -> str:
    """Returns one line of what the candidate says about its failure."""
    if not isinstance(error, str):
        return "the candidate broke the protocol: an answer without a value"
    return " ".join(error.split())[:MAX_REASON]
