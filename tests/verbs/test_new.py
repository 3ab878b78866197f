"""`new` and `start SCRIPT.py`: what is asked, found and written, and what is weak about a score."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import workbench
from workbench import experiment_file
from workbench.errors import UsageError
from workbench.recognise import lint
from workbench.recognise.scaffold import Scoring
from workbench.recognise.script_scan import scan
from workbench.recognise.setup import Description, complete
from workbench.verbs.new import make_experiment

PRINTS = """from helper import WIDTH

RATE = 0.5

if __name__ == "__main__":
    data = [float(line) for line in open("data.csv")]
    print(f"val_loss: {sum((x - RATE * WIDTH) ** 2 for x in data) / len(data)}")
"""
SCORES = """import math

from helper import WIDTH

SLOPE = 0.5


def score():
    # How near a guess is.
    return -abs(guess(1.0) - math.tau)


def guess(x):
    return SLOPE * WIDTH * x


if __name__ == "__main__":
    print(score())
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with two scripts, a module and data."""
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "train.py").write_text(PRINTS)
    (folder / "fit.py").write_text(SCORES)
    (folder / "helper.py").write_text("WIDTH = 3\n")
    (folder / "data.csv").write_text("1\n2\n3\n")
    return folder


def list_files(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.name != "__pycache__")


def test_a_script_is_copied_with_what_it_needs_and_its_baseline_runs_twice(
    project: Path, tmp_path: Path
) -> None:
    lines: list[str] = []
    folder = tmp_path / "new"
    new_experiment = make_experiment(folder, project / "train.py", Description(), say=lines.append)
    files = ["data.csv", "experiment.toml", "helper.py", "program.md", "train.py"]
    assert (list_files(folder), sorted(new_experiment.files)) == (files, files)
    assert list_files(project) == ["data.csv", "fit.py", "helper.py", "train.py"]
    experiment = experiment_file.read(folder)
    objective = experiment.objective
    assert objective.name == "val_loss"  # found in the script
    assert objective.goal == "minimize"  # by its name
    assert objective.noise == "none"  # the baseline scored the same twice
    assert (experiment.editable, experiment.packages) == (("train.py",), ())
    assert experiment.command == ("python", "train.py")
    assert experiment.limits.wall_seconds == 60
    assert new_experiment.works
    assert len(new_experiment.scores) == 2
    assert lines[0] == "baseline, trial 1 of 2 ..."
    assert [sentence.partition(":")[0] for sentence in new_experiment.weak] == [
        "the score is self-reported"
    ]
    assert "train.py line 7, which may be changed, prints it" in new_experiment.weak[0]
    assert "baseline  0.916667, 0.916667 (spread 0)" in str(new_experiment)


def test_what_a_person_says_counts_more_than_what_is_found(project: Path, tmp_path: Path) -> None:
    new_experiment = workbench.new(
        tmp_path / "new",
        script=project / "train.py",
        metric="val_loss",
        goal="maximize",
        noise="run",
        min_effect=0.5,
        editable=["*.py"],
        command="python -O train.py",
        time_limit="2m",
        run=False,
    )
    experiment = new_experiment.experiment
    objective = experiment.objective
    assert (objective.goal, objective.noise, objective.min_effect) == ("maximize", "run", 0.5)
    assert experiment.editable == ("fit.py", "helper.py", "train.py")
    assert experiment.command == ("python", "-O", "train.py")
    assert (experiment.limits.wall_seconds, new_experiment.trials) == (120.0, ())


def test_a_package_becomes_an_experiment_where_it_lies(project: Path) -> None:
    new_experiment = make_experiment(project, None, Description(editable=("helper.py",)))
    assert new_experiment.files == ("experiment.toml", "program.md")
    assert (project / "train.py").read_text() == PRINTS
    assert experiment_file.read(project).editable == ("helper.py",)
    assert new_experiment.scores == [pytest.approx(11 / 12)] * 2
    assert new_experiment.weak[0].startswith("the score is self-reported: the program prints it")
    with pytest.raises(UsageError, match="is an experiment already; start a study of it"):
        make_experiment(project, None, Description())


def test_a_baseline_that_fails_says_why(project: Path, tmp_path: Path) -> None:
    (project / "train.py").write_text("raise OSError('the disk is square')\n" + PRINTS)
    new_experiment = make_experiment(tmp_path / "new", project / "train.py", Description())
    assert not new_experiment.works
    assert str(new_experiment).startswith(
        "the baseline failed: OSError: the disk is square (train.py line 1); wrote"
    )


def test_a_study_of_a_script_leaves_its_folder_alone_and_apply_writes_to_it(
    project: Path, tmp_path: Path
) -> None:
    study = workbench.start(
        project / "fit.py", root=tmp_path, score="score", noise="none", candidates=6, wait=True
    )
    assert study.study.opened.shape == "call"
    assert list_files(project) == ["data.csv", "fit.py", "helper.py", "train.py"]
    incumbent = study.study.incumbent
    assert incumbent, study.status()
    assert "def score" not in study[0].program.files["fit.py"]
    written = study.apply()
    assert written.written == ("fit.py",)
    old, new = (text.splitlines() for text in (SCORES, (project / "fit.py").read_text()))
    (changed,) = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert changed[0] == "SLOPE = 0.5"
    assert list_files(project) == ["data.csv", "fit.py", "helper.py", "train.py"]
    (project / "fit.py").write_text(SCORES + "# mine\n")
    with pytest.raises(UsageError, match="has changed since the study began"):
        study.apply()


def test_a_script_that_is_too_slow_for_its_time_limit_says_how_to_give_it_longer(
    tmp_path: Path,
) -> None:
    (tmp_path / "slow.py").write_text("import time\ntime.sleep(600)\nprint('val_loss:', 1.0)\n")
    study = workbench.start(
        tmp_path / "slow.py", root=tmp_path, metric="val_loss", time_limit="1s", wait=True
    )
    frozen = experiment_file.read(study.folder.experiment)
    assert frozen.limits.wall_seconds == 1.0
    assert frozen.limits.cpu_seconds == len(os.sched_getaffinity(0))
    assert (study.study.state, study.study.candidates[0].trials[0].status) == ("paused", "timeout")
    reason = study.study.reason
    assert "the trial took longer than 1 s (limits.wall_seconds)" in reason
    assert "--time-limit for a script or a cell" in reason


TWO = "def one():\n    return 1\n\n\ndef two():\n    return 2\n\n\nprint('closeness:', one())\n"


@pytest.mark.parametrize(
    ("code", "description", "message"),
    [
        (
            TWO + "print('other:', two())\n",
            Description(),
            "--metric or --score is missing: s.py has closeness (printed, s.py line 9), "
            "other (printed, s.py line 10), one(), two(); "
            "say which printed value or function is the score",
        ),
        (
            "x = 1\n",
            Description(),
            "--metric or --score is missing: s.py prints no line 'name: number' "
            "and has no function that could be it; "
            "say which printed value or function is the score",
        ),
        (TWO, Description(), "--minimize or --maximize is missing: which way is closeness better?"),
        (
            TWO,
            Description(scoring=Scoring(metric="loss"), editable=("*.txt",)),
            "--editable *.txt: no such file in {folder}",
        ),
        (
            TWO,
            Description(scoring=Scoring(metric="loss"), editable=("../x",)),
            "--editable ../x leads out of {folder}; name files below it",
        ),
        (
            TWO,
            Description(scoring=Scoring(metric="loss"), time_limit="soon"),
            "not a time: 'soon'; write 8h, 30m, 1h30m or a number of seconds",
        ),
        (
            TWO,
            Description(scoring=Scoring(score="score_two"), command="python s.py"),
            "--command is how a script runs that prints its score; "
            "score_two() is called instead: leave one of them out",
        ),
        (
            "import argparse\n"
            "argparse.ArgumentParser().add_argument('corpus')\n"
            "print('loss:', 1)\n",
            Description(),
            "--command is missing: s.py wants corpus; "
            "say how it runs, as in --command 'python s.py ...'",
        ),
        (
            "import nowhere_found\nprint('loss:', 1)\n",
            Description(),
            "s.py imports nowhere_found, which is neither installed here nor beside it; "
            "install it, as in: pip install nowhere_found",
        ),
    ],
)
def test_what_is_missing_is_named_in_one_line_if_no_person_can_be_asked(
    tmp_path: Path, code: str, description: Description, message: str
) -> None:
    (tmp_path / "s.py").write_text(code)
    with pytest.raises(UsageError) as raised:
        complete(scan(tmp_path / "s.py"), description, None)
    assert str(raised.value) == message.format(folder=tmp_path)


def test_two_ways_of_scoring_are_refused_before_anything_is_read(project: Path) -> None:
    with pytest.raises(UsageError, match="--score and --metric exclude each other"):
        workbench.new(
            project / "new", script=project / "train.py", score="score", metric="val_loss"
        )
    assert list_files(project) == ["data.csv", "fit.py", "helper.py", "train.py"]


def test_a_folder_that_cannot_be_used_is_refused_in_one_line(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*train\.py/new: Not a directory"):
        make_experiment(
            project / "train.py" / "new", project / "train.py", Description(), run=False
        )
    with pytest.raises(UsageError, match=r"cannot read .*missing\.py: No such file or directory"):
        make_experiment(tmp_path / "new", project / "missing.py", Description())
    (project / "train.py").unlink()
    with pytest.raises(
        UsageError, match=r"--script is missing: .* has fit.py, helper.py; say which of them runs"
    ):
        make_experiment(project, None, Description())


def test_no_scoring_function_is_taken_out_of_a_package_in_place(project: Path) -> None:
    with pytest.raises(
        UsageError,
        match="leave your folder as it is and write a new one: autoresearch new NEW_FOLDER",
    ):
        make_experiment(project, project / "fit.py", Description(scoring=Scoring(score="score")))
    assert list_files(project) == ["data.csv", "fit.py", "helper.py", "train.py"]


def test_a_person_at_a_terminal_is_asked_and_enter_takes_what_was_found(
    project: Path, tmp_path: Path
) -> None:
    # Which value is the score, which way is better, which files may change, how it runs.
    answers = ["closeness", "higher", "", ""]
    (project / "train.py").write_text(PRINTS + "    print('closeness:', 1 / RATE)\n")
    parent, child = pty.openpty()
    line = f"-m workbench.cli new made --no-run --script {project / 'train.py'}"
    command = [sys.executable, *line.split()]
    run = subprocess.Popen(
        command,
        cwd=tmp_path,
        stdin=child,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(child)
    os.write(parent, "".join(f"{answer}\n" for answer in answers).encode())
    _, err = run.communicate(timeout=60)
    os.close(parent)
    assert run.returncode == 0, err
    assert err.count("?") == 4
    assert "how does it run? [python train.py]" in err
    experiment = experiment_file.read(tmp_path / "made")
    assert (experiment.objective.name, experiment.objective.goal) == ("closeness", "maximize")
    assert (experiment.editable, experiment.command) == (("train.py",), ("python", "train.py"))


def list_weaknesses(project: Path, code: str, scores: list[float], **options: Any) -> list[str]:
    script = project / "train.py"
    script.write_text(code)
    folder = project.parent / "made"
    new_experiment = workbench.new(folder, script=script, metric="loss", run=False, **options)
    return list(lint.warnings(scan(script), new_experiment.experiment, scores))


def test_what_is_weak_about_a_score_is_said(project: Path) -> None:
    (project.parent / "far.csv").write_text("1")
    code = """import random, time
