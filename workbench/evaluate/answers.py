"""What a candidate may answer, and how its failure is said; exact plain types, finite numbers, declared shapes.

Standard library only at import time; numpy is imported where an array is checked.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from workbench.evaluate.sandbox import wire

SLACK_BYTES = 1 << 16
MAX_PLAIN_BYTES = 16 << 20
MAX_RAW_BYTES = 256 << 20


class CandidateFailed(Exception):
    """The candidate is to blame, and its trial ends as `failed`; the message is the trial's reason, one line."""

    status = "failed"


class TimedOut(CandidateFailed):
    """The candidate took longer than it may; the trial ends as `timeout`."""

    status = "timeout"


class Cheated(CandidateFailed):
    """The evaluator holds evidence of a cheat; the trial ends as `cheated`, the message says what was seen."""

    status = "cheated"


@dataclass(frozen=True)
class Array:
    """The declared form of an array answer: a numpy dtype by name (`float32`) and its exact shape."""

    dtype: str
    shape: tuple[int, ...]

    def __post_init__(self) -> None:
        if self.dtype not in wire.ITEM_BYTES:
            raise ValueError(
                f"dtype {self.dtype!r} is not one of {', '.join(sorted(wire.ITEM_BYTES))}"
            )
        object.__setattr__(self, "shape", tuple(int(n) for n in self.shape))

    @property
    def nbytes(self) -> int:
        return math.prod(self.shape) * wire.ITEM_BYTES[self.dtype]


Returns = type[Any] | Array | None


@dataclass(frozen=True)
class Question:
    """What a candidate may ask while it is called: the form of the question, and the evaluator's function that answers it.

    The function takes the checked question and returns plain data. What it raises is the evaluator's own fault, except
    `CandidateFailed`, by which it blames the question. `max_bytes`: of a question, as it is sent.
    """

    takes: Returns
    answer: Callable[[Any], Any]
    max_bytes: int = 1 << 20

    def __post_init__(self) -> None:
        bounds(self.takes)


def bounds(returns: Returns) -> tuple[int, int]:
    """Bytes of header and of raw buffers that an answer of this form may have; with room for a wrong form that is worth naming."""
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
        f"returns={returns!r}; choose float, int, str, bool, list, dict, bytes, None, Array(dtype, shape), or object for any"
    )


def checked(value: Any, returns: Returns, said: str) -> Any:
    """The answer, exactly of the declared form; an int is taken as a float where one is declared.

    Args:
        said: begins the message, as in `predict() answered`.

    Raises:
        CandidateFailed: it has another form, or a number in it is not finite.
    """
    if isinstance(returns, Array):
        return _checked_array(value, returns, said)
    wanted = type(None) if returns is None else returns
    if wanted is float and type(value) is int:
        try:
            value = float(value)
        except OverflowError:
            raise CandidateFailed(f"{said} an integer too large for a float") from None
    if wanted is not object and type(value) is not wanted:
        raise CandidateFailed(f"{said} {_kind(value)}; the evaluator expects {_wanted(wanted)}")
    if problem := _not_finite(value):
        raise CandidateFailed(f"{said} {problem}; only finite numbers count")
    return value


def _checked_array(value: Any, form: Array, said: str) -> Any:
    import numpy

    if type(value) is not numpy.ndarray:
        raise CandidateFailed(
            f"{said} {_kind(value)}; the evaluator expects an array {form.dtype}{list(form.shape)}"
        )
    if value.dtype.name != form.dtype or value.shape != form.shape:
        got = f"{value.dtype.name}{list(value.shape)}"
        raise CandidateFailed(
            f"{said} an array {got}; the evaluator expects {form.dtype}{list(form.shape)}"
        )
    if value.dtype.kind in "fc" and not numpy.isfinite(value).all():
        raise CandidateFailed(f"{said} an array with NaN or infinity; only finite numbers count")
    return value


def _not_finite(value: Any) -> str | None:
    # Iterative: an answer may be nested deeper than the stack of this process.
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


def _kind(value: Any) -> str:
    kind = type(value)
    if kind in (int, float, bool, type(None)):
        return repr(value)[:40]
    return f"an object of type {kind.__name__}"


def _wanted(kind: type) -> str:
    return "None" if kind is type(None) else kind.__name__
