"""Series of trials, and the bytes that they are stored as."""

import math

import pytest

from workbench.ledger import curves
from workbench.ledger.curves import Curve


def test_a_curve_comes_back_as_it_was_to_the_precision_of_its_values() -> None:
    curve = Curve((0.0, 1.0, 1e12), (0.5, -2.0, 0.1), self_reported=True)
    again = curves.unpack(curves.pack(curve), self_reported=True)
    assert (again.steps, again.self_reported) == (curve.steps, True)
    assert again.values == pytest.approx(curve.values)


def test_values_beyond_single_precision_become_its_largest() -> None:
    again = curves.unpack(curves.pack(Curve((0.0, 1.0), (1e300, -math.inf), False)), False)
    assert again.values == pytest.approx((curves.MAX_FLOAT32, -curves.MAX_FLOAT32))


def test_a_candidate_cannot_add_to_a_series_that_the_evaluator_measures() -> None:
    points = [("val", True, 0.0, 9.0), ("val", False, 1.0, 2.0), ("loss", True, 0.0, 1.0)]
    assert curves.collect(points) == {
        "val": Curve((1.0,), (2.0,), False),
        "loss": Curve((0.0,), (1.0,), True),
    }
