"""Runs in the sandbox: a simulated study that the evaluator scores.

The tuner proposes in it, with the candidate's settings.

A candidate may change anything in here once it runs. That gains it nothing: the evaluator counts
the evaluations, and computes itself what the program is worth that comes back.
"""

import tempfile
from contextlib import suppress
from pathlib import Path

import settings
from simulated import Broke, Simulated
from workbench_evaluator import ask

from workbench.propose.proposer import Exhausted
from workbench.propose.settings import make_settings
from workbench.propose.tuner import Tuner
from workbench.records import Options

ARGUMENT = make_settings(
    {name.lower(): value for name, value in vars(settings).items() if name.isupper()}
).text()


def search(source: str, evaluations: int, noise: float, seed: int) -> str:
    """The program that a study with so many evaluations ends with."""
    with tempfile.TemporaryDirectory() as folder:
        study = Simulated(
            Path(folder),
            source,
            evaluations,
            noise,
            Options(seed=seed),
            lambda *arguments: Tuner(ARGUMENT, *arguments),
            score,
        )
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
