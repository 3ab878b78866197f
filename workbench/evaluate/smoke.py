"""Smoke: a short run of a program before a trial is spent on it. It says in words what is wrong, and never a score.

In the trial process: no data of the study is made or shown, the seed is no trial's, and a sandbox has no GPU.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from workbench.errors import EvaluatorFault, WorkbenchError
from workbench.evaluate.answers import CandidateFailed, TimedOut
from workbench.evaluate.evaluator import Evaluator
from workbench.evaluate.executor import Task
from workbench.evaluate.sandbox.bench import Bench
from workbench.evaluate.sandbox.supervisor import Cancelled
from workbench.evaluate.trial import Evaluation

OUTPUT_CHARS = 4000


@dataclass(frozen=True)
class Finding:
    """What a smoke run found.

    Attributes:
        problem: what is wrong with the program, in one line; empty where nothing was found.
        fault: why nothing can be said of it: the check itself failed; empty otherwise.
        output: the end of what the program printed. seconds: wall clock.
    """

    problem: str = ""
    fault: str = ""
    output: str = ""
    seconds: float = 0.0


def smoke(
    task: Task,
    evaluator: Callable[[Task], Evaluator],
    bench: Bench,
    device: str,
    begun: Callable[[Evaluation | None], None],
) -> Finding:
    """Runs the `check` of an experiment's evaluator, or its stand-in, on a program.

    Args:
        device: what the trials of the study run on. begun: is told of the run, and of its end by None, so that it can be cancelled.
    """
    began, folder = time.monotonic(), bench.folder / "smoke"
    problem = fault = output = ""
    try:
        folder.mkdir(exist_ok=True)
        known = evaluator(task)
        running = Evaluation(
            replace(task, folder=folder, data=folder / "none"),
            known.experiment,
            bench,
            task.sandbox,
            _ignored,
        )
        running.device = device
        begun(running)
        try:
            known.check(running)
            running.check()
        except TimedOut:
            problem = f"it is not done within {bench.limits.wall_seconds:g} s"
        except CandidateFailed as error:
            problem = str(error)
        except Cancelled as error:
            fault = str(error)
        finally:
            begun(None)
            running.close()
            output = running.output.text()[-OUTPUT_CHARS:]
    except EvaluatorFault as error:
        fault = str(error)
    except (WorkbenchError, OSError) as error:
        fault = f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Finding(problem, fault, output, time.monotonic() - began)


def _ignored(series: str, step: float, value: float, self_reported: bool) -> None:
    """Curves of a smoke run mean nothing."""
