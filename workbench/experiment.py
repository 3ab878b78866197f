"""Experiment: the problem, as its folder states it in `experiment.toml`; recognises an autoresearch checkout without one.

Reads and checks; it never runs anything of the experiment.
"""

import hashlib
import json
import math
import posixpath
import re
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

from workbench.errors import ExperimentError, UsageError
from workbench.program import Program
from workbench.syntax import syntax_problem

Goal = Literal["minimize", "maximize"]
Shape = Literal["call", "train", "claimed"]
Noise = Literal["none", "seed", "run", "units"]
Setting = bool | int | float | str
MB = 1 << 20
PRINTED_NAME = r"[A-Za-z_][\w./-]{0,63}"  # of a metric that a program prints as `name: value`
HOW_PRINTED = "print the metric under a name of letters, digits and . _ / - (64 at most, no blank), as in val_loss: 0.5"
_TABLES = ("objective", "limits", "search", "cascade", "early_stop", "settings", "audit")


def _require(holds: bool, problem: str) -> None:
    if not holds:
        raise ExperimentError(problem)


@dataclass(frozen=True, kw_only=True)
class Objective:
    """What is to become better, and how noisy its measurement is.

    Attributes:
        name: the metric that is the score.
        goal: `minimize` or `maximize`.
        min_effect: smallest effect worth having, in units of the score, at least 0.
        noise: `none` (one trial tells all), `seed` (the same seed gives the same score on the same machine), `run` (even the
            same seed varies: wall-clock budgets, GPUs), `units` (the score is the mean of observations that the evaluator hands to
            `trial.units`, such as items of a benchmark or timing pairs; they are the sample, and a seed only says which are drawn).
        error_rate: the share of false keeps among all keeps of a study that is allowed on average, between 0 and 0.5.
        max_trials: fresh trials that a candidate may cost after its first one, at least 1.
        simplicity: of two equal programs the shorter one wins: a change that removes more lines than it adds and costs nothing
            is kept (where there is noise: costs less than min_effect, which must be above 0).
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
            bool(self.name), "objective.name is empty; name the metric that evaluate() returns"
        )
        _require(
            0 <= self.min_effect < math.inf,
            f"objective.min_effect = {self.min_effect}; it is a size, at least 0",
        )
        _require(
            0 < self.error_rate < 0.5,
            f"objective.error_rate = {self.error_rate}; it lies between 0 and 0.5",
        )
        _require(
            self.max_trials >= 1, f"objective.max_trials = {self.max_trials}; it is at least 1"
        )

    def gain(self, score: float, reference: float) -> float:
        """How much better `score` is than `reference`, in units of the score; above 0 is better."""
        return reference - score if self.goal == "minimize" else score - reference

    def is_better(self, score: float, reference: float) -> bool:
        return self.gain(score, reference) > 0


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one sandbox of a trial may use; the whole process tree counts, except where stated.

    Attributes:
        wall_seconds: for the whole trial, evaluator included.
        cpu_seconds: for the tree, ended processes included.
        memory_mb, processes: for the tree.
        disk_mb: for the writable folder. output_mb: for stdout and stderr together.
    """

    wall_seconds: float = 600.0
    cpu_seconds: float = 600.0
    memory_mb: int = 4096
    processes: int = 64
    disk_mb: int = 256
    output_mb: int = 32

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self)):
            _require(
                getattr(self, name) > 0,
                f"limits.{name} = {getattr(self, name)}; it must be above 0",
            )


