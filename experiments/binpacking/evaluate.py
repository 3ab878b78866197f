"""Scores an online bin packing heuristic: reveals the items one by one and counts the bins itself.

Protocol of FunSearch (Romera-Paredes et al., Nature 2024; github.com/google-deepmind/funsearch,
bin_packing): one empty bin per item exists from the start, the heuristic ranks those with room, and
the first maximum takes the item. No candidate code is imported here: the sandbox answers with an
index, and capacities are checked here in integers.
"""

import math
import secrets
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from instances import Instance, draw_fresh, draw_scored

from workbench.evaluate import CandidateFailed, Cheated

FOLDER = Path(__file__).parent
FIRST = 5  # the stage `first` is a fifth of the instances
# Percentage points. Chance alone moves the gain over Best Fit by about 0.2 (standard deviation,
# with 5 and 3 instances of 2000 items).
FRESH_GAP = 1.0


def evaluate(trial: Any) -> dict[str, float]:
    """`excess` in percent: how many bins more than the lower bound, over the whole set.

    The set that decides is known before the trial, so that one trial is enough; an audit's set is
    not. A program that has learnt exactly this set is caught on fresh instances that it cannot
    know: there it must keep its gain over Best Fit, within `FRESH_GAP` or one bin per instance,
    whichever is more.

    Raises:
        CandidateFailed: an answer is not a bin, or the bin has no room.
        Cheated: the gain disappears on fresh instances.
    """
    with trial.start("driver.py", files={"driver.py": FOLDER / "driver.py"}, threads=1) as process:
        scored = draw_scored(trial.settings, trial.seed)
        fresh = draw_fresh(trial.settings, np.random.default_rng(secrets.randbits(128)))
        bins = []
        for number, instance in enumerate(scored, 1):
            bins.append(pack(process, instance))
            trial.report("excess", number, excess(bins, scored[:number]))
            if number == math.ceil(len(scored) / FIRST):
                trial.stage("first", excess(bins, scored[:number]))
        fresh_bins = [pack(process, instance) for instance in fresh]

    score = excess(bins, scored)
    if fresh:
        gain = excess([best_fit(instance) for instance in scored], scored) - score
        fresh_best_fit = excess([best_fit(instance) for instance in fresh], fresh)
        fresh_gain = fresh_best_fit - excess(fresh_bins, fresh)
        one_bin = 100.0 * len(fresh) / sum(instance.bound for instance in fresh)
        if gain > 0 and gain - fresh_gain > max(FRESH_GAP, one_bin):
            raise Cheated(
                f"fits these instances only: {gain:.2f} points better than Best Fit on them, "
                f"{fresh_gain:.2f} on {len(fresh)} fresh ones"
            )
    return {
        "excess": score,
        "mean_bins": sum(bins) / len(bins),
        "cpu_seconds": float(process.cpu_seconds),
    }


def check(trial: Any) -> None:
    """A smoke run: packs a few made-up items as in a trial.

    Raises:
        CandidateFailed: the heuristic would fail in a trial.
    """
    with trial.start("driver.py", files={"driver.py": FOLDER / "driver.py"}, threads=1) as process:
        pack(process, Instance((60, 50, 40, 30, 20, 10, 100, 1), 100))


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
            raise CandidateFailed(
                f"item {number} of size {item} was put into bin {index}, "
                f"which has room for {room[index]}"
            )
        room[index] -= item
    return sum(left < instance.capacity for left in room)


def excess(bins: Sequence[int], instances: Sequence[Instance]) -> float:
    """(mean bins - mean bound) / mean bound over the set, in percent; not the mean of the ratios.

    Source: FunSearch, table 1.
    """
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
