"""Given: the files that `--set KEY=PATH` names; a study takes a copy, and needs them no longer."""

import os
from collections.abc import Mapping
from pathlib import Path

from workbench.errors import UsageError
from workbench.experiment import Experiment

FOLDER = "files"


def taken(
    experiment: Experiment, settings: Mapping[str, str], root: Path
) -> tuple[Experiment, dict[str, bytes]]:
    """The experiment with `--set` values, and the files among them by their place in the frozen experiment.

    A value of a setting in `experiment.files` is a path where it has a suffix or a folder, as in `or3.json` or `./or3`. The setting
    then names the copy, relative to the experiment's folder.

    Args:
        root: what paths are relative to.

    Raises:
        UsageError: no such setting, a value of another type, or a file that cannot be read.
    """
    values, files = dict(settings), {}
    for key in experiment.files:
        text = values.get(key, "")
        path = root / os.path.expanduser(text)
        if os.sep in text or Path(text).suffix:
            place = f"{FOLDER}/{key}-{path.name}"
            files[place], values[key] = _bytes(f"--set {key}={text}", path), place
    return experiment.with_settings(values), files


def _bytes(given: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UsageError(f"{given}: cannot read {path}: {error.strerror}") from None
