"""The requests of a person: one class each, and how they are read from and written to JSON.

Values only; `loop/adopt.py` says what a request means for a study. To add one, write its class here
and name it in `Request`. Every room then knows its verb, and mypy lists the places that do not
handle it yet.
"""

import getpass
import reprlib
import sys
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar, cast, get_args, get_type_hints

from workbench.errors import UsageError
from workbench.records import Adopted

Value = TypeVar("Value")
MAX_TEXT = 4000  # characters of a guidance, a ban or a reason
MAX_FILE = 4 << 20  # characters of one edited file


class FiledRequest(NamedTuple):
    """A row of the journal's table of requests, as it was filed.

    Whoever can write the study's folder can file a row, so `verb` and `body` are not checked here;
    `read` does that.

    Attributes:
        sequence: place in the order in which requests are answered.
        id: chosen by the sender; filing the same id again has no effect.
        at: Unix time of the filing.
        verb: which request it is.
        body: its fields, as JSON values.
    """

    sequence: int
    id: str
    at: float
    verb: str
    body: Any


@dataclass(frozen=True, kw_only=True)
class Accept:
    """Keep a candidate, let it run, or keep only some of its hunks.

    Attributes:
        candidate: number of the candidate.
        program: digest of the program that the person saw; empty skips that check.
        hunks: numbers of the hunks to keep; None keeps all of them.
        rejected: numbers of the hunks that the person rejected; only together with `hunks`.
        reason: why, in the person's words.
    """

    verb: ClassVar[str] = "accept"
    candidate: int
    program: str = ""
    hunks: tuple[int, ...] | None = None
    rejected: tuple[int, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        if self.hunks is not None and not self.hunks:
            raise UsageError("accept: hunks is empty; to keep no hunk, reject the candidate")
        if self.rejected and self.hunks is None:
            raise UsageError("accept: rejected is given without hunks; name the hunks to keep too")
        in_both = sorted(set(self.rejected).intersection(self.hunks or ()))
        if in_both:
            raise UsageError(f"accept: hunk {in_both[0]} is both kept and rejected; choose one")


@dataclass(frozen=True, kw_only=True)
class Reject:
    """Veto a candidate, before or after it was kept.

    Attributes:
        candidate: number of the candidate.
        program: digest of the program that the person saw; empty skips that check.
        reason: why, in the person's words; the proposer sees it.
    """

    verb: ClassVar[str] = "reject"
    candidate: int
    program: str = ""
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class Edit:
    """Try another version of a candidate, with files changed by hand.

    Attributes:
        candidate: number of the candidate.
        files: path to the whole new text of each changed file.
        program: digest of the program that the person saw; empty skips that check.
        reason: what the change is for; it becomes the hypothesis of the new candidate.
    """

    verb: ClassVar[str] = "edit"
    candidate: int
    files: Mapping[str, str]
    program: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if not self.files:
            raise UsageError("edit: files is empty; give each changed file with its new text")
        for path, text in self.files.items():
            if len(text) > MAX_FILE:
                raise UsageError(
                    f"edit: {path} must have at most {MAX_FILE:,} characters; it has {len(text):,}"
                )


@dataclass(frozen=True, kw_only=True)
class Guide:
    """Give the proposer a direction.

    Attributes:
        text: one sentence, 1 to `MAX_TEXT` characters.
        next: whether it is an idea for the next proposal only, not a direction for all to come.
    """

    verb: ClassVar[str] = "guide"
    text: str
    next: bool = False

    def __post_init__(self) -> None:
        _check_text(self.verb, self.text)


@dataclass(frozen=True, kw_only=True)
class Ban:
    """Tell the proposer what not to try again.

    Attributes:
        text: one sentence, 1 to `MAX_TEXT` characters.
    """

    verb: ClassVar[str] = "ban"
    text: str

    def __post_init__(self) -> None:
        _check_text(self.verb, self.text)


@dataclass(frozen=True, kw_only=True)
class Pin:
    """Mark a kept candidate as one to come back to.

    Attributes:
        candidate: number of the candidate.
        program: digest of the program that the person saw; empty skips that check.
    """

    verb: ClassVar[str] = "pin"
    candidate: int
    program: str = ""


@dataclass(frozen=True, kw_only=True)
class Note:
    """Write down a remark on a candidate; the search does not see it.

    Attributes:
        candidate: number of the candidate.
        text: one sentence, 1 to `MAX_TEXT` characters.
        program: digest of the program that the person saw; empty skips that check.
        author: who wrote it; empty means the user that this process runs as.
    """

    verb: ClassVar[str] = "note"
    candidate: int
    text: str
    program: str = ""
    author: str = ""

    def __post_init__(self) -> None:
        _check_text(self.verb, self.text)
        if not self.author:
            object.__setattr__(self, "author", _find_user())


@dataclass(frozen=True, kw_only=True)
class Fork:
    """Let the search go on from a candidate.

    Attributes:
        candidate: number of the candidate.
        program: digest of the program that the person saw; empty skips that check.
    """

    verb: ClassVar[str] = "fork"
    candidate: int
    program: str = ""


@dataclass(frozen=True, kw_only=True)
class Pause:
    """Start nothing new; what runs may end."""

    verb: ClassVar[str] = "pause"


@dataclass(frozen=True, kw_only=True)
class Resume:
    """Let a paused, finished or stopped study go on."""

    verb: ClassVar[str] = "resume"


@dataclass(frozen=True, kw_only=True)
class Stop:
    """End the study, its running trials and its examinations."""

    verb: ClassVar[str] = "stop"


@dataclass(frozen=True, kw_only=True)
class Set:
    """Change one option of a study under way.

    Attributes:
        key: name of the option.
        value: its new value, in the option's own unit or as a text that means one.
    """

    verb: ClassVar[str] = "set"
    key: str
    value: int | float | str


@dataclass(frozen=True, kw_only=True)
class RecordReproduction:
    """Record that a step was run again from its exported notebook.

    The fields are those of the record `Reproduction`.
    """

    verb: ClassVar[str] = "reproduction"
    candidate: int
    reproduced: bool
    got: float | None
    recorded: float | None
    tolerance: float | None = None
    why: str = ""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class RunAudit:
    """Compare the incumbent with the baseline on seeds and settings that no decision used.

    Attributes:
        trials: how many each program gets; None leaves it to the experiment.
    """

    verb: ClassVar[Literal["audit"]] = "audit"
    trials: int | None = None


@dataclass(frozen=True, kw_only=True)
class RunAblation:
    """Take each kept change out of the incumbent in turn, and measure what that costs.

    Attributes:
        trials: how many each program gets; None leaves it to the experiment.
    """

    verb: ClassVar[Literal["ablate"]] = "ablate"
    trials: int | None = None


AboutCandidate = Accept | Reject | Edit | Pin | Note | Fork
Request = (
    Accept | Reject | Edit | Guide | Ban | Pin | Note | Fork | Pause | Resume | Stop | Set
    | RecordReproduction | RunAudit | RunAblation
)  # fmt: skip
BY_VERB: Mapping[str, type[Request]] = {cls.verb: cls for cls in get_args(Request)}


@dataclass(frozen=True, kw_only=True)
class AdoptedAccept:
    """An accept that took effect.

    Attributes:
        request: what the person asked for.
        lets_run: whether it lets a candidate run that waited for a person before its first trial.
    """

    request: Accept
    lets_run: bool = False


@dataclass(frozen=True, kw_only=True)
class AdoptedEdit:
    """An edit that took effect; the texts themselves are the program of the new candidate.

    Attributes:
        candidate: the one that was edited.
        paths: the changed files, sorted.
        program: as in `Edit`.
        reason: as in `Edit`.
    """

    candidate: int
    paths: tuple[str, ...]
    program: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Change:
    """A kept change that an ablation takes out.

    Attributes:
        without: the candidate that made the change.
        candidate: the program without it; None where none can be made.
        why: why none can be made; else empty.
    """

    without: int
    candidate: int | None
    why: str = ""


@dataclass(frozen=True, kw_only=True)
class AdoptedExamination:
    """An audit or an ablation that has begun, with what the loop fixed for it.

    Attributes:
        verb: which of the two it is.
        candidate: the incumbent that is examined.
        number: 0, 1, ... in the order of adoption; each examination has other seeds.
        trials: how many each program gets.
        changes: what an ablation takes out; empty for an audit.
    """

    verb: Literal["audit", "ablate"]
    candidate: int
    number: int
    trials: int
    changes: tuple[Change, ...] = ()


AdoptedRequest = (
    AdoptedAccept | Reject | AdoptedEdit | Guide | Ban | Pin | Note | Fork | Pause | Resume | Stop
    | Set | RecordReproduction | AdoptedExamination
)  # fmt: skip


def read(verb: object, body: object) -> Request:
    """The request that a verb and a JSON object stand for.

    Raises:
        UsageError: one line that says what was given, what is expected and what to do.
    """
    cls = BY_VERB.get(verb) if isinstance(verb, str) else None
    if cls is None:
        verbs = ", ".join(sorted(BY_VERB))
        raise UsageError(f"unknown request {reprlib.repr(verb)}; choose one of {verbs}")
    if not isinstance(body, Mapping):
        raise UsageError(f"{verb}: the body must be an object; it is {reprlib.repr(body)}")
    forms = _FORMS_OF[cls]
    unknown = [name for name in body if name not in forms]
    if unknown:
        expected = f"it has {', '.join(forms)}" if forms else "its body is empty"
        raise UsageError(f"{verb} has no field {reprlib.repr(unknown[0])}; {expected}")
    values = {}
    for spec in fields(cls):
        form = forms[spec.name]
        if spec.name not in body and not _is_required(spec):
            continue
        if spec.name not in body:
            raise UsageError(f"{verb}: {spec.name} is missing; it must be {form.words}")
        value = body[spec.name]
        if not form.accepts(value):
            raise UsageError(
                f"{verb}: {spec.name} must be {form.words}; it is {reprlib.repr(value)}"
            )
        values[spec.name] = form.convert(value)
    return cls(**values)


def to_body(request: Request | AdoptedRequest) -> dict[str, Any]:
    """The JSON object of a request, as `read` or `read_adopted` takes it.

    Fields that have their default value are left out.
    """
    match request:
        case AdoptedAccept():
            body = to_body(request.request)
            if request.lets_run:
                body["run"] = True
        case AdoptedEdit():
            body = _drop_defaults(request)
            body["files"] = body.pop("paths")
        case AdoptedExamination():
            body = _drop_defaults(request)
            del body["verb"]  # the record has it
            if request.changes:
                body["changes"] = [asdict(change) for change in request.changes]
        case _:
            body = _drop_defaults(request)
    return body


def read_adopted(record: Adopted) -> AdoptedRequest | None:
    """What an adopted request said; None where this version cannot tell.

    Never raises. The loop checked the request before it adopted it, perhaps by the rules of an
    earlier version, so nothing is checked again: values of another type are converted, and fields
    that are not known are left out.
    """
    try:
        return _read_adopted(record.verb, dict(record.body))
    except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError):
        return None


