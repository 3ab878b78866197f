"""Small experiments, made on the spot and run in real sandboxes, at both levels."""

import functools
import platform
import shutil
import subprocess
import textwrap
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.evaluate.rigs import Rig
from workbench import experiment_file
from workbench.evaluate.sandbox import confine, probe, seccomp
from workbench.evaluate.single_trial import run_trial
from workbench.experiment import Experiment
from workbench.records import Trial

CALL = """
def evaluate(trial):
    with trial.start("train.py") as process:
        return {"score": process.call("answer")}
"""
SEED = 7

Make = Callable[..., Experiment]
Run = Callable[..., Trial]
MakeRig = Callable[..., Rig]


@pytest.fixture(params=["bwrap", "landlock"])
def level(request: pytest.FixtureRequest) -> str:
    return require_level(request.param)


def require_level(level: str) -> str:
    """Returns the level; skips the test on a machine that cannot have it.

    On any other machine the level has to hold: a wall with a hole is a failure, not a skip.
    """
    if obstacle := find_obstacle(level):
        pytest.skip(f"no {level} on this machine: {obstacle}")
    problem = probe.probe_levels()[level]
    assert problem is None, f"{level} does not hold: {problem}"
    return level


@functools.cache
def find_obstacle(level: str) -> str:
    """Returns what a level needs and this machine lacks, empty for nothing.

    It does not ask our own sandbox, which is what is tested.
    """
    if platform.machine() not in seccomp.AUDIT_ARCH:
        return f"no list of system calls for {platform.machine()}"
    if level == "landlock":
        return "" if confine.find_landlock_abi() else "the kernel has no Landlock"
    if not shutil.which("bwrap"):
        return "bubblewrap is not installed"
    namespaces = ["--unshare-pid", "--unshare-net"]
    mounts = ["--ro-bind", "/", "/", "--proc", "/proc"]
    command = ["bwrap", *namespaces, *mounts, "true"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stderr.strip()


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Writes an experiment: candidate and evaluator as text, limits and other keys as arguments."""

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
        values = {"wall_seconds": 30, "cpu_seconds": 30, "memory_mb": 512, **(limits or {})}
        lines = [
            'editable = ["train.py"]',
            *(f"{key} = {_to_toml(value)}" for key, value in keys.items()),
            "[objective]",
            'name = "score"',
            'goal = "maximize"',
            f'noise = "{noise}"',
            "[limits]",
            *(f"{key} = {value}" for key, value in values.items()),
        ]
        (folder / "experiment.toml").write_text("\n".join(lines) + "\n")
        return experiment_file.read(folder)

    return write


@pytest.fixture
def run(make: Make, tmp_path: Path, level: str) -> Run:
    """Makes an experiment and runs one trial at the level, in the folder `tmp_path/out/trial`."""

    def make_and_run(candidate: str, evaluate: str = CALL, **keys: Any) -> Trial:
        experiment = make(candidate, evaluate, **keys)
        program = experiment.program()
        return run_trial(experiment, program, SEED, sandbox=level, folder=tmp_path / "out")

    return make_and_run


@pytest.fixture
def make_rig(make: Make, tmp_path: Path, level: str) -> Iterator[MakeRig]:
    """Makes an experiment and an executor for it, which the test's end closes."""
    rigs: list[Rig] = []

    def build(candidate: str, *args: Any, **keys: Any) -> Rig:
        rig = Rig(make(candidate, *args, **keys), level, tmp_path / "study")
        rigs.append(rig)
        return rig

    yield build
    for rig in rigs:
        rig.executor.close()


def _to_toml(value: Any) -> str:
    if isinstance(value, list | tuple):
        return "[" + ", ".join(f'"{item}"' for item in value) + "]"
    return f'"{value}"'
