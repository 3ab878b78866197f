"""The instances of binpacking: drawn by a published recipe, or read from a file of the study."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from workbench.evaluate import hidden

FOLDER = Path(__file__).parent
SPLITS = ("search", "held_out")
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Instance:
    """Item sizes in order of arrival, and the capacity of a bin; integers throughout."""

    items: tuple[int, ...]
    capacity: int

    @property
    def bound(self) -> int:
        """The L1 lower bound: no packing needs fewer bins."""
        return -(-sum(self.items) // self.capacity)

    def shuffle(self, rng: np.random.Generator) -> "Instance":
        """The same items in another order."""
        return Instance(tuple(int(size) for size in rng.permutation(self.items)), self.capacity)


def weibull(rng: np.random.Generator, n_items: int) -> Instance:
    """Shape 3, scale 45, clipped to 1..100 and rounded; capacity 100.

    Source: FunSearch, Methods, after Castineiras et al. 2012.
    """
    sizes = np.clip(45.0 * rng.weibull(3.0, n_items), 1, 100)
    return Instance(tuple(int(size) for size in np.round(sizes)), 100)


def or_like(rng: np.random.Generator, n_items: int) -> Instance:
    """Uniform 20..100, capacity 150, as binpack1-4 of the OR-Library (Falkenauer 1996)."""
    return Instance(tuple(int(size) for size in rng.integers(20, 101, n_items)), 150)


RECIPES: dict[str, Callable[[np.random.Generator, int], Instance]] = {
    "weibull": weibull,
    "or": or_like,
}


def draw_scored(settings: Settings, trial_seed: int) -> list[Instance]:
    """The instances that the score is taken over.

    A recipe draws them from `seed`. A file is used as it is. Held out, that is the file `held_out`,
    or without one the same items in another order, drawn from `seed`. If `seed` is 0, the trial's
    seed is used instead, so that no one knows the set before.

    Raises:
        ValueError: an unknown recipe or split, seed 0 in a search, or a file without instances.
    """
    if settings["split"] not in SPLITS:
        raise ValueError(f"split = {settings['split']!r}; it is one of {', '.join(SPLITS)}")
    seed = int(settings["seed"])
    source = _source(settings)
    if not seed and settings["split"] == "search":
        raise ValueError(
            "seed = 0 draws another set in every trial, which is for audits; "
            "a search needs another number"
        )
    rng = np.random.default_rng(seed or hidden(trial_seed))
    if source in RECIPES:
        return [RECIPES[source](rng, int(settings["items"])) for _ in range(int(settings["count"]))]
    instances = read(FOLDER / source)
    is_same_file = settings["split"] == "held_out" and not settings["held_out"]
    if is_same_file:
        return [instance.shuffle(rng) for instance in instances]
    return instances


def draw_fresh(settings: Settings, rng: np.random.Generator) -> list[Instance]:
    """`fresh` instances of the same kind that no one can know before.

    New ones of a recipe, or some of the file's with their items in another order.
    """
    source = _source(settings)
    n_fresh = int(settings["fresh"])
    if source in RECIPES:
        return [RECIPES[source](rng, int(settings["items"])) for _ in range(n_fresh)]
    instances = read(FOLDER / source)
    indices = rng.integers(len(instances), size=n_fresh)
    return [instances[index].shuffle(rng) for index in indices]


def read(file: Path) -> list[Instance]:
    """The instances of a JSON file.

    The file holds one object with `capacity` and `items`, a list of such objects, or an object that
    names several. An object may state `num_items`, as FunSearch's do.

    Raises:
        ValueError: the file holds something else, or an item fits into no bin; the message names
        file and
            instance.
    """
    try:
        table = json.loads(file.read_bytes())
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file.name} is not JSON: {error}") from None
    instances = [_instance(f"{file.name}{name}", body) for name, body in _bodies(table)]
    if not instances:
        raise ValueError(f"{file.name} holds no instance")
    return instances


def _source(settings: Settings) -> str:
    """Name of a recipe, or path of a file relative to the experiment."""
    key = "held_out" if settings["split"] == "held_out" and settings["held_out"] else "instances"
    source = str(settings[key])
    if source not in RECIPES and not (FOLDER / source).is_file():
        raise ValueError(
            f"{key} = {source!r}; it is one of {', '.join(RECIPES)}, "
            f"or a file such as ./{source or 'or3'}.json"
        )
    return source


def _bodies(table: Any) -> Iterator[tuple[str, Any]]:
    """Each instance's object, with its name for messages."""
    if isinstance(table, list):
        yield from ((f", instance {number}", body) for number, body in enumerate(table, 1))
    elif isinstance(table, dict) and "items" not in table:
        yield from ((f", {name}", body) for name, body in table.items())
    else:
        yield "", table


def _instance(name: str, body: Any) -> Instance:
    if not isinstance(body, dict) or not {"capacity", "items"} <= body.keys():
        raise ValueError(
            f'{name}: an instance is written {{"capacity": 150, "items": [42, 69, 67]}}'
        )
    capacity = body["capacity"]
    items = body["items"]
    if type(capacity) is not int or capacity < 1:
        raise ValueError(f"{name}: capacity = {capacity!r:.40}; it is a whole number of at least 1")
    if not isinstance(items, list) or not items:
        raise ValueError(f"{name}: items is a list with one whole number or more")
    for number, item in enumerate(items, 1):
        if type(item) is not int or not 1 <= item <= capacity:
            raise ValueError(
                f"{name}: item {number} is {item!r:.40}; "
                f"it is a whole number from 1 to the capacity {capacity}"
            )
    if body.get("num_items", len(items)) != len(items):
        raise ValueError(
            f"{name}: num_items = {body['num_items']!r:.40}, and there are {len(items)} items"
        )
    return Instance(tuple(items), capacity)
