"""The arithmetic of pooled standard deviations."""

from statistics import stdev

import pytest

from workbench.ledger.repeats import Repeats, Squares, pool_squares, standard_deviation, sum_squares


def repeat(repeats: Repeats, candidate: int, *scores: float) -> None:
    for n_scores in range(1, len(scores) + 1):
        repeats.add(candidate, scores[:n_scores])


def test_a_standard_deviation_needs_two_values() -> None:
    assert standard_deviation([]) is None
    assert standard_deviation([1.0]) is None
    assert standard_deviation([1.0, 2.0, 4.0]) == pytest.approx(stdev([1.0, 2.0, 4.0]))


def test_pooled_squares_are_about_the_mean_of_each_group() -> None:
    assert pool_squares([[1.0, 3.0], [10.0], [], [5.0, 5.0]]) == (2.0, 2)
    assert Squares().spread is None


def test_running_sums_are_those_of_all_scores_at_once() -> None:
    repeats = Repeats()
    repeat(repeats, 3, 4.0, 4.5, 3.0, 7.25)
    assert repeats.by_candidate[3].total == pytest.approx(sum_squares([4.0, 4.5, 3.0, 7.25]).total)
    assert repeats.by_candidate[3].freedom == 3


def test_a_wild_candidate_does_not_hide_what_the_others_gain() -> None:
    repeats = Repeats()
    repeat(repeats, 0, 1.0, 1.1, 0.9, 1.0)
    repeat(repeats, 1, 1.0, 1.1, 0.9, 1.0)
    calm = repeats.spread
    repeat(repeats, 2, 1.0, 90.0, -40.0)
    assert calm is not None
    assert repeats.spread is not None
    assert repeats.spread < 3 * calm


def test_nothing_repeated_has_no_spread() -> None:
    assert Repeats().spread is None
    assert Repeats().pooled == (0.0, 0)
    assert Repeats().dispersion == 1.0


def test_equal_programs_say_nothing_about_the_correlation_of_different_ones() -> None:
    repeats = Repeats()
    repeats.add_pairs([(float(index), float(index)) for index in range(9)])
    assert (repeats.pair_freedom, repeats.correlation) == (0, 0.0)
