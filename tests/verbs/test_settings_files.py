"""A file that `--set` names belongs to the study from then on."""

from pathlib import Path

import pytest

from tests.studies import folded
from workbench import experiment_file
from workbench.errors import ExperimentError, UsageError
from workbench.records import Options
from workbench.verbs import create, settings_files

EXPERIMENT = """
editable = ["program.py"]
files = ["data"]

[objective]
name = "score"
goal = "minimize"

[settings]
data = "recipe"
size = 3
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "toy"
    folder.mkdir()
    (folder / "experiment.toml").write_text(EXPERIMENT)
    (folder / "program.py").write_text("x = 1\n")
    (folder / "evaluate.py").write_text("def evaluate(trial):\n    return {'score': 1.0}\n")
    return folder


def test_a_study_has_a_copy_that_its_digest_covers_and_needs_the_file_no_longer(
    folder: Path, tmp_path: Path
) -> None:
    file = tmp_path / "sub" / "mine.json"
    file.parent.mkdir()
    digests = []
    for text in ("[1]", "[2]"):
        file.write_text(text)
        study = create.create(
            str(folder),
            root=tmp_path,
            options=Options(sandbox="off"),
            settings={"data": "sub/mine.json"},
        )
        file.unlink()
        opened = folded(study).opened
        assert opened.settings == {"data": "files/data-mine.json", "size": 3}
        assert (study.experiment / "files" / "data-mine.json").read_text() == text
        assert opened.experiment_digest == experiment_file.read(study.experiment).digest
        digests.append(opened.experiment_digest)
    assert len(set(digests)) == 2


@pytest.mark.parametrize(
    ("value", "is_file"),
    [("recipe", False), ("mine", False), ("./mine", True), ("mine.json", True)],
)
def test_a_value_is_a_path_if_it_has_a_suffix_or_a_folder(
    folder: Path, tmp_path: Path, value: str, is_file: bool
) -> None:
    for name in ("mine", "mine.json"):
        (tmp_path / name).write_text("content")
    experiment, contents = settings_files.apply_settings(
        experiment_file.read(folder), {"data": value}, tmp_path
    )
    if is_file:
        copy = f"files/data-{Path(value).name}"
        assert contents == {copy: b"content"}
        assert experiment.settings["data"] == copy
    else:
        assert contents == {}
        assert experiment.settings["data"] == value


@pytest.mark.parametrize("value", ["absent.json", "./toy", "~absent/mine.json"])
def test_a_file_that_cannot_be_read_is_refused_in_one_line(
    folder: Path, tmp_path: Path, value: str
) -> None:
    with pytest.raises(UsageError, match=r"--set data=.*cannot read /.*: ") as refused:
        settings_files.apply_settings(experiment_file.read(folder), {"data": value}, tmp_path)
    assert "\n" not in str(refused.value)


def test_the_value_of_another_setting_is_never_a_path(folder: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"size=three\.json"):
        settings_files.apply_settings(
            experiment_file.read(folder), {"size": "three.json"}, tmp_path
        )


@pytest.mark.parametrize("names", ['["dota"]', '["size"]'])
def test_files_names_settings_that_are_texts(folder: Path, names: str) -> None:
    toml = folder / "experiment.toml"
    toml.write_text(toml.read_text().replace('["data"]', names))
    with pytest.raises(
        ExperimentError, match=r"line 3: files names .* not a setting that holds a text"
    ):
        experiment_file.read(folder)
