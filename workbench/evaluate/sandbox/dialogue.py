"""What a candidate may ask during one call: checks each question and has the evaluator answer it.

A question is data. Nothing that it says becomes a score.
"""

from collections.abc import Mapping
from typing import Any

from workbench.evaluate.answers import (
    SLACK_BYTES,
    CandidateFailed,
    Question,
    Returns,
    check_answer,
    frame_bounds,
)
from workbench.evaluate.sandbox import wire

MAX_SHOWN = 40  # characters of a question's name in a message


class Dialogue:
    """The questions that a candidate asks during one call of one of its functions.

    Attributes:
        function: name of the function that is called.
        questions: what it may ask, by name.
        max_questions: how often it may ask.
        count: how often it has asked.
    """

    def __init__(
        self, function: str, questions: Mapping[str, Question], max_questions: int
    ) -> None:
        self.function = function
        self.questions = questions
        self.max_questions = max_questions
        self.count = 0

    def next_frame_bounds(self, returns: Returns) -> tuple[int, int]:
        """Returns how many bytes of header and raw buffers the next frame may have.

        It is an answer of the form `returns` or one of the questions.
        """
        header, raw = frame_bounds(returns)
        sizes = [question.max_bytes for question in self.questions.values()]
        largest = max(sizes, default=0) + SLACK_BYTES
        return max(header, largest), max(raw, largest)

    def reply(self, frame: Mapping[str, Any]) -> dict[str, Any]:
        """Returns the message that answers a question.

        Raises:
            CandidateFailed: the evaluator does not offer the question, its form is wrong, or the
                function asked too often.
            TypeError: the evaluator's function returned something that is not plain data. Any
                other error that it raises passes through.
        """
        name = frame["ask"]
        # A forged frame may hold anything here, and a list could not even be looked up.
        question = self.questions.get(name) if type(name) is str else None
        if question is None:
            offered = ", ".join(self.questions) or "none"
            raise CandidateFailed(
                f"{self.function}() asked {str(name)[:MAX_SHOWN]!r}, "
                f"which the evaluator does not offer here (offered: {offered})"
            )
        self.count += 1
        if self.count > self.max_questions:
            raise CandidateFailed(
                f"{self.function}() asked more than {self.max_questions} questions in one call"
            )
        value = frame.get("question")
        value = check_answer(value, question.takes, f"{self.function}() asked {name!r} with")
        # The bounds of a frame allow for the largest question; this one may have to be smaller.
        size = sum(map(_count_bytes, wire.pack({"question": value})))
        if size > question.max_bytes:
            raise CandidateFailed(
                f"{self.function}() asked {name!r} with {size} bytes; "
                f"at most {question.max_bytes} are answered"
            )
        message = {"answer": question.answer(value)}
        # Packed here to blame the evaluator for an answer that cannot be sent.
        wire.pack(message)
        return message


def _count_bytes(buffer: bytes | memoryview) -> int:
    return memoryview(buffer).nbytes
