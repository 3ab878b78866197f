"""The program under improvement: writes the product of two matrices.

It should use as few multiplications as it can find.

`decompose` may search, or return a stored decomposition, or both. Only exact answers count: `exact`
is the test that it runs itself, and what it has not found it replaces by the standard algorithm,
which is always right.
"""

import time

import numpy as np

# What is aimed at, by sorted shape; for other shapes one multiplication in eight is to be saved
AIMS = {
    (2, 2, 2): 7,
    (2, 2, 3): 11,
    (2, 2, 4): 14,
    (2, 3, 3): 15,
    (2, 3, 4): 20,
    (3, 3, 3): 23,
    (4, 4, 4): 49,
}

# Alternating least squares, all starts at once: free first, then drawn towards the grid
STARTS = 12
SWEEPS = 800
SPREAD = 0.5  # standard deviation of the first factors
DAMPING = 0.3  # in the first sweep
FREE_DAMPING = 0.01  # at the end of the free part
GRID_DAMPING = 1.0  # in the last sweep
FREE_SHARE = 0.4  # of the sweeps
DECAY = 0.8  # of what the damping draws towards in the free part: this share of the present factor
BOUND = 2.0  # on entries that are drawn at
CAPTURE_POWER = 1.0  # how the distance from which the grid attracts grows


def decompose(m: int, n: int, p: int, field: str, seed: int) -> np.ndarray:
    """Returns `(parts, mn + np + mp, mnp)` int64: the factors of A, B and C below each other.

    There is one column per multiplication.

    Columns that are not needed are zero. program.md states the fields, the parts and the order of
    the rows.
    """
    rng = np.random.default_rng(seed)
    terms = AIMS.get(tuple(sorted((m, n, p))), m * n * p * 7 // 8)
    grid = 0.5 if field in ("half", "complex") else 1.0
    grids = np.where(np.arange(STARTS) % 2, grid, 1.0)[
        :, None, None
    ]  # whole numbers lie in every field, and are easier to reach
    factors = settle(tensor(m, n, p), terms, grids, field == "complex", rng)
    stacked = np.concatenate(factors, 1)  # (starts, rows, terms)
    for one in np.rint(stacked / grid):
        answer = encode(one, m * n * p, field)
        if exact(answer, m, n, p, field):
            return answer
    return encode(standard(m, n, p) / grid, m * n * p, field)


def tensor(m: int, n: int, p: int) -> np.ndarray:
    """The `(mn, np, mp)` tensor of C = A B.

    1 where C[i, k] takes A[i, j] B[j, k], rows of each matrix one after the other.
    """
    i, j, k = np.indices((m, n, p)).reshape(3, -1)
    result = np.zeros((m * n, n * p, m * p))
    result[i * n + j, j * p + k, i * p + k] = 1
    return result


def settle(
    target: np.ndarray, terms: int, grids: np.ndarray, is_complex: bool, rng: np.random.Generator
) -> list[np.ndarray]:
    """Factors, each `(starts, rows, terms)`, that should multiply to `target`.

    They should lie close to multiples of `grids`, `(starts, 1, 1)`.
    """
    unfolded = [np.moveaxis(target, axis, 0).reshape(target.shape[axis], -1) for axis in range(3)]
    factors = [SPREAD * rng.normal(size=(STARTS, rows, terms)) for rows in target.shape]
    if is_complex:
        imaginary = SPREAD * (
            grids < 1
        )  # a start that is real stays so, and is drawn to whole numbers
        factors = [one + 1j * imaginary * rng.normal(size=one.shape) for one in factors]
    printed_at = time.perf_counter()
    for sweep in range(SWEEPS):
        progress = sweep / SWEEPS
        if progress < FREE_SHARE:
            damping = DAMPING * (FREE_DAMPING / DAMPING) ** (progress / FREE_SHARE)
            reach = 0.0
        else:
            along = (progress - FREE_SHARE) / (1 - FREE_SHARE)
            damping = FREE_DAMPING * (GRID_DAMPING / FREE_DAMPING) ** along
            reach = 0.5 * along**CAPTURE_POWER
        for axis in range(3):
            left, right = (factors[other].conj() for other in range(3) if other != axis)
            drawn = attract(factors[axis], grids, reach)
            gram = (left.conj().swapaxes(1, 2) @ left) * (
                right.conj().swapaxes(1, 2) @ right
            )  # (starts, terms, terms)
            product = (left[:, :, None] * right[:, None]).reshape(STARTS, -1, terms)
            target = unfolded[axis] @ product + damping * drawn  # (starts, rows, terms)
            system = gram.swapaxes(1, 2) + damping * np.eye(terms)
            factors[axis] = np.linalg.solve(system, target.swapaxes(1, 2)).swapaxes(1, 2)
        if time.perf_counter() > printed_at + 0.5:
            printed_at = time.perf_counter()
            error = np.abs(
                unfolded[2]
                - factors[2]
                @ (factors[0][:, :, None] * factors[1][:, None])
                .reshape(STARTS, -1, terms)
                .swapaxes(1, 2)
            )
            print(f"step {sweep} | error: {(error**2).sum((1, 2)).min():.5f}", flush=True)
    return factors


def attract(factor: np.ndarray, grids: np.ndarray, reach: float) -> np.ndarray:
    """Where the damping draws each entry.

    To the grid within `reach` of its spacing, else to where it is; shrunk when nothing reaches.
    """
    if np.iscomplexobj(factor):
        return attract(factor.real, grids, reach) + 1j * attract(factor.imag, grids, reach)
    nearest = grids * np.rint(factor / grids)
    target = (
        np.where(np.abs(factor - nearest) <= reach * grids, nearest, factor)
        if reach
        else DECAY * factor
    )
    return np.clip(target, -BOUND, BOUND)


def standard(m: int, n: int, p: int) -> np.ndarray:
    """The standard algorithm, `(mn + np + mp, mnp)`.

    One multiplication for each A[i, j] B[j, k].
    """
    i, j, k = np.indices((m, n, p)).reshape(3, -1)
    factors = np.zeros((m * n + n * p + m * p, m * n * p))
    column = np.arange(m * n * p)
    for row in (i * n + j, m * n + j * p + k, m * n + n * p + i * p + k):
        factors[row, column] = 1
    return factors


def encode(factors: np.ndarray, columns: int, field: str) -> np.ndarray:
    """Factors `(rows, terms)`, counted in steps of the grid, as the evaluator wants them.

    `(parts, rows, columns)` int64.
    """
    parts = np.stack([factors.real, factors.imag]) if field == "complex" else factors[None].real
    answer = np.zeros((*parts.shape[:2], columns), dtype=np.int64)
    answer[:, :, : parts.shape[2]] = np.rint(parts)
    return answer % 2 if field == "mod2" else answer


def exact(answer: np.ndarray, m: int, n: int, p: int, field: str) -> bool:
    """Whether an answer is right, in whole numbers: what the evaluator asks."""
    value = (
        answer[0] + 1j * answer[1] if field == "complex" else answer[0]
    )  # complex floats hold these small numbers exactly
    a, b, c = np.split(value, [m * n, m * n + n * p])
    difference = np.einsum("ar,br,cr->abc", a, b, c) - tensor(m, n, p) * (
        8 if field in ("half", "complex") else 1
    )
    return not (difference % 2).any() if field == "mod2" else not difference.any()
