"""Known right and known wrong decompositions.

Published ones, the same with one entry changed, and what tries to pass as one.
"""

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from tests.experiments.alphaevolve import constructions, needs_results
from workbench.evaluate import CandidateFailed

FOLDER = Path(__file__).parents[2] / "experiments" / "matmul_tensor"
EVALUATOR = SimpleNamespace(**runpy.run_path(str(FOLDER / "evaluate.py")))
PROGRAM = SimpleNamespace(**runpy.run_path(str(FOLDER / "search.py")))
STORED = (FOLDER / "baselines" / "stored.py").read_text()
SHIPPED = (FOLDER / "search.py").read_text()
Score = Callable[..., SimpleNamespace]
Decompositions = dict[str, list[np.ndarray]]
KNOWN = {2: 7, 3: 23, 4: 49}
ALPHAEVOLVE = {  # to the published field and rank, by the name of the decomposition
    "245": ("half", 32),
    "247": ("integer", 45),
    "248": ("integer", 51),
    "256": ("integer", 47),
    "333": ("integer", 23),
    "346": ("half", 54),
    "347": ("complex", 63),
    "348": ("integer", 74),
    "356": ("integer", 68),
    "357": ("integer", 80),
    "444": ("complex", 48),
    "445": ("integer", 61),
    "447": ("integer", 85),
    "456": ("integer", 90),
    "555": ("integer", 93),
}
stored = runpy.run_path(str(FOLDER / "baselines" / "stored.py"))["decompose"]


@pytest.fixture(scope="module")
def score(score_once: Score) -> Score:
    """Scores one text of search.py under the given settings, with two seeds where not said otherwise."""
    return lambda text, **settings: score_once(
        FOLDER, {"search.py": text}, {"seeds": 2, "shape": "2,2,2"} | settings
    )


def problem(size: int, field: str = "integer") -> SimpleNamespace:
    return EVALUATOR.Problem(size, size, size, field)


@pytest.mark.parametrize("size", KNOWN)
def test_published_decompositions_are_confirmed(score: Score, size: int) -> None:
    """Strassen's 7, Laderman's 23, and Strassen's squared, 49."""
    trial = score(STORED, shape=f"{size},{size},{size}")
    assert trial.status == "ok", trial.reason
    assert (trial.score, trial.metrics["rank"], trial.metrics["share"]) == (
        KNOWN[size],
        KNOWN[size],
        1.0,
    )


@pytest.mark.parametrize("size", KNOWN)
def test_they_multiply_matrices_of_any_numbers(size: int) -> None:
    """Without the tensor: the factors compute A B, for matrices of large whole numbers."""
    a, b = np.random.default_rng(size).integers(-(10**6), 10**6, (2, size, size))
    left, right, out = np.split(stored(size, size, size, "integer", 0)[0], 3)
    assert (out @ ((left.T @ a.ravel()) * (right.T @ b.ravel())) == (a @ b).ravel()).all()


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("field", ["integer", "half", "complex"])
def test_any_one_changed_sign_is_refused(size: int, field: str) -> None:
    answer = stored(size, size, size, field, 0)
    places = np.argwhere(answer)
    assert len(places) >= 36
    for place in map(tuple, places):
        wrong = answer.copy()
        wrong[place] *= -1
        with pytest.raises(CandidateFailed, match="entries are wrong"):
            problem(size, field).rank(wrong)


def test_a_changed_sign_ends_a_trial_without_a_score(score: Score) -> None:
    trial = score(STORED.replace("+a12-a22 |", "+a12+a22 |", 1))
    assert trial.status == "failed"
    assert trial.score is None
    assert "entries are wrong" in trial.reason
    assert "\n" not in trial.reason


