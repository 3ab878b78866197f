"""Names of proposers, strategies, policies and executors, and the implementations behind them.

An implementation is a callable, usually a class, that returns an object with the role's Protocol.
It comes with the workbench, or from another package by an entry point. It is imported when it is
asked for and never before, so nothing here imports a role.

A person may also name a proposer together with its argument and prompt: an alias. Aliases lie in
the person's configuration folder, one file each.
"""

import os
import re
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from workbench.errors import UsageError, WorkbenchError
from workbench.options import STUDY
from workbench.records import Options

if TYPE_CHECKING:
    from importlib.metadata import EntryPoints

# Each role and the option that chooses its implementation, as {"policies": "policy"}. The plural is
# also the name of the entry-point group, as in `workbench.policies`.
ROLES: Mapping[str, str] = {option.role: option.name for option in STUDY.values() if option.role}

BUILTIN: Mapping[str, Mapping[str, str]] = {
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

Implementation = Callable[..., Any]


def list_names(role: str) -> list[str]:
    """The names that the option of a role accepts, aliases included."""
    aliases = read_aliases() if role == "proposers" else {}
    return sorted({*_implementation_names(role), *aliases})


def check_name(role: str, name: str) -> None:
    """Raises UsageError, listing the names there are, unless `name` is one of them.

    Imports no implementation. `name` may carry an argument, as in `patches:DIR`.
    """
    if name.partition(":")[0] not in list_names(role):
        names = ", ".join(list_names(role))
        raise UsageError(f"unknown {ROLES[role]} {name!r}; choose one of {names}")


def find(role: str, name: str) -> Implementation:
    """The implementation behind a name; its argument, as in `patches:DIR`, makes no difference.

    Raises:
        UsageError: the name is unknown, or its plug-in cannot be imported.
    """
    check_name(role, name)
    plain_name = name.partition(":")[0]
    # Our own names go first, so that installing a package never changes what `tuner` means.
    if plain_name in BUILTIN[role]:
        module, _, attribute = BUILTIN[role][plain_name].partition(":")
        implementation: Implementation = getattr(import_module(module), attribute)
        return implementation
    return _load_plugin(role, plain_name)


def check_argument(role: str, name: str, options: Options, root: Path) -> str:
    """Lets an implementation check what follows the colon of its name, before a study exists.

    An implementation answers with a class method `check(argument, options, root)`, which returns
    the argument to record and raises UsageError for one that cannot be. Without that method it
    takes no argument.

    Args:
        root: the folder that paths in an argument are relative to.

    Returns:
        The name as the study records it, with the argument that the implementation returned.

    Raises:
        UsageError: the name is unknown, or its argument or the options cannot be.
    """
    implementation = find(role, name)
    plain_name, _, argument = name.partition(":")
    # Not part of the Protocol: most implementations need no argument and then need no method.
    check = getattr(implementation, "check", None)
    if check is None:
        if argument:
            option = f"--{ROLES[role]} {plain_name}"
            raise UsageError(
                f"{plain_name} takes no argument, but {argument!r} was given; write {option}"
            )
        return plain_name
    try:
        recorded = check(argument, options, root)
    except WorkbenchError:
        raise
    except ValueError as error:  # a plug-in may simply write int(argument)
        raise UsageError(f"--{ROLES[role]} {name}: {error}") from error
    if recorded:
        return f"{plain_name}:{recorded}"
    return plain_name


def read_aliases() -> dict[str, str]:
    """Names that a person gave to proposers, each with its meaning, as `save_alias` takes it."""
    files = sorted(_alias_folder().glob("*.proposer"))
    return {file.stem: file.read_text(encoding="utf-8").strip() for file in files}


def save_alias(name: str, meaning: str) -> Path:
    """Lets a name mean a proposer in the studies to come; returns the file that says so.

    Args:
        meaning: the proposer with its argument, as in `tuner:reach=3.0`; on the lines below it, its
            prompt, where it takes one.

    Raises:
        UsageError: the name cannot be one, or it is the name of an implementation.
    """
    if not re.fullmatch(r"[A-Za-z][\w.-]{0,63}", name):
        raise UsageError(
            f"{name!r} cannot name a proposer; use letters, digits, dots, - and _ (64 at most), "
            "and begin with a letter"
        )
    if name in _implementation_names("proposers"):
        raise UsageError(f"{name!r} is the name of a proposer already; choose another name")
    file = _alias_folder() / f"{name}.proposer"
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(meaning + "\n", encoding="utf-8")
    return file


def resolve_alias(proposer: str) -> tuple[str, str]:
    """The proposer that a name means, with its argument, and its prompt.

    A study records both in place of the alias, so that it does not change when the alias does. A
    name that is not an alias means itself and has no prompt.

    Raises:
        UsageError: an argument follows an alias, which has its argument already.
    """
    aliases = read_aliases()
    name, colon, _ = proposer.partition(":")
    if colon and name in aliases:
        meaning = aliases[name].splitlines()[0]
        raise UsageError(
            f"{name} means {meaning}, which includes the argument; write --proposer {name}, "
            "without a colon"
        )
    meaning, _, prompt = aliases.get(proposer, proposer).partition("\n")
    return meaning, prompt


def _implementation_names(role: str) -> set[str]:
    return {*BUILTIN[role], *(point.name for point in _find_entry_points(role))}


def _find_entry_points(role: str) -> "EntryPoints":
    # Importing it takes 25 ms, and most commands need no entry point.
    from importlib.metadata import entry_points

    return entry_points(group=f"workbench.{role}")


def _load_plugin(role: str, name: str) -> Implementation:
    point = next(point for point in _find_entry_points(role) if point.name == name)
    try:
        implementation: Implementation = point.load()
    except Exception as error:  # importing another package may raise anything
        raise UsageError(
            f"the plug-in {name!r} ({point.value}) could not be loaded: {error}"
        ) from error
    return implementation


def _alias_folder() -> Path:
    configuration = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(configuration) / "autoresearch" / "proposers"
