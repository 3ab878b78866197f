"""Experiment: the problem that a study works on, as a checked value.

Owns the values and what they check about themselves. It reads the experiment's own files where
asked to, and never runs anything of it; `experiment_file` reads and writes `experiment.toml`.
"""

import hashlib
import math
import posixpath
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from workbench.errors import ExperimentError, UsageError
from workbench.program import Program
from workbench.syntax import find_syntax_problem

Goal = Literal["minimize", "maximize"]
Shape = Literal["call", "train", "claimed"]
Noise = Literal["none", "seed", "run", "units"]
Setting = bool | int | float | str
MB = 1 << 20
# The name of a metric that a program prints as `name: value`.
PRINTED_NAME = r"[A-Za-z_][\w./-]{0,63}"
HOW_PRINTED = (
    "print the metric under a name of letters, digits and . _ / - (64 at most, no blank), "
    "as in val_loss: 0.5"
)
_NOT_PROTECTED = ("__pycache__", "studies")


def _require(holds: bool, key: str, problem: str) -> None:
    """Raises an ExperimentError about the key, written as in `experiment.toml`, unless it holds."""
    if not holds:
        raise ExperimentError(problem, key)


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What is to become better, and how noisy its measurement is.

    Attributes:
        name: the metric that is the score.
        goal: `minimize` or `maximize`.
        min_effect: smallest effect worth having, in units of the score, at least 0.
        noise: what makes two trials of one program differ. `none`: nothing, one trial is enough.
            `seed`: only the seed; the same seed gives the same score on the same machine. `run`:
            even one seed gives different scores, as with wall-clock budgets and GPUs. `units`: the
            score is the mean of observations that the evaluator hands to `trial.units`, such as
            items of a benchmark or timing pairs; they are the sample, and a seed only says which
            of them are drawn.
        error_rate: the share of false keeps among all keeps of a study that is allowed on average,
            between 0 and 0.5.
        max_trials: fresh trials that a candidate may cost after its first one, at least 1.
        simplicity: prefer the shorter of two equal programs. A change that removes more lines than
            it adds and costs nothing is kept. Where there is noise, "costs nothing" means that it
            costs less than `min_effect`, which must be above 0.
    """

    name: str
    goal: Goal
    min_effect: float = 0.0
    noise: Noise = "seed"
    error_rate: float = 0.05
    max_trials: int = 15
    simplicity: bool = True

    def __post_init__(self) -> None:
        _require(
            bool(self.name),
            "objective.name",
            "objective.name is empty; name the metric that evaluate() returns",
        )
        _require(
            0 <= self.min_effect < math.inf,
            "objective.min_effect",
            f"objective.min_effect = {self.min_effect}; it is a size, at least 0",
        )
        _require(
            0 < self.error_rate < 0.5,
            "objective.error_rate",
            f"objective.error_rate = {self.error_rate}; it must lie between 0 and 0.5",
        )
        _require(
            self.max_trials >= 1,
            "objective.max_trials",
            f"objective.max_trials = {self.max_trials}; it must be at least 1",
        )

    def gain(self, score: float, reference: float) -> float:
        """How much better `score` is than `reference`, in units of the score; above 0 is better."""
        if self.goal == "minimize":
            return reference - score
        return score - reference

    def is_better(self, score: float, reference: float) -> bool:
        return self.gain(score, reference) > 0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one sandbox of a trial may use; the whole process tree counts, except where stated.

    Attributes:
        wall_seconds: for the whole trial, evaluator included.
        cpu_seconds: for the tree, ended processes included.
        memory_mb: for the tree.
        processes: for the tree.
        disk_mb: for the writable folder.
        output_mb: for stdout and stderr together.
    """

    wall_seconds: float = 600.0
    cpu_seconds: float = 600.0
    memory_mb: int = 4096
    processes: int = 64
    disk_mb: int = 256
    output_mb: int = 32

    def __post_init__(self) -> None:
        for limit in fields(self):
            key = f"limits.{limit.name}"
            value = getattr(self, limit.name)
            _require(value > 0, key, f"{key} = {value}; it must be above 0")


