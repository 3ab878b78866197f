"""Known right and known wrong step functions.

Small ones are computed again by integrating in fractions.
"""

import itertools
import math
import random
import runpy
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.experiments.alphaevolve import constructions, needs_results
from workbench.evaluate import CandidateFailed

FOLDER = Path(__file__).parents[2] / "experiments" / "minimum_overlap"
EVALUATOR = SimpleNamespace(**runpy.run_path(str(FOLDER / "evaluate.py")))
PROGRAM = SimpleNamespace(**runpy.run_path(str(FOLDER / "construct.py")))
STORED = (FOLDER / "baselines" / "stored.py").read_text()
PUBLISHED = (FOLDER / "baselines" / "published.py").read_text()
HALF = runpy.run_path(str(FOLDER / "baselines" / "published.py"))["HALF"]
HEIGHTS = runpy.run_path(str(FOLDER / "baselines" / "stored.py"))["HEIGHTS"]
SHIPPED = (FOLDER / "construct.py").read_text()
ONE = EVALUATOR.HEIGHT
LOWER_BOUND = 0.379005  # White 2022: no function proves less
Score = Callable[..., SimpleNamespace]


@pytest.fixture(scope="module")
def score(score_once: Score) -> Score:
    """Scores one text of construct.py under the given settings."""
    return lambda text, seed=0, **settings: score_once(
        FOLDER, {"construct.py": text}, settings, seed=seed
    )


def integral(heights: Sequence[int], x: Fraction) -> Fraction:
    """The integral of f(t) (1 - f(t + x)) over t and t + x in [-1, 1], piece by piece between all jumps."""
    steps = len(heights)
    jumps = [Fraction(2 * i, steps) - 1 for i in range(steps + 1)]
    low, high = max(Fraction(-1), -1 - x), min(Fraction(1), 1 - x)
    edges = sorted({t for jump in jumps for t in (jump, jump - x) if low < t < high} | {low, high})

    def f(t: Fraction) -> Fraction:
        return Fraction(heights[int((t + 1) * steps / 2)], ONE)

    middles = ((start, end, (start + end) / 2) for start, end in itertools.pairwise(edges))
    return sum(((end - start) * f(t) * (1 - f(t + x)) for start, end, t in middles), Fraction(0))