def _read_adopted(verb: str, body: Mapping[str, Any]) -> AdoptedRequest | None:
    """Raises what a conversion raises, or KeyError for a missing field."""
    match verb:
        case "accept":
            request = _build_unchecked(Accept, body)
            return AdoptedAccept(request=request, lets_run=bool(body.get("run")))
        case "edit":
            return AdoptedEdit(
                candidate=int(body["candidate"]),
                paths=tuple(str(path) for path in body.get("files", ())),
                program=_to_text(body.get("program")),
                reason=_to_text(body.get("reason")),
            )
        case "audit" | "ablate":
            return AdoptedExamination(
                verb=verb,
                candidate=int(body["candidate"]),
                number=int(body["number"]),
                trials=int(body["trials"]),
                changes=tuple(
                    _build_unchecked(Change, change) for change in body.get("changes", ())
                ),
            )
        case _ if verb in BY_VERB:
            return cast(AdoptedRequest, _build_unchecked(BY_VERB[verb], body))
    return None


def _find_user() -> str:
    """The login name of this process's user; `a person` where the system cannot say."""
    try:
        return getpass.getuser()
    except (ImportError, KeyError, OSError):
        return "a person"


def _check_text(verb: str, text: str) -> None:
    """Raises UsageError where a guidance, a ban or a note is empty or too long."""
    if not text.strip() or len(text) > MAX_TEXT:
        raise UsageError(
            f"{verb} needs a text of 1 to {MAX_TEXT} characters; it has {len(text.strip()):,}"
        )


