"""The options of a study, each declared once.

An entry of one of the classes below is the declaration of an option: its name, its type, and an
`Option` with the rest. The command line, the checks of `start` and `set`, completion, the reference
page and the screens all read these declarations. Values only: nothing is started or read from disk.

The classes are typed dictionaries because `start(**chosen: Unpack[StartOptions])` then takes
exactly these keywords, and a type checker knows the type of each.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypedDict, get_args, get_origin, get_type_hints

from workbench.errors import UsageError
from workbench.experiment import Goal
from workbench.records import Options, Review

Sandbox = Literal["auto", "bwrap", "landlock", "off"]
ScriptNoise = Literal["none", "seed", "run"]
Duration = str | float  # "8h", "1h30m" or a number of seconds
Role = Literal["", "proposers", "strategies", "policies", "executors"]
# What a command line takes for an option: `pairs` are KEY=VALUE, repeated; `paths` are one or more.
Kind = Literal["text", "integer", "number", "duration", "choice", "flag", "pairs", "paths"]

SANDBOXES: tuple[str, ...] = get_args(Sandbox)
DEFAULT_CANDIDATES = 20
MAX_ROUND = 8
MAX_AHEAD = 8
MAX_SIZE = 1e12  # `set` takes only smaller numbers, so that a slip of the finger is noticed
NO_LIMIT = "no limit"

_NUMBER_TYPES: dict[Kind, type[int] | type[float]] = {
    "integer": int,
    "number": float,
    "duration": float,
}
_SECONDS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0}


@dataclass(frozen=True, kw_only=True)
class Option:
    """What is declared about one option.

    Attributes:
        name: keyword in Python; on a command line `max_usd` becomes `--max-usd`.
        kind: what its values are, which follows from its type.
        default: its value in Python where it is not given.
        help: what it does, in one line.
        default_text: how the default is described, where its value does not say enough.
        metavar: placeholder for its value, as in `--max-usd X`.
        choices: its possible values, from its `Literal` type; empty for another type.
        low: smallest number that is allowed.
        high: largest number that is allowed.
        zero: what 0 means, where it is special.
        role: role in the registry whose names are its values.
        flag: how the command line spells it, where that is not derived from the name.
        has_flag_per_choice: whether `--minimize` means the same as `--goal minimize`.
        field: its field in `records.Options`; empty where a study does not record it.
        is_changeable: whether `set` changes it while the study runs.
        is_on_screens: whether screens are told its value.
    """

    name: str = ""
    kind: Kind = "text"
    default: Any = None
    help: str
    default_text: str = ""
    metavar: str = ""
    choices: tuple[str, ...] = ()
    low: float = -math.inf
    high: float = math.inf
    zero: str = ""
    role: Role = ""
    flag: str = ""
    has_flag_per_choice: bool = False
    field: str = ""
    is_changeable: bool = False
    is_on_screens: bool = False

    def describe_default(self) -> str:
        """The default in words; empty for a flag, which is simply not set."""
        if self.default_text:
            return self.default_text
        if self.kind == "flag":
            return ""
        if self.kind == "number":
            return f"{self.default:g}"
        return str(self.default)


class StudyOptions(TypedDict, total=False):
    """Options of `start` that the study records."""

    proposer: Annotated[
        str,
        Option(
            default="tuner",
            metavar="NAME",
            role="proposers",
            is_on_screens=True,
            help="who changes the code; tuner needs no key, agent and evolve ask a model, "
            "patches:DIR and replay:STUDY name their source",
        ),
    ]
    model: Annotated[
        str,
        Option(
            default="",
            metavar="NAME",
            default_text="none",
            help="model that the proposer asks; several with weights: a=3,b=1",
        ),
    ]
    base_url: Annotated[
        str,
        Option(
            default="",
            metavar="URL",
            default_text="ANTHROPIC_BASE_URL, else Claude's",
            help="address of the model's server, any that speaks the Messages API",
        ),
    ]
    effort: Annotated[
        str,
        Option(
            default="",
            metavar="LEVEL",
            default_text="the model's own",
            help="how hard the model thinks: low, medium, high, xhigh or max",
        ),
    ]
    strategy: Annotated[
        str,
        Option(
            default="hillclimb",
            metavar="NAME",
            role="strategies",
            is_on_screens=True,
            help="how the parent of the next candidate is chosen",
        ),
    ]
    policy: Annotated[
        str,
        Option(
            default="tested",
            metavar="NAME",
            role="policies",
            is_on_screens=True,
            help="what is kept; tested: gains beyond the noise, "
            "greedy: any gain in one run, which is autoresearch's rule",
        ),
    ]
    review: Annotated[
        Review,
        Option(
            default="off",
            default_text="keeps in a live notebook, else off",
            is_changeable=True,
            is_on_screens=True,
            help="what waits for you; off: nothing, keeps: candidates that would be kept, "
            "all: every diff before it runs",
        ),
    ]
    candidates: Annotated[
        int | None,
        Option(
            metavar="N",
            default_text=f"{DEFAULT_CANDIDATES}, or no limit with --time",
            low=0,
            zero=NO_LIMIT,
            is_changeable=True,
            is_on_screens=True,
            help="how many candidates to propose; 0: no limit",
        ),
    ]
    time: Annotated[
        Duration | None,
        Option(
            metavar="T",
            default_text=NO_LIMIT,
            low=0,
            zero=NO_LIMIT,
            field="seconds",
            is_changeable=True,
            is_on_screens=True,
            help="how long to propose, as 8h, 1h30m or a number of seconds; 0: no limit",
        ),
    ]
    max_usd: Annotated[
        float,
        Option(
            default=0.0,
            metavar="X",
            default_text=NO_LIMIT,
            low=0,
            zero=NO_LIMIT,
            is_changeable=True,
            is_on_screens=True,
            help="US dollars that proposals may cost; 0: no limit",
        ),
    ]
    max_tokens: Annotated[
        int,
        Option(
            default=0,
            metavar="N",
            default_text=NO_LIMIT,
            low=0,
            zero=NO_LIMIT,
            is_changeable=True,
            is_on_screens=True,
            help="tokens of a model that proposals may use; 0: no limit",
        ),
    ]
    round: Annotated[
        int,
        Option(
            default=1,
            metavar="N",
            low=1,
            high=MAX_ROUND,
            help=f"candidates that agent is asked for at a time, 1 to {MAX_ROUND}",
        ),
    ]
    ahead: Annotated[
        int | None,
        Option(
            metavar="N",
            default_text="as the proposer wishes",
            low=0,
            high=MAX_AHEAD,
            help=f"proposals made ahead per slot while trials run, 0 to {MAX_AHEAD}; "
            "0: each proposal learns from all results before it",
        ),
    ]
    slots: Annotated[
        int,
        Option(
            default=0,
            metavar="N",
            default_text="one per GPU, else one per two cores",
            low=0,
            zero="as many as fit",
            help="trials that run at a time; 0: as many as fit",
        ),
    ]
    executor: Annotated[
        str,
        Option(default="local", metavar="NAME", role="executors", help="where trials run"),
    ]
    seed: Annotated[
        int | None,
        Option(
            metavar="S",
            default_text="secret",
            help="random seed, for a study that can be repeated; without it the seeds of trials "
            "are secret, so that no candidate can prepare for them",
        ),
    ]
    sandbox: Annotated[
        Sandbox,
        Option(
            default="auto",
            help="how candidates are isolated; auto: the best level that works here, "
            "off: not at all, and every trial is marked",
        ),
    ]


class ScoringOptions(TypedDict, total=False):
    """Options that say how a script or a cell is scored, and how long its trials may take."""

    score: Annotated[
        str | None,
        Option(metavar="NAME", default_text="score", help="function that returns the score"),
    ]
    metric: Annotated[
        str | None,
        Option(
            metavar="NAME",
            default_text="none",
            help="name of the score where it is printed, as NAME: NUMBER; the last such line "
            "counts, and it is shown as self-reported",
        ),
    ]
    goal: Annotated[
        Goal | None,
        Option(
            default_text="as the name says; of a cell, maximize a function, minimize a metric",
            has_flag_per_choice=True,
            help="whether a low or a high score is better",
        ),
    ]
    noise: Annotated[
        ScriptNoise | None,
        Option(
            default_text="run",
            help="whether scores repeat; none: always, seed: for the same seed, run: never",
        ),
    ]
    min_effect: Annotated[
        float,
        Option(default=0.0, metavar="X", help="smallest gain worth having"),
    ]
    time_limit: Annotated[
        Duration | None,
        Option(metavar="T", default_text="10m", help="longest time for a trial, as 30m"),
    ]


class StartOptions(StudyOptions, ScoringOptions, total=False):
    """All options of `start`."""

    study: Annotated[
        str | None,
        Option(
            metavar="NAME",
            default_text="the experiment's, with a number",
            help="name of the new study",
        ),
    ]
    settings: Annotated[
        Mapping[str, Any] | None,
        Option(
            metavar="KEY=VALUE",
            default_text="as in experiment.toml",
            flag="--set",
            help="a setting of the experiment; may be repeated",
        ),
    ]
    also: Annotated[
        Sequence[str | Path],
        Option(
            default=(),
            metavar="PATH",
            default_text="none",
            help="programs to try before the proposer is asked: files in place of the editable "
            "one, or folders of such files; not counted in --candidates",
        ),
    ]
    wait: Annotated[
        bool,
        Option(default=False, help="show progress, and return when the study has ended"),
    ]


class LaterOptions(TypedDict, total=False):
    """Options that a study records and only `set` gives."""

    max_waiting: Annotated[
        int,
        Option(
            default=8,
            metavar="N",
            low=0,
            is_changeable=True,
            is_on_screens=True,
            help="candidates that may wait for you before no more are proposed",
        ),
    ]


# Kind by type; a type that is not listed is a `Literal`, whose values are the choices.
_KINDS: dict[Any, Kind] = {
    str: "text",
    str | None: "text",
    int: "integer",
    int | None: "integer",
    float: "number",
    Duration | None: "duration",
    bool: "flag",
    Mapping[str, Any] | None: "pairs",
    Sequence[str | Path]: "paths",
}


def _read_declarations(declarations: Any) -> dict[str, Option]:
    """The options of one of the classes above, by name."""
    recorded = {spec.name for spec in fields(Options)}
    options = {}
    for name, hint in get_type_hints(declarations, include_extras=True).items():
        annotated_type, option = get_args(hint)  # of Annotated[type, Option(...)]
        options[name] = replace(
            option,
            name=name,
            kind=_KINDS.get(annotated_type, "choice"),
            choices=_list_choices(annotated_type),
            field=name if name in recorded else option.field,
        )
    return options


def _list_choices(annotated_type: Any) -> tuple[str, ...]:
    """The values of a `Literal`, or of `Literal | None`; empty for another type."""
    for member in (annotated_type, *get_args(annotated_type)):
        if get_origin(member) is Literal:
            return get_args(member)
    return ()


STUDY = _read_declarations(StudyOptions)
SCORING = _read_declarations(ScoringOptions)
START = _read_declarations(StartOptions)
RECORDED = {**STUDY, **_read_declarations(LaterOptions)}
CHANGEABLE = {name: option for name, option in RECORDED.items() if option.is_changeable}
ON_SCREENS = tuple(option.field for option in RECORDED.values() if option.is_on_screens)


def to_record(chosen: Mapping[str, Any]) -> Options:
    """The options as the journal of a new study records them.

    Args:
        chosen: values of `StudyOptions` by name; those that are left out have their defaults.
    """
    values = {name: chosen.get(name, option.default) for name, option in STUDY.items()}
    time = values.pop("time")
    values["seconds"] = 0.0 if time is None else read_duration(time)
    if values["candidates"] is None:
        # A study that is limited by time should use that time, so nothing else limits it.
        values["candidates"] = 0 if values["seconds"] else DEFAULT_CANDIDATES
    if values["seed"] is None:
        values["seed"] = 0  # not used: a secret key takes its place, see `StudyOpened.key`
    return Options(**values)


def check_values(options: Options) -> None:
    """Raises UsageError where a number is out of range, or a value is not one of the choices."""
    for option in RECORDED.values():
        value = getattr(options, option.field)
        if value is not None:
            _check_value(option, option.field, value)


def read_change(key: str, value: Any) -> tuple[str, int | float | str]:
    """The field of `records.Options` that `set KEY=VALUE` changes, and its new value.

    Those who file the request and the loop that answers it both use this function.

    Args:
        key: name of the option, or of its field; `max-usd` is the same as `max_usd`.
        value: the new value, or a text that means it.

    Raises:
        UsageError: the option cannot be changed, or cannot have this value.
    """
    name = key.strip().replace("-", "_")
    for option in CHANGEABLE.values():
        if name in (option.name, option.field):
            break
    else:
        raise UsageError(
            f"cannot change {key!r} of a study; what can be changed: {', '.join(CHANGEABLE)}"
        )
    new_value = _convert(option, name, value)
    _check_value(option, name, new_value)
    if not isinstance(new_value, str) and new_value >= MAX_SIZE:
        raise UsageError(f"{key}={value}: it must be below {MAX_SIZE:,.0f}")
    return option.field, new_value


def _convert(option: Option, name: str, value: Any) -> int | float | str:
    """The value of an option that `set` changes, from what a person or a screen gave."""
    if option.kind == "choice":
        return str(value)
    # `time` is written as "8h"; screens send the field `seconds`, which is a plain number.
    if option.kind == "duration" and name == option.name:
        return read_duration(value)
    number_type = _NUMBER_TYPES[option.kind]
    try:
        return number_type(value)
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{name}={value}: it must be a number") from None


def _check_value(option: Option, name: str, value: Any) -> None:
    """Raises UsageError, under the name that the caller used for the option."""
    if option.choices and value not in option.choices:
        raise UsageError(f"{name}={value}: choose one of {', '.join(option.choices)}")
    if option.kind not in ("integer", "number", "duration"):
        return
    # A comparison with nan is always false, so nan would pass one that only looks for mistakes.
    is_number = isinstance(value, int | float) and math.isfinite(value)
    if is_number and option.low <= value <= option.high:
        return
    if math.isfinite(option.high):
        expected = f"a number from {option.low:g} to {option.high:g}"
    elif math.isfinite(option.low):
        expected = f"a number of at least {option.low:g}"
    else:
        expected = "a number"
    if option.zero:
        expected += f" (0 means {option.zero})"
    raise UsageError(f"{name}={value}: it must be {expected}")


def read_duration(text: Duration) -> float:
    """Seconds of "8h", "30m", "1h30m", "90s", "2d" or a number of seconds.

    Raises:
        UsageError: it is none of these.
    """
    plain = str(text).strip().lower()
    parts = re.findall(r"(\d+(?:\.\d+)?)([dhms])", plain)
    seconds = math.inf
    if parts and "".join(number + unit for number, unit in parts) == plain:
        seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    elif re.fullmatch(r"\d+(?:\.\d+)?", plain):
        seconds = float(plain)
    if math.isfinite(seconds):
        return seconds
    raise UsageError(f"not a time: {text!r}; write 8h, 30m, 1h30m or a number of seconds")
