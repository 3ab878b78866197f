"""Settled: what an experiment of a script has to say, from options, else from a person at the terminal, else from the script itself."""

import os
import shlex
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from workbench import options
from workbench.errors import UsageError
from workbench.experiment import Goal, Limits
from workbench.recognise import script_scan
from workbench.recognise.scaffold import SCORE, Scoring, Setup
from workbench.recognise.script_scan import Look

Ask = Callable[[str, str], str]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What was said about an experiment to be made; what is empty is found by looking, or asked for.

    Attributes:
        editable: globs below the script's folder. command: how it runs. time_limit: of a trial, as in `10m`.
    """

    scoring: Scoring = field(default_factory=Scoring)
    editable: tuple[str, ...] = ()
    command: str = ""
    time_limit: str | float | None = None


def settle(look: Look, wanted: Wanted, ask: Ask | None) -> tuple[Scoring, Setup]:
    """How a script is scored and set up: what was said, else what a person answers, else what it says itself.

    Raises:
        UsageError: it cannot be known; one line that names the option.
    """
    if look.missing:
        names = ", ".join(look.missing)
        raise UsageError(
            f"{look.script} imports {names}, which is neither installed here nor beside it; install it, as in: pip install {names}"
        )
    scoring = _scored(look, wanted.scoring, ask)
    if scoring.score and wanted.command:
        raise UsageError(
            f"--command is how a script runs that prints its score; {scoring.score}() is called instead: leave one of them out"
        )
    patterns = wanted.editable or _answer(
        ask, "which files may change (globs)?", look.script, (look.script,)
    )
    command = wanted.command or ("" if scoring.score else _command(look, ask))
    editable = tuple(
        dict.fromkeys(path for pattern in patterns for path in _matching(look.root, pattern))
    )
    if scoring.score and look.script not in editable:
        raise UsageError(
            f"{scoring.score}() calls what is in {look.script}, so that has to be editable; add --editable {look.script}"
        )
    return scoring, Setup(
        root=look.root,
        editable=editable,
        along=tuple(
            path for path in dict.fromkeys((look.script, *look.along)) if path not in editable
        ),
        command=tuple(shlex.split(command)),
        packages=look.packages,
        read_only=() if scoring.score else look.outside,
        limits=time_limited(wanted.time_limit),
    )


def time_limited(time_limit: str | float | None) -> Limits:
    """The limits of a script or a cell whose trials may take so long, as in `10m`; None: as long as by default.

    Raises:
        UsageError: it is no time, or none at all.
    """
    seconds = Limits().wall_seconds if time_limit is None else options.duration(time_limit)
    if not seconds:
        raise UsageError("--time-limit 0; it is the longest that a trial may take, as in 10m")
    return limits(seconds)


def limits(seconds: float) -> Limits:
    """Limits for a script that may take so long, on all processors."""
    return replace(
        Limits(), wall_seconds=seconds, cpu_seconds=seconds * len(os.sched_getaffinity(0))
    )


def person() -> Ask | None:
    """Asks a person at the terminal; None where nobody sits at one."""
    return _ask if sys.stdin is not None and sys.stdin.isatty() else None


def _ask(question: str, default: str) -> str:
    print(
        f"{question} [{default}] " if default else f"{question} ",
        end="",
        file=sys.stderr,
        flush=True,
    )
    line = sys.stdin.readline()
    if not line:
        raise UsageError("no answer; say it with options: autoresearch new --help")
    return line.strip() or default


def _scored(look: Look, given: Scoring, ask: Ask | None) -> Scoring:
    if not given.score and not given.metric:
        score, metric = _chosen(look, ask)
        given = replace(given, score=score, metric=metric)
    name = given.score or given.metric or ""
    return replace(given, goal=given.goal or script_scan.direction(name) or _direction(name, ask))


def _direction(name: str, ask: Ask | None) -> Goal:
    answer = " ".join(
        _answer(ask, f"is a lower or a higher {name} better (minimize, maximize)?", "", ())
    ).lower()
    if not answer:
        raise UsageError(f"--minimize or --maximize is missing: which way is {name} better?")
    if answer.startswith(("min", "low")):
        return "minimize"
    if answer.startswith(("max", "high")):
        return "maximize"
    raise UsageError(f"not an answer: {answer!r}; say minimize or maximize")


def _chosen(look: Look, ask: Ask | None) -> tuple[str | None, str | None]:
    """The function, or the metric, that is the score of a script where nobody said it."""
    functions = sorted(look.functions, key=lambda name: name != SCORE)
    default = (
        SCORE if SCORE in functions else next(iter(look.prints)) if len(look.prints) == 1 else ""
    )
    found = [
        *(f"{name} (printed, {place})" for name, (_, place) in look.prints.items()),
        *(f"{name}()" for name in functions),
    ]
    listed = (
        f"{look.script} has {', '.join(found[:12])}"
        if found
        else f"{look.script} prints no line 'name: number' and has no function that could be it"
    )
    answer = _answer(
        ask,
        f"which value is the score? {listed}",
        f"{default}()" if default in functions else default,
        (default,),
    )
    name = answer[0].removesuffix("()") if answer else ""
    if not name:
        raise UsageError(
            f"--metric or --score is missing: {listed}; say which printed value or function is the score"
        )
    is_function = name in functions and (answer[0].endswith("()") or name not in look.prints)
    return (name, None) if is_function else (None, name)


def _command(look: Look, ask: Ask | None) -> str:
    usual = f"python {shlex.quote(look.script)}"
    if not look.arguments:
        return " ".join(_answer(ask, "how does it run?", usual, (usual,)))
    names = ", ".join(look.arguments)
    answer = _answer(ask, f"how does it run? it wants {names}", "", ())
    if not answer:
        raise UsageError(
            f"--command is missing: {look.script} wants {names}; say how it runs, as in --command '{usual} ...'"
        )
    return " ".join(answer)


def _answer(
    ask: Ask | None, question: str, default: str, otherwise: tuple[str, ...]
) -> tuple[str, ...]:
    """The words of an answer; `otherwise` where nobody can be asked."""
    return otherwise if ask is None else tuple(shlex.split(ask(question, default)))


def _matching(root: Path, pattern: str) -> list[str]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise UsageError(f"--editable {pattern} leads out of {root}; name files below it")
    found = sorted(
        file.relative_to(root).as_posix() for file in root.glob(pattern) if file.is_file()
    )
    if not found:
        raise UsageError(f"--editable {pattern}: no such file in {root}")
    return found
