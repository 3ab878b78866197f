"""What counts as an answer of a candidate, and the exceptions that end a trial.

An answer is exactly of a plain type, its numbers are finite, and an array has its declared shape.
Importing this module loads the standard library only; numpy is imported where an array is checked.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.evaluate.sandbox import wire
from workbench.records import FailureStatus

SLACK_BYTES = 1 << 16  # allowed beyond an answer, for the rest of its frame and for error messages
MAX_PLAIN_BYTES = 16 << 20
MAX_RAW_BYTES = 256 << 20


class CandidateFailed(Exception):
    """The candidate is to blame. Its trial ends as `failed`; the message, one line, is the reason.

    Attributes:
        status: of the trial.
    """

    status: FailureStatus = "failed"


class TimedOut(CandidateFailed):
    """The candidate took longer than it may. Its trial ends as `timeout`."""

    status = "timeout"


class Cheated(CandidateFailed):
    """The evaluator has evidence of cheating. The trial ends as `cheated`; the message says why."""

    status = "cheated"


class Cancelled(BaseException):
    """A person ended the trial.

    It is a BaseException, so that no `except Exception` of an evaluator catches it.
    """


@dataclass(frozen=True)
class Array:
    """The declared form of an array.

    Attributes:
        dtype: name of a numpy dtype, such as `float32`.
        shape: exact shape.
    """

    dtype: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.dtype not in wire.ITEM_BYTES:
            dtypes = ", ".join(sorted(wire.ITEM_BYTES))
            raise ValueError(f"dtype {self.dtype!r} is not one of {dtypes}")
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * wire.ITEM_BYTES[self.dtype]


Returns = type[Any] | Array | None  # the declared form of an answer


@dataclass(frozen=True)
class Question:
    """A question that a candidate may ask while one of its functions runs.

    Attributes:
        takes: form of the question, as of an answer.
        answer: the evaluator's function that answers it. It takes the checked question and returns
            plain data. An error that it raises is the evaluator's own fault, except
            `CandidateFailed`, by which it blames the question.
        max_bytes: largest question, as it is sent.
    """

    takes: Returns
    answer: Callable[[Any], Any]
    max_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        frame_bounds(self.takes)


def frame_bounds(returns: Returns) -> tuple[int, int]:
    """Returns the most bytes of header and of raw buffers that an answer of this form may have.

    An answer of the wrong form should still fit where it can, so that a message can say what is
    wrong with it. An array of another dtype, for one, may be larger.

    Raises:
        TypeError: it is not a form.
    """
    if isinstance(returns, Array):
        return SLACK_BYTES, SLACK_BYTES + returns.nbytes + min(7 * returns.nbytes, MAX_RAW_BYTES)
    if returns is bytes:
        return SLACK_BYTES, MAX_RAW_BYTES
    if returns in (str, list, dict):
        return MAX_PLAIN_BYTES, SLACK_BYTES
    if returns in (float, int, bool, None, type(None)):
        return SLACK_BYTES, SLACK_BYTES
    if returns is object:
        return MAX_PLAIN_BYTES, MAX_RAW_BYTES
    raise TypeError(
        f"returns={returns!r}; choose float, int, str, bool, list, dict, bytes, None, "
        "Array(dtype, shape), or object for any plain data"
    )


def check_answer(value: Any, returns: Returns, subject: str) -> Any:
    """Returns the answer if it is exactly of the declared form.

    An int is converted where a float is declared.

    Args:
        value: the answer, plain data.
        returns: the declared form.
        subject: begins the message, as in `predict() answered`.

    Raises:
        CandidateFailed: it has another form, or a number in it is not finite.
    """
    if isinstance(returns, Array):
        return _check_array(value, returns, subject)
    expected = type(None) if returns is None else returns
    if expected is float and type(value) is int:
        try:
            value = float(value)
        except OverflowError:
            raise CandidateFailed(f"{subject} an integer too large for a float") from None
    # `type(value) is`, not isinstance: True is an int to isinstance, and not a number here.
    if expected is not object and type(value) is not expected:
        actual = _describe(value)
        form = _type_name(expected)
        raise CandidateFailed(f"{subject} {actual}; the evaluator expects {form}")
    problem = _find_non_finite(value)
    if problem is not None:
        raise CandidateFailed(f"{subject} {problem}; only finite numbers count")
    return value


def _check_array(value: Any, form: Array, subject: str) -> Any:
    import numpy

    expected = f"{form.dtype}{list(form.shape)}"
    if type(value) is not numpy.ndarray:
        actual = _describe(value)
        raise CandidateFailed(f"{subject} {actual}; the evaluator expects an array {expected}")
    if value.dtype.name != form.dtype or value.shape != form.shape:
        actual = f"{value.dtype.name}{list(value.shape)}"
        raise CandidateFailed(f"{subject} an array {actual}; the evaluator expects {expected}")
    if value.dtype.kind in "fc" and not numpy.isfinite(value).all():
        raise CandidateFailed(f"{subject} an array with NaN or infinity; only finite numbers count")
    return value


def _find_non_finite(value: Any) -> str | None:
    """Returns a number or array in the value that is not finite, in words; None for none."""
    # Not recursive, since an answer may be nested deeper than the stack of this process.
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if type(item) is float and not math.isfinite(item):
            return repr(item)
        if type(item) is list:
            waiting += item
        elif type(item) is dict:
            waiting += item.values()
        elif type(item).__module__ == "numpy" and item.dtype.kind in "fc":
            import numpy

            if not numpy.isfinite(item).all():
                return "an array with NaN or infinity"
    return None


def _describe(value: Any) -> str:
    kind = type(value)
    if kind in (int, float, bool, type(None)):
        return repr(value)[:40]
    return f"an object of type {kind.__name__}"


def _type_name(kind: type) -> str:
    return "None" if kind is type(None) else kind.__name__
