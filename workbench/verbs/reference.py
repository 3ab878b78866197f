"""Writes the tables of `README.md` in this folder from the declarations of verbs and options.

`python -m workbench.verbs.reference` rewrites the page; a test compares it with the declarations.
"""

from collections.abc import Sequence
from pathlib import Path

from workbench import options, registry
from workbench.verbs.table import VERBS
from workbench.verbs.verb import Argument, Verb, from_option

PAGE = Path(__file__).parent / "README.md"
SEE_BELOW = "the options below"
SEE_SCORING = "the options for a script below"


def build_page(text: str) -> str:
    """The page with its tables as they should be.

    Args:
        text: the page as it is, with a begin and an end marker around each table.
    """
    for name, table in (("verbs", build_verb_table()), ("options", build_option_table())):
        begin = f"<!-- begin {name} -->"
        end = f"<!-- end {name} -->"
        before, _, rest = text.partition(begin)
        _, _, after = rest.partition(end)
        text = f"{before}{begin}\n{table}\n{end}{after}"
    return text


def build_verb_table() -> str:
    """One row per verb."""
    rows = [
        (f"`{_format_usage(verb)}`", _describe_verb(verb), _list_options(verb), _mark_screens(verb))
        for verb in VERBS.values()
    ]
    return _build_table(("verb", "what it does", "options", "on screens"), rows)


def _format_usage(verb: Verb) -> str:
    """The verb and its words, as in `export N [FILE.ipynb]`."""
    words = [verb.name]
    for argument in verb.own_arguments:
        if not argument.is_option:
            word = f"[{argument.metavar}]" if argument.nargs == "?" else argument.metavar
            words.append(word)
    return " ".join(words)


def _describe_verb(verb: Verb) -> str:
    exit_codes = "; ".join(f"{code}: {meaning}" for code, meaning in verb.exit_codes.items())
    return f"{verb.help} (exit code {exit_codes})" if exit_codes else verb.help


def _list_options(verb: Verb) -> str:
    """The options of a verb, one a line; those of `start` have a table of their own."""
    if verb.name == "start":
        return SEE_BELOW
    lines = []
    for argument in verb.own_arguments:
        # Options for scripts have their rows in the second table.
        if argument.is_option and argument.group == "":
            default = f" (default: {argument.default_text})" if argument.default_text else ""
            lines.append(f"`{_format_option(argument)}` {argument.help}{default}")
    if any(argument.group for argument in verb.own_arguments):
        lines.append(SEE_SCORING)
    return "<br>".join(lines)


def _mark_screens(verb: Verb) -> str:
    return "yes" if "screens" in verb.offered else ""


def build_option_table() -> str:
    """One row per option of `start`, and per option that only `set` gives."""
    rows = [
        (
            _spell_option(option),
            option.describe_default(),
            _describe_option(option),
            _list_verbs(name),
        )
        for name, option in {**options.START, **options.RECORDED}.items()
    ]
    return _build_table(("option", "default", "what it does", "of"), rows)


def _spell_option(option: options.Option) -> str:
    """How a command line gives the option, with the options that are short for its choices."""
    if option.name not in options.START:
        return f"`{option.name}={option.metavar}`"
    argument = from_option(option)
    shorthands = ", ".join(f"`{string}`" for string in argument.option_strings[1:])
    spelling = f"`{_format_option(argument)}`"
    return f"{spelling}, {shorthands}" if shorthands else spelling


def _list_verbs(name: str) -> str:
    """The verbs that take an option."""
    verbs = []
    if name in options.START:
        verbs.append("`start`")
    if name in options.SCORING:
        verbs.append("`new` (of a script or a cell)")
    if name in options.CHANGEABLE:
        verbs.append("`set`")
    return ", ".join(verbs)


def _describe_option(option: options.Option) -> str:
    """The help of an option; where it takes a name from the registry, with the built-in ones."""
    if not option.role:
        return option.help
    names = ", ".join(f"`{name}`" for name in sorted(registry.BUILTIN[option.role]))
    return f"{option.help}; built in: {names}"


def _format_option(argument: Argument) -> str:
    """An option and the placeholder of its value, as in `--max-usd X`."""
    if not argument.takes_value:
        return argument.name
    value = argument.metavar or f"{{{','.join(argument.choices)}}}"
    dots = " ..." if argument.kind == "paths" else ""
    return f"{argument.name} {value}{dots}"


def _build_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


if __name__ == "__main__":
    PAGE.write_text(build_page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
