"""Runs in the sandbox: a simulated study in which the tuner proposes under the candidate's settings, and the evaluator scores.

A candidate may change anything in here once it runs. That gains it nothing: the evaluator counts the evaluations, and computes
itself what the program is worth that comes back.
"""

import tempfile
from contextlib import suppress
from pathlib import Path

import settings
from simulated import Broke, Simulated
from workbench_evaluator import ask

from workbench.propose.proposer import Exhausted
from workbench.propose.settings import made
from workbench.propose.tuner import Tuner
from workbench.records import Options

ARGUMENT = made(
    {name.lower(): value for name, value in vars(settings).items() if name.isupper()}
).text()


def search(source: str, evaluations: int, noise: float, seed: int) -> str:
    """The program that a study with so many evaluations ends with."""
    with tempfile.TemporaryDirectory() as folder:
        study = Simulated(
            Path(folder), source, evaluations, noise, Options(seed=seed), lambda *given: Tuner(ARGUMENT, *given), score
        )  # fmt: skip
        with suppress(Exhausted):  # it has tried all that it would: what it has found counts
            while study.left > 0:
                study.step()
        return study.text


def score(text: str) -> float:
    """One evaluation, by the evaluator."""
    answer = ask("score", text)
    if not answer:
        raise Broke("it broke")
    return float(answer[0])
