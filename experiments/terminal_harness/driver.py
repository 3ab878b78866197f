"""Lies in the sandbox beside the harness and speaks for it.

Model, tasks, their folders and the counting are on the evaluator's side.
"""

import contextlib
import json

import harness
from workbench_evaluator import ask

MAX_TRACES = 12  # unsolved tasks that are printed into the trial's log
MAX_TRACE_CHARS = 6000  # of the last prompt

traces = 0
last = {}


class LimitReached(Exception):
    """The model answers no more in this task; the folder is judged as it stands."""


def model(prompt: str) -> str:
    """The fixed model."""
    if type(prompt) is not str:
        raise TypeError(f"the model was asked {type(prompt).__name__}; a prompt is text")
    reply = ask("model", prompt)
    if reply is None:
        raise LimitReached
    last.update(turns=last["turns"] + 1, prompt=prompt[-MAX_TRACE_CHARS:], reply=reply)
    return reply


def run(command: str) -> dict:
    """Runs a command of the model's in the task's folder: `stdout`, `stderr`, `status`."""
    return ask("run", command)


def listing() -> list:
    """`[path, bytes]` of every file in the task's folder."""
    return ask("listing", None)


def solve(task: str) -> None:
    last.clear()
    last.update(task=task, turns=0)
    with contextlib.suppress(LimitReached):
        harness.solve(task, model, run, listing)


def report(solved: bool) -> None:
    """Prints what came of a task that is not solved."""
    global traces
    if not solved and traces < MAX_TRACES:
        traces += 1
        print(json.dumps({"unsolved": last}))
