"""Known right and known wrong packings, the small ones checked by hand, the scored ones through real sandboxes."""

import math
import runpy
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.experiments.alphaevolve import constructions, needs_results
from workbench.evaluate import CandidateFailed

FOLDER = Path(__file__).parents[2] / "experiments" / "circle_packing"
EVALUATOR = SimpleNamespace(**runpy.run_path(str(FOLDER / "evaluate.py")))
PROGRAM = SimpleNamespace(**runpy.run_path(str(FOLDER / "pack.py")))
STORED = (FOLDER / "baselines" / "stored.py").read_text()
PUBLISHED = (FOLDER / "baselines" / "published.py").read_text()
CIRCLES = runpy.run_path(str(FOLDER / "baselines" / "published.py"))["CIRCLES"]
SHIPPED = (FOLDER / "pack.py").read_text()
Score = Callable[..., SimpleNamespace]


@pytest.fixture(scope="module")
def score(score_once: Score) -> Score:
    """Scores one text of pack.py under the given settings."""
    return lambda text, seed=0, **settings: score_once(
        FOLDER, {"pack.py": text}, settings, seed=seed
    )


def grid(side: int, radius: float) -> np.ndarray:
    """side x side circles of one radius, each in the middle of its cell."""
    places = [(2 * i + 1) / (2 * side) for i in range(side)]
    return np.array([(x, y, radius) for x in places for y in places])


@pytest.mark.parametrize(("n", "total"), [(26, 2.635862756413), (32, 2.937944526205)])
def test_the_published_packings_score_as_published_without_any_tolerance(
    score: Score, n: int, total: float
) -> None:
    trial = score(PUBLISHED, n=n)
    assert trial.status == "ok", trial.reason
    assert total < trial.score < total + 1e-12
    assert Fraction(trial.score) <= sum(Fraction(r) for _, _, r in CIRCLES[n])


@pytest.mark.parametrize("n", [26, 32])
def test_they_leave_room_for_less_than_a_hundred_millionth(score: Score, n: int) -> None:
    """A trial refuses them with radii a millionth larger.

    So does the check with radii 1e-8 larger.
    """
    larger = PUBLISHED.replace(
        "return np.array(CIRCLES[n])", "return np.array(CIRCLES[n]) + [0, 0, 1e-6]"
    )
    assert larger != PUBLISHED
    trial = score(larger, n=n)
    assert (trial.status, trial.score) == ("failed", None)
    assert "out of the unit square" in trial.reason
    circles, radius = np.array(CIRCLES[n]), np.eye(3)[2]
    with pytest.raises(CandidateFailed, match="out of the unit square"):
        EVALUATOR.total_radius(circles + 1e-8 * radius)
    assert EVALUATOR.total_radius(circles + 3e-9 * radius) > EVALUATOR.total_radius(circles)


@needs_results
@pytest.mark.parametrize(("n", "name"), [(26, "construction_1"), (32, "construction_2")])
def test_the_published_packings_are_the_published_numbers(n: int, name: str) -> None:
    (circles,) = constructions("B.12")[name]
    assert np.array_equal(circles, np.array(CIRCLES[n]))


def test_the_stored_packing_beats_the_published_one_and_is_the_exact_sum(score: Score) -> None:
    trial = score(STORED)
    assert trial.status == "ok", trial.reason
    circles = runpy.run_path(str(FOLDER / "baselines" / "stored.py"))["CIRCLES"]
    total = sum(Fraction(r) for _, _, r in circles)
    assert trial.score == pytest.approx(2.635983, abs=1e-6)
    assert trial.score > 2.63586  # AlphaEvolve's
    assert Fraction(trial.score) <= total < Fraction(math.nextafter(trial.score, 9))


def test_the_same_with_radii_a_millionth_larger_is_refused(score: Score) -> None:
    trial = score(
        STORED.replace(
            "return np.array(CIRCLES[:n])", "return np.array(CIRCLES[:n]) + [0, 0, 1e-6]"
        )
    )
    assert trial.status == "failed"
    assert trial.score is None
    assert "out of the unit square" in trial.reason


def test_no_radius_of_it_alone_can_be_larger() -> None:
    """Not even by 1e-9, a tolerance that is often granted."""
    stored = np.array(runpy.run_path(str(FOLDER / "baselines" / "stored.py"))["CIRCLES"])
    for larger in 1e-9 * np.eye(26):
        circles = stored + np.outer(larger, (0, 0, 1))
        with pytest.raises(CandidateFailed, match=r"overlap|out of the unit square"):
            EVALUATOR.total_radius(circles)


def test_touching_is_allowed_and_the_next_float_is_not() -> None:
    touching = grid(4, 1 / 8)  # all of it exact in binary
    assert EVALUATOR.total_radius(touching) == 2
    inner = touching.copy()
    inner[5, 2] = math.nextafter(1 / 8, 1)
    with pytest.raises(CandidateFailed, match="circles 1 and 5 overlap"):
        EVALUATOR.total_radius(inner)
    corner = touching.copy()
    corner[0, 2] = math.nextafter(1 / 8, 1)
    with pytest.raises(CandidateFailed, match="circle 0 reaches out"):
        EVALUATOR.total_radius(corner)


