"""Aliases from kept programs: which proposer a program of a study describes.

A study of `proposer_harness` searches for better settings or prompts of a proposer. What it keeps
can be given a name, which `start --proposer NAME` then accepts. Each proposer says itself which of
a program's files describe it; this module only knows whom to ask.
"""

from collections.abc import Callable, Mapping

from workbench import registry

# Asked where a study does not say which proposer it is about.
DEFAULT_PROPOSER = "tuner"
HOW_DESCRIBED = (
    "a settings.py with lines such as REACH = 2.0 describes one, and so does the evolve.toml or "
    "agent.toml of a study whose setting proposer names that proposer"
)

ReadProgram = Callable[[str, Mapping[str, str]], str | None]


def find_meaning(files: Mapping[str, str], proposer: str) -> str | None:
    """What an alias for a kept program means, as `registry.save_alias` takes it.

    Args:
        files: the program's files, path to text.
        proposer: the proposer that the study is about, with its argument. It is the study's setting
            `proposer`; empty where the study has no such setting.

    Returns:
        The proposer with its argument, and its prompt below; None where the program does not
        describe one.

    Raises:
        UsageError: the program describes a proposer that cannot be.
    """
    name, _, argument = proposer.partition(":")
    read_program = _find_reader(name)
    if read_program is None:
        # The study is not about a proposer, or it is about one that no file describes, as null.
        argument = ""
        read_program = _find_reader(DEFAULT_PROPOSER)
    if read_program is None:
        return None
    return read_program(argument, files)


def _find_reader(name: str) -> ReadProgram | None:
    """The proposer's own reading of a program; None for an unknown name, or without one."""
    if name not in registry.list_names("proposers"):
        return None
    proposer = registry.find("proposers", name)
    read_program: ReadProgram | None = getattr(proposer, "alias_from_program", None)
    return read_program