@dataclass(frozen=True, kw_only=True)
class Search:
    """How the strategies go about it; each reads what concerns it.

    Attributes:
        islands: how many populations `islands` keeps apart, at least 1.
        features: what spreads the programs of an island over its cells: `length` (lines more than the baseline has), `added` (lines
            added since the baseline), or the name of a metric that the evaluator returns.
        bins: cells along one feature, at least 1.
        migrate: scored candidates between two migrations; 0 for none. reset: between two resets of the worse half; 0 for none.
        metrics: what `frontier` trades off, each with its goal; empty for the objective alone.
        plateau: decisions without a keep after which the search counts as stuck, and widens; 0 for never.
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
            _require(
                getattr(self, name) >= 1, f"search.{name} = {getattr(self, name)}; it is at least 1"
            )
        for name in ("migrate", "reset", "plateau"):
            _require(
                getattr(self, name) >= 0,
                f"search.{name} = {getattr(self, name)}; it is a number of candidates, 0 for never",
            )
        _require(
            len(set(self.features)) == len(self.features), "search.features names one feature twice"
        )


@dataclass(frozen=True, kw_only=True)
class EarlyStop:
    """When a candidate's first trial is ended because its curve is clearly worse than the incumbent's.

    Attributes:
        series: which curve; it goes the way of the objective: where that is minimized, lower is better.
        margin: how much worse than the incumbent it may be at the same step, at least 0, in units of the series.
        after: share of the incumbent's steps at which the trial is looked at, once; above 0 and below 1.
    """

    series: str
    margin: float
    after: float = 0.5

    def __post_init__(self) -> None:
        _require(bool(self.series), "early_stop.series is empty; name a curve that trials show")
        _require(
            0 <= self.margin < math.inf,
            f"early_stop.margin = {self.margin}; it is a size, at least 0",
        )
        _require(
            0 < self.after < 1,
            f"early_stop.after = {self.after}; it is a share of the steps, between 0 and 1",
        )


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """One experiment folder, read and checked.

    Attributes:
        folder: where it lies. editable: paths of the program's files, relative to it.
        also: other programs that each study tries before its proposer is asked: files and folders, as `start --also` takes them.
        shape: how a score comes about (DESIGN 6). evaluator: the trusted file; empty for `claimed`.
        command: what a `claimed` experiment runs. packages: installed distributions (with all that they require) that a
            sandbox may read; `*` for all. read_only: folders outside the experiment that a `claimed` command may read.
        keys: environment variables with secrets (as `ANTHROPIC_API_KEY`) that the evaluator needs; no sandbox ever has them.
        search: how the strategies go about it.
        cascade: stages of the evaluator (`trial.stage`), each with how much worse than the incumbent a candidate may be there, in
            units of that stage's value; what is worse than that ends there.
        early_stop: when a trial is ended by its curve; None for never.
        settings: values the evaluator receives; `--set KEY=VALUE` changes them.
        files: settings that take the path of a file as well; a study keeps a copy of it in its frozen experiment.
        audit: values that take the place of settings in an audit, so that it is scored on what no decision saw.
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
        is_editable = bool(self.evaluator) and posixpath.normpath(self.evaluator) in map(
            posixpath.normpath, self.editable
        )
        _require(
            not is_editable,
            f"editable names {self.evaluator}, the evaluator; what a candidate may change cannot judge it",
        )
        name = self.objective.name
        can_be_read = self.shape != "claimed" or re.fullmatch(PRINTED_NAME, name) is not None
        _require(
            can_be_read,
            f"objective.name = {name!r} cannot be read from a printed line: {HOW_PRINTED}",
        )

    @property
    def self_reported(self) -> bool:
        """True where the candidate itself prints its score."""
        return self.shape == "claimed"

    def program(self) -> Program:
        """The editable files as they are on disk.

        Raises:
            ExperimentError: one is missing, is not text, or is Python that does not parse.
        """
        try:
            program = Program.read(self.folder, self.editable)
        except UsageError as error:
            raise ExperimentError(f"{self.name}: {error}") from None
        for path, text in program.files.items():
            if path.endswith(".py") and (problem := syntax_problem(text)):
                raise ExperimentError(f"{self.folder / path}: {problem}")
        return program

    def protected(self) -> dict[str, bytes]:
        """Every file of the folder that no candidate may change: evaluator, drivers, program.md, experiment.toml."""
        found = {}
        for file in sorted(self.folder.rglob("*")):
            path = file.relative_to(self.folder)
            hidden = any(
                part.startswith(".") or part in ("__pycache__", "studies") for part in path.parts
            )
            if file.is_file() and not hidden and str(path) not in self.editable:
                found[path.as_posix()] = file.read_bytes()
        return found

    @property
    def digest(self) -> str:
        """SHA-256 over the protected files."""
        state = hashlib.sha256()
        for path, data in self.protected().items():
            state.update(f"{path}\0{len(data)}\0".encode() + data)
        return state.hexdigest()

    def with_settings(self, changes: Mapping[str, str]) -> "Experiment":
        """The experiment with `--set` values, each read as the type that the setting has.

        Raises:
            UsageError: no such setting, or a value of another type.
        """
        values = dict(self.settings)
        for key, text in changes.items():
            if key not in values:
                known = ", ".join(sorted(values)) or "none"
                raise UsageError(f"{self.name} has no setting {key!r}; it has: {known}")
            values[key] = _as_setting(key, text, values[key])
        return _replace(self, settings=MappingProxyType(values))


