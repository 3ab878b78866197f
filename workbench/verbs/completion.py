"""Completes a command line: what its last word could be."""

from collections.abc import Sequence
from pathlib import Path

from workbench.ledger import folder as folders
from workbench.recognise import experiments
from workbench.verbs.table import NAMES, VERBS
from workbench.verbs.verb import Argument, Verb


def suggest(words: Sequence[str], root: Path) -> list[str]:
    """What the last word of a command line could be.

    The words are not filtered by what that word begins with already.

    Args:
        words: the command line without the program's name; the last word may be empty.
        root: the folder that holds `studies/`, and that paths of experiments are relative to.
    """
    if len(words) <= 1:
        return list(NAMES)
    verb = VERBS.get(words[0])
    if verb is None:
        return []
    argument = _find_argument(verb, words[1:-1])
    is_value = argument is not None and argument.is_option
    if words[-1].startswith("-") and not is_value:
        return verb.option_strings
    values = [] if argument is None else _list_values(argument, root)
    if is_value:
        return values
    # Where any word can follow, as in `guide TEXT`, the options are what can be completed.
    return values or verb.option_strings


def _find_argument(verb: Verb, words: Sequence[str]) -> Argument | None:
    """The argument that the next word gives a value to; None where no more are expected."""
    options = {name: argument for argument in verb.arguments for name in argument.option_strings}
    positionals = [argument for argument in verb.arguments if not argument.is_option]
    n_given = 0
    option = None  # the option whose value comes next
    for word in words:
        if option is not None:
            option = None  # this word was its value
        elif word in options:
            # `--goal` takes a value; `--minimize`, which is short for one, does not.
            if options[word].takes_value and word == options[word].name:
                option = options[word]
        elif not word.startswith("-"):
            n_given += 1
    if option is not None:
        return option
    if n_given < len(positionals):
        return positionals[n_given]
    return None


def _list_values(argument: Argument, root: Path) -> list[str]:
    """The values that an argument can have, as far as there is a list of them."""
    if argument.role:
        from workbench import registry  # finding plug-ins takes 25 ms

        return registry.list_names(argument.role)
    match argument.completes:
        case "studies":
            return [study.name for study in folders.list_studies(root)]
        case "experiments":
            return [*experiments.builtin_experiments(), *_list_local_experiments(root)]
    return list(argument.choices)


def _list_local_experiments(root: Path) -> list[str]:
    """Experiments up to two levels below a folder, as relative paths."""
    files = [*root.glob("*/experiment.toml"), *root.glob("*/*/experiment.toml")]
    return [file.parent.relative_to(root).as_posix() for file in files]
