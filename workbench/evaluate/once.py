"""One trial, now and here: for `reproduce`, exported notebooks and `doctor`; the same path as in a study."""

import queue
import tempfile
from collections.abc import Callable
from pathlib import Path

from workbench.evaluate.executor import Ended, Event, Points, Task
from workbench.evaluate.local import LocalExecutor
from workbench.experiment import Experiment
from workbench.program import Program
from workbench.records import Options, Trial


def run_once(
    experiment: Experiment,
    program: Program,
    seed: int,
    *,
    sandbox: str = "auto",
    folder: Path | None = None,
    on_points: Callable[[Points], None] | None = None,
) -> Trial:
    """The record of one trial of a program.

    Args:
        folder: keeps the prepared data (`data`) and the trial's own folder (`trial`); temporary by default.
        on_points: takes curves while it runs.

    Raises:
        SandboxUnavailable: no acceptable level holds here.
    """
    if folder is None:
        with tempfile.TemporaryDirectory(prefix="workbench-once-") as name:
            return run_once(
                experiment, program, seed, sandbox=sandbox, folder=Path(name), on_points=on_points
            )
    task = Task(
        candidate=0, trial=0, seed=seed, program=program, experiment=experiment.folder, digest=experiment.digest,
        data=folder.resolve() / "data", folder=folder.resolve() / "trial", settings=dict(experiment.settings), sandbox=sandbox,
    )  # fmt: skip
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
