"""Discovery: how small a p-value must be to count as one, so that few discoveries of a whole study are false."""

from collections.abc import Sequence

PATIENCE = 50  # tests; after j of them without a discovery, sqrt(PATIENCE / (PATIENCE + j)) of the error rate is left to spend
FIRST = 0.9  # share of the error rate that may be spent before the first discovery


def level(number: int, discoveries: Sequence[int], error_rate: float) -> float:
    """The level of test `number` (1, 2, ...), given the numbers of the tests that were discoveries.

    Online control of the false discovery rate, LORD++: Ramdas, Yang, Wainwright and Jordan, Online control of the false discovery
    rate with decaying memory (NeurIPS 2017), section 3.1. Any series that falls and sums to 1 may say how the error rate is spread
    over the tests to come; ours falls slowly (the power -3/2, later than `PATIENCE`), since a study has a hundred tests, not a
    million. Without discoveries the levels of all tests, however many, sum to less than `error_rate`; each one earns new.

    The work grows with the number of discoveries, not with that of tests.
    """
    first, later = FIRST * error_rate, [at for at in discoveries if at < number]
    if not later:
        return first * _share(number)
    again = sum(_share(number - at) for at in later[1:])
    return (
        first * _share(number)
        + (error_rate - first) * _share(number - later[0])
        + error_rate * again
    )


def _share(number: int) -> float:
    return float(PATIENCE**0.5 * ((number + PATIENCE - 1) ** -0.5 - (number + PATIENCE) ** -0.5))