def _drop_defaults(request: Any) -> dict[str, Any]:
    """Name to value of the fields that differ from their defaults, with tuples as lists."""
    values = {}
    for spec in fields(request):
        value = getattr(request, spec.name)
        default = spec.default
        if spec.default_factory is not MISSING:
            default = spec.default_factory()
        if default is MISSING or value != default:
            values[spec.name] = list(value) if isinstance(value, tuple) else value
    return values


class _Form(NamedTuple):
    """How the fields of one type are read.

    Attributes:
        words: what such a value is, for a message.
        accepts: whether a JSON value is one.
        convert: turns a JSON value into the field's value; may raise where `accepts` is False.
    """

    words: str
    accepts: Callable[[Any], bool]
    convert: Callable[[Any], Any]


def _is_number(value: object) -> bool:
    """True for what fits a float; a bool is an int in Python, but not a number in JSON."""
    return type(value) in (int, float) and abs(cast(float, value)) <= sys.float_info.max


def _are_integers(value: object) -> bool:
    return isinstance(value, list | tuple) and all(type(item) is int for item in value)


def _are_texts(value: object) -> bool:
    """Whether it is an object with texts for both names and values."""
    return isinstance(value, Mapping) and all(
        isinstance(name, str) and isinstance(text, str) for name, text in value.items()
    )


