"""The experiment that a person names: built in, with an `experiment.toml`, or recognised."""

from pathlib import Path

import pytest

from workbench import experiment_file
from workbench.errors import ExperimentError
from workbench.recognise import experiments


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    folder = tmp_path / "autoresearch"
    folder.mkdir()
    for name in ("train.py", "prepare.py", "program.md"):
        (folder / name).write_text("")
    return folder


def test_an_autoresearch_checkout_needs_no_file_of_ours(checkout: Path) -> None:
    experiment = experiments.read_folder(checkout)
    assert (experiment.shape, experiment.editable) == ("claimed", ("train.py",))
    assert experiment.self_reported
    assert (experiment.objective.name, experiment.objective.goal) == ("val_bpb", "minimize")
    assert experiment.command == ("python", "train.py")


def test_a_checkout_runs_with_its_own_interpreter(checkout: Path) -> None:
    python = checkout / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text("")
    assert experiments.read_folder(checkout).command == (str(python), "train.py")


def test_a_recognised_experiment_can_be_written_down_and_read_again(checkout: Path) -> None:
    experiment = experiments.read_folder(checkout)
    (checkout / "experiment.toml").write_text(experiment_file.format_toml(experiment))
    assert experiment_file.read(checkout) == experiment
    assert experiments.read_folder(checkout) == experiment


def test_a_file_of_ours_goes_before_what_is_recognised(checkout: Path) -> None:
    (checkout / "experiment.toml").write_text("editable = []\n")
    with pytest.raises(ExperimentError, match=r"\[objective\] with name and goal is missing"):
        experiments.read_folder(checkout)


def test_a_folder_that_is_neither_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError) as raised:
        experiments.load(".", tmp_path)
    assert str(raised.value) == (
        f"{tmp_path} has no experiment.toml, and is not an autoresearch checkout with train.py, "
        "prepare.py, program.md"
    )


def test_an_unknown_experiment_lists_the_built_in_ones(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"no experiment 'tinygtp'.*binpacking.*tinygpt"):
        experiments.find("tinygtp", tmp_path)


@pytest.mark.parametrize("name", ["tinygpt", "experiments/tinygpt"])
def test_a_built_in_experiment_is_loaded_from_anywhere(tmp_path: Path, name: str) -> None:
    assert experiments.load(name, tmp_path).name == "tinygpt"
