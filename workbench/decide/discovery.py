"""How small a p-value must be to count, so that few discoveries of a whole study are false."""

from collections.abc import Sequence

# After j tests without a discovery, sqrt(PATIENCE / (PATIENCE + j)) of the error rate is left to
# spend.
PATIENCE = 50

# Share of the error rate that may be spent before the first discovery.
FIRST = 0.9


def level_of_test(number: int, discoveries: Sequence[int], error_rate: float) -> float:
    """The level of test `number` (1, 2, ...), given the numbers of the tests that were discoveries.

    Online control of the false discovery rate, LORD++: Ramdas, Yang, Wainwright and Jordan, Online
    control of the false discovery rate with decaying memory (NeurIPS 2017), section 3.1. Any
    falling series that sums to 1 may say how the error rate is spread over the tests to come. Ours
    falls slowly (as the power -3/2, beyond `PATIENCE`), since a study has a hundred tests and not a
    million. Without discoveries the levels of all tests, however many, sum to less than
    `error_rate`; each discovery earns more.

    The work grows with the number of discoveries, not with the number of tests.
    """
    first_budget = FIRST * error_rate
    earlier = [discovery for discovery in discoveries if discovery < number]
    level = first_budget * _share(number)
    if earlier:
        # The first discovery earns what the start did not use; each later one earns the whole rate.
        level += (error_rate - first_budget) * _share(number - earlier[0])
        level += error_rate * sum(_share(number - discovery) for discovery in earlier[1:])
    return level


def _share(number: int) -> float:
    """The share of a budget that is spent on the `number`-th test after it was earned."""
    before = (number + PATIENCE - 1) ** -0.5
    after = (number + PATIENCE) ** -0.5
    return float(PATIENCE**0.5 * (before - after))
