"""Reads one command line and carries it out; shell and magic share it.

What the verbs are and do is in `declarations/`.
"""

import argparse
import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import workbench
from workbench.errors import UsageError
from workbench.verbs import start
from workbench.verbs.result import Result
from workbench.verbs.table import NAMES, VERBS
from workbench.verbs.verb import Argument, Arguments, Caller, Verb

PROG = "autoresearch"
_CONVERTERS: dict[str, Any] = {"integer": int, "number": float}
# What argparse begins with where nothing is given; it copies a list before it adds to it.
_EMPTY: dict[str, Any] = {"flag": False, "pairs": [], "paths": []}


class _Parser(argparse.ArgumentParser):
    """Raises where argparse would print its usage and leave the process."""

    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{message}; see {self.prog} --help")


@dataclass(frozen=True)
class _RegistryNames:
    """The names of a role as `--help` prints them.

    Finding plug-ins takes 25 ms, so they are looked for when help is printed and not before.
    """

    role: str

    def __str__(self) -> str:
        from workbench import registry

        return ", ".join(registry.list_names(self.role))


def read(words: Sequence[str], prog: str = PROG) -> Arguments:
    """Parses one command line, without the program's name.

    Options and other words may follow the verb in any order.

    Args:
        words: the command line.
        prog: how command lines begin there, for messages and help.

    Raises:
        UsageError: it cannot be understood; one line says why.
        SystemExit: help or the version was asked for, and printed.
    """
    if not words:
        raise UsageError(f"which verb? {', '.join(NAMES)}; see {prog} --help")
    if words[0] in ("-h", "--help", "--version"):
        build_overview(prog).parse_args(words[:1])
    verb = _find_verb(words[0])
    options, separator, values = _split(words[1:])
    if not {"-h", "--help"}.isdisjoint(options):
        build_parser(verb, prog).parse_args(["--help"])
    # argparse gives an optional word that is left out its default at the first option it meets, so
    # `export 2 --study S step.ipynb` would fail. Two parsers, one for options and one for all other
    # words, take them in any order.
    arguments, rest = _build_part(verb, prog, has_options=True).parse_known_args(options)
    words_parser = _build_part(verb, prog, has_options=False)
    arguments, unknown = words_parser.parse_known_args([*rest, *separator, *values], arguments)
    if unknown:
        raise UsageError(
            f"{verb.name} does not know {' '.join(unknown)}; see {prog} {verb.name} --help"
        )
    arguments.verb = verb.name
    return arguments


def _split(words: Sequence[str]) -> tuple[Sequence[str], Sequence[str], Sequence[str]]:
    """The words before the first `--`, that word itself, and those after it.

    None of those after it is an option, whatever it looks like.
    """
    if "--" not in words:
        return words, [], []
    place = list(words).index("--")
    return words[:place], words[place : place + 1], words[place + 1 :]


def _find_verb(name: str) -> Verb:
    if name in NAMES:
        return VERBS[name]
    similar = difflib.get_close_matches(name, NAMES, n=1)
    remedy = f"choose one of {', '.join(NAMES)}"
    if similar:
        remedy = f"did you mean {similar[0]}?"
    raise UsageError(f"no verb {name!r}; {remedy}")


def run(arguments: Arguments, caller: Caller) -> Result:
    """Carries out a command line that `read` has parsed.

    Raises:
        UsageError: it cannot be carried out as it was given.
        WorkbenchError: the work failed.
    """
    verb = VERBS[arguments.verb]
    if verb.alone is not None:
        return verb.alone(arguments, caller)
    assert verb.on_study is not None
    # The study may be named by an option, and by a last word where the verb takes one.
    last_word = getattr(arguments, "positional_study", None)
    if arguments.study and last_word not in (None, arguments.study):
        raise UsageError(f"two studies are named: {last_word} and {arguments.study}")
    name = arguments.study or last_word
    study = start.open(name, caller.root)
    result = replace(verb.on_study(study, arguments), folder=study.folder)
    return result if name else replace(result, newest=study.name)