@dataclass(frozen=True, kw_only=True)
class Search:
    """What strategies need to know about this problem; each strategy reads what concerns it.

    Attributes:
        islands: how many populations `islands` keeps apart, at least 1.
        features: what spreads the programs of an island over its cells: `length` (lines more than
            the baseline has), `added` (lines added since the baseline), or the name of a metric
            that the evaluator returns.
        bins: cells along one feature, at least 1.
        migrate: scored candidates between two migrations; 0 for none.
        reset: scored candidates between two resets of the worse half of the islands; 0 for none.
        metrics: what `frontier` trades off, each with its goal; empty for the objective alone.
        plateau: decisions without a keep after which the search counts as stuck, and widens; 0 for
            never.
    """

    islands: int = 4
    features: tuple[str, ...] = ("length", "added")
    bins: int = 9
    migrate: int = 40
    reset: int = 200
    metrics: Mapping[str, Goal] = field(default_factory=lambda: MappingProxyType({}))
    plateau: int = 30

    def __post_init__(self) -> None:
        for name in ("islands", "bins"):
            key = f"search.{name}"
            value = getattr(self, name)
            _require(value >= 1, key, f"{key} = {value}; it must be at least 1")
        for name in ("migrate", "reset", "plateau"):
            key = f"search.{name}"
            value = getattr(self, name)
            _require(value >= 0, key, f"{key} = {value}; it is a number of candidates, 0 for never")
        has_repeats = len(set(self.features)) < len(self.features)
        _require(not has_repeats, "search.features", "search.features names one feature twice")


