"""Who may import whom, read from the sources: rooms have ranks, and no import runs upward.

Every import counts, also one inside a function or for type checkers only.
"""

import ast
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path

import pytest

import workbench

PACKAGE = Path(workbench.__file__).parent

# From the bottom to the top. A room may import the rooms of the ranks below its own, and nothing
# else; rooms of one rank never import each other. The values are the exception: they are one room
# of single files.
RANKS: tuple[tuple[str, ...], ...] = (
    (
        "errors",
        "program",
        "syntax",
        "machine",
        "experiment",
        "experiment_file",
        "records",
        "record_json",
        "requests",
        "options",
        "registry",
    ),
    ("ledger",),
    ("search", "propose", "evaluate", "decide"),
    ("show", "recognise"),
    ("steps",),
    ("verbs", "loop"),
    ("lab", "cli"),
    # The face of the package, and the contracts for those who add a role.
    ("__init__", "testing"),
)
VALUES = RANKS[0]
RANK_OF = {room: rank for rank, rooms in enumerate(RANKS) for room in rooms}

# What everybody may ask the package itself: its version and its folder.
FACE = {"__version__", "__file__"}

HEAVY = (
    "torch",
    "anthropic",
    "IPython",
    "plotly",
    "papermill",
    "pandas",
    "optuna",
    "libcst",
    "scipy",
    "numpy",
)


def find_files() -> list[Path]:
    """The package's own files; in a wheel the experiments lie below it as well."""
    return sorted(file for file in PACKAGE.rglob("*.py") if "_experiments" not in file.parts)


def module_of(file: Path) -> str:
    """The dotted name of a file, as `workbench.ledger.study`; of a package, that of its folder."""
    parts = file.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


def room_of(module: str) -> str:
    """The room of a module, as `ledger`; `__init__` for the package itself."""
    _, _, path = module.partition(".")
    return path.partition(".")[0] or "__init__"


FILES = {module_of(file): file for file in find_files()}


@cache
def tree_of(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text())


@cache
def names_of(module: str) -> tuple[str, ...]:
    """The dotted names that a module imports, wherever in it."""
    names: list[str] = []
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Import):
            names += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names += [f"{node.module}.{alias.name}" for alias in node.names]
    return tuple(names)


def imports_of(module: str) -> set[str]:
    """The modules of the workbench that a module imports; the package itself, for its face."""
    return {find_module(name) for name in names_of(module) if name.split(".")[0] == "workbench"}


def find_module(name: str) -> str:
    """The module that a dotted name is, or is in."""
    while name not in FILES:
        name = name.rpartition(".")[0]
    return name


def uses_of_the_face(module: str) -> Iterator[str]:
    """What a module takes from the package itself: `workbench.NAME`, or `from workbench import`."""
    for node in ast.walk(tree_of(module)):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "workbench":
            yield node.attr
        elif isinstance(node, ast.ImportFrom) and node.module == "workbench":
            yield from (
                alias.name for alias in node.names if f"workbench.{alias.name}" not in FILES
            )


def packages_of(module: str) -> set[str]:
    """The top-level packages that a module imports."""
    return {name.split(".")[0] for name in names_of(module)}


def modules_that_import(*packages: str) -> list[str]:
    return [module for module in FILES if packages_of(module) & set(packages)]


def find_circles(edges: Mapping[str, Iterable[str]]) -> list[list[str]]:
    """The groups of two or more that can all reach each other: Tarjan's strong components."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    circles: list[list[str]] = []

    def visit(node: str) -> None:
        order[node] = lowest[node] = len(order)
        stack.append(node)
        for neighbour in edges.get(node, ()):
            if neighbour not in order:
                visit(neighbour)
                lowest[node] = min(lowest[node], lowest[neighbour])
            elif neighbour in stack:
                lowest[node] = min(lowest[node], order[neighbour])
        if lowest[node] == order[node]:
            place = stack.index(node)
            circle = stack[place:]
            del stack[place:]
            if len(circle) > 1:
                circles.append(sorted(circle))

    for node in edges:
        if node not in order:
            visit(node)
    return circles


def test_every_room_has_a_rank_and_every_rank_has_its_rooms() -> None:
    rooms = {room_of(module) for module in FILES}
    assert sorted(rooms - RANK_OF.keys()) == [], "give the new room a rank"
    assert sorted(RANK_OF.keys() - rooms) == [], "take the room out of the ranks"


@pytest.mark.parametrize("room", RANK_OF)
def test_no_import_runs_upward(room: str) -> None:
    offenders = []
    for module in FILES:
        if room_of(module) != room:
            continue
        for other in imports_of(module):
            other_room = room_of(other)
            is_below = RANK_OF[other_room] < RANK_OF[room]
            is_value = room in VALUES and other_room in VALUES
            if other != "workbench" and other_room != room and not is_below and not is_value:
                offenders.append(f"{module} imports {other}")
    assert offenders == []


def test_there_is_no_circle_between_files() -> None:
    edges = {module: imports_of(module) - {module, "workbench"} for module in FILES}
    assert find_circles(edges) == []


def test_a_circle_would_be_found() -> None:
    edges = {"a": ["b"], "b": ["c", "d"], "c": ["a"], "d": ["e"], "e": []}
    assert find_circles(edges) == [["a", "b", "c"]]


def test_the_package_itself_is_asked_for_its_version_and_its_folder_only() -> None:
    offenders = [
        f"{module} uses workbench.{name}"
        for module in FILES
        if module != "workbench"
        for name in uses_of_the_face(module)
        if name not in FACE and f"workbench.{name}" not in FILES
    ]
    assert offenders == []


def test_values_need_the_standard_library_only() -> None:
    allowed = {*sys.stdlib_module_names, "workbench"}
    offenders = {
        module: sorted(packages_of(module) - allowed)
        for module in FILES
        if room_of(module) in VALUES and packages_of(module) - allowed
    }
    assert offenders == {}


def test_only_the_ledger_speaks_sql() -> None:
    outside = [module for module in modules_that_import("sqlite3") if room_of(module) != "ledger"]
    assert outside == []


def test_sources_become_trees_in_one_place() -> None:
    """Python 3.11 breaks where two threads parse at the same time: `syntax` has the lock."""
    parsers = [module for module, file in FILES.items() if "ast.parse(" in file.read_text()]
    assert parsers == ["workbench.syntax"]


def test_only_the_server_extension_imports_jupyter_server() -> None:
    modules = modules_that_import("jupyter_server", "tornado")
    outside = [module for module in modules if not module.startswith("workbench.lab.server")]
    assert outside == []


def test_the_core_never_imports_an_experiment() -> None:
    assert modules_that_import("experiments") == []


def test_importing_the_workbench_loads_nothing_heavy() -> None:
    script = (
        "import sys, workbench, workbench.cli; "
        f"print(*[name for name in {HEAVY!r} if name in sys.modules])"
    )
    process = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert process.stdout.strip() == ""