def some_heights(steps: int, chance: random.Random) -> list[int]:
    """Random heights that add up; pairs of h and ONE - h do."""
    half = [chance.randrange(ONE + 1) for _ in range(steps // 2)]
    heights = half + [ONE - height for height in half] + [ONE // 2] * (steps % 2)
    chance.shuffle(heights)
    return heights


def test_functions_that_are_integrated_in_the_head() -> None:
    assert EVALUATOR.largest_overlap([ONE // 2] * 2) == Fraction(1, 2)  # 2 x 1/2 x 1/2, at no shift
    assert EVALUATOR.largest_overlap([ONE, 0]) == 1  # all of f meets all of 1 - f, at a shift by 1
    assert EVALUATOR.largest_overlap([0, ONE, ONE, 0]) == Fraction(
        1, 2
    )  # half of the middle meets one side


@pytest.mark.parametrize("steps", [2, 3, 4, 7, 10])
def test_no_shift_has_more_and_one_has_as_much(steps: int) -> None:
    chance = random.Random(steps)
    heights = some_heights(steps, chance)
    largest = EVALUATOR.largest_overlap(heights)
    assert (
        max(integral(heights, Fraction(2 * shift, steps)) for shift in range(1 - steps, steps))
        == largest
    )
    assert all(
        integral(heights, Fraction(chance.randrange(-2000, 2001), 1001)) <= largest
        for _ in range(60)
    )


def test_the_published_function_proves_the_published_bound(score: Score) -> None:
    trial = score(PUBLISHED, steps=95)
    assert trial.status == "ok", trial.reason
    assert trial.score == 0.38092303515219145  # AlphaEvolve: 0.380924
    heights = runpy.run_path(str(FOLDER / "baselines" / "published.py"))["construct"](95, 0)
    assert Fraction(trial.score) - EVALUATOR.largest_overlap(heights.tolist()) < Fraction(1, 10**16)


def test_it_is_rounded_because_the_published_decimals_do_not_add_up_exactly() -> None:
    published = [ONE * Fraction(repr(height)) for height in HALF + HALF[-2::-1]]
    with pytest.raises(CandidateFailed, match="integral of f is 1"):
        EVALUATOR.largest_overlap(published)
    assert Fraction(95, 2) - sum(published) / ONE == Fraction(24053508, 10**22)
    heights = runpy.run_path(str(FOLDER / "baselines" / "published.py"))["construct"](
        95, 0
    ).tolist()
    assert all(abs(height - exact) <= 1 for height, exact in zip(heights, published, strict=True))
    overlap = max(integral(published, Fraction(2 * shift, 95)) for shift in range(-40, 41))
    assert 0 < EVALUATOR.largest_overlap(heights) - overlap < Fraction(1, 10**10)


@needs_results
def test_it_is_the_published_numbers() -> None:
    (half,) = constructions("B.5")["best_sequence"]
    assert half.tolist() == HALF


def test_the_stored_function_is_near_the_published_bound_and_rounded_up(score: Score) -> None:
    trial = score(STORED)
    assert trial.status == "ok", trial.reason
    assert trial.score > LOWER_BOUND
    assert trial.score == pytest.approx(0.381101, abs=1e-6)  # AlphaEvolve: 0.380924
    exact = EVALUATOR.largest_overlap(HEIGHTS)
    assert Fraction(math.nextafter(trial.score, 0)) < exact <= Fraction(trial.score)
    assert max(integral(HEIGHTS, Fraction(2 * shift, 50)) for shift in range(-12, 13)) == exact


def test_the_smallest_change_of_a_height_is_refused_or_counted() -> None:
    """A height more, or one less, breaks the sum; both together change the exact value."""
    first, second = [place for place, height in enumerate(HEIGHTS) if 0 < height < ONE][:2]
    more = [height + (place == first) for place, height in enumerate(HEIGHTS)]
    with pytest.raises(CandidateFailed, match="integral of f is 1"):
        EVALUATOR.largest_overlap(more)
    moved = [height - (place == second) for place, height in enumerate(more)]
    assert EVALUATOR.largest_overlap(moved) != EVALUATOR.largest_overlap(HEIGHTS)


@pytest.mark.parametrize(
    ("heights", "words"),
    [
        ([ONE + 1, -1], "0 and 1000000000"),  # higher than 1 and lower than 0, and they add up
        ([-ONE, 2 * ONE], "0 and 1000000000"),
        ([0, 0], "integral of f is 1"),
        ([ONE, ONE], "integral of f is 1"),
        ([ONE // 2, ONE // 2, 1], "integral of f is 1"),
    ],
)
def test_what_is_no_such_function_is_refused(heights: list[int], words: str) -> None:
    with pytest.raises(CandidateFailed, match=words):
        EVALUATOR.largest_overlap(heights)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("np.array(HEIGHTS) / 1e9", "float64"),
        ("np.array(HEIGHTS, dtype=np.uint64)", "uint64"),
        ("np.array(HEIGHTS + [500000000])", "int64[50]"),
        ("np.array(HEIGHTS) * 2", "heights go from"),
    ],
)
def test_a_wrong_answer_ends_the_trial_with_one_line(score: Score, change: str, words: str) -> None:
    trial = score(STORED.replace("np.array(HEIGHTS[:steps])", change))
    assert trial.status == "failed"
    assert trial.score is None
    assert words in trial.reason
    assert "\n" not in trial.reason


def test_the_shipped_program_leaves_room_and_repeats_under_the_same_seed(score: Score) -> None:
    first, again, other = score(SHIPPED, seed=1), score(SHIPPED, seed=1), score(SHIPPED, seed=2)
    assert first.status == "ok", first.reason
    assert first.score == again.score != other.score
    assert 0.3815 < first.score < 0.39


def test_the_program_measures_what_the_evaluator_does() -> None:
    heights = some_heights(12, random.Random(5))
    measured = PROGRAM.overlap(np.array([heights]) / ONE)[0]
    assert measured.max() == pytest.approx(float(EVALUATOR.largest_overlap(heights)), abs=1e-12)
    assert measured[11 + 3] == pytest.approx(float(integral(heights, Fraction(6, 12))), abs=1e-12)
    assert measured[11 - 2] == pytest.approx(float(integral(heights, Fraction(-4, 12))), abs=1e-12)


@pytest.mark.parametrize("steps", [2, 7, 50])
def test_rounding_to_whole_heights_keeps_the_sum(steps: int) -> None:
    chance = np.random.default_rng(steps)
    for f in PROGRAM.project(chance.normal(0.5, 1.0, (20, steps))):
        heights = PROGRAM.exact(f)
        assert 2 * heights.sum() == steps * ONE
        assert np.abs(heights / ONE - f).max() < 1e-6
        EVALUATOR.largest_overlap(heights.tolist())


def test_a_search_that_takes_too_long_has_no_score(score: Score) -> None:
    spin = (
        "import time\n\n\ndef construct(*args):\n"
        "    while time.process_time() < 1.5:\n        pass\n    return known(*args)\n"
    )
    trial = score(STORED.replace("def construct(", "def known(") + "\n\n" + spin, cpu_cap=1.0)
    assert trial.status == "failed"
    assert "cpu_cap" in trial.reason


def test_too_many_steps_are_the_callers_mistake(score: Score) -> None:
    trial = score(STORED, steps=5000)
    assert trial.status != "ok"
    assert "2 to 1000" in trial.reason
