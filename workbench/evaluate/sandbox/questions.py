"""What a candidate may ask during one call: checks each question, and has the evaluator's function answer it."""

from collections.abc import Mapping
from typing import Any

from workbench.evaluate.answers import (
    SLACK_BYTES,
    CandidateFailed,
    Question,
    Returns,
    bounds,
    checked,
)
from workbench.evaluate.sandbox import wire


class Asking:
    """The questions of one call of the function `name`; a question is data, and nothing that it says is a score."""

    def __init__(self, name: str, questions: Mapping[str, Question], most: int) -> None:
        self.name, self.questions, self.most, self.count = name, questions, most, 0

    def bounds(self, returns: Returns) -> tuple[int, int]:
        """Bytes of header and of raw buffers that a frame may have which is an answer of this form or a question."""
        header, raw = bounds(returns)
        most = max((question.max_bytes for question in self.questions.values()), default=0)
        return max(header, most + SLACK_BYTES), max(raw, most + SLACK_BYTES)

    def reply(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        """The message that answers a question.

        Raises:
            CandidateFailed: the question is not offered, has another form, or is one too many.
            TypeError: the evaluator's function returned no plain data; anything else that it raises comes through.
        """
        kind = frame["ask"]
        question = self.questions.get(kind) if type(kind) is str else None
        if question is None:
            offered = ", ".join(self.questions) or "none"
            raise CandidateFailed(
                f"{self.name}() asked {str(kind)[:40]!r}, which the evaluator does not offer here (offered: {offered})"
            )
        self.count += 1
        if self.count > self.most:
            raise CandidateFailed(
                f"{self.name}() asked more than {self.most} questions in one call"
            )
        asked = checked(frame.get("question"), question.takes, f"{self.name}() asked {kind!r} with")
        size = sum(map(_nbytes, wire.pack({"question": asked})))
        if size > question.max_bytes:
            raise CandidateFailed(
                f"{self.name}() asked {kind!r} with {size} bytes; at most {question.max_bytes} are answered"
            )
        message = {"answer": question.answer(asked)}
        wire.pack(message)
        return message


def _nbytes(buffer: bytes | memoryview) -> int:
    return memoryview(buffer).nbytes