@pytest.mark.parametrize(("size", "rank"), [(2, 7), (3, 23), (4, 47)])
def test_modulo_two_signs_do_not_matter_and_everything_else_does(size: int, rank: int) -> None:
    answer = stored(size, size, size, "mod2", 0)
    assert problem(size, "mod2").rank(answer) == rank
    for place in np.ndindex(answer[..., :rank].shape):
        wrong = answer.copy()
        wrong[place] = 1 - answer[place]
        with pytest.raises(CandidateFailed, match="entries are wrong"):
            problem(size, "mod2").rank(wrong)
    with pytest.raises(CandidateFailed, match="over mod2: 0 to 1"):
        problem(size, "mod2").rank(answer * 3)  # congruent, but not written as 0 and 1


def test_47_multiplications_for_4_by_4_are_confirmed_mod_2_and_refused_over_the_integers(
    score: Score,
) -> None:
    confirmed = score(STORED, shape="4,4,4", field="mod2")
    assert confirmed.status == "ok", confirmed.reason
    assert (confirmed.score, confirmed.metrics["rank"]) == (47, 47)
    refused = score(
        STORED.replace('if field == "mod2" else [', "if field else ["),
        shape="4,4,4",
        field="integer",
    )
    assert (refused.status, refused.score) == ("failed", None)
    assert "465 of its 4096 entries are wrong" in refused.reason
    assert problem(4, "mod2").rank(stored(4, 4, 4, "integer", 0) % 2) == 49


def test_47_multiplications_multiply_matrices_of_bits() -> None:
    """Without the tensor: the factors compute A B mod 2, for any matrices of 0 and 1."""
    for a, b in np.random.default_rng(4).integers(2, size=(50, 2, 4, 4)):
        left, right, out = np.split(stored(4, 4, 4, "mod2", 0)[0, :, :47], 3)
        assert (
            out @ ((left.T @ a.ravel()) * (right.T @ b.ravel())) % 2 == (a @ b).ravel() % 2
        ).all()


@pytest.fixture(scope="module")
def decompositions() -> Decompositions:
    return constructions("Tensor")


@needs_results
def test_none_of_alphaevolves_decompositions_is_left_out(decompositions: Decompositions) -> None:
    assert set(decompositions) == {f"decomposition_{name}" for name in ALPHAEVOLVE}


@needs_results
@pytest.mark.parametrize("name", ALPHAEVOLVE)
def test_alphaevolves_decompositions_are_confirmed_in_the_published_field_and_rank(
    name: str, decompositions: Decompositions
) -> None:
    field, rank = ALPHAEVOLVE[name]
    published = EVALUATOR.Problem(*map(int, name), field)
    answer = as_answer(published, decompositions[f"decomposition_{name}"])
    assert published.rank(answer) == rank
    wrong = answer.copy()
    wrong[tuple(np.argwhere(answer)[0])] *= -1
    with pytest.raises(CandidateFailed, match="entries are wrong"):
        published.rank(wrong)


def as_answer(published: SimpleNamespace, factors: list[np.ndarray]) -> np.ndarray:
    """Published factors, whose third yields C transposed, in whole steps of the field's grid."""
    a, b, c = factors
    stacked = np.vstack(
        [a, b, c.reshape(published.p, published.m, -1).swapaxes(0, 1).reshape(c.shape)]
    )
    steps = (
        np.stack([stacked.real, stacked.imag][: published.answer.shape[0]])
        * EVALUATOR.FIELDS[published.field]
    )
    answer = np.zeros(published.answer.shape, dtype=np.int64)
    answer[..., : stacked.shape[1]] = steps
    assert (answer[..., : stacked.shape[1]] == steps).all()
    assert np.iscomplexobj(stacked) == (published.field == "complex")
    return answer


def test_factors_that_yield_c_transposed_are_refused_and_named() -> None:
    answer = stored(3, 3, 3, "integer", 0)
    transposed = answer.copy()
    transposed[0, 18:] = answer[0, 18:].reshape(3, 3, -1).swapaxes(0, 1).reshape(9, -1)
    with pytest.raises(CandidateFailed, match="C transposed"):
        problem(3).rank(transposed)


