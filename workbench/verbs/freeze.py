"""Freezes an experiment: the copy that belongs to one study and that its trials read.

The copy is of plain files. It does not change when the experiment's own folder does.
"""

import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path

from workbench import experiment_file
from workbench.errors import ExperimentError
from workbench.experiment import Experiment
from workbench.ledger.folder import STUDIES
from workbench.program import Program

# Folders that hold what a trial never reads, and that may be large.
NOT_COPIED = ("__pycache__", STUDIES, "node_modules")


def freeze(
    experiment: Experiment,
    program: Program,
    target: Path,
    settings_files: Mapping[str, bytes] | None = None,
) -> None:
    """Copies an experiment's files to `target`; links, hidden files and caches stay behind.

    Args:
        program: the editable files of the copy.
        settings_files: contents of the files that `--set` named, by their path in the copy.

    Raises:
        ExperimentError: the evaluator is a link or hidden, so it would not be part of the copy.
    """
    for source in _find_files(experiment.folder):
        copy = target / source.relative_to(experiment.folder)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, copy)
        is_executable = source.stat().st_mode & 0o100
        copy.chmod(0o755 if is_executable else 0o644)
    program.write(target)
    for path, data in (settings_files or {}).items():
        copy = target / path
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(data)
    # A folder that was recognised, such as a checkout, has no file of ours: the copy gets one.
    file = target / experiment_file.FILE_NAME
    if not file.exists():
        file.write_text(experiment_file.format_toml(experiment), encoding="utf-8")
    if experiment.evaluator and not (target / experiment.evaluator).is_file():
        evaluator = experiment.folder / experiment.evaluator
        raise ExperimentError(
            f"{evaluator} is a link or hidden, and a study freezes plain files only; "
            "put the file itself there"
        )


def _find_files(folder: Path) -> Iterator[Path]:
    """The plain files of a folder that belong into a copy of it."""
    for place, folders, names in os.walk(folder):
        # `os.walk` goes on into the folders that stay in this list.
        folders[:] = [
            name for name in folders if not name.startswith(".") and name not in NOT_COPIED
        ]
        for name in names:
            file = Path(place) / name
            if not name.startswith(".") and not file.is_symlink() and file.is_file():
                yield file
