"""What a task is, and what its families draw names and numbers from.

Nothing here, and no check, is ever in a sandbox.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass

Files = Mapping[str, str]
Fresh = Callable[
    [Files, str], str
]  # runs a command over files in a new sandbox; what it prints, empty where it fails
Check = Callable[[Files, Fresh], bool]

WORDS = (
    "amber",
    "basil",
    "cedar",
    "delta",
    "ember",
    "fjord",
    "garnet",
    "hazel",
    "indigo",
    "juniper",
    "kelp",
    "lotus",
    "maple",
    "nectar",
    "onyx",
    "pepper",
    "quartz",
    "raven",
    "saffron",
    "thyme",
    "umber",
    "violet",
    "walnut",
    "xenon",
    "yarrow",
    "zephyr",
    "acorn",
    "birch",
    "coral",
    "dune",
    "elm",
    "fern",
    "grove",
    "heath",
    "iris",
    "jade",
    "knoll",
    "larch",
    "moss",
    "north",
)


@dataclass(frozen=True)
class Task:
    """What is asked, in which folder, and the hidden test of what is left there.

    Attributes:
        text: what the harness is told. files: text by path, before. check: of the files after; True
            where the task is solved.
    """

    text: str
    files: Files
    check: Check


Family = Callable[[random.Random], Task]


def words(rng: random.Random, count: int) -> list[str]:
    """Different words."""
    return rng.sample(WORDS, count)


def code(rng: random.Random) -> str:
    """Eight characters that no one can guess."""
    return "".join(rng.choices("abcdefghjkmnpqrstuvwxyz23456789", k=8))


def prose(rng: random.Random, count: int) -> str:
    """So many words, in lines of nine."""
    drawn = rng.choices(WORDS, k=count)
    return "".join(" ".join(drawn[at : at + 9]) + "\n" for at in range(0, count, 9))


def holds(after: Files, path: str, value: object) -> bool:
    """Whether a file holds this and nothing else, but for space around it."""
    return after.get(path, "").strip() == str(value)


def is_untouched(before: Files, after: Files) -> bool:
    """Whether every file is as it was; there may be more."""
    return all(after.get(path) == text for path, text in before.items())