def test_halves_are_halves_and_only_in_their_field() -> None:
    answer = stored(2, 2, 2, "half", 0)
    halves = answer.copy()
    halves[0, :4] *= 2
    halves[0, 4:8] //= 2  # entries of one half
    assert problem(2, "half").rank(halves) == 7
    with pytest.raises(CandidateFailed, match="entries are wrong"):
        problem(2).rank(halves)


def test_imaginary_parts_must_cancel() -> None:
    real, zero = stored(2, 2, 2, "complex", 0)
    turned = np.stack(
        [np.vstack([zero[:4], zero[4:8], real[8:]]), np.vstack([real[:4], -real[4:8], zero[8:]])]
    )  # iA, -iB
    assert problem(2, "complex").rank(turned) == 7
    turned[1, 4:8] *= -1  # iA, iB: the tensor with the wrong sign
    with pytest.raises(CandidateFailed, match="entries are wrong"):
        problem(2, "complex").rank(turned)
    with pytest.raises(CandidateFailed, match="entries are wrong"):
        problem(2, "complex").rank(
            np.stack([np.vstack([zero[:4], real[4:]]), np.vstack([real[:4], zero[4:]])])
        )  # i times the tensor


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 3), (2, 3, 4), (5, 2, 3)])
@pytest.mark.parametrize("field", ["integer", "half", "complex", "mod2"])
def test_the_standard_algorithm_is_right_for_every_shape_and_field(
    shape: tuple[int, int, int], field: str
) -> None:
    terms, steps = int(np.prod(shape)), 2 if field in ("half", "complex") else 1
    answer = PROGRAM.encode(PROGRAM.standard(*shape) * steps, terms, field)
    assert EVALUATOR.Problem(*shape, field).rank(answer) == terms
    assert PROGRAM.exact(answer, *shape, field)


def test_a_multiplication_counts_once_it_is_used() -> None:
    answer = stored(2, 2, 2, "integer", 0)
    assert not answer[..., 7].any()
    answer[0, :8, 7] = 1  # multiplied, and the product added nowhere
    assert problem(2).rank(answer) == 7
    split = answer.copy()
    split[0, :, 7] = answer[0, :, 0]
    split[0, 8:, 7] *= -1
    split[0, 8:, 0] *= 2
    assert problem(2).rank(split) == 8  # the same product twice


def test_one_multiplication_less_is_refused() -> None:
    answer = stored(2, 2, 2, "integer", 0)
    for term in range(7):
        wrong = answer.copy()
        wrong[..., term] = 0
        with pytest.raises(CandidateFailed, match="entries are wrong"):
            problem(2).rank(wrong)


def test_entries_too_large_to_add_up_exactly_are_refused() -> None:
    """Three entries whose product is 2**64 would add nothing at all in 64 bits."""
    assert EVALUATOR.MAX_TERMS * 4 * EVALUATOR.MAX_ENTRY**3 < 2**63
    answer = stored(2, 2, 2, "integer", 0)
    answer[0, 0, 7], answer[0, 4, 7], answer[0, 8, 7] = 2**22, 2**21, 2**21
    with pytest.raises(CandidateFailed, match="4194304"):
        problem(2).rank(answer)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ("answer.astype(float)", "float64"),  # right to the last digit, and floats all the same
        ("answer.astype(np.int32)", "int32"),
        ("answer[..., :7]", "int64[1, 12, 7]"),
        ("answer.tolist()", "int64[1, 12, 8]"),
    ],
)
def test_an_answer_of_another_form_is_refused(score: Score, change: str, words: str) -> None:
    text = STORED.replace(
        '    return answer % 2 if field == "mod2" else answer', f"    return {change}"
    )
    assert text != STORED
    trial = score(text)
    assert trial.status == "failed"
    assert words in trial.reason


