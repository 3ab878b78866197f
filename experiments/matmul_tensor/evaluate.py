"""Scores decompositions of the matrix-multiplication tensor: checks them and counts.

Each is checked exactly, in integers; its multiplications are counted.

The problem is AlphaEvolve's (arXiv 2506.13131, section 3.1 and appendix A), and so is the score:
the lowest rank, then the share of seeds that reach it. No candidate code is imported here, nothing
is rounded, and the tolerance is 0.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from workbench.evaluate import Array, CandidateFailed

FIELDS = {
    "integer": 1,
    "half": 2,
    "complex": 2,
    "mod2": 1,
}  # to the number of steps in which the grid counts 1
MAX_TERMS = 512  # of the standard algorithm
MAX_ENTRY = (
    1000  # in steps of the grid: 512 products of three (Gaussian) entries stay far below 2**63
)


@dataclass(frozen=True)
class Problem:
    """The product C = A B of an (m, n) and an (n, p) matrix over one field."""

    m: int
    n: int
    p: int
    field: str

    def __post_init__(self) -> None:
        if self.field not in FIELDS:
            raise ValueError(f"field = {self.field!r}; it is one of {', '.join(FIELDS)}")
        if min(self.m, self.n, self.p) < 1 or self.terms > MAX_TERMS:
            raise ValueError(
                f"shape = {self.m},{self.n},{self.p}; each is at least 1, and their product at "
                f"most {MAX_TERMS}"
            )

    @classmethod
    def read(cls, shape: str, field: str) -> "Problem":
        """Raises ValueError if the shape is not of the form 3,3,3, or the field is unknown."""
        sizes = shape.split(",")
        if len(sizes) != 3 or not all(size.strip().isdecimal() for size in sizes):
            raise ValueError(f"shape = {shape!r}; write three sizes, as in 3,3,3")
        return cls(*map(int, sizes), field)

    @property
    def terms(self) -> int:
        """Multiplications of the standard algorithm, and columns of an answer."""
        return self.m * self.n * self.p

    @property
    def rows(self) -> tuple[int, int, int]:
        """Rows of an answer that belong to A, to B and to C."""
        return self.m * self.n, self.n * self.p, self.m * self.p

    @property
    def answer(self) -> Array:
        """`(parts, mn + np + mp, mnp)`; a second part, the imaginary one, only over `complex`."""
        return Array("int64", (2 if self.field == "complex" else 1, sum(self.rows), self.terms))

    def tensor(self, transposed: bool = False) -> np.ndarray:
        """`(mn, np, mp)` int64; with `transposed` the entries of C are counted down its columns."""
        i, j, k = np.indices((self.m, self.n, self.p)).reshape(3, -1)
        result = np.zeros(self.rows, dtype=np.int64)
        result[i * self.n + j, j * self.p + k, k * self.m + i if transposed else i * self.p + k] = 1
        return result

    def rank(self, answer: np.ndarray) -> int:
        """How many multiplications an answer uses: columns in which no factor is zero.

        Raises:
            CandidateFailed: it is not a decomposition of the tensor, or has entries that the field
            has not.
        """
        low, high = (0, 1) if self.field == "mod2" else (-MAX_ENTRY, MAX_ENTRY)
        if answer.min() < low or answer.max() > high:
            raise CandidateFailed(
                f"entries of the factors go from {answer.min()} to {answer.max()}; over "
                f"{self.field}: {low} to {high}"
            )
        edges = [self.rows[0], self.rows[0] + self.rows[1]]
        real, imaginary = self._product(*np.split(answer, edges, axis=1))
        unit = FIELDS[self.field] ** 3
        if wrong := self._wrong(real - unit * self.tensor(), imaginary):
            if not self._wrong(real - unit * self.tensor(transposed=True), imaginary):
                raise CandidateFailed(
                    "the factors yield C transposed; the row of C[i, k] is i * p + k"
                )
            raise CandidateFailed(
                f"not a decomposition of the tensor: {wrong} of its {real.size} entries are wrong"
            )
        used = np.logical_and.reduce(
            [part.any(axis=(0, 1)) for part in np.split(answer, edges, axis=1)]
        )
        return int(used.sum())

    def _product(
        self, a: np.ndarray, b: np.ndarray, c: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Real and imaginary part of the tensor that the factors make, in steps of the grid cubed.

        Args:
            factors: each `(parts, rows, terms)`.
        """
        if self.field != "complex":
            whole = _sum(_outer(a[0], b[0]), c[0]).reshape(self.rows)
            return whole, np.zeros_like(whole)
        real = _outer(a[0], b[0]) - _outer(a[1], b[1])
        imaginary = _outer(a[0], b[1]) + _outer(a[1], b[0])
        return (
            (_sum(real, c[0]) - _sum(imaginary, c[1])).reshape(self.rows),
            (_sum(real, c[1]) + _sum(imaginary, c[0])).reshape(self.rows),
        )

    def _wrong(self, difference: np.ndarray, imaginary: np.ndarray) -> int:
        if self.field == "mod2":
            difference = difference % 2
        return int(((difference != 0) | (imaginary != 0)).sum())


def _outer(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """`(rows of a x rows of b, terms)`."""
    return (a[:, None] * b[None]).reshape(-1, a.shape[1])


def _sum(products: np.ndarray, c: np.ndarray) -> np.ndarray:
    return products @ c.T


def evaluate(trial: Any) -> dict[str, float]:
    """`rank_plus_misses`: the lowest rank over the seeds, plus the share of seeds that miss it.

    Each seed has a separate sandbox, so that nothing found under one helps another.

    Raises:
        CandidateFailed: an answer is not an exact decomposition, or took more CPU time than
        `cpu_cap` for one seed.
    """
    settings = trial.settings
    problem = Problem.read(settings["shape"], settings["field"])
    cap = float(settings["cpu_cap"])
    if int(settings["seeds"]) < 2:
        raise ValueError(f"seeds = {settings['seeds']}; a share needs 2 or more")
    seeds = np.random.default_rng(trial.seed).integers(1 << 31, size=int(settings["seeds"]))
    ranks = []
    cpu_seconds = 0.0
    for number, seed in enumerate(seeds.tolist(), 1):
        with trial.start("search.py") as process:
            arguments = (problem.m, problem.n, problem.p, problem.field, seed)
            ranks.append(
                problem.rank(process.call("decompose", *arguments, returns=problem.answer))
            )
        if process.cpu_seconds > cap:
            raise CandidateFailed(
                f"one seed took {process.cpu_seconds:.1f} CPU seconds; it may take {cap:g} "
                "(settings.cpu_cap)"
            )
        cpu_seconds += process.cpu_seconds
        trial.report("rank_plus_misses", number, score(ranks))
    best = min(ranks)
    trial.units(best + (rank > best) for rank in ranks)
    return {
        "rank_plus_misses": score(ranks),
        "rank": best,
        "share": ranks.count(best) / len(ranks),
        "cpu_seconds": cpu_seconds,
    }


def score(ranks: list[int]) -> float:
    """The lowest rank, plus the share of seeds that did not reach it.

    Its whole part is the rank.
    """
    return min(ranks) + 1 - ranks.count(min(ranks)) / len(ranks)
