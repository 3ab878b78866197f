"""`new` and `start SCRIPT.py`: what is asked, what is found, what is written, and what is said about the evaluation."""

import os
import pty
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import workbench
from workbench import experiment as experiments
from workbench.errors import UsageError
from workbench.recognise import lint
from workbench.recognise.scaffold import Scoring
from workbench.recognise.script_scan import look
from workbench.recognise.setup import Wanted, settle
from workbench.verbs.new import make

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


def listed(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir() if file.name != "__pycache__")


def test_a_script_is_copied_with_what_it_needs_and_its_baseline_runs_twice(
    project: Path, tmp_path: Path
) -> None:
    said: list[str] = []
    made = make(tmp_path / "new", project / "train.py", Wanted(), say=said.append)
    assert (
        listed(tmp_path / "new")
        == ["data.csv", "experiment.toml", "helper.py", "program.md", "train.py"]
        == sorted(made.files)
    )
    assert listed(project) == ["data.csv", "fit.py", "helper.py", "train.py"]
    experiment = experiments.read(tmp_path / "new")
    objective = experiment.objective
    assert (objective.name, objective.goal, objective.noise) == (
        "val_loss",
        "minimize",
        "none",
    )  # found, by its name, the same twice
    assert (experiment.editable, experiment.packages, experiment.command) == (
        ("train.py",),
        (),
        ("python", "train.py"),
    )
    assert experiment.limits.wall_seconds == 60
    assert made.works
    assert len(made.scores) == 2
    assert said[0] == "baseline, trial 1 of 2 ..."
    assert [one.partition(":")[0] for one in made.weak] == ["the score is self-reported"]
    assert "train.py line 7, which may be changed, prints it" in made.weak[0]
    assert "baseline  0.916667, 0.916667 (spread 0)" in str(made)


def test_what_was_said_is_not_found_out(project: Path, tmp_path: Path) -> None:
    made = workbench.new(
        tmp_path / "new", script=project / "train.py", metric="val_loss", goal="maximize", noise="run", min_effect=0.5,
        editable=["*.py"], command="python -O train.py", time_limit="2m", run=False,
    )  # fmt: skip
    experiment = made.experiment
    assert (
        experiment.objective.goal,
        experiment.objective.noise,
        experiment.objective.min_effect,
    ) == ("maximize", "run", 0.5)
    assert (experiment.editable, experiment.command) == (
        ("fit.py", "helper.py", "train.py"),
        ("python", "-O", "train.py"),
    )
    assert (experiment.limits.wall_seconds, made.trials) == (120.0, ())


def test_a_package_becomes_an_experiment_where_it_lies(project: Path) -> None:
    made = make(project, None, Wanted(editable=("helper.py",)))
    assert made.files == ("experiment.toml", "program.md")
    assert (project / "train.py").read_text() == PRINTS
    assert experiments.read(project).editable == ("helper.py",)
    assert made.scores == [pytest.approx(11 / 12)] * 2
    assert made.weak[0].startswith("the score is self-reported: the program prints it")
    with pytest.raises(UsageError, match="is an experiment already; start a study of it"):
        make(project, None, Wanted())


def test_a_baseline_that_fails_says_why(project: Path, tmp_path: Path) -> None:
    (project / "train.py").write_text("raise OSError('the disk is square')\n" + PRINTS)
    made = make(tmp_path / "new", project / "train.py", Wanted())
    assert not made.works
    assert str(made).startswith(
        "the baseline failed: OSError: the disk is square (train.py line 1); wrote"
    )


def test_a_study_of_a_script_leaves_its_folder_alone_and_apply_writes_to_it(
    project: Path, tmp_path: Path
) -> None:
    study = workbench.start(
        project / "fit.py", root=tmp_path, score="score", noise="none", candidates=6, wait=True
    )
    assert study.study.opened.shape == "call"
    assert listed(project) == ["data.csv", "fit.py", "helper.py", "train.py"]
    incumbent = study.study.incumbent
    assert incumbent, study.status()
    assert "def score" not in study[0].program.files["fit.py"]
    written = study.apply()
    assert written.written == ("fit.py",)
    old, new = (text.splitlines() for text in (SCORES, (project / "fit.py").read_text()))
    (changed,) = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
    assert changed[0] == "SLOPE = 0.5"
    assert listed(project) == ["data.csv", "fit.py", "helper.py", "train.py"]
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
    frozen = experiments.read(study.folder.experiment)
    assert frozen.limits.wall_seconds == 1.0
    assert frozen.limits.cpu_seconds == len(os.sched_getaffinity(0))
    assert (study.study.state, study.study.candidates[0].trials[0].status) == ("paused", "timeout")
    assert study.study.reason == (
        "the baseline does not run: the trial took longer than 1 s (limits.wall_seconds); a new study can give it longer: "
        "limits.wall_seconds in experiment.toml, or --time-limit for a script or a cell"
    )


TWO = "def one():\n    return 1\n\n\ndef two():\n    return 2\n\n\nprint('closeness:', one())\n"


