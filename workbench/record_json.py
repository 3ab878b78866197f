"""Records as JSON, and back: how the journal and the trial processes write them.

A field or a kind that this version does not know never stops it from reading a study.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import MISSING, asdict, fields
from functools import cache
from typing import Any, NamedTuple, get_args

from workbench.errors import StudyError
from workbench.experiment import Objective
from workbench.records import Ablated, Evidence, Options, Record, Unknown

_CLASSES: dict[str, type[Record]] = {
    cls.kind: cls for cls in get_args(Record) if cls is not Unknown
}


def encode(record: Record) -> tuple[str, str]:
    """The kind and the JSON body of a record.

    Raises:
        ValueError: a number is not finite.
    """
    if isinstance(record, Unknown):
        return record.name, json.dumps(dict(record.body), allow_nan=False, separators=(",", ":"))
    return record.kind, json.dumps(asdict(record), allow_nan=False, separators=(",", ":"))


def decode(kind: str, text: str) -> Record:
    """The record again.

    Fields that this version does not know are left out; an unknown kind stays as `Unknown`.

    Raises:
        StudyError: a field is missing.
    """
    body = json.loads(text)
    cls = _CLASSES.get(kind)
    if cls is None:
        return Unknown(name=kind, body=body)
    record: Record = _build(cls, body)
    return record


class _Form(NamedTuple):
    """What the fields of a class are.

    Attributes:
        names: all fields.
        required: those without a default.
        defaults: default values by name.
        factories: by name, what makes a default value that must not be shared.
        readers: by name, what turns a JSON value into the field's value, where these differ.
    """

    names: frozenset[str]
    required: frozenset[str]
    defaults: Mapping[str, Any]
    factories: Mapping[str, Callable[[], Any]]
    readers: Mapping[str, Callable[[Any], Any]]


@cache
def _read_form(cls: type) -> _Form:
    specs = fields(cls)
    defaults = {spec.name: spec.default for spec in specs if spec.default is not MISSING}
    factories = {
        spec.name: spec.default_factory for spec in specs if spec.default_factory is not MISSING
    }
    names = frozenset(spec.name for spec in specs)
    return _Form(
        names=names,
        required=names - defaults.keys() - factories.keys(),
        defaults=defaults,
        factories=factories,
        readers={name: reader for name, reader in _READERS.items() if name in names},
    )


def _build(cls: type, body: Mapping[str, Any]) -> Any:
    """A value of the class, without a call of its constructor.

    The constructor takes three times as long, and a study of many thousand records is read at every
    command. What the constructor checks was checked before the record was written.
    """
    form = _read_form(cls)
    value: Any = object.__new__(cls)
    values = value.__dict__
    values.update(form.defaults)
    if body.keys() <= form.names:
        values.update(body)
    else:
        values.update({name: item for name, item in body.items() if name in form.names})
    for name, read in form.readers.items():
        if name in body:
            values[name] = read(values[name])
    for name, make in form.factories.items():
        if name not in values:
            values[name] = make()
    missing = form.required - values.keys()
    if missing:
        raise StudyError(
            f"a {cls.__name__} record of this study has no {min(missing)}; "
            "the file is damaged, or another program wrote it"
        )
    return value


# JSON has neither tuples nor the classes of nested values. The key is the name of a field, which
# means the same in every record that has it.
_READERS: dict[str, Callable[[Any], Any]] = {
    "objective": lambda body: _build(Objective, body),
    "options": lambda body: _build(Options, body),
    "evidence": lambda body: _build(Evidence, body),
    "rows": lambda rows: tuple(_build(Ablated, row) for row in rows),
    "hunks": tuple,
    "rejected": tuple,
    "seeds": tuple,
    "units": tuple,
    "flags": tuple,
}
