"""Settings of a new study: the values of `--set`, and copies of the files that they name.

A study keeps these copies in its frozen experiment, so that it needs the files no longer.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from workbench.errors import UsageError
from workbench.experiment import Experiment

FOLDER = "files"


def apply_settings(
    experiment: Experiment, settings: Mapping[str, str], root: Path
) -> tuple[Experiment, dict[str, bytes]]:
    """The experiment with the values of `--set`, and the contents of the files among them.

    The value of a setting in `experiment.files` is a path if it has a suffix or a folder, as in
    `or3.json` or `./or3`. The setting then names the copy instead, by its path in the frozen
    experiment, under which the contents are returned as well.

    Args:
        root: the folder that paths are relative to.

    Raises:
        UsageError: a setting is unknown, a value has another type, or a file cannot be read.
    """
    values = dict(settings)
    contents: dict[str, bytes] = {}
    for key in experiment.files:
        value = values.get(key, "")
        if not _is_path(value):
            continue
        file = root / os.path.expanduser(value)
        # The key keeps two files of one name apart.
        copy = f"{FOLDER}/{key}-{file.name}"
        contents[copy] = _read_bytes(file, f"--set {key}={value}")
        values[key] = copy
    return experiment.with_settings(values), contents


def _is_path(value: str) -> bool:
    return os.sep in value or bool(Path(value).suffix)


def _read_bytes(file: Path, option: str) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise UsageError(f"{option}: cannot read {file}: {error.strerror}") from None