def find(name: str, start: Path | None = None) -> Path:
    """The folder of an experiment given as a path or as the name of a built-in one.

    Raises:
        ExperimentError: there is none; the message lists the built-in names.
    """
    path = (start or Path.cwd()) / Path(name).expanduser()
    if path.is_dir():
        return path.resolve()
    builtin = builtin_experiments()
    last = Path(name).name
    if name in builtin or (Path(name).parts[:-1] == ("experiments",) and last in builtin):
        return builtin[last]
    known = ", ".join(sorted(builtin)) or "none found"
    raise ExperimentError(
        f"no experiment {name!r}: not a folder, nor one of the built-in ones ({known})"
    )


def builtin_experiments() -> dict[str, Path]:
    """Name to folder of the experiments that ship: in the wheel, or beside the package in a checkout."""
    package = Path(__file__).parent
    found: dict[str, Path] = {}
    for root in (package / "_experiments", package.parent / "experiments"):
        if root.is_dir():
            found |= {
                file.parent.name: file.parent for file in sorted(root.glob("*/experiment.toml"))
            }
    return found


def read(folder: Path) -> Experiment:
    """Reads `experiment.toml`, or recognises an unmodified autoresearch checkout.

    Raises:
        ExperimentError: neither, or a wrong key or value; the message names the file, the line and the key.
    """
    file = folder / "experiment.toml"
    if not folder.is_dir():
        raise ExperimentError(f"no such folder: {folder}")
    if not file.is_file():
        if all((folder / name).is_file() for name in ("train.py", "prepare.py", "program.md")):
            return _autoresearch_checkout(folder)
        raise ExperimentError(
            f"{folder} has no experiment.toml (and is no autoresearch checkout with train.py, prepare.py, program.md)"
        )
    try:
        text = file.read_bytes().decode("utf-8")
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{file}: {error}") from None
    experiment = _Reader(file, text).experiment(table)
    for path in (*experiment.editable, *([experiment.evaluator] if experiment.evaluator else [])):
        if not (folder / path).is_file():
            raise ExperimentError(f"{file}: no such file: {path}")
    return experiment


def as_toml(experiment: Experiment) -> str:
    """The experiment as an `experiment.toml` that reads back equal; a study's frozen copy of a checkout that has none gets it."""

    def value(item: Any) -> str:
        if isinstance(item, Mapping):
            return f"{{{', '.join(f'{json.dumps(key, ensure_ascii=False)} = {value(part)}' for key, part in item.items())}}}"
        return (
            f"[{', '.join(value(part) for part in item)}]"
            if isinstance(item, tuple)
            else json.dumps(item, ensure_ascii=False)
        )

    lines = [
        f"{f.name} = {value(getattr(experiment, f.name))}"
        for f in fields(Experiment)
        if f.name not in (*_TABLES, "folder")
    ]
    for table in _TABLES:
        part = getattr(experiment, table)
        if part is None:
            continue
        pairs = (
            part.items()
            if isinstance(part, Mapping)
            else ((f.name, getattr(part, f.name)) for f in fields(part))
        )
        lines += ["", f"[{table}]", *(f"{name} = {value(item)}" for name, item in pairs)]
    return "\n".join(lines) + "\n"