def build_overview(prog: str = PROG) -> argparse.ArgumentParser:
    """The parser behind `--help` and `--version`: all verbs, without what may follow them."""
    parser = _Parser(
        prog=prog,
        description="Studies in which code improves itself and you stay in charge.",
        epilog=f"{prog} VERB --help tells more. Without --study a verb means the newest study "
        "below the current folder.",
        allow_abbrev=False,
    )
    version = f"autoresearch-workbench {workbench.__version__}"
    parser.add_argument("--version", action="version", version=version)
    subparsers = parser.add_subparsers(dest="verb", metavar="VERB", required=True)
    for name in NAMES:
        subparsers.add_parser(name, help=VERBS[name].help)
    return parser


def build_parser(verb: Verb, prog: str = PROG) -> argparse.ArgumentParser:
    """The parser whose help describes all that may follow a verb."""
    exit_codes = "; ".join(f"{code}: {meaning}" for code, meaning in verb.exit_codes.items())
    parser = _Parser(
        prog=f"{prog} {verb.name}",
        description=f"{verb.help[:1].upper()}{verb.help[1:]}.",
    )
    if exit_codes:
        parser.epilog = f"Exit codes: {exit_codes}."
    groups: dict[str, Any] = {"": parser}
    for argument in verb.arguments:
        if argument.group not in groups:
            groups[argument.group] = parser.add_argument_group(argument.group)
        _add(argument, groups[argument.group])
    return parser


def _build_part(verb: Verb, prog: str, has_options: bool) -> argparse.ArgumentParser:
    """The parser of only the options of a verb, or of only its other words."""
    parser = _Parser(prog=f"{prog} {verb.name}", allow_abbrev=False, add_help=False)
    for argument in verb.arguments:
        if argument.is_option == has_options:
            _add(argument, parser)
    return parser


def _add(argument: Argument, target: Any) -> None:
    """Adds an argument to a parser or a group, and the options that are short for its choices."""
    if argument.has_flag_per_choice:
        target = target.add_mutually_exclusive_group()
    added = target.add_argument(argument.name, **dict(_list_settings(argument)))
    # Not a setting of argparse, but `%(names)s` in the help refers to it.
    added.names = _RegistryNames(argument.role)
    for option_string in argument.option_strings[1:]:
        value = option_string.removeprefix("--")
        target.add_argument(
            option_string,
            action="store_const",
            const=value,
            dest=added.dest,
            default=argument.default,
            help=f"the same as {argument.name} {value}",
        )


def _list_settings(argument: Argument) -> Iterator[tuple[str, Any]]:
    """The keywords of `add_argument` that say what an argument is."""
    yield "help", _describe(argument)
    if argument.dest:
        yield "dest", argument.dest
    default = argument.default
    if default is None and argument.kind in _EMPTY:
        default = _EMPTY[argument.kind]
    yield "default", default
    match argument.kind:
        case "flag":
            yield "action", "store_true"
        case "pairs":
            yield "action", "append"
        case "paths":
            yield "action", "extend"
            yield "nargs", "+"
        case kind if kind in _CONVERTERS:
            yield "type", _CONVERTERS[kind]
    if argument.metavar:
        yield "metavar", argument.metavar
    if argument.choices:
        yield "choices", argument.choices
    if argument.nargs:
        yield "nargs", argument.nargs


def _describe(argument: Argument) -> str:
    """The help of an argument as argparse takes it."""
    text = _escape(argument.help)
    if argument.role:
        text += "; one of %(names)s"
    if argument.default_text:
        text += f" (default: {_escape(argument.default_text)})"
    return text


def _escape(text: str) -> str:
    """The text with its percent signs doubled, since argparse formats it with `%`."""
    return text.replace("%", "%%")