def test_an_overlap_that_floats_cannot_see_is_refused() -> None:
    """The second circle reaches into the first by 1e-40, which no float sum or distance shows."""
    circles = np.array([(0.25, 0.5, 0.25), (0.75, 0.5, 0.25)])
    assert EVALUATOR.total_radius(circles) == Fraction(1, 2)
    near = np.array([(0.25, 0.5, 0.25), (0.5, 0.5, 1e-40)])
    assert float(np.hypot(*(near[0, :2] - near[1, :2]))) >= near[:, 2].sum()
    with pytest.raises(CandidateFailed, match="overlap"):
        EVALUATOR.total_radius(near)


def test_the_known_optima_of_one_and_two_circles_are_scored() -> None:
    assert EVALUATOR.float_below(EVALUATOR.total_radius(np.array([(0.5, 0.5, 0.5)]))) == 0.5
    radius = 1 / (2 + math.sqrt(2))
    pair = PROGRAM.tighten(np.array([(radius, radius, radius), (1 - radius, 1 - radius, radius)]))
    assert EVALUATOR.float_below(EVALUATOR.total_radius(pair)) == pytest.approx(
        2 - math.sqrt(2), abs=1e-12
    )


def test_a_grid_of_25_and_one_between_scores_what_is_known_of_it() -> None:
    small = 0.1 - 1e-15
    circles = np.vstack([grid(5, small), [(0.2, 0.2, 0.1 * (math.sqrt(2) - 1) - 1e-15)]])
    assert EVALUATOR.float_below(EVALUATOR.total_radius(circles)) == pytest.approx(2.5414, abs=1e-4)


def test_the_score_is_rounded_down() -> None:
    assert EVALUATOR.float_below(Fraction(1, 4)) == 0.25
    for value in (Fraction(1, 3), Fraction(1, 10), Fraction(2, 3), Fraction(27, 10)):
        below = EVALUATOR.float_below(value)
        assert Fraction(below) < value < Fraction(math.nextafter(below, 9))


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        ("np.zeros((27, 3))", "float64[26, 3]"),
        ("np.zeros((26, 3), np.float32)", "float64[26, 3]"),
        ("np.full((26, 3), np.nan)", "NaN"),
        ("2.7", "float64[26, 3]"),
    ],
)
def test_what_is_no_array_of_circles_fails_with_one_line(
    score: Score, answer: str, words: str
) -> None:
    trial = score(f"import numpy as np\n\n\ndef pack(n, seed):\n    return {answer}\n")
    assert trial.status == "failed"
    assert trial.score is None
    assert words in trial.reason
    assert "\n" not in trial.reason


@pytest.mark.parametrize(
    ("circle", "words"),
    [
        ((0.5, 0.5, -0.1), "radius -0.1; it is at least 0"),
        ((1.5, 0.5, 0.0), "out of the"),
        ((0.5, 0.1, 0.2), "out of the"),
    ],
)
def test_a_circle_that_cannot_be_is_refused(circle: tuple[float, float, float], words: str) -> None:
    with pytest.raises(CandidateFailed, match=words):
        EVALUATOR.total_radius(np.array([circle]))


def test_the_shipped_program_leaves_room_and_repeats_under_the_same_seed(score: Score) -> None:
    first, again, other = score(SHIPPED, seed=1), score(SHIPPED, seed=1), score(SHIPPED, seed=2)
    assert first.status == "ok", first.reason
    assert first.score == again.score != other.score
    assert 2.55 < first.score < 2.63


@pytest.mark.parametrize("n", [1, 2, 7, 32])
def test_the_shipped_program_packs_any_number_exactly(n: int) -> None:
    assert 0.45 < EVALUATOR.total_radius(PROGRAM.pack(n, 3)) <= 3


@pytest.mark.parametrize("layout", ["random", "grid", "rows"])
def test_every_layout_starts_inside_the_square(layout: str) -> None:
    start = runpy.run_path(str(FOLDER / "pack.py"))["start"]
    start.__globals__["LAYOUT"] = layout
    circles = start(26, np.random.default_rng(0))
    assert circles.shape == (26, 3)
    assert len({tuple(circle) for circle in circles[:, :2]}) == 26
    assert (circles[:, :2] > 0).all()
    assert (circles[:, :2] < 1).all()


def test_tighten_gives_up_no_more_than_rounding() -> None:
    circles = grid(5, 0.1)  # a tenth is no float, so some of these overlap
    with pytest.raises(CandidateFailed):
        EVALUATOR.total_radius(circles)
    tightened = PROGRAM.tighten(circles)
    assert 2.5 - 1e-12 < EVALUATOR.total_radius(tightened) <= 2.5
    assert (PROGRAM.tighten(tightened) == tightened).all()


def test_a_search_that_takes_too_long_has_no_score(score: Score) -> None:
    spin = (
        "import time\n\n\ndef pack(n, seed):\n    while time.process_time() < 1.5:\n"
        "        pass\n    return packed(n, seed)\n"
    )
    trial = score(STORED.replace("def pack(", "def packed(") + "\n\n" + spin, cpu_cap=1.0)
    assert trial.status == "failed"
    assert "cpu_cap" in trial.reason


def test_too_many_circles_are_the_callers_mistake(score: Score) -> None:
    trial = score(STORED, n=1000)
    assert trial.status != "ok"
    assert "1 to 200" in trial.reason