@dataclass(frozen=True, kw_only=True)
class EarlyStop:
    """When a candidate's first trial is ended: its curve is clearly worse than the incumbent's.

    Attributes:
        series: which curve. It has the goal of the objective: where that is minimized, lower is
            better.
        margin: how much worse than the incumbent it may be at the same step, at least 0, in units
            of the series.
        after: share of the incumbent's steps at which the trial is looked at, once; above 0 and
            below 1.
    """

    series: str
    margin: float
    after: float = 0.5

    def __post_init__(self) -> None:
        _require(
            bool(self.series),
            "early_stop.series",
            "early_stop.series is empty; name a curve that trials show",
        )
        _require(
            0 <= self.margin < math.inf,
            "early_stop.margin",
            f"early_stop.margin = {self.margin}; it is a size, at least 0",
        )
        _require(
            0 < self.after < 1,
            "early_stop.after",
            f"early_stop.after = {self.after}; it is a share of the steps, between 0 and 1",
        )


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One experiment, checked.

    Attributes:
        folder: where its files lie.
        name: what it is called; studies are named after it.
        description: what it is about, in a sentence or two.
        editable: paths of the program's files, relative to the folder.
        also: programs beside the baseline that each study tries before its proposer is asked, as
            files and folders; the same as `start --also`.
        objective: what is to become better.
        limits: what a trial may use.
        shape: how a score comes about. `call`: the evaluator calls functions of the candidate.
            `train`: one sandbox trains, a second one answers with log-probabilities. `claimed`:
            the candidate's own command prints it.
        evaluator: the trusted file; empty for `claimed`.
        command: what a `claimed` experiment runs.
        packages: installed distributions that a sandbox may read, with everything that they
            require; `*` for all.
        read_only: folders outside the experiment that a `claimed` command may read.
        keys: environment variables with secrets (as `ANTHROPIC_API_KEY`) that the evaluator needs;
            no sandbox ever has them.
        search: what strategies need to know about this problem.
        cascade: stages of the evaluator (`trial.stage`), each with how much worse than the
            incumbent a candidate may be there, in units of that stage's value. A candidate that is
            worse ends there.
        early_stop: when a trial is ended by its curve; None for never.
        settings: values the evaluator receives; `--set KEY=VALUE` changes them.
        files: settings that take the path of a file as well; a study keeps a copy of that file in
            its frozen experiment.
        audit: values that replace settings in an audit, so that it scores programs on what no
            decision has seen.
    """

    folder: Path
    name: str
    description: str = ""
    editable: tuple[str, ...]
    also: tuple[str, ...] = ()
    objective: Objective
    limits: Limits = Limits()
    shape: Shape = "call"
    evaluator: str = "evaluate.py"
    command: tuple[str, ...] = ()
    packages: tuple[str, ...] = ()
    read_only: tuple[str, ...] = ()
    keys: tuple[str, ...] = ()
    search: Search = Search()
    cascade: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    early_stop: EarlyStop | None = None
    settings: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))
    files: tuple[str, ...] = ()
    audit: Mapping[str, Setting] = field(default_factory=lambda: MappingProxyType({}))

    def __post_init__(self) -> None:
        # `./evaluate.py` and `evaluate.py` are one file.
        editable = [posixpath.normpath(path) for path in self.editable]
        may_edit_evaluator = bool(self.evaluator) and posixpath.normpath(self.evaluator) in editable
        _require(
            not may_edit_evaluator,
            "editable",
            f"editable names {self.evaluator}, the evaluator; what a candidate may change cannot "
            "judge it",
        )
        metric = self.objective.name
        can_be_read = self.shape != "claimed" or re.fullmatch(PRINTED_NAME, metric) is not None
        _require(
            can_be_read,
            "objective.name",
            f"objective.name = {metric!r} cannot be read from a printed line: {HOW_PRINTED}",
        )

    @property
    def self_reported(self) -> bool:
        """True where the candidate itself prints its score."""
        return self.shape == "claimed"

    def program(self) -> Program:
        """The editable files as they are on disk.

        Raises:
            ExperimentError: a file is missing, or Python cannot parse it; the message names the
                line.
        """
        try:
            program = Program.read(self.folder, self.editable)
        except UsageError as error:
            raise ExperimentError(f"{self.name}: {error}") from None
        for path, text in program.files.items():
            if path.endswith(".py") and (problem := find_syntax_problem(text)):
                raise ExperimentError(f"{self.folder / path}: {problem}")
        return program

    def read_protected(self) -> dict[str, bytes]:
        """Every file of the folder that no candidate may change, by its path.

        These are the evaluator, drivers, program.md, experiment.toml and the like; hidden files and
        caches are left out.
        """
        contents = {}
        for file in sorted(self.folder.rglob("*")):
            path = file.relative_to(self.folder)
            is_left_out = any(part.startswith(".") or part in _NOT_PROTECTED for part in path.parts)
            if file.is_file() and not is_left_out and str(path) not in self.editable:
                contents[path.as_posix()] = file.read_bytes()
        return contents

    @property
    def digest(self) -> str:
        """SHA-256 over the protected files."""
        state = hashlib.sha256()
        for path, data in self.read_protected().items():
            state.update(f"{path}\0{len(data)}\0".encode() + data)
        return state.hexdigest()

    def with_settings(self, changes: Mapping[str, str]) -> "Experiment":
        """The experiment with `--set` values, each read as the type that the setting has.

        Raises:
            UsageError: a setting is unknown, or the value has another type.
        """
        values = dict(self.settings)
        for key, text in changes.items():
            if key not in values:
                names = ", ".join(sorted(values)) or "none"
                raise UsageError(f"{self.name} has no setting {key!r}; it has: {names}")
            values[key] = _parse_setting(key, text, values[key])
        return replace(self, settings=MappingProxyType(values))


def _parse_setting(key: str, text: str, default: Setting) -> Setting:
    """The value of `--set KEY=TEXT`, of the type that the default has."""
    if isinstance(default, bool):
        truth = {"true": True, "false": False}.get(text.lower())
        if truth is None:
            raise UsageError(f"--set {key}={text}: it must be true or false")
        return truth
    try:
        value = type(default)(text)
    except ValueError:
        value = math.nan
    # A setting is compared and written as JSON, and neither works with nan or infinity.
    if isinstance(value, float) and not math.isfinite(value):
        raise UsageError(f"--set {key}={text}: it must be a value like {default!r}")
    return value
