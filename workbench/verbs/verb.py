"""What the declaration of a verb is made of. `table.py` lists the verbs that there are.

The command line, its completion, the magic, the requests of screens and the reference page all
follow from these declarations.
"""

import argparse
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, NamedTuple, get_args

from workbench.options import SCORING, Kind, Option, Role
from workbench.records import Review
from workbench.verbs.handle import StudyHandle
from workbench.verbs.result import Result

Arguments = argparse.Namespace  # the parsed words of one command line
Follow = Callable[[StudyHandle], Result]
Place = Literal["command line", "screens"]  # shell and magic have the same command line
LiveView = Literal["", "dashboard", "review"]
COMMAND_LINE: tuple[Place, ...] = ("command line",)
EVERYWHERE: tuple[Place, ...] = get_args(Place)


class Cell(NamedTuple):
    """A notebook cell with a magic on top.

    Attributes:
        magic: its first line.
        code: what follows.
    """

    magic: str
    code: str


@dataclass(frozen=True)
class Caller:
    """Who gave a command line, and from where.

    Attributes:
        root: the folder that holds `studies/`.
        follow: shows the progress of a study until it ends, for `start --wait`.
        review: review mode of a new study where the command line names none.
        prog: how command lines begin there, for messages: `autoresearch` or `%autoresearch`.
        cell: the cell below the magic, if there is one.
    """

    root: Path
    follow: Follow
    review: Review = "off"
    prog: str = "autoresearch"
    cell: Cell | None = None


@dataclass(frozen=True, kw_only=True)
class Argument:
    """One thing that may follow a verb on a command line.

    Attributes:
        name: `candidate` for a positional argument, `--dry-run` for an option.
        dest: its name among the parsed arguments; follows from `name` where it is empty.
        kind: what its value is.
        help: what it does, in one line.
        metavar: placeholder for its value.
        default: its value where it is not given.
        default_text: how the default is described; empty if the help says enough.
        choices: the values it may have; empty for any.
        nargs: "?" for a positional that may be left out, "+" for one of several words.
        has_flag_per_choice: whether each choice is also an option without a value.
        group: heading in the help under which it stands; empty for the first one.
        completes: what completion offers for it.
        role: role in the registry whose names completion offers.
    """

    name: str
    dest: str = ""
    kind: Kind = "text"
    help: str
    metavar: str = ""
    default: Any = None
    default_text: str = ""
    choices: tuple[str, ...] = ()
    nargs: Literal["", "?", "+"] = ""
    has_flag_per_choice: bool = False
    group: str = ""
    completes: Literal["", "studies", "experiments"] = ""
    role: Role = ""

    @property
    def is_option(self) -> bool:
        return self.name.startswith("--")

    @property
    def takes_value(self) -> bool:
        return self.kind != "flag"

    @property
    def option_strings(self) -> tuple[str, ...]:
        """All spellings of an option; none for a positional argument."""
        if not self.is_option:
            return ()
        shorthands = self.choices if self.has_flag_per_choice else ()
        return (self.name, *(f"--{choice}" for choice in shorthands))


def from_option(option: Option) -> Argument:
    """The command line's form of an option of `start`.

    What is not given is left out of the parsed arguments: `start` then chooses the default itself.
    """
    return Argument(
        name=option.flag or f"--{option.name.replace('_', '-')}",
        dest=option.name,
        kind=option.kind,
        help=option.help,
        metavar=option.metavar,
        default=argparse.SUPPRESS,
        default_text=option.describe_default(),
        choices=option.choices,
        has_flag_per_choice=option.has_flag_per_choice,
        group="for a script or a notebook cell" if option.name in SCORING else "",
        role=option.role,
    )


CANDIDATE = Argument(name="candidate", kind="integer", metavar="N", help="number of the candidate")
# The option `--study` has the name `study` among the parsed arguments, and both may be given.
STUDY = Argument(
    name="positional_study",
    metavar="STUDY",
    nargs="?",
    completes="studies",
    help="the study, by name or path",
    default_text="the newest here",
)
STUDY_OPTION = replace(STUDY, name="--study", metavar="NAME", nargs="")
JSON_OPTION = Argument(name="--json", kind="flag", help="print one JSON value instead of text")


@dataclass(frozen=True, kw_only=True)
class Verb:
    """The declaration of a verb: what can follow it, what it does, and who may use it.

    Attributes:
        name: the word itself.
        help: what it does, in one line that begins with a verb.
        own_arguments: what may follow it, besides `--study` and `--json`.
        on_study: what it does with a study.
        alone: what it does, for a verb that is not about one existing study.
        offered: where it is offered; on screens, as a request that a click files.
        exit_codes: what its own exit codes say, besides 0 for done and 2 for wrong usage.
        live_view: the screen that a live notebook shows in place of its answer.
        answer_names_study: whether its answer says which study it is about.
    """

    name: str
    help: str
    own_arguments: tuple[Argument, ...] = ()
    on_study: Callable[[StudyHandle, Arguments], Result] | None = None
    alone: Callable[[Arguments, Caller], Result] | None = None
    offered: tuple[Place, ...] = COMMAND_LINE
    exit_codes: Mapping[int, str] = field(default_factory=dict)
    live_view: LiveView = ""
    answer_names_study: bool = False

    def __post_init__(self) -> None:
        if (self.on_study is None) == (self.alone is None):
            raise ValueError(f"verb {self.name} must have one of on_study and alone")

    @property
    def arguments(self) -> tuple[Argument, ...]:
        """Everything that may follow it."""
        common = (JSON_OPTION,) if self.on_study is None else (STUDY_OPTION, JSON_OPTION)
        return (*self.own_arguments, *common)

    @property
    def option_strings(self) -> list[str]:
        """All its options as they are written, sorted."""
        strings = [string for argument in self.arguments for string in argument.option_strings]
        return sorted([*strings, "--help"])