def _autoresearch_checkout(folder: Path) -> Experiment:
    """karpathy/autoresearch as it is: one editable file, its own command, its own word for the score."""
    python = folder / ".venv" / "bin" / "python"
    return Experiment(
        folder=folder,
        name=folder.name,
        description="karpathy/autoresearch checkout; the score is what train.py prints (self-reported)",
        editable=("train.py",),
        objective=Objective(
            name="val_bpb", goal="minimize", noise="run", max_trials=4
        ),  # five minutes each
        limits=Limits(
            wall_seconds=600.0, cpu_seconds=36000.0, memory_mb=65536, processes=512, disk_mb=4096
        ),
        shape="claimed",
        evaluator="",
        command=(str(python) if python.exists() else "python", "train.py"),
        packages=("*",),
        read_only=("~/.cache/autoresearch",),
    )


class _Reader:
    """Reads one `experiment.toml`; keeps the text, so that a message can name the line."""

    def __init__(self, file: Path, text: str) -> None:
        self.file, self.lines = file, text.split("\n")

    def fail(self, key: str, problem: str) -> ExperimentError:
        return ExperimentError(f"{self.file}{self.line(key)}: {problem}")

    def line(self, key: str) -> str:
        *table, name = key.split(".")
        inside = not table
        for number, line in enumerate(self.lines, 1):
            if header := re.match(r"\s*\[+\s*([\w.\-]+)\s*\]", line):
                inside = header[1] == ".".join(table)
                if header[1] == key:
                    return f", line {number}"
            elif inside and re.match(rf"\s*[\"']?{re.escape(name)}[\"']?\s*(=|\.)", line):
                return f", line {number}"
        return ""

    def experiment(self, table: dict[str, Any]) -> Experiment:
        values = self.values(Experiment, table, "", skip=("folder", *_TABLES), also=_TABLES)
        if "objective" not in table:
            raise self.fail("objective", "the table [objective] with name and goal is missing")
        values["objective"] = self.build(Objective, table["objective"], "objective")
        values["limits"] = self.build(Limits, table.get("limits", {}), "limits")
        values["search"] = self.build(Search, table.get("search", {}), "search")
        values["cascade"] = MappingProxyType(self.cascade(table.get("cascade", {}), values))
        if "early_stop" in table:
            values["early_stop"] = self.build(EarlyStop, table["early_stop"], "early_stop")
        values["settings"] = MappingProxyType(self.settings(table.get("settings", {})))
        values["audit"] = MappingProxyType(self.audit(table.get("audit", {}), values["settings"]))
        for key in values.get("files", ()):
            if not isinstance(values["settings"].get(key), str):
                raise self.fail(
                    "files",
                    f"files names {key!r}, which is no setting with a text; write it below [settings]",
                )
        values.setdefault("name", self.file.parent.name)
        if values.get("shape") == "claimed":
            values.setdefault("evaluator", "")
            if not values.get("command"):
                raise self.fail(
                    "shape", 'shape = "claimed" needs command = ["python", "train.py"] or the like'
                )
        if not values.get("editable"):
            raise self.fail(
                "editable",
                'editable is missing or empty; name the files that may change, as in editable = ["train.py"]',
            )
        try:
            return Experiment(folder=self.file.parent.resolve(), **values)
        except ExperimentError as error:
            raise self.fail(str(error).split(" ")[0], str(error)) from None

    def build(self, kind: type, table: Any, name: str) -> Any:
        if not isinstance(table, dict):
            raise self.fail(name, f"{name} is a table: write [{name}]")
        values = self.values(kind, table, f"{name}.")
        for required in (
            f for f in fields(kind) if f.default is MISSING and f.default_factory is MISSING
        ):
            if required.name not in values:
                raise self.fail(name, f"{name}.{required.name} is missing")
        try:
            return kind(**values)
        except ExperimentError as error:
            key = str(error).split(" ")[0]
            raise self.fail(key, str(error)) from None

    def values(
        self,
        kind: type,
        table: dict[str, Any],
        prefix: str,
        skip: tuple[str, ...] = (),
        also: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        known = {f.name: f.type for f in fields(kind) if f.name not in skip}
        out: dict[str, Any] = {}
        for key, value in table.items():
            if key in also:
                continue
            if key not in known:
                names = ", ".join(sorted([*known, *also]))
                raise self.fail(prefix + key, f"unknown key {prefix}{key}; known: {names}")
            out[key] = self.typed(prefix + key, value, known[key])
        return out

    def typed(self, key: str, value: Any, kind: Any) -> Any:
        if get_origin(kind) is Mapping:
            if not isinstance(value, dict):
                raise self.fail(
                    key,
                    f'{key} = {value!r}; write it as in {{ accuracy = "maximize", tokens = "minimize" }}',
                )
            choices = get_args(get_args(kind)[1])
            for name, item in value.items():
                if item not in choices:
                    raise self.fail(
                        key, f"{key}.{name} = {item!r}; choose one of {', '.join(choices)}"
                    )
            return MappingProxyType(value)
        if get_args(kind) and all(isinstance(choice, str) for choice in get_args(kind)):
            if value not in get_args(kind):
                raise self.fail(
                    key, f"{key} = {value!r}; choose one of {', '.join(get_args(kind))}"
                )
            return value
        if kind == tuple[str, ...]:
            if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
                raise self.fail(key, f"{key} must be a list of strings")
            return tuple(value)
        wanted = (int, float) if kind is float else (kind,)
        if (isinstance(value, bool) and kind is not bool) or not isinstance(value, wanted):
            words = {int: "a number", float: "a number", bool: "true or false"}.get(kind, "a text")
            raise self.fail(key, f"{key} = {value!r}; it must be {words}")
        return float(value) if kind is float else value

    def cascade(self, table: Any, values: Mapping[str, Any]) -> dict[str, float]:
        if not isinstance(table, dict):
            raise self.fail("cascade", "cascade is a table: write [cascade]")
        margins = {
            stage: float(self.typed(f"cascade.{stage}", value, float))
            for stage, value in table.items()
        }
        for stage, margin in margins.items():
            if not 0 <= margin < math.inf:
                raise self.fail(
                    f"cascade.{stage}",
                    f"cascade.{stage} = {margin}; it is how much worse a candidate may be, at least 0",
                )
            if stage == values["objective"].name:
                raise self.fail(
                    f"cascade.{stage}",
                    f"cascade.{stage} is the objective's own name; give the stage another, as in quick",
                )
        if margins and values.get("shape") == "claimed":
            raise self.fail(
                "cascade",
                'shape = "claimed" has no evaluator that could call trial.stage; take [cascade] out',
            )
        return margins

    def settings(self, table: Any) -> dict[str, Setting]:
        if not isinstance(table, dict):
            raise self.fail("settings", "settings is a table: write [settings]")
        for key, value in table.items():
            if not isinstance(value, bool | int | float | str):
                raise self.fail(
                    f"settings.{key}", f"settings.{key} must be a number, a text, true or false"
                )
            self.finite(f"settings.{key}", value)
        return dict(table)

    def audit(self, table: Any, settings: Mapping[str, Setting]) -> dict[str, Setting]:
        if not isinstance(table, dict):
            raise self.fail("audit", "audit is a table: write [audit]")
        for key in table:
            if key not in settings:
                raise self.fail(
                    f"audit.{key}",
                    f"audit.{key} is no setting; [settings] has: {', '.join(sorted(settings)) or 'none'}",
                )
            self.finite(f"audit.{key}", table[key])
        return {
            key: self.typed(f"audit.{key}", value, type(settings[key]))
            for key, value in table.items()
        }

    def finite(self, key: str, value: Any) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            raise self.fail(key, f"{key} = {value}; it must be a finite number")


def _as_setting(key: str, text: str, default: Setting) -> Setting:
    try:
        if isinstance(default, bool):
            return {"true": True, "false": False}[text.lower()]
        value = type(default)(text)
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(text)
        return value
    except (ValueError, KeyError):
        kind = "true or false" if isinstance(default, bool) else f"a value like {default!r}"
        raise UsageError(f"--set {key}={text}: it must be {kind}") from None


def _replace(experiment: Experiment, **changes: Any) -> Experiment:
    return Experiment(
        **{f.name: changes.get(f.name, getattr(experiment, f.name)) for f in fields(experiment)}
    )
