"""Scaffold: makes an experiment of a script or of a notebook cell.

Either a function in it is the score, then that function becomes the trusted evaluator and everything else the program; or a line that
it prints is, then the score is the program's own word and marked as self-reported.
"""

import ast
import builtins
import difflib
import math
import re
import symtable
from collections.abc import Sequence
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
    as_toml,
)
from workbench.recognise.script_scan import parsed
from workbench.syntax import tree_of

SCORE = "score"
EVALUATE = '''"""Scores `{program}`: runs `{name}` as it was at first; the functions that it calls are the candidate's."""

from pathlib import Path

from workbench.evaluate import scored


def evaluate(trial):
    return scored.evaluate(trial, Path(__file__).with_name("scoring.py"), {name!r}, {functions!r}, {program!r}, {along!r})
'''


@dataclass(frozen=True, kw_only=True)
class Scoring:
    """How a script is scored: by its function `score`, or by the last line that it prints as `metric: number`; one of the two.

    Neither means the function `score`, where the script has one. `goal` and `noise` of None are `maximize` for a function and
    `minimize` for a metric, and `run`.
    """

    score: str | None = None
    metric: str | None = None
    goal: Goal | None = None
    noise: Noise | None = None
    min_effect: float = 0.0

    def __post_init__(self) -> None:
        if self.score and self.metric:
            raise UsageError(
                "--score and --metric exclude each other: the score is a function's or a printed line's"
            )
        if self.metric and not re.fullmatch(PRINTED_NAME, self.metric):
            raise UsageError(
                f"--metric {self.metric!r} cannot be read from a printed line: {HOW_PRINTED}"
            )
        if not 0 <= self.min_effect < math.inf:
            raise UsageError(
                f"--min-effect {self.min_effect}; the smallest effect worth having is a number of at least 0"
            )


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What else an experiment of a script says.

    Attributes:
        root: where the files `editable` and `along` lie; `along` are those that the program needs and no candidate may change.
        editable: instead of the program alone. command: how it runs, instead of `python PROGRAM`.
        packages, read_only, limits: as in Experiment.
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
    """Writes an experiment's folder: `experiment.toml`, the program, and for a function `evaluate.py` and `scoring.py`.

    Returns the paths that it wrote. Files that are there stay as they are: `folder` may be the one that the script lies in.

    Raises:
        UsageError: the code does not parse, is scored by nothing, or the scoring function needs what only the program makes.
    """
    functions = {node.name: node for node in parsed(code).body if isinstance(node, ast.FunctionDef)}
    function = scoring.score or (None if scoring.metric else SCORE)
    editable = setup.editable or (program,)
    if function is None:
        files = {program: code}
    elif function in functions:
        along = tuple(
            path for path in (*editable, *setup.along) if path != program and path not in editable
        )
        files = _split(code, functions, function, program, along)
    else:
        known = f"it has {', '.join(functions)}" if functions else "it has none"
        hint = "name another one with --score, or a printed line with --metric NAME"
        raise UsageError(f"no function {function}() in the program ({known}); {hint}")
    experiment = _experiment(folder, name, scoring, function, program, setup)
    files |= {
        "experiment.toml": as_toml(experiment),
        "program.md": _instructions(experiment, function, program),
    }
    contents = {path: text.encode() for path, text in files.items()}
    if setup.root is not None:
        contents = {
            path: (setup.root / path).read_bytes() for path in (*editable, *setup.along)
        } | contents
    folder.mkdir(parents=True, exist_ok=True)
    written = sorted(path for path in contents if not (folder / path).exists())
    for path in written:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(contents[path])
    return written


def _experiment(
    folder: Path, name: str, scoring: Scoring, function: str | None, program: str, setup: Setup
) -> Experiment:
    objective = Objective(
        name=function or scoring.metric or "",
        goal=scoring.goal or ("minimize" if function is None else "maximize"),
        noise=scoring.noise or "run",
        min_effect=scoring.min_effect,
    )
    return Experiment(
        folder=folder,
        name=name,
        description=f"{program}, scored by "
        + (
            f"its function {function}()"
            if function
            else f"the line {scoring.metric} that it prints"
        ),
        editable=setup.editable or (program,),
        objective=objective,
        limits=setup.limits,
        shape="call" if function else "claimed",
        evaluator="evaluate.py" if function else "",
        command=() if function else setup.command or ("python", program),
        packages=setup.packages,
        read_only=setup.read_only,
    )


