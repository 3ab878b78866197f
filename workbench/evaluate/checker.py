"""Smoke runs of programs, one at a time, in a warm trial process.

The process runs beside those of the slots, so that no trial waits for a smoke run.
"""

import dataclasses
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from threading import Event

from workbench.evaluate.child import Child
from workbench.evaluate.executor import Task
from workbench.evaluate.local import GRACE_SECONDS
from workbench.evaluate.sandbox import devices, probe
from workbench.evaluate.sandbox.readable_paths import find_experiment_paths
from workbench.evaluate.sandbox.spec import SPARE_USERS
from workbench.evaluate.smoke import Finding
from workbench.evaluate.trial_process import encode_task
from workbench.experiment import Experiment, Setting
from workbench.program import Program

SECONDS = 60.0  # wall clock and CPU time of one smoke run
POLL_SECONDS = 0.1
# The slot decides the candidate's user. This one is far from those of the first slots, so that
# limits per user do not add up.
SLOT = SPARE_USERS - 2
NOWHERE = Path("/nonexistent")


class Checker:
    """Runs programs for a moment, at the sandbox level and within the limits of trials."""

    def __init__(
        self, experiment: Experiment, digest: str, settings: Mapping[str, Setting], sandbox: str
    ) -> None:
        """Chooses the sandbox; the process starts with the first run.

        Args:
            experiment: as the study has it.
            digest: of its protected files.
            settings: of the evaluator.
            sandbox: `auto`, or a level by name.

        Raises:
            SandboxUnavailable: no acceptable level holds here.
        """
        self._level = probe.choose_level(sandbox)
        self._experiment = experiment
        self._digest = digest
        self._settings = settings
        limits = dataclasses.replace(
            experiment.limits,
            wall_seconds=min(SECONDS, experiment.limits.wall_seconds),
            cpu_seconds=min(SECONDS, experiment.limits.cpu_seconds),
            output_mb=1,
        )
        self._seconds = limits.wall_seconds
        self._config = {
            "readable": find_experiment_paths(experiment).encode(),
            "limits": dataclasses.asdict(limits),
            "command": experiment.command,
            "slot": SLOT,
            "gpu": "",
            "trials_on": "cuda" if devices.list_gpus() else "cpu",
        }
        # At most one; a list, so that the finalizer sees it without holding on to the checker.
        self._children: list[Child] = []
        weakref.finalize(self, _end, self._children)

    def run(self, program: Program, cancelled: Event) -> Finding:
        """Returns what a smoke run of a program finds.

        The finding is a fault once `cancelled` is set, or when the process has died.
        """
        # The trial process makes a folder for a smoke run, which gets no data.
        task = Task(
            candidate=0,
            trial=0,
            seed=0,
            program=program,
            experiment=self._experiment.folder,
            digest=self._digest,
            data=NOWHERE,
            folder=NOWHERE,
            settings=self._settings,
            sandbox=self._level,
        )
        began = time.monotonic()
        end = began + self._seconds + GRACE_SECONDS
        try:
            if not self._children:
                self._children.append(Child(self._config))
            child = self._children[0]
            child.send(encode_task(task, self._level, "check"))
            while time.monotonic() < end and not cancelled.is_set():
                event = child.receive(POLL_SECONDS)
                if event is not None and event["event"] == "checked":
                    return Finding(**event["finding"])
            # The process still works on this program, so the next one needs another process.
            _end(self._children)
            fault = f"it did not end within {self._seconds:g} s"
            if cancelled.is_set():
                fault = "it was cancelled"
        except (OSError, EOFError) as error:
            ending = _end(self._children) or str(error)
            fault = f"its process ended: {ending}"
        return Finding(fault=fault, seconds=time.monotonic() - began)

    def close(self) -> None:
        """Ends the process, and all that it runs."""
        _end(self._children)


def _end(children: list[Child]) -> str:
    """Kills the processes; returns how they ended."""
    endings = []
    while children:
        endings.append(children.pop().end(kill=True))
    return "; ".join(endings)
