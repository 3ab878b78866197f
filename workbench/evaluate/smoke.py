"""A smoke run: a short run of a program before a trial is spent on it.

It says in words what is wrong, and never gives a score. It runs in a trial process, but no data of
the study is made or shown, the seed is not a trial's, and the sandbox has no GPU.
"""

import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from workbench.errors import EvaluatorFault, WorkbenchError
from workbench.evaluate.answers import Cancelled, CandidateFailed, TimedOut
from workbench.evaluate.evaluator import Evaluator
from workbench.evaluate.executor import Task
from workbench.evaluate.sandbox.slot_resources import SlotResources
from workbench.evaluate.trial import Evaluation

OUTPUT_CHARS = 4000


@dataclass(frozen=True)
class Finding:
    """What a smoke run found.

    Attributes:
        problem: what is wrong with the program, in one line; empty if nothing is.
        fault: why the check itself failed, so that it says nothing about the program; else empty.
        output: the end of what the program printed.
        seconds: wall time.
    """

    problem: str = ""
    fault: str = ""
    output: str = ""
    seconds: float = 0.0


def run_smoke_check(
    task: Task,
    load_evaluator: Callable[[Task], Evaluator],
    resources: SlotResources,
    device: str,
    note_running: Callable[[Evaluation | None], None],
) -> Finding:
    """Runs the evaluator's `check` on a program, or imports its modules where there is none.

    Args:
        task: the program to check.
        load_evaluator: returns the evaluator of a task.
        resources: to start sandboxes on.
        device: what the trials of the study run on.
        note_running: called with the run, so that it can be cancelled, and with None at its end.
    """
    began = time.monotonic()
    folder = resources.folder / "smoke"
    problem = ""
    fault = ""
    output = ""
    try:
        folder.mkdir(exist_ok=True)
        evaluator = load_evaluator(task)
        running = Evaluation(
            replace(task, folder=folder, data=folder / "none"),
            evaluator.experiment,
            resources,
            task.sandbox,
            _ignore_point,
        )
        running.device = device
        note_running(running)
        try:
            evaluator.check(running)
            running.check()
        except TimedOut:
            problem = f"it is not done within {resources.limits.wall_seconds:g} s"
        except CandidateFailed as error:
            problem = str(error)
        except Cancelled as error:
            fault = str(error)
        finally:
            note_running(None)
            running.close()
            output = running.output.text()[-OUTPUT_CHARS:]
    except EvaluatorFault as error:
        fault = str(error)
    except (WorkbenchError, OSError) as error:
        fault = f"{type(error).__name__}: {error}"
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return Finding(problem, fault, output, time.monotonic() - began)


def _ignore_point(series: str, step: float, value: float, self_reported: bool) -> None:
    """Takes a point of a curve, which has no meaning in a smoke run."""
