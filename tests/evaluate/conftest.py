"""Small experiments, made on the spot and run in real sandboxes, at both levels."""

import functools
import platform
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from workbench import experiment as experiments
from workbench.evaluate.once import run_once
from workbench.evaluate.sandbox import confine, levels, seccomp
from workbench.experiment import Experiment
from workbench.records import Trial

CALL = """
def evaluate(trial):
    with trial.start("train.py") as process:
        return {"score": process.call("answer")}
"""

Make = Callable[..., Experiment]
Run = Callable[..., Trial]


@pytest.fixture(params=["bwrap", "landlock"])
def level(request: pytest.FixtureRequest) -> str:
    return held(request.param)


def held(level: str) -> str:
    """The level; skips where this machine cannot have it. Where it can, it has to hold: a wall with a hole is a failure, no skip."""
    if reason := lacking(level):
        pytest.skip(f"no {level} here: {reason}")
    problem = levels.probe()[level]
    assert problem is None, f"{level} does not hold: {problem}"
    return level


@functools.cache
def lacking(level: str) -> str:
    """What a level needs and this machine does not give, asked without our own sandbox; empty where nothing is missing."""
    if platform.machine() not in seccomp.AUDIT_ARCH:
        return f"no list of system calls for {platform.machine()}"
    if level == "landlock":
        return "" if confine.landlock_abi() else "the kernel has no Landlock"
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed"
    plain = [
        "bwrap",
        "--unshare-pid",
        "--unshare-net",
        "--ro-bind",
        "/",
        "/",
        "--proc",
        "/proc",
        "true",
    ]
    return subprocess.run(plain, capture_output=True, text=True, check=False).stderr.strip()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes an experiment: candidate and evaluator as text, limits and further keys as arguments."""

    def write(
        candidate: str,
        evaluate: str = CALL,
        *,
        limits: Mapping[str, Any] | None = None,
        noise: str = "none",
        **keys: Any,
    ) -> Experiment:
        folder = tmp_path / "experiment"
        folder.mkdir(exist_ok=True)
        (folder / "train.py").write_text(textwrap.dedent(candidate))
        if keys.get("shape") != "claimed":
            (folder / "evaluate.py").write_text(textwrap.dedent(evaluate))
        lines = [
            'editable = ["train.py"]',
            *(f"{key} = {_toml(value)}" for key, value in keys.items()),
        ]
        lines += [
            "[objective]",
            'name = "score"',
            'goal = "maximize"',
            f'noise = "{noise}"',
            "[limits]",
        ]
        values = {"wall_seconds": 30, "cpu_seconds": 30, "memory_mb": 512, **(limits or {})}
        lines += [f"{key} = {value}" for key, value in values.items()]
        (folder / "experiment.toml").write_text("\n".join(lines) + "\n")
        return experiments.read(folder)

    return write


@pytest.fixture
def run(make: Make, tmp_path: Path, level: str) -> Run:
    """Makes an experiment and runs one trial of it at the level; `folder` of the trial is `tmp_path / "out" / "trial"`."""

    def once(candidate: str, evaluate: str = CALL, **keys: Any) -> Trial:
        experiment = make(candidate, evaluate, **keys)
        return run_once(experiment, experiment.program(), 7, sandbox=level, folder=tmp_path / "out")

    return once


def _toml(value: Any) -> str:
    return (
        "[" + ", ".join(f'"{item}"' for item in value) + "]"
        if isinstance(value, list | tuple)
        else f'"{value}"'
    )
