"""Scores an online bin packing heuristic: holds the items, reveals them one by one, and counts the bins itself.

Protocol of FunSearch (Romera-Paredes et al., Nature 2024; github.com/google-deepmind/funsearch, bin_packing): one empty bin per
item exists from the start, the heuristic ranks those with room, the first maximum takes the item. No candidate code is imported
here: the sandbox answers with an index, and capacities are checked here in integers.
"""

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.evaluate import CandidateFailed, Cheated

FOLDER = Path(__file__).parent
FRESH_GAP = 1.0  # percentage points; chance alone moves the gain over Best Fit by about 0.2 (sd, 5 and 3 x 2000 items)


@dataclass(frozen=True)
class Instance:
    """Item sizes in order of arrival, and the capacity of a bin; integers throughout."""

    items: tuple[int, ...]
    capacity: int

    @property
    def bound(self) -> int:
        """The L1 lower bound: no packing needs fewer bins."""
        return -(-sum(self.items) // self.capacity)


def weibull(rng: np.random.Generator, n_items: int) -> Instance:
    """Shape 3, scale 45, clipped to 1..100 and rounded; capacity 100. Source: FunSearch, Methods, after Castineiras et al. 2012."""
    sizes = np.clip(45.0 * rng.weibull(3.0, n_items), 1, 100)
    return Instance(tuple(int(size) for size in np.round(sizes)), 100)


def or_like(rng: np.random.Generator, n_items: int) -> Instance:
    """Uniform 20..100, capacity 150, as binpack1-4 of the OR-Library (Falkenauer 1996)."""
    return Instance(tuple(int(size) for size in rng.integers(20, 101, n_items)), 150)


RECIPES: dict[str, Callable[[np.random.Generator, int], Instance]] = {"weibull": weibull, "or": or_like}


def evaluate(trial: Any) -> dict[str, float]:
    """`excess` in percent: how many bins more than the lower bound, over the whole set.

    The instances come from the experiment's own seed, so that one trial tells all. A program that has learnt exactly them is
    caught on instances nobody could know: there it must keep its gain over Best Fit, within `FRESH_GAP`.

    Raises:
        CandidateFailed: an answer that is no bin, or a bin without room.
        Cheated: the gain is not there on fresh instances.
    """
    settings = trial.settings
    if settings["instances"] not in RECIPES:
        raise ValueError(f"instances = {settings['instances']!r}; it is one of {', '.join(RECIPES)}")
    recipe, n_items = RECIPES[settings["instances"]], int(settings["items"])
    with trial.start("driver.py", files={"driver.py": FOLDER / "driver.py"}, threads=1) as process:
        rng = np.random.default_rng(int(settings["seed"]))
        instances = [recipe(rng, n_items) for _ in range(int(settings["count"]))]
        rng = np.random.default_rng(secrets.randbits(128))
        fresh = [recipe(rng, n_items) for _ in range(int(settings["fresh"]))]
        bins = []
        for number, instance in enumerate(instances):
            bins.append(pack(process, instance))
            trial.report("excess", number + 1, excess(bins, instances[: number + 1]))
        fresh_bins = [pack(process, instance) for instance in fresh]

    score = excess(bins, instances)
    if fresh:
        gain = excess([best_fit(instance) for instance in instances], instances) - score
        fresh_gain = excess([best_fit(instance) for instance in fresh], fresh) - excess(fresh_bins, fresh)
        if gain > 0 and gain - fresh_gain > FRESH_GAP:
            raise Cheated(
                f"fits these instances only: {gain:.2f} points better than Best Fit on them, {fresh_gain:.2f} on {len(fresh)} fresh ones"
            )
    return {"excess": score, "mean_bins": sum(bins) / len(bins), "cpu_seconds": float(process.cpu_seconds)}


def pack(process: Any, instance: Instance) -> int:
    """Number of bins that the candidate uses; each answer is checked before the next item is shown.

    Raises:
        CandidateFailed: an index out of range, or a bin without room.
    """
    room = [instance.capacity] * len(instance.items)
    process.call("begin", instance.capacity, len(room), returns=None)
    for number, item in enumerate(instance.items):
        index = process.call("place", item, returns=int)
        if not 0 <= index < len(room):
            raise CandidateFailed(f"item {number} was put into bin {index}; there are {len(room)}")
        if room[index] < item:
            raise CandidateFailed(f"item {number} of size {item} was put into bin {index}, which has room for {room[index]}")
        room[index] -= item
    return sum(left < instance.capacity for left in room)


def excess(bins: Sequence[int], instances: Sequence[Instance]) -> float:
    """(mean bins - mean bound) / mean bound in percent over the set; not the mean of the ratios. Source: FunSearch, table 1."""
    bound = sum(instance.bound for instance in instances)
    return 100.0 * (sum(bins) - bound) / bound


def best_fit(instance: Instance) -> int:
    """Bins that Best Fit uses: counts how many open bins have which room."""
    open_bins = [0] * (instance.capacity + 1)
    for item in instance.items:
        left = next((left for left in range(item, instance.capacity) if open_bins[left]), None)
        if left is None:
            left = instance.capacity
        else:
            open_bins[left] -= 1
        open_bins[left - item] += 1
    return sum(open_bins)
