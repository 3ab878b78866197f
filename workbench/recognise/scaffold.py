"""Makes an experiment of a script or of a notebook cell.

If one of its functions is the score, that function becomes the trusted evaluator and everything
else the program. If a printed line is the score, it is the program's own claim and is marked as
self-reported.
"""

import ast
import builtins
import difflib
import math
import re
import symtable
from dataclasses import dataclass, field
from pathlib import Path

from workbench.errors import UsageError
from workbench.experiment import (
    HOW_PRINTED,
    PRINTED_NAME,
    Experiment,
    Goal,
    Limits,
    Noise,
    Objective,
)
from workbench.experiment_file import format_toml
from workbench.recognise.script_scan import parse_program
from workbench.syntax import parse_tree

SCORE = "score"  # the function that is the score, if no option names another
EVALUATE = '''\
"""Scores `{program}`: runs `{name}` as it was at first; the candidate's functions are its own."""

from pathlib import Path

from workbench.evaluate import self_scoring


def evaluate(trial):
    scoring = Path(__file__).with_name("scoring.py")
    return self_scoring.evaluate(trial, scoring, {name!r}, {functions!r}, {program!r}, {along!r})
'''


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How a script is scored: by a function, or by the last line `metric: number` that it prints.

    Attributes:
        score: name of the function.
        metric: name of the printed value. Without either, the function `score` is used if there is
            one.
        goal: by default `maximize` for a function and `minimize` for a metric.
        noise: by default `run`.
        min_effect: the smallest effect worth having, in units of the score.
    """

    score: str | None = None
    metric: str | None = None
    goal: Goal | None = None
    noise: Noise | None = None
    min_effect: float = 0.0

    def __post_init__(self) -> None:
        if self.score and self.metric:
            raise UsageError(
                "--score and --metric exclude each other: "
                "the score is a function's or a printed line's"
            )
        if self.metric and not re.fullmatch(PRINTED_NAME, self.metric):
            raise UsageError(
                f"--metric {self.metric!r} cannot be read from a printed line: {HOW_PRINTED}"
            )
        if not 0 <= self.min_effect < math.inf:
            raise UsageError(
                f"--min-effect {self.min_effect}; "
                "the smallest effect worth having is a number of at least 0"
            )


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What else an experiment of a script says.

    Attributes:
        root: the folder in which `editable` and `along` lie; None if they are there already.
        editable: files that may change, instead of the program alone.
        along: files that the program needs and no candidate may change.
        command: how the program runs, instead of `python PROGRAM`.
        packages: as in `Experiment`.
        read_only: as in `Experiment`.
        limits: as in `Experiment`.
    """

    root: Path | None = None
    editable: tuple[str, ...] = ()
    along: tuple[str, ...] = ()
    command: tuple[str, ...] = ()
    packages: tuple[str, ...] = ("*",)
    read_only: tuple[str, ...] = ()
    limits: Limits = field(default_factory=Limits)


AS_A_CELL = Setup()


def write(
    code: str,
    folder: Path,
    name: str,
    scoring: Scoring,
    program: str = "cell.py",
    setup: Setup = AS_A_CELL,
) -> list[str]:
    """Writes an experiment's folder; returns the paths that it wrote.

    The folder gets `experiment.toml`, `program.md` and the program; if a function is the score,
    also `evaluate.py` and `scoring.py`. Files that exist are left alone: the script may lie in
    `folder`.

    Raises:
        UsageError: the code does not parse, nothing scores it, or the scoring function needs
        something
            that only the program makes.
    """
    functions = {
        node.name: node for node in parse_program(code).body if isinstance(node, ast.FunctionDef)
    }
    function = scoring.score
    if function is None and scoring.metric is None:
        function = SCORE
    editable = setup.editable or (program,)
    if function is None:
        files = {program: code}
    elif function in functions:
        along = tuple(path for path in setup.along if path not in (program, *editable))
        files = _split(code, functions, function, program, along)
    else:
        names = f"it has {', '.join(functions)}" if functions else "it has none"
        raise UsageError(
            f"no function {function}() in the program ({names}); "
            "name another one with --score, or a printed line with --metric NAME"
        )
    experiment = _describe(folder, name, scoring, function, program, setup)
    files["experiment.toml"] = format_toml(experiment)
    files["program.md"] = _instructions(experiment, function, program)
    contents: dict[str, bytes] = {}
    if setup.root is not None:
        for path in (*editable, *setup.along):
            contents[path] = (setup.root / path).read_bytes()
    contents |= {path: text.encode() for path, text in files.items()}
    return _write_missing(folder, contents)


def _write_missing(folder: Path, contents: dict[str, bytes]) -> list[str]:
    """Writes the files that do not exist yet; returns their paths."""
    folder.mkdir(parents=True, exist_ok=True)
    missing = sorted(path for path in contents if not (folder / path).exists())
    for path in missing:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(contents[path])
    return missing


def _describe(
    folder: Path, name: str, scoring: Scoring, function: str | None, program: str, setup: Setup
) -> Experiment:
    if function is None:
        metric = scoring.metric or ""
        objective = _objective(metric, scoring, "minimize")
        return Experiment(
            folder=folder,
            name=name,
            description=f"{program}, scored by the line {metric} that it prints",
            editable=setup.editable or (program,),
            objective=objective,
            limits=setup.limits,
            shape="claimed",
            evaluator="",
            command=setup.command or ("python", program),
            packages=setup.packages,
            read_only=setup.read_only,
        )
    return Experiment(
        folder=folder,
        name=name,
        description=f"{program}, scored by its function {function}()",
        editable=setup.editable or (program,),
        objective=_objective(function, scoring, "maximize"),
        limits=setup.limits,
        shape="call",
        evaluator="evaluate.py",
        command=(),
        packages=setup.packages,
        read_only=setup.read_only,
    )


