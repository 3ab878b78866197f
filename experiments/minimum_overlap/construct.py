"""The program under improvement: a step function f on [-1, 1].

Its overlap with 1 - f should be small at every shift.

`construct` may search, or return stored heights, or both. Heights are integers; `exact` makes them
of floats.
"""

import time

import numpy as np

HEIGHT = 10**9  # the integer that stands for 1, fixed by the evaluator

# Where a start begins: one half everywhere, plus smooth noise
NOISE = 0.3  # standard deviation of the noise
SMOOTHNESS = 0.1  # length over which the noise is alike, as a share of the interval
SYMMETRIC = False

# The descent: all starts at once, on a soft maximum of the overlaps that becomes sharper
STARTS = 8
ROUNDS = 1000
SHARPNESS = 20.0  # at the first round
FINAL_SHARPNESS = 400.0
STEP_SIZE = 0.03  # at the first round
FINAL_STEP = 0.05  # of STEP_SIZE, at the last round
MOMENTUM = 0.9
SCALE_MEMORY = 0.99


def construct(steps: int, seed: int) -> np.ndarray:
    """Returns `(steps,)` int64 heights, 0 to HEIGHT, that add up to exactly steps x HEIGHT / 2."""
    rng = np.random.default_rng(seed)
    f = project(0.5 + NOISE * smooth(rng.normal(size=(STARTS, steps))))  # (starts, steps)
    mean = np.zeros_like(f)
    square = np.zeros_like(f)
    best = f[0]
    best_overlap = np.inf
    printed_at = time.perf_counter()
    for number in range(1, ROUNDS + 1):
        progress = number / ROUNDS
        overlaps = overlap(f)
        worst = overlaps.max(1)
        if worst.min() < best_overlap:
            best = f[worst.argmin()]
            best_overlap = worst.min()
        slope = gradient(f, overlaps, SHARPNESS * (FINAL_SHARPNESS / SHARPNESS) ** progress)
        mean = MOMENTUM * mean + (1 - MOMENTUM) * slope
        square = SCALE_MEMORY * square + (1 - SCALE_MEMORY) * slope**2
        size = STEP_SIZE * FINAL_STEP**progress
        f = project(
            f
            - size
            * (mean / (1 - MOMENTUM**number))
            / (np.sqrt(square / (1 - SCALE_MEMORY**number)) + 1e-9)
        )
        if time.perf_counter() > printed_at + 0.5:
            printed_at = time.perf_counter()
            print(f"step {number} | overlap: {best_overlap:.6f}", flush=True)
    return exact(best)


def smooth(noise: np.ndarray) -> np.ndarray:
    """White noise `(starts, steps)` made smooth, of standard deviation about 1.

    Even where SYMMETRIC.
    """
    steps = noise.shape[1]
    frequencies = np.fft.rfftfreq(steps, 1 / steps)
    spectrum = np.fft.rfft(noise) * np.exp(-((frequencies * SMOOTHNESS) ** 2))
    wave = np.fft.irfft(spectrum, steps)
    if SYMMETRIC:
        wave = wave + wave[:, ::-1]
    return wave / (wave.std(axis=1, keepdims=True) + 1e-12)


def overlap(f: np.ndarray) -> np.ndarray:
    """The overlap of each f with 1 - f at every shift by whole steps: `(starts, 2 steps - 1)`."""
    steps = f.shape[1]
    size = 2 * steps
    products = np.fft.irfft(np.conj(np.fft.rfft(f, size)) * np.fft.rfft(1 - f, size), size)
    return 2 / steps * np.concatenate([products[:, -(steps - 1) :], products[:, :steps]], 1)


def gradient(f: np.ndarray, overlaps: np.ndarray, sharpness: float) -> np.ndarray:
    """Of log(sum(exp(sharpness x overlaps))) / sharpness, times steps / 2: `(starts, steps)`."""
    steps = f.shape[1]
    weights = np.exp(sharpness * (overlaps - overlaps.max(1, keepdims=True)))
    weights /= weights.sum(1, keepdims=True)  # by shift, from -(steps - 1) on
    size = 4 * steps
    spectrum = np.fft.rfft(weights, size)
    middle = slice(steps - 1, 2 * steps - 1)
    ahead = np.fft.irfft(np.fft.rfft(weights[:, ::-1], size) * np.fft.rfft(1 - f, size), size)[
        :, middle
    ]
    behind = np.fft.irfft(spectrum * np.fft.rfft(f, size), size)[:, middle]
    return ahead - behind


def project(f: np.ndarray) -> np.ndarray:
    """The nearest heights between 0 and 1 with a mean of one half.

    `(starts, steps)`, by bisection for the shift.
    """
    low = f.min(1, keepdims=True) - 1.0
    high = f.max(1, keepdims=True) + 1.0
    for _ in range(40):
        shift = (low + high) / 2
        too_high = np.clip(f - shift, 0, 1).mean(1, keepdims=True) > 0.5
        low = np.where(too_high, shift, low)
        high = np.where(too_high, high, shift)
    return np.clip(f - shift, 0, 1)


def exact(f: np.ndarray) -> np.ndarray:
    """Heights `(steps,)` as integers.

    What rounding leaves over is spread over steps that have room for it.
    """
    heights = np.rint(f * HEIGHT).astype(np.int64)
    missing = len(f) * HEIGHT // 2 - int(heights.sum())
    for place in np.argsort(np.abs(heights - HEIGHT // 2)):  # the middling ones have most room
        change = int(np.clip(missing, -heights[place], HEIGHT - heights[place]))
        heights[place] += change
        missing -= change
    return heights
