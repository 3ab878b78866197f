"""Scores a terminal agent's harness by hidden tests of what each task leaves behind.

Every task has a folder in a separate sandbox.

The harness has a sandbox without any of these folders. Model, commands and listing are questions to
the evaluator, which runs a command only where the model said it. No candidate code is imported
here.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import easy
import hard
import middle
import policy
from task import Family, Files, Task

from workbench.evaluate import CandidateFailed, Question, hidden
from workbench.propose.model.plain import plain
from workbench.propose.proposer import Receipt

FOLDER = Path(__file__).parent
LEVELS = (easy, middle, hard)
QUESTIONS_PER_CALL = 4  # that the harness may ask in all, for each call of the model that it has
SPARE_SECONDS = 20.0  # of a call into a task's sandbox, over the limit of the command itself
REFUSED = (
    "the harness ran what the model did not say; a command has to be in a reply as whole lines"
)


@dataclass
class Work:
    """What the harness asks while it works on one task, answered and counted.

    Attributes:
        box: the task's sandbox. model: from prompt to reply. settings: the limits. replies: what
            the model said. chars: of all prompts.
    """

    trial: Any
    box: Any
    model: Any
    settings: Mapping[str, Any]
    replies: list[str] = field(default_factory=list)
    chars: int = 0
    commands: int = 0

    def questions(self) -> dict[str, Question]:
        return {
            "model": Question(str, self.ask),
            "run": Question(str, self.run),
            "listing": Question(None, lambda _: self.call("listing", returns=list)),
        }

    def ask(self, prompt: str) -> str | None:
        """The model's reply; None where the calls or the characters of this task are used up."""
        if len(self.replies) >= int(self.settings["calls"]) or self.chars + len(prompt) > int(
            self.settings["prompt_chars"]
        ):
            return None
        self.chars += len(prompt)
        self.replies.append(self.model(prompt))
        return self.replies[-1]

    def run(self, command: str) -> dict[str, Any]:
        """What a command of the model's came to: `stdout`, `stderr`, `status`.

        Raises:
            CandidateFailed: the model did not say it.
        """
        if not any(is_said(command, reply) for reply in self.replies):
            raise CandidateFailed(f"{REFUSED}: {command[:100]!r}")
        self.commands += 1
        limit = float(self.settings["command_seconds"])
        result = self.call("run", command, limit, returns=dict, timeout=limit + SPARE_SECONDS)
        return dict(result) or {"stdout": "", "stderr": "the terminal is gone", "status": 137}

    def call(self, name: str, *args: Any, returns: Any, timeout: float = SPARE_SECONDS) -> Any:
        """Asks the task's sandbox.

        An empty answer where a command has ended it, by which only its task is lost.
        """
        try:
            return self.box.call(name, *args, returns=returns, timeout=timeout)
        except CandidateFailed:
            self.trial.check()  # it may be the trial that has ended
            return returns()


def is_said(command: str, reply: str) -> bool:
    """Whether a reply contains a command as whole lines."""
    return bool(command.strip()) and f"\n{command}\n" in f"\n{reply}\n"


def evaluate(trial: Any) -> dict[str, float]:
    """`solved`, the share of tasks that are; and `context`, the mean characters of prompt per task.

    Names and numbers of the tasks are drawn by the seed, after the harness is ready.
    """
    settings = trial.settings
    receipt = Receipt()
    name = str(settings["model"])
    model = plain(name, str(settings["base_url"]), receipt) if name else policy.answer
    trial.exact = not name
    units = []
    chars = []
    calls = []
    commands = []
    levels: dict[str, list[float]] = {}
    with trial.start("driver.py", files={"driver.py": FOLDER / "driver.py"}) as harness:
        for number, (level, task) in enumerate(draw_tasks(hidden(trial.seed), settings), 1):
            with sandbox(trial, task.files) as box:
                work = Work(trial, box, model, settings)
                limits = {
                    "timeout": float(settings["task_seconds"]),
                    "max_questions": int(settings["calls"]) * QUESTIONS_PER_CALL,
                }
                harness.call("solve", task.text, returns=None, questions=work.questions(), **limits)
                after = {
                    path: text
                    for path, text in work.call("contents", returns=dict).items()
                    if type(text) is str
                }
            solved = task.check(
                after, lambda files, command: fresh(trial, files, command, settings)
            )
            harness.call("report", solved, returns=None)
            units.append(float(solved))
            chars.append(work.chars)
            calls.append(len(work.replies))
            commands.append(work.commands)
            levels.setdefault(level, []).append(float(solved))
            trial.report("solved", number, mean(units))
    trial.units(units)
    return {
        "solved": mean(units),
        "context": mean(chars),
        "calls": mean(calls),
        "commands": mean(commands),
        **{f"solved_{level}": mean(level_units) for level, level_units in levels.items()},
        "scripted_model": float(not name),
        "usd": receipt.usd,
        "tokens": float(receipt.tokens),
    }


