"""Finds and reads the experiment that a person names.

That is a built-in experiment, a folder with `experiment.toml`, or a folder that another tool left
and that is an experiment as it stands. The loop and the steps do not come here: they read frozen
folders, which always hold an `experiment.toml`.
"""

from pathlib import Path

import workbench
from workbench import experiment_file
from workbench.errors import ExperimentError
from workbench.experiment import Experiment
from workbench.recognise import checkout


def load(name: str, root: Path | None = None) -> Experiment:
    """The experiment that a person names by a path or by the name of a built-in one.

    Args:
        root: the folder that a path is relative to; the current one by default.

    Raises:
        ExperimentError: the name is unknown, or the folder cannot be read as an experiment.
    """
    return read_folder(find(name, root))


def find(name: str, root: Path | None = None) -> Path:
    """The folder of an experiment given as a path or as the name of a built-in one.

    Raises:
        ExperimentError: there is none; the message lists the built-in names.
    """
    path = (root or Path.cwd()) / Path(name).expanduser()
    # A folder goes before a built-in experiment of the same name: it is the one that is changed.
    if path.is_dir():
        return path.resolve()
    builtin = builtin_experiments()
    *parents, last = Path(name).parts or ("",)
    # `experiments/tinygpt` is how the repository writes it; it works without a checkout too.
    if last in builtin and (name == last or parents == ["experiments"]):
        return builtin[last]
    names = ", ".join(sorted(builtin)) or "none found"
    raise ExperimentError(
        f"no experiment {name!r}: neither a folder nor a built-in experiment ({names})"
    )


def builtin_experiments() -> dict[str, Path]:
    """Name to folder of the experiments that ship.

    They lie inside the package in a wheel, and beside the package in a checkout.
    """
    package = Path(workbench.__file__).parent
    folders: dict[str, Path] = {}
    for root in (package / "_experiments", package.parent / "experiments"):
        files = sorted(root.glob(f"*/{experiment_file.FILE_NAME}"))
        folders |= {file.parent.name: file.parent for file in files}
    return folders


def read_folder(folder: Path) -> Experiment:
    """Reads `experiment.toml`, or else recognises what the folder is.

    Raises:
        ExperimentError: the folder is not an experiment, or its file has a wrong key or value.
    """
    if folder.is_dir() and not (folder / experiment_file.FILE_NAME).is_file():
        experiment = checkout.recognise_checkout(folder)
        if experiment is None:
            raise ExperimentError(
                f"{folder} has no {experiment_file.FILE_NAME}, and is not an autoresearch "
                f"checkout with {', '.join(checkout.FILES)}"
            )
        return experiment
    return experiment_file.read(folder)
