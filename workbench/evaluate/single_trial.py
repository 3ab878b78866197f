"""Runs one trial now, in the same way as in a study.

For `reproduce`, exported notebooks and the start of an experiment.
"""

import queue
import tempfile
from collections.abc import Callable
from pathlib import Path

from workbench.evaluate.executor import Ended, Event, Points, Task
from workbench.evaluate.local import LocalExecutor
from workbench.experiment import Experiment
from workbench.program import Program
from workbench.records import Options, Trial


def run_trial(
    experiment: Experiment,
    program: Program,
    seed: int,
    *,
    sandbox: str = "auto",
    folder: Path | None = None,
    on_points: Callable[[Points], None] | None = None,
) -> Trial:
    """Runs one trial of a program and returns its record.

    Args:
        experiment: the experiment.
        program: the program.
        seed: of the evaluator.
        sandbox: `auto`, or a level by name.
        folder: keeps the prepared data (`data`) and the trial's own folder (`trial`); temporary by
            default.
        on_points: called with curves while the trial runs.

    Raises:
        SandboxUnavailable: no such sandbox level holds here.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="workbench-once-") as name:
            return run_trial(
                experiment, program, seed, sandbox=sandbox, folder=Path(name), on_points=on_points
            )
    task = Task(
        candidate=0,
        trial=0,
        seed=seed,
        program=program,
        experiment=experiment.folder,
        digest=experiment.digest,
        data=folder.resolve() / "data",
        folder=folder.resolve() / "trial",
        settings=dict(experiment.settings),
        sandbox=sandbox,
    )
    events: queue.SimpleQueue[Event] = queue.SimpleQueue()
    executor = LocalExecutor(experiment, Options(slots=1, sandbox=sandbox), events.put)
    try:
        executor.submit(task)
        while True:
            event = events.get()
            if isinstance(event, Ended):
                return event.trial
            if on_points is not None:
                on_points(event)
    finally:
        executor.close()
