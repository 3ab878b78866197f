"""Completes what an experiment of a script has to say.

From options first, then from a person at the terminal, then from the script itself.
"""

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
from workbench.recognise.script_scan import Scan

Ask = Callable[[str, str], str]  # question and default to answer


@dataclass(frozen=True, kw_only=True)
class Description:
    """What a person said about a new experiment; the rest is asked for or read from the script.

    Attributes:
        scoring: where the score is.
        editable: globs below the script's folder.
        command: how the script runs.
        time_limit: of a trial, as in `10m`.
    """

    scoring: Scoring = field(default_factory=Scoring)
    editable: tuple[str, ...] = ()
    command: str = ""
    time_limit: str | float | None = None


def complete(scan: Scan, description: Description, ask: Ask | None) -> tuple[Scoring, Setup]:
    """How a script is scored and set up.

    Args:
        ask: asks a person; None where no one can be asked.

    Raises:
        UsageError: something is missing; the message names the option.
    """
    if scan.missing:
        names = ", ".join(scan.missing)
        raise UsageError(
            f"{scan.script} imports {names}, which is neither installed here nor beside it; "
            f"install it, as in: pip install {names}"
        )
    scoring = _complete_scoring(scan, description.scoring, ask)
    command = description.command
    if scoring.score and command:
        raise UsageError(
            f"--command is how a script runs that prints its score; {scoring.score}() is called "
            "instead: leave one of them out"
        )
    if not scoring.score and not command:
        command = _find_command(scan, ask)
    editable = _find_editable(scan, description.editable, ask)
    if scoring.score and scan.script not in editable:
        raise UsageError(
            f"{scoring.score}() calls what is in {scan.script}, so that has to be editable; "
            f"add --editable {scan.script}"
        )
    needed = dict.fromkeys((scan.script, *scan.along))
    setup = Setup(
        root=scan.root,
        editable=editable,
        along=tuple(path for path in needed if path not in editable),
        command=tuple(shlex.split(command)),
        packages=scan.packages,
        read_only=() if scoring.score else scan.outside,
        limits=read_limits(description.time_limit),
    )
    return scoring, setup


def read_limits(time_limit: str | float | None) -> Limits:
    """The limits of a script or a cell.

    Args:
        time_limit: the longest that a trial may take, as in `10m`; None for the default.

    Raises:
        UsageError: it is not a time, or it is 0.
    """
    seconds = Limits().wall_seconds
    if time_limit is not None:
        seconds = options.read_duration(time_limit)
    if not seconds:
        raise UsageError("--time-limit 0; it is the longest that a trial may take, as in 10m")
    return limits_for(seconds)


def limits_for(seconds: float) -> Limits:
    """Limits for a script that may take this long, on all processors."""
    n_processors = len(os.sched_getaffinity(0))
    return replace(Limits(), wall_seconds=seconds, cpu_seconds=seconds * n_processors)


def person() -> Ask | None:
    """A function that asks the person at the terminal; None without a terminal."""
    return _ask_at_terminal if sys.stdin is not None and sys.stdin.isatty() else None


def _ask_at_terminal(question: str, default: str) -> str:
    prompt = f"{question} [{default}] " if default else f"{question} "
    print(prompt, end="", file=sys.stderr, flush=True)
    line = sys.stdin.readline()
    if not line:
        raise UsageError("no answer; say it with options: autoresearch new --help")
    return line.strip() or default


def _ask_for_words(
    ask: Ask | None, question: str, default: str, otherwise: tuple[str, ...]
) -> tuple[str, ...]:
    """The words of an answer; `otherwise` if no one can be asked."""
    if ask is None:
        return otherwise
    return tuple(shlex.split(ask(question, default)))


def _complete_scoring(scan: Scan, scoring: Scoring, ask: Ask | None) -> Scoring:
    if not scoring.score and not scoring.metric:
        score, metric = _choose_score(scan, ask)
        scoring = replace(scoring, score=score, metric=metric)
    if scoring.goal is not None:
        return scoring
    name = scoring.score or scoring.metric or ""
    return replace(scoring, goal=script_scan.infer_goal(name) or _ask_for_goal(name, ask))


def _ask_for_goal(name: str, ask: Ask | None) -> Goal:
    question = f"is a lower or a higher {name} better (minimize, maximize)?"
    answer = " ".join(_ask_for_words(ask, question, "", ())).lower()
    if not answer:
        raise UsageError(f"--minimize or --maximize is missing: which way is {name} better?")
    if answer.startswith(("min", "low")):
        return "minimize"
    if answer.startswith(("max", "high")):
        return "maximize"
    raise UsageError(f"not an answer: {answer!r}; say minimize or maximize")


def _choose_score(scan: Scan, ask: Ask | None) -> tuple[str | None, str | None]:
    """The function or the metric that is the score of a script, if no option names it."""
    functions = sorted(scan.functions, key=lambda name: name != SCORE)
    default = ""
    if SCORE in functions:
        default = SCORE
    elif len(scan.prints) == 1:
        default = next(iter(scan.prints))
    choices = _describe_choices(scan, functions)
    shown_default = f"{default}()" if default in functions else default
    answer = _ask_for_words(ask, f"which value is the score? {choices}", shown_default, (default,))
    name = answer[0].removesuffix("()") if answer else ""
    if not name:
        raise UsageError(
            f"--metric or --score is missing: {choices}; "
            "say which printed value or function is the score"
        )
    # A name that is both printed and a function means the function only with brackets.
    is_function = name in functions and (answer[0].endswith("()") or name not in scan.prints)
    return (name, None) if is_function else (None, name)


def _describe_choices(scan: Scan, functions: list[str]) -> str:
    choices = [f"{name} (printed, {place})" for name, (_, place) in scan.prints.items()]
    choices += [f"{name}()" for name in functions]
    if choices:
        return f"{scan.script} has {', '.join(choices[:12])}"
    return f"{scan.script} prints no line 'name: number' and has no function that could be it"


def _find_command(scan: Scan, ask: Ask | None) -> str:
    usual = f"python {shlex.quote(scan.script)}"
    if not scan.arguments:
        return " ".join(_ask_for_words(ask, "how does it run?", usual, (usual,)))
    names = ", ".join(scan.arguments)
    answer = _ask_for_words(ask, f"how does it run? it wants {names}", "", ())
    if not answer:
        raise UsageError(
            f"--command is missing: {scan.script} wants {names}; "
            f"say how it runs, as in --command '{usual} ...'"
        )
    return " ".join(answer)


def _find_editable(scan: Scan, patterns: tuple[str, ...], ask: Ask | None) -> tuple[str, ...]:
    if not patterns:
        question = "which files may change (globs)?"
        patterns = _ask_for_words(ask, question, scan.script, (scan.script,))
    paths: list[str] = []
    for pattern in patterns:
        paths += _matching_files(scan.root, pattern)
    return tuple(dict.fromkeys(paths))


def _matching_files(root: Path, pattern: str) -> list[str]:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise UsageError(f"--editable {pattern} leads out of {root}; name files below it")
    files = [file for file in root.glob(pattern) if file.is_file()]
    if not files:
        raise UsageError(f"--editable {pattern}: no such file in {root}")
    return sorted(file.relative_to(root).as_posix() for file in files)
