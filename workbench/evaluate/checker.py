"""Checker: smoke runs of programs, one at a time, in a warm trial process beside those of the slots, so that no trial waits for one."""

import dataclasses
import time
import weakref
from collections.abc import Mapping
from pathlib import Path
from threading import Event

from workbench.evaluate.executor import Task
from workbench.evaluate.local import GRACE_SECONDS, Child, view_of
from workbench.evaluate.process import encode_task
from workbench.evaluate.sandbox import devices, levels
from workbench.evaluate.sandbox.box import SPARE_USERS
from workbench.evaluate.smoke import Finding
from workbench.experiment import Experiment, Setting
from workbench.program import Program

SECONDS = 60.0  # wall clock and CPU of one smoke run
POLL_SECONDS = 0.1
SLOT = SPARE_USERS - 2  # of the users, so that limits per user do not meet those of the first slots


class Checker:
    """Runs programs a moment, at the sandbox level and within the limits of trials, and within SECONDS.

    Args:
        experiment: as the study has it; `digest` is that of its protected files. sandbox: `auto`, or a level by name.

    Raises:
        SandboxUnavailable: no acceptable level holds here.
    """

    def __init__(
        self, experiment: Experiment, digest: str, settings: Mapping[str, Setting], sandbox: str
    ) -> None:
        self._level = levels.choose(sandbox)
        own = experiment.limits
        wall, cpu = min(SECONDS, own.wall_seconds), min(SECONDS, own.cpu_seconds)
        limits = dataclasses.replace(own, wall_seconds=wall, cpu_seconds=cpu, output_mb=1)
        self._seconds = wall
        self._config = {
            "view": view_of(experiment).encode(), "limits": dataclasses.asdict(limits), "command": experiment.command, "slot": SLOT,
            "gpu": "", "trials_on": "cuda" if devices.gpus() else "cpu",
        }  # fmt: skip
        self._experiment, self._digest, self._settings = experiment, digest, settings
        self._children: list[Child] = []
        weakref.finalize(self, _end, self._children)

    def run(self, program: Program, cancelled: Event) -> Finding:
        """What a smoke run finds; a fault once `cancelled` is set, or where its process has died."""
        nowhere = Path("/nonexistent")  # a smoke run gets a folder of its own, and no data
        task = Task(
            candidate=0, trial=0, seed=0, program=program, experiment=self._experiment.folder, digest=self._digest, data=nowhere,
            folder=nowhere, settings=self._settings, sandbox=self._level,
        )  # fmt: skip
        began = time.monotonic()
        try:
            if not self._children:
                self._children.append(Child(self._config))
            child = self._children[0]
            child.send(encode_task(task, self._level, "check"))
            while (
                time.monotonic() - began < self._seconds + GRACE_SECONDS and not cancelled.is_set()
            ):
                event = child.next(POLL_SECONDS)
                if event is not None and event["event"] == "checked":
                    return Finding(**event["finding"])
            _end(self._children)
            fault = (
                "nobody waits for it any more"
                if cancelled.is_set()
                else f"it did not end within {self._seconds:g} s"
            )
        except (OSError, EOFError) as error:
            fault = f"its process ended: {_end(self._children) or error}"
        return Finding(fault=fault, seconds=time.monotonic() - began)

    def close(self) -> None:
        """Ends its process, and all that it runs."""
        _end(self._children)


def _end(children: list[Child]) -> str:
    """Kills what there is; says how it ended."""
    return "; ".join(children.pop().end(kill=True) for _ in list(children))
