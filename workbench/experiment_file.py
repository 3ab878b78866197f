"""Reads and writes `experiment.toml`, the file in which a folder states its experiment.

A wrong key or value is refused with the file, the line and the key. This module knows no other kind
of folder: `workbench.recognise` reads what has no `experiment.toml`.
"""

import json
import math
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import MISSING, fields
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin

from workbench.errors import ExperimentError
from workbench.experiment import EarlyStop, Experiment, Limits, Objective, Search, Setting

FILE_NAME = "experiment.toml"
_TABLES = ("objective", "limits", "search", "cascade", "early_stop", "settings", "audit")
_TYPE_NAMES = {int: "a whole number", float: "a number", bool: "true or false", str: "a text"}


def read(folder: Path) -> Experiment:
    """Reads the `experiment.toml` of a folder.

    Raises:
        ExperimentError: the file is missing, or has a wrong key or value; the message names the
            file, the line and the key.
    """
    file = folder / FILE_NAME
    if not folder.is_dir():
        raise ExperimentError(f"no such folder: {folder}")
    if not file.is_file():
        raise ExperimentError(f"{folder} has no {FILE_NAME}")
    try:
        text = file.read_bytes().decode("utf-8")
        table = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ExperimentError(f"{file}: {error}") from None
    experiment = _Reader(file, text).read_experiment(table)
    required = list(experiment.editable)
    if experiment.evaluator:
        required.append(experiment.evaluator)
    for path in required:
        if not (folder / path).is_file():
            raise ExperimentError(f"{file}: no such file: {path}")
    return experiment


def format_toml(experiment: Experiment) -> str:
    """The text of an `experiment.toml` that reads back as an equal experiment."""
    lines = [
        f"{field.name} = {_format_value(getattr(experiment, field.name))}"
        for field in fields(Experiment)
        if field.name not in (*_TABLES, "folder")
    ]
    for name in _TABLES:
        table = getattr(experiment, name)
        if table is None:
            continue
        lines += ["", f"[{name}]"]
        lines += [f"{key} = {_format_value(value)}" for key, value in _pairs(table)]
    return "\n".join(lines) + "\n"


def _pairs(table: Any) -> Iterable[tuple[str, Any]]:
    if isinstance(table, Mapping):
        return table.items()
    return [(field.name, getattr(table, field.name)) for field in fields(table)]


def _format_value(value: Any) -> str:
    # Strings, numbers and truth values are written the same way in TOML and JSON.
    if isinstance(value, Mapping):
        parts = [f"{_format_value(key)} = {_format_value(part)}" for key, part in value.items()]
        return "{" + ", ".join(parts) + "}"
    if isinstance(value, tuple):
        return "[" + ", ".join(_format_value(part) for part in value) + "]"
    return json.dumps(value, ensure_ascii=False)


