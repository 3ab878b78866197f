"""The program under improvement: places n circles in the unit square with large radii.

Their radii should add up to as much as possible.

`pack` may search, or return stored coordinates, or both. Nothing repairs its answer: `tighten`
makes it exactly feasible.
"""

import time
from fractions import Fraction
from itertools import combinations

import numpy as np

# Where a start puts the centres
LAYOUT = "random"  # one of: random, grid, rows
JITTER = 0.03  # standard deviation, as a share of the side
FIRST_RADIUS = 0.3  # share of 1 / sqrt(n)

# The descent: all starts at once, on minus the sum of radii plus a growing price of overlaps
STARTS = 8
STEPS = 600
STEP_SIZE = 0.02  # of the first step; falls to FINAL_STEP of it
FINAL_STEP = 0.02
PRICE = 5.0  # of a squared overlap, in the first step
FINAL_PRICE = 50.0
MOMENTUM = 0.9
SCALE_MEMORY = 0.99


def pack(n: int, seed: int) -> np.ndarray:
    """Returns `(n, 3)` float64.

    X, y and radius of each circle, inside the unit square, without any overlap.
    """
    rng = np.random.default_rng(seed)
    state = np.stack([start(n, rng) for _ in range(STARTS)])  # (starts, n, 3)
    mean = np.zeros_like(state)
    square = np.zeros_like(state)
    printed_at = time.perf_counter()
    for step in range(1, STEPS + 1):
        progress = step / STEPS
        slope = gradient(state, PRICE * (FINAL_PRICE / PRICE) ** progress)
        mean = MOMENTUM * mean + (1 - MOMENTUM) * slope
        square = SCALE_MEMORY * square + (1 - SCALE_MEMORY) * slope**2
        size = STEP_SIZE * FINAL_STEP**progress
        state -= (
            size
            * (mean / (1 - MOMENTUM**step))
            / (np.sqrt(square / (1 - SCALE_MEMORY**step)) + 1e-9)
        )
        if time.perf_counter() > printed_at + 0.5:
            printed_at = time.perf_counter()
            print(
                f"step {step} | sum_radii: {max(shrink(one)[:, 2].sum() for one in state):.5f}",
                flush=True,
            )
    return tighten(max((shrink(one) for one in state), key=lambda one: one[:, 2].sum()))


def start(n: int, rng: np.random.Generator) -> np.ndarray:
    """Centres by LAYOUT, and small equal radii: `(n, 3)`."""
    side = int(np.ceil(np.sqrt(n)))
    if LAYOUT == "grid":
        cells = rng.permutation(side * side)[:n]
        centres = (np.stack([cells % side, cells // side], 1) + 0.5) / side
    elif LAYOUT == "rows":  # every other row shifted by half a place
        row = np.arange(n) // side
        place = np.arange(n) % side
        centres = np.stack(
            [(place + 0.25 + 0.5 * (row % 2)) / side, (row + 0.5) / np.ceil(n / side)], 1
        )
    else:
        centres = rng.random((n, 2))
    centres = np.clip(centres + rng.normal(scale=JITTER, size=(n, 2)), 0.01, 0.99)
    return np.column_stack([centres, np.full(n, FIRST_RADIUS / np.sqrt(n))])


def gradient(state: np.ndarray, price: float) -> np.ndarray:
    """Of price x (sum of squared overlaps, with each other and with the walls) - sum of radii.

    `(starts, n, 3)` as `state`.
    """
    centres = state[..., :2]
    radii = state[..., 2]
    apart = centres[:, :, None] - centres[:, None]  # (starts, n, n, 2)
    distance = np.sqrt((apart**2).sum(-1)) + 1e-12
    overlap = np.maximum(radii[:, :, None] + radii[:, None] - distance, 0.0)
    overlap[:, np.arange(state.shape[1]), np.arange(state.shape[1])] = 0.0
    low = np.maximum(radii[..., None] - centres, 0.0)
    high = np.maximum(radii[..., None] + centres - 1.0, 0.0)
    below = np.maximum(-radii, 0.0)
    slope = np.empty_like(state)
    slope[..., :2] = 2 * price * (high - low - ((overlap / distance)[..., None] * apart).sum(2))
    slope[..., 2] = 2 * price * (overlap.sum(2) + (low + high).sum(-1) - below) - 1.0
    return slope


def shrink(circles: np.ndarray) -> np.ndarray:
    """The circles with radii so small that, up to rounding, nothing overlaps.

    Of two that do, each gives way in proportion.
    """
    circles = circles.copy()
    circles[:, :2] = np.clip(circles[:, :2], 0.0, 1.0)
    centres = circles[:, :2]
    radii = np.minimum(np.maximum(circles[:, 2], 0.0), np.minimum(centres, 1.0 - centres).min(1))
    distance = np.sqrt(((centres[:, None] - centres[None]) ** 2).sum(-1))
    both = radii[:, None] + radii[None] + 1e-300
    np.fill_diagonal(distance, np.inf)
    circles[:, 2] = radii * np.minimum(distance / both, 1.0).min(1)
    return circles


def tighten(circles: np.ndarray) -> np.ndarray:
    """The circles with all radii made smaller by the smallest of 0, 1e-16, 4e-16, ...

    That passes in exact arithmetic.
    """
    less = 0.0
    while True:
        smaller = circles.copy()
        smaller[:, 2] = np.maximum(circles[:, 2] - less, 0.0)
        if is_feasible(smaller):
            return smaller
        less = max(1e-16, 4 * less)


def is_feasible(circles: np.ndarray) -> bool:
    """What the evaluator asks, in fractions: inside the square, and no two circles overlap."""
    exact = [[Fraction(float(value)) for value in circle] for circle in circles]
    inside = all(r >= 0 and r <= x <= 1 - r and r <= y <= 1 - r for x, y, r in exact)
    return inside and all(
        (a - d) ** 2 + (b - e) ** 2 >= (c + f) ** 2
        for (a, b, c), (d, e, f) in combinations(exact, 2)
    )
