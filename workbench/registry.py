"""Names of strategies, proposers, executors and policies, and the entry points by which others add one.

An implementation is a callable (usually a class) that returns an object with the role's Protocol. It is imported when it is
asked for, so that naming `tuner` in an option does not load Optuna.
"""

from collections.abc import Callable
from importlib import import_module
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
    """The names that `find` accepts for a role: proposers, strategies, policies or executors."""
    return sorted({*BUILTIN[role], *(point.name for point in _entry_points(role))})


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
        raise UsageError(f"the plug-in {plain!r} ({point.value}) could not be loaded: {error}") from error
    return loaded