def _to_integers(value: Any) -> tuple[int, ...]:
    return tuple(int(item) for item in value)


def _to_text(value: Any) -> str:
    """The value as a text; old journals have a null where no reason was given."""
    return str(value or "")


def _or_null(form: _Form) -> _Form:
    """The form of an optional field."""
    return _Form(
        f"{form.words}, or null",
        lambda value: value is None or form.accepts(value),
        lambda value: None if value is None else form.convert(value),
    )


_INTEGER = _Form("a whole number", lambda value: type(value) is int, int)
_NUMBER = _Form("a finite number", _is_number, float)
_INTEGERS = _Form("a list of whole numbers", _are_integers, _to_integers)
_FORMS: dict[Any, _Form] = {
    bool: _Form("true or false", lambda value: type(value) is bool, bool),
    int: _INTEGER,
    int | None: _or_null(_INTEGER),
    float | None: _or_null(_NUMBER),
    int | float | str: _Form(
        "a finite number or a text",
        lambda value: isinstance(value, str) or _is_number(value),
        lambda value: value,
    ),
    str: _Form("a text", lambda value: isinstance(value, str), _to_text),
    tuple[int, ...]: _INTEGERS,
    tuple[int, ...] | None: _or_null(_INTEGERS),
    Mapping[str, str]: _Form("an object whose values are texts", _are_texts, dict),
}


def _read_forms(cls: type) -> dict[str, _Form]:
    """Field name to its form, in the order of the class."""
    hints = get_type_hints(cls)
    return {spec.name: _FORMS[hints[spec.name]] for spec in fields(cls)}


_FORMS_OF: dict[type, dict[str, _Form]] = {
    cls: _read_forms(cls) for cls in (*get_args(Request), Change)
}


def _is_required(spec: Field[Any]) -> bool:
    return spec.default is MISSING and spec.default_factory is MISSING


def _build_unchecked(cls: type[Value], body: Mapping[str, Any]) -> Value:
    """A value of the class, converted field by field and without the checks of its constructor."""
    values = {}
    for spec in fields(cls):  # type: ignore[arg-type]
        if spec.name in body or _is_required(spec):
            values[spec.name] = _FORMS_OF[cls][spec.name].convert(body[spec.name])
        elif spec.default_factory is not MISSING:
            values[spec.name] = spec.default_factory()
        else:
            values[spec.name] = spec.default
    value = object.__new__(cls)
    vars(value).update(values)
    return value
