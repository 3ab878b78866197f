"""Gives a name to what a study of proposers kept, for `--proposer NAME` of later studies."""

from collections.abc import Mapping
from pathlib import Path

from workbench import registry
from workbench.errors import UsageError
from workbench.ledger.study import Study
from workbench.propose import alias


def install_proposer(study: Study, files: Mapping[str, str], name: str) -> Path:
    """Lets `--proposer NAME` mean the proposer that a program of the study describes.

    Args:
        study: the study of proposers.
        files: path to text of the program; empty where the study has kept none.
        name: the new name.

    Returns:
        The file that the name is written to.

    Raises:
        UsageError: the program describes no proposer, or the name cannot be used.
    """
    meaning = alias.find_meaning(files, str(study.opened.settings.get("proposer", "")))
    if meaning is None:
        raise UsageError(
            f"{study.opened.name} makes no proposer, or kept none yet: {alias.HOW_DESCRIBED}"
        )
    return registry.save_alias(name, meaning)
