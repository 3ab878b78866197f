"""The observations behind a score: what an evaluator hands over, and what is recorded."""

import itertools
import math
from statistics import fmean

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.evaluate.conftest import Make
from workbench.evaluate.single_trial import run_trial
from workbench.evaluate.units import MAX_UNITS, fold_units
from workbench.records import Trial

ANSWER = "def answer(item): return item / 7\n"
ITEMS = """
def evaluate(trial):
    with trial.start("train.py") as process:
        values = [process.call("answer", item) for item in range(5)]
    trial.units(values)
    return {"score": sum(values) / 5}
"""


def run_once(make: Make, evaluate: str, noise: str = "units") -> Trial:
    experiment = make(ANSWER, evaluate, noise=noise)
    return run_trial(experiment, experiment.program(), 7, sandbox="off")


def make_evaluator(lines: str) -> str:
    return "def evaluate(trial):\n" + "".join(f"    {line}\n" for line in lines.split("\n"))


def test_the_units_of_a_trial_are_recorded_to_six_digits(make: Make) -> None:
    trial = run_once(make, ITEMS)
    assert (trial.status, trial.reason) == ("ok", "")
    assert trial.units == (0.0, 0.142857, 0.285714, 0.428571, 0.571429)
    assert trial.score == pytest.approx(2 / 7)


def test_many_units_are_recorded_as_means_of_blocks(make: Make) -> None:
    trial = run_once(
        make,
        make_evaluator("values = range(10_000)\ntrial.units(values)\nreturn {'score': 4999.5}"),
    )
    assert len(trial.units) == 250
    assert trial.units[:2] == (19.5, 59.5)


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (
            "return {'score': 1}",
            'objective.noise = "units", but evaluate did not call trial.units(values)',
        ),
        (
            "trial.units([1, 2])\nreturn {'score': 1.6}",
            "the mean of trial.units is 1.5, and the score 1.6; they must be equal",
        ),
        (
            "trial.units([1])\nreturn {'score': 1}",
            "evaluate.py line 2: ValueError: trial.units needs two finite numbers or more; "
            "it was given 1",
        ),
        (
            "trial.units([1, float('nan')])\nreturn {'score': 1}",
            "evaluate.py line 2: ValueError: trial.units needs two finite numbers",
        ),
        (
            "trial.units(['a', 'b'])\nreturn {'score': 1}",
            "evaluate.py line 2: ValueError: could not convert string to float: 'a'",
        ),
    ],
)
def test_units_that_are_wrong_are_the_evaluators_fault(make: Make, lines: str, reason: str) -> None:
    trial = run_once(make, make_evaluator(lines))
    assert (trial.status, trial.fault, trial.units) == ("lost", "evaluator", ())
    assert trial.reason.startswith(reason)


def test_an_objective_without_units_says_how_to_declare_them(make: Make) -> None:
    trial = run_once(make, ITEMS, noise="seed")
    assert (trial.status, trial.fault) == ("lost", "evaluator")
    hint = 'trial.units was called; say objective.noise = "units" in experiment.toml'
    assert f"ValueError: {hint}" in trial.reason


@settings(deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=2000))
def test_blocks_are_few_of_equal_size_and_keep_the_mean(units: list[float]) -> None:
    means = fold_units(units)
    assert len(means) <= MAX_UNITS
    assert len(means) == len(units) or len(means) > MAX_UNITS / 2
    edges = [len(units) * block // len(means) for block in range(len(means) + 1)]
    sizes = [end - start for start, end in itertools.pairwise(edges)]
    assert max(sizes) - min(sizes) <= 1
    mean = math.fsum(size * value for size, value in zip(sizes, means, strict=True)) / len(units)
    assert mean == pytest.approx(fmean(units), rel=1e-5, abs=1e-5 * max(map(abs, units)) + 1e-300)
