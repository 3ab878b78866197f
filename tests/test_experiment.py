"""An experiment as a value: its program, its settings, its digest."""

from pathlib import Path

import pytest

from workbench.errors import ExperimentError, UsageError
from workbench.experiment import Experiment, Objective, Setting


def make(folder: Path, program: str = "x = 1\n", **settings: Setting) -> Experiment:
    (folder / "train.py").write_text(program)
    (folder / "evaluate.py").write_text("")
    return Experiment(
        folder=folder,
        name="toy",
        editable=("train.py",),
        objective=Objective(name="loss", goal="minimize"),
        settings=settings,
    )


def test_the_error_of_a_wrong_value_names_its_key() -> None:
    with pytest.raises(ExperimentError) as raised:
        Objective(name="loss", goal="minimize", max_trials=0)
    assert raised.value.key == "objective.max_trials"
    assert str(raised.value) == "objective.max_trials = 0; it must be at least 1"


def test_a_program_that_does_not_parse_is_refused_with_its_line(tmp_path: Path) -> None:
    with pytest.raises(ExperimentError, match=r"train\.py: line 2: "):
        make(tmp_path, "x = 1\ny = (\n").program()


def test_settings_are_read_as_the_type_they_have(tmp_path: Path) -> None:
    experiment = make(tmp_path, steps=3, fast=True)
    experiment = experiment.with_settings({"steps": "7", "fast": "false"})
    assert dict(experiment.settings) == {"steps": 7, "fast": False}


@pytest.mark.parametrize(
    ("key", "text", "message"),
    [
        ("stepz", "1", "toy has no setting 'stepz'; it has: fast, rate, steps"),
        ("steps", "many", "--set steps=many: it must be a value like 3"),
        ("rate", "inf", "--set rate=inf: it must be a value like 0.5"),
        ("fast", "1", "--set fast=1: it must be true or false"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(
    tmp_path: Path, key: str, text: str, message: str
) -> None:
    experiment = make(tmp_path, steps=3, fast=True, rate=0.5)
    with pytest.raises(UsageError) as raised:
        experiment.with_settings({key: text})
    assert str(raised.value) == message


def test_the_digest_covers_protected_files_and_not_editable_ones(tmp_path: Path) -> None:
    experiment = make(tmp_path)
    first = experiment.digest
    assert set(experiment.read_protected()) == {"evaluate.py"}
    (tmp_path / "train.py").write_text("x = 2\n")
    assert experiment.digest == first
    (tmp_path / "evaluate.py").write_text("# changed\n")
    assert experiment.digest != first
