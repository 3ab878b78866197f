"""Programs given with `--also`: what they become, and the line that says why one cannot be."""

from pathlib import Path

import pytest

from tests.toy_study import EVALUATE, SOLUTION
from workbench import experiment as experiments
from workbench.errors import UsageError
from workbench.experiment import Experiment
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.records import Options
from workbench.verbs import create, dispatch, starters

TOML = 'editable = [{editable}]\n{more}\n[objective]\nname = "value"\ngoal = "maximize"\nnoise = "none"\n'
THREE = SOLUTION.replace("VALUE = 1", "VALUE = 3")


def an_experiment(folder: Path, *editable: str, more: str = "") -> Experiment:
    for path in editable:
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(SOLUTION)
    (folder / "evaluate.py").write_text(EVALUATE)
    (folder / "experiment.toml").write_text(
        TOML.format(editable=", ".join(f'"{path}"' for path in editable), more=more)
    )
    return experiments.read(folder)


def write(file: Path, text: str) -> str:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text)
    return str(file)


def told(experiment: Experiment, root: Path, *also: str) -> list[tuple[dict[str, str], str]]:
    found = starters.read(experiment, experiment.program(), also, root)
    return [(dict(program.files), hypothesis) for program, hypothesis in found.items()]


def test_a_file_stands_for_the_editable_one_and_its_docstring_is_the_hypothesis(
    tmp_path: Path,
) -> None:
    experiment = an_experiment(tmp_path / "toy", "solution.py")
    write(tmp_path / "here" / "a.py", f'"""Three is more.\n\nAnd so on.\n"""\n{THREE}')
    write(tmp_path / "toy" / "baselines" / "plain_three.py", THREE)
    first, second = told(experiment, tmp_path / "here", "a.py", "baselines/plain_three.py")
    assert first == (
        {"solution.py": f'"""Three is more.\n\nAnd so on.\n"""\n{THREE}'},
        "Three is more.",
    )
    assert second == ({"solution.py": THREE}, "plain three (from plain_three.py)"), (
        "a path may be the experiment's own"
    )


def test_a_folder_replaces_the_files_that_it_has(tmp_path: Path) -> None:
    experiment = an_experiment(tmp_path, "solution.py", "part/other.py")
    write(tmp_path / "more" / "part" / "other.py", THREE)
    write(tmp_path / "more" / "hypothesis.txt", "the other one\ncounts\n")
    write(tmp_path / "solution_of" / "other.py", THREE)
    expected = {"solution.py": SOLUTION, "part/other.py": THREE}
    assert told(experiment, tmp_path, "more") == [(expected, "the other one\ncounts")]
    assert told(experiment, tmp_path, "solution_of/other.py") == [
        (expected, "other (from other.py)")
    ], "of several, by its name"


def test_the_experiment_may_name_its_own(tmp_path: Path) -> None:
    experiment = an_experiment(tmp_path, "solution.py", more='also = ["three.py"]')
    write(tmp_path / "three.py", THREE)
    write(tmp_path / "four.py", SOLUTION.replace("1", "4"))
    assert [hypothesis for _, hypothesis in told(experiment, tmp_path, "four.py")] == [
        "three (from three.py)",
        "four (from four.py)",
    ]
    with pytest.raises(
        UsageError, match=r"^also three.py: it is the same program as another one; leave it out$"
    ):
        told(experiment, tmp_path, "three.py")


@pytest.mark.parametrize(
    ("name", "text", "problem"),
    [
        ("gone.py", None, "no such file or folder, here or in "),
        ("same.py", SOLUTION, "it is the baseline itself; leave it out"),
        ("notes.md", "# Notes", "it is no other form of solution.py, which ends in .py"),
        (
            "broken.py",
            "VALUE = (",
            "as solution.py it does not parse: line 1: '(' was never closed",
        ),
        ("folder/solution.txt", "x", "solution.txt may not be changed; editable: solution.py"),
        (
            "folder/.hidden/solution.py",
            SOLUTION,
            "the folder is empty; put whole files there, at their paths in the program: solution.py",
        ),
    ],
)
def test_what_cannot_be_is_said_in_one_line(
    tmp_path: Path, name: str, text: str | None, problem: str
) -> None:
    experiment = an_experiment(tmp_path / "toy", "solution.py")
    if text is not None:
        write(tmp_path / name, text)
    given = name.partition("/")[0]
    with pytest.raises(UsageError) as error:
        told(experiment, tmp_path, given)
    assert str(error.value).startswith(f"also {given}: {problem}")
    assert "\n" not in str(error.value)


def test_a_file_that_could_be_any_of_several_is_refused_and_so_is_one_that_is_no_text(
    tmp_path: Path,
) -> None:
    experiment = an_experiment(tmp_path / "toy", "solution.py", "other.py")
    write(tmp_path / "third.py", THREE)
    (tmp_path / "other.py").write_bytes(b"\xff")
    with pytest.raises(
        UsageError, match=r"which of solution.py, other.py does it stand for\? Give a folder"
    ):
        told(experiment, tmp_path, "third.py")
    with pytest.raises(UsageError, match="is not UTF-8 text"):
        told(experiment, tmp_path, "other.py")


def test_a_study_holds_them_before_its_loop_is_started(tmp_path: Path) -> None:
    an_experiment(tmp_path / "toy", "solution.py")
    given = write(tmp_path / "three.py", THREE)
    folder = create.create("toy", root=tmp_path, options=Options(), also=[given])
    Path(given).unlink()
    with Journal(folder) as journal:
        ((digest, hypothesis),) = Study().fold(journal.entries()).opened.also.items()
        assert (journal.program(digest).files["solution.py"], hypothesis) == (
            THREE,
            "three (from three.py)",
        )


@pytest.mark.parametrize(
    "name",
    sorted(
        name
        for name, folder in experiments.builtin_experiments().items()
        if (folder / "baselines").is_dir()
    ),
)
def test_the_baselines_of_what_ships_can_be_begun_with_and_say_what_they_are(
    tmp_path: Path, name: str
) -> None:
    experiment = experiments.read(experiments.builtin_experiments()[name])
    found = told(experiment, tmp_path, "baselines/*.py")
    assert len(found) == len(list(experiment.folder.glob("baselines/*.py")))
    assert not any("(from " in hypothesis for _, hypothesis in found)


def test_the_command_line_takes_several_at_a_time() -> None:
    parsed = dispatch.read(
        ["start", "toy", "--also", "a.py", "b.py", "--slots", "1", "--also", "c"]
    )
    assert (parsed.experiment, parsed.also) == ("toy", ["a.py", "b.py", "c"])