def _objective(name: str, scoring: Scoring, usual_goal: Goal) -> Objective:
    return Objective(
        name=name,
        goal=scoring.goal or usual_goal,
        noise=scoring.noise or "run",
        min_effect=scoring.min_effect,
    )


def _split(
    code: str,
    functions: dict[str, ast.FunctionDef],
    name: str,
    program: str,
    along: tuple[str, ...],
) -> dict[str, str]:
    """The program without its scoring function, and the evaluator with what that function needs."""
    tree = parse_tree(code)
    lines = code.split("\n")
    first, last = span(functions[name])
    rest = "\n".join([*lines[:first], *lines[last:]]).strip("\n") + "\n"
    globals_used = _globals_of(code, name)
    # Decorators and defaults are names in the tree, but not globals of the function's scope.
    all_names = {node.id for node in ast.walk(functions[name]) if isinstance(node, ast.Name)}
    wanted_names = {*globals_used, *all_names, "*", "annotations"}
    shared = [
        node for node in tree.body if _is_import_or_constant(node) and _binds(node) & wanted_names
    ]
    shared_names = {bound for node in shared for bound in _binds(node)}
    needed = globals_used - shared_names - set(dir(builtins))
    _check_needed(name, needed, functions)
    header = ["\n".join(lines[slice(*span(node))]) for node in shared]
    scoring = "\n".join([*header, "", "", *lines[first:last]]) + "\n"
    evaluate = EVALUATE.format(
        program=program, name=name, functions=tuple(sorted(needed)), along=along
    )
    return {program: rest, "scoring.py": scoring, "evaluate.py": evaluate}


def _check_needed(name: str, needed: set[str], functions: dict[str, ast.FunctionDef]) -> None:
    """Raises UsageError unless the scoring function calls the program's functions only."""
    missing = sorted(needed - functions.keys())
    if missing:
        raise UsageError(
            f"{name}() uses {', '.join(missing)}, which code of the program makes; "
            f"make it inside {name}(), or in a function that it calls"
        )
    if not needed:
        raise UsageError(
            f"{name}() calls no function of the program; what it scores would never change"
        )
    if name in needed:
        raise UsageError(
            f"{name}() calls itself; a scoring function calls the program's functions only"
        )


def rejoin(original: str, program: str, function: str) -> str:
    """The original script with this program in it; the scoring function stays where it was.

    The program is the script without that function. The two are aligned line by line, so that every
    line of the program ends up on the side of the function where it belongs.
    """
    old = original.split("\n")
    scoring = next(
        node for node in parse_tree(original).body if getattr(node, "name", "") == function
    )
    first, last = span(scoring)
    outside = [number for number in range(len(old)) if not first <= number < last]
    while outside and not old[outside[-1]].strip():
        outside.pop()
    while outside and not old[outside[0]].strip():
        outside.pop(0)
    new = program.strip("\n").split("\n")
    old_program = [old[number] for number in outside]
    inserted: dict[int, list[str]] = {}  # by number of the old line that they come before
    removed: set[int] = set()
    matcher = difflib.SequenceMatcher(None, old_program, new, autojunk=False)
    for tag, start, end, new_start, new_end in matcher.get_opcodes():
        if tag != "equal":
            at = outside[start] if start < len(outside) else outside[-1] + 1
            inserted[at] = new[new_start:new_end]
            removed.update(outside[start:end])
    result: list[str] = []
    for number in range(len(old) + 1):
        result += inserted.get(number, [])
        if number < len(old) and number not in removed:
            result.append(old[number])
    return "\n".join(result)


def span(node: ast.stmt) -> tuple[int, int]:
    """The lines of a statement with its decorators, from 0.

    Its first, and the one after its last.
    """
    first = node.lineno
    if isinstance(node, ast.FunctionDef):
        first = min([first, *(decorator.lineno for decorator in node.decorator_list)])
    return first - 1, node.end_lineno or node.lineno


def _is_import_or_constant(node: ast.stmt) -> bool:
    """Whether the evaluator can have a copy of a statement, which no candidate can change."""
    match node:
        case ast.Import() | ast.ImportFrom():
            return True
        case ast.Assign(value=value) | ast.AnnAssign(value=ast.expr() as value):
            return _is_literal(value)
    return False


def _is_literal(node: ast.expr) -> bool:
    try:
        ast.literal_eval(node)
    except (ValueError, TypeError):
        return False
    return True


def _binds(node: ast.stmt) -> set[str]:
    """The names that a statement binds."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    names = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    return {name.id for name in names if isinstance(name.ctx, ast.Store)}


def _globals_of(code: str, name: str) -> set[str]:
    """Global names that a function uses, with those of functions inside it."""
    top = symtable.symtable(code, "program", "exec")
    scopes = [child for child in top.get_children() if child.get_name() == name]
    names: set[str] = set()
    while scopes:
        scope = scopes.pop()
        names |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
        scopes += scope.get_children()
    return names


def _instructions(experiment: Experiment, function: str | None, program: str) -> str:
    """The text of `program.md`."""
    objective = experiment.objective
    editable = ", ".join(experiment.editable)
    source = f"the last `{objective.name}` it prints"
    if function is not None:
        source = f"what `{function}()` in scoring.py returns; it calls functions of {program}"
    return (
        f"# {experiment.name}\n\n"
        f"Change {editable} so that `{objective.name}` ({objective.goal}) gets better. "
        f"The score is {source}.\n"
    )