class _Reader:
    """Turns the tables of one `experiment.toml` into values.

    It keeps the text of the file beside the parsed tables, so that a message can name the line.
    """

    def __init__(self, file: Path, text: str) -> None:
        self.file = file
        self.lines = text.split("\n")

    def error(self, key: str, problem: str) -> ExperimentError:
        """What to raise about a key, written with dots, as in `objective.goal`."""
        line = self.find_line(key)
        place = f"{self.file}, line {line}" if line else f"{self.file}"
        return ExperimentError(f"{place}: {problem}")

    def find_line(self, key: str) -> int | None:
        """Number of the line that sets a key or opens the table of that name; None without one."""
        *table, name = key.split(".")
        # `goal = ` or `goal.part = `, quoted or not.
        assignment = re.compile(rf"\s*[\"']?{re.escape(name)}[\"']?\s*(=|\.)")
        is_in_table = not table
        for number, line in enumerate(self.lines, 1):
            if header := re.match(r"\s*\[+\s*([\w.\-]+)\s*\]", line):
                is_in_table = header[1] == ".".join(table)
                if header[1] == key:
                    return number
            elif is_in_table and assignment.match(line):
                return number
        return None

    def read_experiment(self, table: dict[str, Any]) -> Experiment:
        values = self.read_values(Experiment, table, "", skip=("folder", *_TABLES), other=_TABLES)
        values |= self.read_tables(table)
        self.check_cascade(values)
        self.check_files(values)
        self.complete(values)
        # The whole checks what concerns several keys, and names the one to change.
        try:
            return Experiment(folder=self.file.parent.resolve(), **values)
        except ExperimentError as error:
            raise self.error(error.key, str(error)) from None

    def read_tables(self, table: dict[str, Any]) -> dict[str, Any]:
        """The tables of the file as the values of the fields that have their names."""
        if "objective" not in table:
            problem = "the table [objective] with name and goal is missing"
            raise self.error("objective", problem)
        values: dict[str, Any] = {
            "objective": self.build(Objective, table["objective"], "objective"),
            "limits": self.build(Limits, table.get("limits", {}), "limits"),
            "search": self.build(Search, table.get("search", {}), "search"),
        }
        if "early_stop" in table:
            values["early_stop"] = self.build(EarlyStop, table["early_stop"], "early_stop")
        settings = self.read_settings(table.get("settings", {}))
        values["settings"] = MappingProxyType(settings)
        values["cascade"] = MappingProxyType(self.read_cascade(table.get("cascade", {})))
        values["audit"] = MappingProxyType(self.read_audit(table.get("audit", {}), settings))
        return values

    def complete(self, values: dict[str, Any]) -> None:
        """Fills in what a short file may leave out, and refuses one that leaves out too much."""
        values.setdefault("name", self.file.parent.name)
        # A claimed experiment has a command in place of an evaluator.
        if values.get("shape") == "claimed":
            values.setdefault("evaluator", "")
            if not values.get("command"):
                raise self.error(
                    "shape", 'shape = "claimed" needs command = ["python", "train.py"] or the like'
                )
        if not values.get("editable"):
            raise self.error(
                "editable",
                "editable is missing or empty; name the files that may change, as in "
                'editable = ["train.py"]',
            )

    def check_files(self, values: Mapping[str, Any]) -> None:
        for key in values.get("files", ()):
            if not isinstance(values["settings"].get(key), str):
                raise self.error(
                    "files",
                    f"files names {key!r}, which is not a setting that holds a text; write it "
                    "below [settings]",
                )

    def build(self, kind: type, table: Any, name: str) -> Any:
        """A value of the dataclass `kind`, with the keys of the table `name` as its fields."""
        self.require_table(table, name)
        values = self.read_values(kind, table, f"{name}.")
        for field in fields(kind):
            is_required = field.default is MISSING and field.default_factory is MISSING
            if is_required and field.name not in values:
                raise self.error(name, f"{name}.{field.name} is missing")
        try:
            return kind(**values)
        except ExperimentError as error:
            raise self.error(error.key, str(error)) from None

    def require_table(self, table: Any, name: str) -> None:
        if not isinstance(table, dict):
            raise self.error(name, f"{name} is a table: write [{name}]")

    def read_values(
        self,
        kind: type,
        table: dict[str, Any],
        prefix: str,
        skip: tuple[str, ...] = (),
        other: tuple[str, ...] = (),
    ) -> dict[str, Any]:
        """The keys of a table as values for the fields of a dataclass, converted and checked.

        Args:
            prefix: stands before a key in messages, as in `objective.`.
            skip: fields that no key may set.
            other: keys that are read elsewhere.
        """
        types = {field.name: field.type for field in fields(kind) if field.name not in skip}
        values: dict[str, Any] = {}
        for key, value in table.items():
            if key in other:
                continue
            if key not in types:
                names = ", ".join(sorted([*types, *other]))
                raise self.error(prefix + key, f"unknown key {prefix}{key}; known: {names}")
            values[key] = self.convert(prefix + key, value, types[key])
        return values

    def convert(self, key: str, value: Any, kind: Any) -> Any:
        """A value of the file as the type that a field declares: `kind` is its annotation."""
        if get_origin(kind) is Mapping:
            return self.convert_mapping(key, value, choices=get_args(get_args(kind)[1]))
        if get_origin(kind) is Literal:
            self.require_choice(key, value, choices=get_args(kind))
            return value
        if kind == tuple[str, ...]:
            is_list = isinstance(value, list) and all(isinstance(item, str) for item in value)
            if not is_list:
                raise self.error(key, f"{key} must be a list of strings")
            return tuple(value)
        return self.convert_scalar(key, value, kind)

    def convert_mapping(self, key: str, value: Any, choices: tuple[str, ...]) -> Mapping[str, Any]:
        if not isinstance(value, dict):
            example = '{ accuracy = "maximize", tokens = "minimize" }'
            raise self.error(key, f"{key} = {value!r}; write it as in {example}")
        for name, item in value.items():
            # The line of the whole mapping: an inline table has no lines of its entries.
            if item not in choices:
                problem = f"{key}.{name} = {item!r}; choose one of {', '.join(choices)}"
                raise self.error(key, problem)
        return MappingProxyType(value)

    def require_choice(self, key: str, value: Any, choices: tuple[str, ...]) -> None:
        if value not in choices:
            raise self.error(key, f"{key} = {value!r}; choose one of {', '.join(choices)}")

    def convert_scalar(self, key: str, value: Any, kind: type) -> Any:
        if not _has_type(value, kind):
            raise self.error(key, f"{key} = {value!r}; it must be {_TYPE_NAMES[kind]}")
        if kind is float:
            return float(value)
        return value

    def read_cascade(self, table: Any) -> dict[str, float]:
        """The margin of each stage."""
        self.require_table(table, "cascade")
        margins: dict[str, float] = {}
        for stage, value in table.items():
            key = f"cascade.{stage}"
            margin = self.convert_scalar(key, value, float)
            if not 0 <= margin < math.inf:
                raise self.error(
                    key,
                    f"{key} = {margin}; it is how much worse than the incumbent a candidate may "
                    "be, at least 0",
                )
            margins[stage] = margin
        return margins

    def check_cascade(self, values: Mapping[str, Any]) -> None:
        objective = values["objective"].name
        if objective in values["cascade"]:
            raise self.error(
                f"cascade.{objective}",
                f"cascade.{objective} is the objective's own name; give the stage another name, "
                "as in quick",
            )
        if values["cascade"] and values.get("shape") == "claimed":
            raise self.error(
                "cascade",
                'shape = "claimed" has no evaluator that could call trial.stage; remove [cascade]',
            )

    def read_settings(self, table: Any) -> dict[str, Setting]:
        self.require_table(table, "settings")
        for name, value in table.items():
            key = f"settings.{name}"
            if not isinstance(value, bool | int | float | str):
                raise self.error(key, f"{key} must be a number, a text, true or false")
            self.require_finite(key, value)
        return dict(table)

    def read_audit(self, table: Any, settings: Mapping[str, Setting]) -> dict[str, Setting]:
        """The values of an audit, each of the type that the setting of its name has."""
        self.require_table(table, "audit")
        values: dict[str, Setting] = {}
        for name, value in table.items():
            key = f"audit.{name}"
            if name not in settings:
                names = ", ".join(sorted(settings)) or "none"
                raise self.error(key, f"{key} is not a setting; [settings] has: {names}")
            self.require_finite(key, value)
            values[name] = self.convert_scalar(key, value, type(settings[name]))
        return values

    def require_finite(self, key: str, value: Any) -> None:
        if isinstance(value, float) and not math.isfinite(value):
            raise self.error(key, f"{key} = {value}; it must be a finite number")


def _has_type(value: Any, kind: type) -> bool:
    # To Python a truth value is a whole number; in this file it is not.
    if isinstance(value, bool):
        return kind is bool
    if kind is float:
        return isinstance(value, int | float)
    return isinstance(value, kind)