def test_nothing_found_under_one_seed_helps_another(score: Score) -> None:
    """Each seed has a sandbox of its own: what the first leaves in memory and on disk is gone."""
    text = STORED.replace("def decompose(", "def known(") + (
        "\n\nfrom pathlib import Path\n\nseen = []\n\n\ndef decompose(m, n, p, field, seed):\n"
        "    if seen or Path('seen').exists():\n        return known(m, n, p, field, seed)\n"
        "    seen.append(seed)\n    Path('seen').touch()\n    i, j, k = np.indices((m, n, "
        "p)).reshape(3, -1)\n"
        "    answer = np.zeros((1, m * n + n * p + m * p, m * n * p), dtype=np.int64)\n"
        "    for row in (i * n + j, m * n + j * p + k, m * n + n * p + i * p + k):\n        "
        "answer[0, row, range(m * n * p)] = 1\n"
        "    return answer\n"
    )
    trial = score(text, seeds=3)
    assert trial.status == "ok", trial.reason
    assert (trial.score, trial.metrics["rank"]) == (8.0, 8.0)


def test_the_score_is_the_rank_and_then_the_share_of_seeds() -> None:
    assert EVALUATOR.score([7, 7]) == 7
    assert EVALUATOR.score([8, 7, 9, 27]) == 7.75
    assert EVALUATOR.score([7] + [27] * 99) < EVALUATOR.score([8] * 100)


@pytest.mark.parametrize("field", ["integer", "half", "complex", "mod2"])
def test_the_shipped_search_checks_itself_as_the_evaluator_does(field: str) -> None:
    ranks = [problem(2, field).rank(PROGRAM.decompose(2, 2, 2, field, seed)) for seed in range(2)]
    assert 7 in ranks
    assert set(ranks) <= {7, 8}
    wrong = stored(2, 2, 2, field, 0)
    assert PROGRAM.exact(wrong, 2, 2, 2, field)
    wrong[0, 0, 0] = 1 - bool(wrong[0, 0, 0])
    assert not PROGRAM.exact(wrong, 2, 2, 2, field)


def test_the_shipped_search_finds_strassens_rank_and_repeats(score: Score) -> None:
    first, again = (score(SHIPPED, seeds=3) for _ in range(2))
    assert first.status == "ok", first.reason
    assert first.score == again.score
    assert first.metrics["rank"] == 7
    assert first.measured["rank_plus_misses"][-1] == (3.0, first.score)


def test_the_shipped_search_finds_23_multiplications_for_3_by_3(score: Score) -> None:
    trial = score(SHIPPED.replace("STARTS = 12", "STARTS = 24"), shape="3,3,3", seeds=4, cpu_cap=20)
    assert trial.status == "ok", trial.reason
    assert trial.metrics["rank"] == 23


def test_a_single_seed_is_the_callers_mistake(score: Score) -> None:
    trial = score(STORED, seeds=1)
    assert trial.status != "ok"
    assert "2 or more" in trial.reason


def test_a_seed_that_takes_too_long_ends_the_trial(score: Score) -> None:
    spin = (
        "import time\n\n\ndef decompose(*args):\n"
        "    while time.process_time() < 1.5:\n        pass\n    return known(*args)\n"
    )
    trial = score(STORED.replace("def decompose(", "def known(") + "\n\n" + spin, cpu_cap=1.0)
    assert trial.status == "failed"
    assert "cpu_cap" in trial.reason


@pytest.mark.parametrize(
    ("shape", "field", "words"),
    [
        ("3,3", "integer", "3,3,3"),
        ("3,x,3", "integer", "3,3,3"),
        ("9,9,9", "integer", "512"),
        ("2,2,2", "real", "mod2"),
    ],
)
def test_a_problem_that_is_none_is_the_callers_mistake(shape: str, field: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        EVALUATOR.Problem.read(shape, field)