@pytest.mark.parametrize(
    ("code", "wanted", "message"),
    [
        (
            TWO + "print('other:', two())\n",
            Wanted(),
            "--metric or --score is missing: s.py has closeness (printed, s.py line 9), other (printed, s.py line 10), one(), two(); "
            "say which printed value or function is the score",
        ),
        (
            "x = 1\n",
            Wanted(),
            "--metric or --score is missing: s.py prints no line 'name: number' and has no function that could be it; "
            "say which printed value or function is the score",
        ),
        (TWO, Wanted(), "--minimize or --maximize is missing: which way is closeness better?"),
        (TWO, Wanted(scoring=Scoring(metric="loss"), editable=("*.txt",)), "--editable *.txt: no such file in {folder}"),
        (TWO, Wanted(scoring=Scoring(metric="loss"), editable=("../x",)), "--editable ../x leads out of {folder}; name files below it"),
        (TWO, Wanted(scoring=Scoring(metric="loss"), time_limit="soon"), "not a time: 'soon'; write 8h, 30m, 1h30m or a number of seconds"),
        (
            TWO,
            Wanted(scoring=Scoring(score="score_two"), command="python s.py"),
            "--command is how a script runs that prints its score; score_two() is called instead: leave one of them out",
        ),
        (
            "import argparse\nargparse.ArgumentParser().add_argument('corpus')\nprint('loss:', 1)\n",
            Wanted(),
            "--command is missing: s.py wants corpus; say how it runs, as in --command 'python s.py ...'",
        ),
        (
            "import nowhere_found\nprint('loss:', 1)\n",
            Wanted(),
            "s.py imports nowhere_found, which is neither installed here nor beside it; install it, as in: pip install nowhere_found",
        ),
    ],
)  # fmt: skip
def test_what_is_missing_is_named_in_one_line_where_nobody_can_be_asked(
    tmp_path: Path, code: str, wanted: Wanted, message: str
) -> None:
    (tmp_path / "s.py").write_text(code)
    with pytest.raises(UsageError) as raised:
        settle(look(tmp_path / "s.py"), wanted, None)
    assert str(raised.value) == message.format(folder=tmp_path)


def test_two_ways_of_scoring_are_refused_before_anything_is_read(project: Path) -> None:
    with pytest.raises(UsageError, match="--score and --metric exclude each other"):
        workbench.new(
            project / "new", script=project / "train.py", score="score", metric="val_loss"
        )
    assert listed(project) == ["data.csv", "fit.py", "helper.py", "train.py"]


def test_a_folder_that_cannot_be_is_said_in_one_line(project: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot write .*train\.py/new: Not a directory"):
        make(project / "train.py" / "new", project / "train.py", Wanted(), run=False)
    with pytest.raises(UsageError, match=r"cannot read .*missing\.py: No such file or directory"):
        make(tmp_path / "new", project / "missing.py", Wanted())
    (project / "train.py").unlink()
    with pytest.raises(
        UsageError, match=r"--script is missing: .* has fit.py, helper.py; say which of them runs"
    ):
        make(project, None, Wanted())


def test_a_function_is_not_taken_out_of_a_package_that_stays_where_it_lies(project: Path) -> None:
    with pytest.raises(
        UsageError,
        match="leave your folder as it is and write a new one: autoresearch new NEW_FOLDER --script",
    ):
        make(project, project / "fit.py", Wanted(scoring=Scoring(score="score")))
    assert listed(project) == ["data.csv", "fit.py", "helper.py", "train.py"]


def test_a_person_at_a_terminal_is_asked_and_enter_takes_what_was_found(
    project: Path, tmp_path: Path
) -> None:
    answers = [
        "closeness",
        "higher",
        "",
        "",
    ]  # which value, which way, what is editable, how it runs
    (project / "train.py").write_text(PRINTS + "    print('closeness:', 1 / RATE)\n")
    parent, child = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "workbench.cli",
        "new",
        "made",
        "--script",
        str(project / "train.py"),
        "--no-run",
    ]
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
    experiment = experiments.read(tmp_path / "made")
    assert (experiment.objective.name, experiment.objective.goal) == ("closeness", "maximize")
    assert (experiment.editable, experiment.command) == (("train.py",), ("python", "train.py"))


def weak(project: Path, code: str, scores: list[float], **said: Any) -> list[str]:
    (project / "train.py").write_text(code)
    made = workbench.new(
        project.parent / "made", script=project / "train.py", metric="loss", run=False, **said
    )
    return list(lint.found(look(project / "train.py"), made.experiment, scores))


def test_what_is_weak_about_an_evaluation_is_said(project: Path) -> None:
    (project.parent / "far.csv").write_text("1")
    code = """import random, time
from urllib.request import urlopen
random.seed(1)
began = time.time()
while time.time() - began < 1:
    urlopen(open("../far.csv").read())
print("loss:", 1)
"""
    found = weak(project, code, [1.0, 1.1])
    assert [sentence.split("(")[0].split(":")[0].strip() for sentence in found] == [
        "the score is self-reported",
        "chance is fixed by the program",
        "it goes by the clock",
        "it fetches data",
        "it reads files elsewhere",
        "the spread of 0.0707",
    ]
    assert (
        "a gain of 1 % (0.0105) needs about 562 trials of each program, more than max_trials = 15"
        in found[-1]
    )


def test_much_that_each_study_would_copy_is_said(project: Path) -> None:
    with (project / "data.csv").open("ab") as stream:
        stream.truncate(80 << 20)
    found = weak(project, "print('loss:', len(open('data.csv', 'rb').read()))\n", [])
    assert found[-1].startswith("80 MB lie in ")


def test_a_spread_below_what_is_worth_having_is_no_weakness(project: Path) -> None:
    assert len(weak(project, "print('loss:', 1)\n", [1.0, 1.1], min_effect=0.2)) == 1


def test_the_number_of_trials_is_what_a_test_of_that_power_needs() -> None:
    assert lint.trials_needed(1.0, 1.0) == 13  # 12.4: the textbook's for one-sided 5 % and 80 %
    assert lint.trials_needed(0.5, 1.0) == 4