def _split(
    code: str,
    functions: dict[str, ast.FunctionDef],
    name: str,
    program: str,
    along: tuple[str, ...],
) -> dict[str, str]:
    """The program without its scoring function, and the evaluator with what that needs."""
    tree, lines = tree_of(code), code.split("\n")
    first, last = span(functions[name])
    rest = "\n".join([*lines[:first], *lines[last:]]).strip("\n") + "\n"
    used = _globals(code, name)
    named = {
        inner.id for inner in ast.walk(functions[name]) if isinstance(inner, ast.Name)
    }  # decorators and defaults among them
    kept = [
        node
        for node in tree.body
        if _is_shared(node) and _bound(node) & {*used, *named, "*", "annotations"}
    ]
    known = {bound for node in kept for bound in _bound(node)}
    needed = used - known - set(dir(builtins))
    if missing := sorted(needed - functions.keys()):
        listed = ", ".join(missing)
        raise UsageError(
            f"{name}() uses {listed}, which code of the program makes; make it inside {name}(), or in a function that it calls"
        )
    if not needed:
        raise UsageError(
            f"{name}() calls no function of the program; what it scores would never change"
        )
    if name in needed:
        raise UsageError(
            f"{name}() calls itself; a scoring function calls the program's functions only"
        )
    parts = ["\n".join(lines[slice(*span(node))]) for node in kept]
    scoring = "\n".join([*parts, "", "", "\n".join(lines[first:last])]) + "\n"
    evaluate = EVALUATE.format(
        program=program, name=name, functions=tuple(sorted(needed)), along=along
    )
    return {program: rest, "scoring.py": scoring, "evaluate.py": evaluate}


def rejoined(whole: str, program: str, function: str) -> str:
    """The script as it was, with this program in it: its scoring function stays where it stood."""
    old, node = (
        whole.split("\n"),
        next(node for node in tree_of(whole).body if getattr(node, "name", "") == function),
    )
    first, last = span(node)
    outside = [number for number in range(len(old)) if not first <= number < last]
    while outside and not old[outside[-1]].strip():
        outside.pop()
    while outside and not old[outside[0]].strip():
        outside.pop(0)
    new, added, dropped = program.strip("\n").split("\n"), dict[int, Sequence[str]](), set[int]()
    matcher = difflib.SequenceMatcher(
        None, [old[number] for number in outside], new, autojunk=False
    )
    for tag, i, i_end, j, j_end in matcher.get_opcodes():
        if tag != "equal":
            added[outside[i] if i < len(outside) else outside[-1] + 1] = new[j:j_end]
            dropped |= set(outside[i:i_end])
    lines = [
        [*added.get(number, ()), *([] if number in dropped else old[number : number + 1])]
        for number in range(len(old) + 1)
    ]
    return "\n".join(line for part in lines for line in part)


def span(node: ast.stmt) -> tuple[int, int]:
    """The lines of a statement, decorators included, counted from 0: the first, and the one behind its last."""
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return min(
        [node.lineno, *(one.lineno for one in decorators)]
    ) - 1, node.end_lineno or node.lineno


def _is_shared(node: ast.stmt) -> bool:
    """Imports and constants: the evaluator has its own copy, which no candidate can change."""
    if isinstance(node, ast.Import | ast.ImportFrom):
        return True
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    try:
        return value is not None and (ast.literal_eval(value), True)[1]
    except (ValueError, TypeError):
        return False


def _bound(node: ast.stmt) -> set[str]:
    if isinstance(node, ast.Import | ast.ImportFrom):
        return {alias.asname or alias.name.partition(".")[0] for alias in node.names}
    return {
        name.id
        for name in ast.walk(node)
        if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)
    }


def _globals(code: str, name: str) -> set[str]:
    """Global names that a function uses, those of functions inside it included."""
    top = symtable.symtable(code, "program", "exec")
    waiting = [child for child in top.get_children() if child.get_name() == name]
    found: set[str] = set()
    while waiting:
        scope = waiting.pop()
        found |= {symbol.get_name() for symbol in scope.get_symbols() if symbol.is_global()}
        waiting += scope.get_children()
    return found


def _instructions(experiment: Experiment, function: str | None, program: str) -> str:
    objective, editable = experiment.objective, ", ".join(experiment.editable)
    how = (
        f"what `{function}()` in scoring.py returns; it calls functions of {program}"
        if function
        else f"the last `{objective.name}` it prints"
    )
    return f"# {experiment.name}\n\nChange {editable} so that `{objective.name}` ({objective.goal}) gets better. The score is {how}.\n"
