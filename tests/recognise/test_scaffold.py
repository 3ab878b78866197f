"""A script or a cell as an experiment.

What becomes the program, what the evaluator, and what is refused.
"""

import math
from pathlib import Path

import pytest

from workbench import experiment_file
from workbench.errors import UsageError
from workbench.evaluate.single_trial import run_trial
from workbench.program import Program
from workbench.recognise.scaffold import Scoring, rejoin, write

CELL = '''import math
import random

N = 20  # how many points

def guess(x):
    """A first guess."""
    return SLOPE * x

SLOPE = 0.5

def helper(x):
    return guess(x)

def score(seed):
    rng = random.Random(seed)
    return -sum((helper(x) - 2 * x) ** 2 for x in (rng.random() for _ in range(N))) / N
'''


def test_a_scoring_function_becomes_the_evaluator_and_the_rest_the_program(tmp_path: Path) -> None:
    write(CELL, tmp_path, "cell", Scoring())
    experiment = experiment_file.read(tmp_path)
    assert (experiment.objective.name, experiment.objective.goal, experiment.shape) == (
        "score",
        "maximize",
        "call",
    )
    program = experiment.program()
    assert "def score" not in program.files["cell.py"]
    assert "SLOPE = 0.5" in program.files["cell.py"]
    first = run_trial(experiment, program, 1, sandbox="auto")
    assert (first.status, first.self_reported) == ("ok", False), first.reason
    better = Program({"cell.py": program.files["cell.py"].replace("SLOPE = 0.5", "SLOPE = 2.0")})
    assert run_trial(experiment, better, 1, sandbox="auto").score == 0.0
    assert first.score is not None
    assert first.score < -0.1


def test_a_candidate_cannot_write_the_score_of_a_scoring_function(tmp_path: Path) -> None:
    write(CELL, tmp_path, "cell", Scoring())
    experiment = experiment_file.read(tmp_path)
    forged = Program(
        {
            "cell.py": experiment.program().files["cell.py"]
            + "\nN = 0\ndef score(seed): return 1e9\n"
        }
    )
    honest = run_trial(experiment, experiment.program(), 1, sandbox="auto")
    assert run_trial(experiment, forged, 1, sandbox="auto").score == honest.score


def test_a_printed_line_is_scored_and_self_reported(tmp_path: Path) -> None:
    write("x = 3\nfor step in range(3):\n    print(f'step {step} loss: {x / (step + 1)}')\nprint('val_loss =', x / 4)\n", tmp_path, "cell",
          Scoring(metric="val_loss"))  # fmt: skip
    experiment = experiment_file.read(tmp_path)
    assert (experiment.objective.goal, experiment.self_reported) == ("minimize", True)
    trial = run_trial(experiment, experiment.program(), 1, sandbox="auto")
    assert (trial.status, trial.score, trial.self_reported) == ("ok", 0.75, True), trial.reason


def test_decorators_and_nested_functions_of_the_scoring_function_come_along(tmp_path: Path) -> None:
    scoring = (
        "@cache\ndef quality():\n    def inner(y):\n        return f(y)\n    return inner(1)\n"
    )
    code = "from functools import cache\ndef f(x):\n    return x + 1.0\n" + scoring
    write(code, tmp_path, "cell", Scoring(score="quality", goal="minimize"))
    trial = run_trial(
        experiment_file.read(tmp_path), experiment_file.read(tmp_path).program(), 1, sandbox="auto"
    )
    assert (trial.score, trial.reason) == (2.0, "")


OTHER = "name another one with --score, or a printed line with --metric NAME"


@pytest.mark.parametrize(
    ("code", "scoring", "message"),
    [
        (
            "%timeit 1\n",
            Scoring(),
            "line 1 is for IPython (%timeit 1); a program is plain Python, put that line in "
            "another cell",
        ),
        ("def (", Scoring(), "the program does not parse: line 1: invalid syntax"),
        ("x = 1\n", Scoring(), f"no function score() in the program (it has none); {OTHER}"),
        (
            "def f(): pass\n",
            Scoring(score="g"),
            f"no function g() in the program (it has f); {OTHER}",
        ),
        (
            "def score(): return 1\n",
            Scoring(),
            "score() calls no function of the program; what it scores would never change",
        ),
        (
            "import random\ndata = [random.random()]\ndef f(x): return x\ndef score(): return "
            "f(data[0])\n",
            Scoring(),
            "score() uses data, which code of the program makes; make it inside score(), or in "
            "a function that it calls",
        ),
    ],
)
def test_what_cannot_be_scored_is_said_in_one_line(
    tmp_path: Path, code: str, scoring: Scoring, message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        write(code, tmp_path / "new", "cell", scoring)
    assert str(raised.value) == message
    assert not (tmp_path / "new").exists()


def test_a_score_comes_from_a_function_or_from_a_printed_line() -> None:
    with pytest.raises(UsageError) as raised:
        Scoring(score="f", metric="m")
    assert (
        str(raised.value)
        == "--score and --metric exclude each other: the score is a function's or a printed line's"
    )


@pytest.mark.parametrize("metric", ["val loss", "1st", "loss:", "x" * 65, "a,b", " loss"])
def test_a_metric_that_no_printed_line_can_name_is_told_where_it_is_given(metric: str) -> None:
    with pytest.raises(
        UsageError,
        match="cannot be read from a printed line: print the metric under a name of letters",
    ):
        Scoring(metric=metric)


@pytest.mark.parametrize("min_effect", [math.inf, math.nan, -1.0])
def test_an_effect_that_is_no_size_is_told_where_it_is_given(min_effect: float) -> None:
    with pytest.raises(
        UsageError,
        match=f"--min-effect {min_effect}; the smallest effect worth having is a number of at least 0",
    ):
        Scoring(metric="loss", min_effect=min_effect)


def test_a_script_gets_its_scoring_function_back_where_it_stood() -> None:
    head, function, tail = (
        "\nimport math\n\nA = 1\n\n",
        "@cached\ndef score():\n    return f()\n",
        "\n\ndef f():\n    return A\n\n\nB = 2\n",
    )
    whole = head + function + tail
    program = (head + tail).strip("\n") + "\n"
    assert rejoin(whole, program, "score") == whole
    changed = program.replace("A = 1", "A = 3\nC = 4").replace("\n\n\nB = 2\n", "\n")
    assert rejoin(whole, changed, "score") == head.replace(
        "A = 1", "A = 3\nC = 4"
    ) + function + tail.replace("\n\n\nB = 2\n", "\n")
    assert rejoin(whole, program + "D = 5\n", "score") == whole + "D = 5\n"
