"""An executor with one slot, driven by hand."""

import os
import queue
from pathlib import Path
from typing import Any

from workbench.evaluate.executor import Ended, Event, Points, Task
from workbench.evaluate.local import LocalExecutor
from workbench.experiment import Experiment
from workbench.records import Options, Trial

# A candidate that never answers, and leaves a daemon. Replace MARK to find its processes.
FOREVER = """
import os, subprocess, sys, time
def answer():
    code = "import os, time; os.setsid(); time.sleep(600)  # MARK"
    subprocess.Popen([sys.executable, "-c", code])
    print("step 1 | loss: 1")
    time.sleep(600)
"""
EVENT_SECONDS = 40


class Rig:
    """An executor with one slot, and its events."""

    def __init__(self, experiment: Experiment, level: str, folder: Path) -> None:
        self.experiment = experiment
        self.folder = folder
        self.events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self.executor = LocalExecutor(experiment, Options(slots=1, sandbox=level), self.events.put)

    def submit(self, candidate: int = 1, **changes: Any) -> Task:
        values = {
            "candidate": candidate,
            "trial": 0,
            "seed": 7,
            "experiment": self.experiment.folder,
            "digest": self.experiment.digest,
            "program": self.experiment.program(),
            "settings": {},
            "data": self.folder / "data",
            "folder": self.folder / f"{candidate:04}.0",
        }
        task = Task(**{**values, **changes})
        self.executor.submit(task)
        return task

    def wait_for_end(self) -> Trial:
        while True:
            event = self.events.get(timeout=EVENT_SECONDS)
            if isinstance(event, Ended):
                return event.trial

    def wait_for_points(self) -> Points:
        while True:
            event = self.events.get(timeout=EVENT_SECONDS)
            if isinstance(event, Points):
                return event

    @property
    def pid(self) -> int:
        """The trial process."""
        child = self.executor._slots[0]._process
        assert child is not None
        return child.pid


def count_open(pid: int | str) -> tuple[int, int]:
    """Returns how many descriptors and threads a process has."""
    return len(os.listdir(f"/proc/{pid}/fd")), len(os.listdir(f"/proc/{pid}/task"))
