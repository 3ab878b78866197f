"""The evaluator of a script or cell that scores itself.

Its scoring function is trusted and runs here. The functions that it calls run in the sandbox.
"""

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
    """Returns what the scoring function returns, under its own name or as a dict of metrics.

    Args:
        trial: the trial.
        scoring: the trusted source: imports, constants and the function `name`. The function may
            have a parameter `seed`.
        name: the scoring function.
        functions: names that it calls. Each becomes a call into the candidate's `program`, with
            plain data both ways.
        program: path of the candidate's module.
        along: files beside `scoring` that the program needs, such as data, and modules that no
            candidate may change.

    Raises:
        CandidateFailed: a call failed, or its answer was not plain data.
    """
    namespace: dict[str, Any] = {"__name__": scoring.stem, "__file__": str(scoring)}
    exec(compile(scoring.read_bytes(), str(scoring), "exec"), namespace)
    files = {path: scoring.parent / path for path in along}
    with trial.start(program, files) as process:
        for function in functions:
            namespace[function] = _make_caller(process, function)
        score = namespace[name]
        arguments = {}
        if "seed" in inspect.signature(score).parameters:
            arguments["seed"] = trial.seed
        result = score(**arguments)
    return result if isinstance(result, dict) else {name: result}


def _make_caller(process: Process, function: str) -> Callable[..., Any]:
    return lambda *args, **kwargs: process.call(function, *args, returns=object, **kwargs)