from urllib.request import urlopen
random.seed(1)
began = time.time()
while time.time() - began < 1:
    urlopen(open("../far.csv").read())
print("loss:", 1)
"""
    weaknesses = list_weaknesses(project, code, [1.0, 1.1])
    assert [sentence.split("(")[0].split(":")[0].strip() for sentence in weaknesses] == [
        "the score is self-reported",
        "chance is fixed by the program",
        "it goes by the clock",
        "it fetches data",
        "it reads files elsewhere",
        "the spread of 0.0707",
    ]
    effort = "needs about 562 trials of each program, more than max_trials = 15"
    assert f"a gain of 1 % (0.0105) {effort}" in weaknesses[-1]


def test_much_that_each_study_would_copy_is_said(project: Path) -> None:
    with (project / "data.csv").open("ab") as stream:
        stream.truncate(80 << 20)
    code = "print('loss:', len(open('data.csv', 'rb').read()))\n"
    assert list_weaknesses(project, code, [])[-1].startswith("80 MB lie in ")


def test_a_spread_below_the_smallest_effect_is_not_a_weakness(project: Path) -> None:
    code = "print('loss:', 1)\n"
    assert len(list_weaknesses(project, code, [1.0, 1.1], min_effect=0.2)) == 1


def test_the_number_of_trials_is_what_a_test_of_that_power_needs() -> None:
    assert lint.trials_needed(1.0, 1.0) == 13  # 12.4: the textbook's for one-sided 5 % and 80 %
    assert lint.trials_needed(0.5, 1.0) == 4
