"""The evaluator of a script or cell that scores itself: its scoring function runs here, what that calls runs in the sandbox."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from workbench.evaluate.trial import Evaluation, Process


def evaluate(
    trial: Evaluation,
    scoring: Path,
    name: str,
    functions: tuple[str, ...],
    program: str,
    along: tuple[str, ...] = (),
) -> dict[str, float]:
    """What the scoring function returns, under its own name or as a dict of metrics.

    Args:
        scoring: the trusted source: imports, constants and the function `name`. It may have a parameter `seed`.
        functions: names that it calls; each becomes a call into the candidate's `program`, with plain data both ways.
        along: files beside `scoring` that the program needs, such as data and modules that no candidate may change.

    Raises:
        CandidateFailed: a call failed, or answered no plain data.
    """
    space: dict[str, Any] = {"__name__": scoring.stem, "__file__": str(scoring)}
    exec(compile(scoring.read_bytes(), str(scoring), "exec"), space)
    with trial.start(program, {path: scoring.parent / path for path in along}) as process:
        space |= {function: _calls(process, function) for function in functions}
        score = space[name]
        found = score(seed=trial.seed) if "seed" in inspect.signature(score).parameters else score()
    return found if isinstance(found, dict) else {name: found}


def _calls(process: Process, function: str) -> Callable[..., Any]:
    return lambda *args, **kwargs: process.call(function, *args, returns=object, **kwargs)
