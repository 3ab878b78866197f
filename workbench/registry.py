"""Names of strategies, proposers, executors and policies, the entry points by which others add one, and proposers a person named.

An implementation is a callable (usually a class) that returns an object with the role's Protocol. It is imported when it is
asked for, so that naming `tuner` in an option does not load Optuna.
"""

import os
import re
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

BUILTIN: dict[str, dict[str, str]] = {
    "proposers": {
        "agent": "workbench.propose.agent.agent:Agent",
        "evolve": "workbench.propose.evolve:Evolve",
        "null": "workbench.propose.null:Null",
        "patches": "workbench.propose.patches:Patches",
        "replay": "workbench.propose.replay:Replay",
        "tuner": "workbench.propose.tuner:Tuner",
    },
    "strategies": {
        "best-of-n": "workbench.search.best_of_n:BestOfN",
        "frontier": "workbench.search.frontier:Frontier",
        "hillclimb": "workbench.search.hillclimb:HillClimb",
        "islands": "workbench.search.islands:Islands",
    },
    "policies": {
        "tested": "workbench.decide.tested:Tested",
        "greedy": "workbench.decide.greedy:Greedy",
    },
    "executors": {"local": "workbench.evaluate.local:LocalExecutor"},
}


def _entry_points(role: str) -> "EntryPoints":
    from importlib.metadata import entry_points  # 25 ms, and a command that only looks needs none

    return entry_points(group=f"workbench.{role}")


def names(role: str) -> list[str]:
    """The names that an option accepts for a role: proposers, strategies, policies or executors."""
    own = named_proposers() if role == "proposers" else {}
    return sorted({*BUILTIN[role], *(point.name for point in _entry_points(role)), *own})


def named_proposers() -> dict[str, str]:
    """Proposers that a person installed under a name, and what each stands for: `tuner:reach=3.0`, or `evolve` with a prompt below it."""
    return {
        file.stem: file.read_text(encoding="utf-8").strip()
        for file in sorted(_named().glob("*.proposer"))
    }


def name_proposer(name: str, meaning: str) -> Path:
    """Lets `name` stand for a proposer with its argument, and a prompt below it, in studies to come; returns the file that says so.

    Raises:
        UsageError: the name cannot be, or is an implementation's.
    """
    if not re.fullmatch(r"[A-Za-z][\w.-]{0,63}", name):
        raise UsageError(f"{name!r} is no name for a proposer; use letters, digits, dots, - and _")
    if name in {*BUILTIN["proposers"], *(point.name for point in _entry_points("proposers"))}:
        raise UsageError(f"{name!r} is a proposer's own name; choose another")
    file = _named() / f"{name}.proposer"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(meaning + "\n", encoding="utf-8")
    return file


def meant(proposer: str) -> tuple[str, str]:
    """A proposer as a study records it, and its prompt: what a name stands for, so that the study does not depend on the name any more.

    Raises:
        UsageError: something follows the name, which has its argument already.
    """
    own = named_proposers()
    name, colon, _ = proposer.partition(":")
    if colon and name in own:
        raise UsageError(
            f"{name} stands for {own[name].splitlines()[0]} already; write --proposer {name}, without a colon"
        )
    plain, _, prompt = own.get(proposer, proposer).partition("\n")
    return plain, prompt


def _named() -> Path:
    return (
        Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
        / "autoresearch"
        / "proposers"
    )


def check(role: str, name: str) -> None:
    """Raises a UsageError that lists the known names when there is no such implementation. Imports nothing."""
    if name.partition(":")[0] not in names(role):
        singular = {"policies": "policy", "strategies": "strategy"}.get(role, role[:-1])
        raise UsageError(f"unknown {singular} {name!r}; choose one of {', '.join(names(role))}")


def find(role: str, name: str) -> Callable[..., Any]:
    """The implementation behind `name`; what follows a colon in it (`patches:DIR`) is the implementation's own argument.

    Raises:
        UsageError: no such name, or a plug-in that cannot be imported (the message says which).
    """
    check(role, name)
    plain = name.partition(":")[0]
    if plain in BUILTIN[role]:
        module, _, attribute = BUILTIN[role][plain].partition(":")
        implementation: Callable[..., Any] = getattr(import_module(module), attribute)
        return implementation
    point = next(point for point in _entry_points(role) if point.name == plain)
    try:
        loaded: Callable[..., Any] = point.load()
    except Exception as error:
        raise UsageError(
            f"the plug-in {plain!r} ({point.value}) could not be loaded: {error}"
        ) from error
    return loaded
