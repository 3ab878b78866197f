"""Who may import whom (DESIGN 4), read from the sources."""

import ast
import subprocess
import sys
from pathlib import Path

import workbench

PACKAGE = Path(workbench.__file__).parent
VALUES = {"experiment", "records", "program", "errors", "syntax"}
ROLES = {"search", "propose", "evaluate", "decide"}
TOP = {"lab", "cli", "verbs", "loop"}
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


def room(path: Path) -> str:
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Rooms of the workbench, and top-level packages, that a file names in any import."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            names = (
                [f"{node.module}.{alias.name}" for alias in node.names]
                if node.module == "workbench"
                else [node.module or ""]
            )
        found |= {
            ".".join(name.split(".")[:2]) if name.startswith("workbench") else name.split(".")[0]
            for name in names
        }
    return found


def rooms_of(path: Path) -> set[str]:
    return {name.partition(".")[2] for name in imports(path) if name.startswith("workbench.")} - {
        room(path),
        "__version__",
    }


FILES = sorted(path for path in PACKAGE.rglob("*.py") if "_experiments" not in path.parts)


def test_values_import_only_values_and_the_standard_library() -> None:
    for path in FILES:
        if room(path) in VALUES:
            assert rooms_of(path) <= VALUES, path
            assert imports(path) <= {
                *sys.stdlib_module_names,
                *(f"workbench.{name}" for name in VALUES),
            }, path


def test_the_ledger_imports_only_values() -> None:
    for path in FILES:
        if room(path) == "ledger":
            assert rooms_of(path) <= VALUES, path


def test_the_four_roles_never_import_each_other() -> None:
    for path in FILES:
        if room(path) in ROLES:
            assert not rooms_of(path) & ((ROLES - {room(path)}) | TOP), path


def test_the_loop_and_the_screens_never_import_each_other() -> None:
    for path in FILES:
        if room(path) == "loop":
            assert not rooms_of(path) & {"lab", "cli", "verbs"}, path
        elif room(path) in TOP | {"verbs"}:
            assert "loop" not in rooms_of(path), path


def test_only_the_ledger_speaks_sql() -> None:
    for path in FILES:
        if "sqlite3" in imports(path):
            assert room(path) == "ledger", path


def test_sources_become_trees_in_one_place() -> None:
    """Two threads must not make one at a time."""
    for path in FILES:
        assert room(path) == "syntax" or "ast.parse(" not in path.read_text(), path


def test_only_the_server_extension_imports_jupyter_server() -> None:
    for path in FILES:
        if imports(path) & {"jupyter_server", "tornado"}:
            assert path.is_relative_to(PACKAGE / "lab" / "server"), path


def test_core_never_imports_an_experiment() -> None:
    for path in FILES:
        assert "experiments" not in imports(path), path


def test_importing_the_workbench_loads_nothing_heavy() -> None:
    script = f"import sys, workbench, workbench.cli; print(*[name for name in {HEAVY!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == ""
