"""Programs given with `--also`: what they become, and the line that says why one cannot be."""

from pathlib import Path

import pytest

from tests.toy_study import EVALUATE, SOLUTION
from workbench import experiment_file
from workbench.errors import UsageError
from workbench.experiment import Experiment
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.recognise import experiments
from workbench.records import Options
from workbench.verbs import command_line, create, starters

TOML = """\
editable = [{editable}]
{more}
[objective]
name = "value"
goal = "maximize"
noise = "none"
"""
THREE = SOLUTION.replace("VALUE = 1", "VALUE = 3")


def make_experiment(folder: Path, *editable: str, more: str = "") -> Experiment:
    for path in editable:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(SOLUTION)
    (folder / "evaluate.py").write_text(EVALUATE)
    (folder / "experiment.toml").write_text(
        TOML.format(editable=", ".join(f'"{path}"' for path in editable), more=more)
    )
    return experiment_file.read(folder)


def write(file: Path, text: str) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return str(file)


def read(experiment: Experiment, root: Path, *also: str) -> list[tuple[dict[str, str], str]]:
    """Files and hypothesis of each starter."""
    hypotheses = starters.read(experiment, experiment.program(), also, root)
    return [(dict(program.files), hypothesis) for program, hypothesis in hypotheses.items()]


def test_a_file_replaces_the_editable_one_and_its_docstring_is_the_hypothesis(
    tmp_path: Path,
) -> None:
    experiment = make_experiment(tmp_path / "toy", "solution.py")
    write(tmp_path / "here" / "a.py", f'"""Three is more.\n\nAnd so on.\n"""\n{THREE}')
    write(tmp_path / "toy" / "baselines" / "plain_three.py", THREE)
    first, second = read(experiment, tmp_path / "here", "a.py", "baselines/plain_three.py")
    assert first == (
        {"solution.py": f'"""Three is more.\n\nAnd so on.\n"""\n{THREE}'},
        "Three is more.",
    )
    # The second path is not below `here`, but in the experiment.
    assert second == ({"solution.py": THREE}, "plain three (from plain_three.py)")


def test_a_folder_replaces_the_files_that_it_has(tmp_path: Path) -> None:
    experiment = make_experiment(tmp_path, "solution.py", "part/other.py")
    write(tmp_path / "more" / "part" / "other.py", THREE)
    write(tmp_path / "more" / "hypothesis.txt", "the other one\ncounts\n")
    write(tmp_path / "solution_of" / "other.py", THREE)
    expected = {"solution.py": SOLUTION, "part/other.py": THREE}
    assert read(experiment, tmp_path, "more") == [(expected, "the other one\ncounts")]
    # Of several editable files, the one of its name.
    (starter,) = read(experiment, tmp_path, "solution_of/other.py")
    assert starter == (expected, "other (from other.py)")


def test_the_experiment_may_name_starters_itself(tmp_path: Path) -> None:
    experiment = make_experiment(tmp_path, "solution.py", more='also = ["three.py"]')
    write(tmp_path / "three.py", THREE)
    write(tmp_path / "four.py", SOLUTION.replace("1", "4"))
    assert [hypothesis for _, hypothesis in read(experiment, tmp_path, "four.py")] == [
        "three (from three.py)",
        "four (from four.py)",
    ]
    with pytest.raises(
        UsageError, match=r"^also three.py: it is the same program as another one; leave it out$"
    ):
        read(experiment, tmp_path, "three.py")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("gone.py", None, "no such file or folder, here or in "),
        ("same.py", SOLUTION, "it is the baseline itself; leave it out"),
        ("notes.md", "# Notes", "it cannot replace solution.py, which ends in .py"),
        (
            "broken.py",
            "VALUE = (",
            "as solution.py it does not parse: line 1: '(' was never closed",
        ),
        ("folder/solution.txt", "x", "solution.txt may not be changed; editable: solution.py"),
        (
            "folder/.hidden/solution.py",
            SOLUTION,
            "the folder is empty; put whole files there, at their paths in the program: solution",
        ),
    ],
)
def test_what_cannot_be_a_starter_is_refused_in_one_line(
    tmp_path: Path, name: str, text: str | None, problem: str
) -> None:
    experiment = make_experiment(tmp_path / "toy", "solution.py")
    if text is not None:
        write(tmp_path / name, text)
    place = name.partition("/")[0]
    with pytest.raises(UsageError) as error:
        read(experiment, tmp_path, place)
    assert str(error.value).startswith(f"also {place}: {problem}")
    assert "\n" not in str(error.value)


def test_a_file_that_could_replace_several_is_refused_and_so_is_one_that_is_not_text(
    tmp_path: Path,
) -> None:
    experiment = make_experiment(tmp_path / "toy", "solution.py", "other.py")
    write(tmp_path / "third.py", THREE)
    (tmp_path / "other.py").write_bytes(b"\xff")
    with pytest.raises(
        UsageError, match=r"which of solution.py, other.py does it replace\? Give a folder"
    ):
        read(experiment, tmp_path, "third.py")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        read(experiment, tmp_path, "other.py")


def test_a_study_holds_them_before_its_loop_is_started(tmp_path: Path) -> None:
    make_experiment(tmp_path / "toy", "solution.py")
    file = write(tmp_path / "three.py", THREE)
    folder = create.create("toy", root=tmp_path, options=Options(), also=[file])
    Path(file).unlink()
    with Journal(folder) as journal:
        ((digest, hypothesis),) = Study().fold(journal.read_entries()).opened.also.items()
        assert journal.read_program(digest).files["solution.py"] == THREE
        assert hypothesis == "three (from three.py)"


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name, folder in experiments.builtin_experiments().items()
        if (folder / "baselines").is_dir()
    ),
)
def test_the_baselines_of_a_built_in_experiment_are_starters_that_explain_themselves(
    tmp_path: Path, name: str
) -> None:
    experiment = experiments.load(name)
    baselines = read(experiment, tmp_path, "baselines/*.py")
    assert len(baselines) == len(list(experiment.folder.glob("baselines/*.py")))
    unexplained = [hypothesis for _, hypothesis in baselines if "(from " in hypothesis]
    assert unexplained == []


def test_the_command_line_takes_several_at_a_time() -> None:
    words = ["start", "toy", "--also", "a.py", "b.py", "--slots", "1", "--also", "c"]
    arguments = command_line.read(words)
    assert arguments.experiment == "toy"
    assert arguments.also == ["a.py", "b.py", "c"]