def check(trial: Any) -> None:
    """A smoke run: one easy task that no trial draws, solved or not.

    It uses the scripted model, whatever the settings say.

    Raises:
        CandidateFailed: the harness would fail in a trial.
    """
    settings = trial.settings
    task = easy.SEARCH[0](random.Random(0))
    with (
        trial.start("driver.py", files={"driver.py": FOLDER / "driver.py"}) as harness,
        sandbox(trial, task.files) as box,
    ):
        questions = Work(trial, box, policy.answer, settings).questions()
        limits = {
            "timeout": float(settings["task_seconds"]),
            "max_questions": int(settings["calls"]) * QUESTIONS_PER_CALL,
        }
        harness.call("solve", task.text, returns=None, questions=questions, **limits)
        harness.call("report", False, returns=None)


def mean(values: list[Any]) -> float:
    return sum(values) / len(values)


def families(settings: Mapping[str, Any]) -> list[tuple[str, Family]]:
    """Level and family of what the settings choose.

    Raises:
        ValueError: the split is unknown, or it lacks a family.
    """
    splits = {"search": "SEARCH", "held-out": "HELD_OUT"}
    if settings["split"] not in splits:
        raise ValueError(
            f"split = {settings['split']!r}; it is search (what decisions see) or held-out (for "
            "audits)"
        )
    by_name = {
        family.__name__: (level.__name__, family)
        for level in LEVELS
        for family in getattr(level, splits[settings["split"]])
    }
    names = [name.strip() for name in str(settings["families"]).split(",") if name.strip()] or list(
        by_name
    )
    if unknown := [name for name in names if name not in by_name]:
        raise ValueError(
            f"families = {', '.join(unknown)}; the split {settings['split']} has "
            f"{', '.join(by_name)}"
        )
    return [by_name[name] for name in names]


def draw_tasks(seed: int, settings: Mapping[str, Any]) -> list[tuple[str, Task]]:
    """The tasks of a seed with their levels, in the order in which they come."""
    rng = random.Random(seed)
    chosen = families(settings)
    count = int(settings["tasks"])
    if count < len(chosen):  # over all levels
        chosen = [chosen[number * len(chosen) // count] for number in range(count)]
    tasks = [
        (level, family(rng))
        for number in range(count)
        for level, family in [chosen[number % len(chosen)]]
    ]
    rng.shuffle(tasks)
    return tasks


def sandbox(trial: Any, files: Files) -> Any:
    """A new sandbox with these files in the folder `work`, in which commands can be run.

    Of the candidate it holds nothing.
    """
    empty = dict.fromkeys(trial.program.files, b"")
    work_files = {f"work/{path}": text for path, text in files.items()}
    return trial.start("shell.py", files={**empty, **work_files, "shell.py": FOLDER / "shell.py"})


def fresh(trial: Any, files: Files, command: str, settings: Mapping[str, Any]) -> str:
    """What a command prints over these files in a new sandbox; empty where it fails."""
    with sandbox(trial, files) as box:
        try:
            result = box.call(
                "run",
                command,
                float(settings["command_seconds"]),
                returns=dict,
                timeout=SPARE_SECONDS * 2,
            )
        except CandidateFailed:
            trial.check()
            return ""
    return str(result.get("stdout", "")) if result.get("status") == 0 else ""
