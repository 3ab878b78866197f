"""What a proposer gains on simulated studies: the objectives are in here, and a sandboxed study asks for each evaluation.

No candidate code is imported here; what a study ends with is scored again, without noise.
"""

from pathlib import Path
from typing import Any

import numpy as np
from surrogates import SHAPES, NotAProgram, Objective, drawn

from workbench.evaluate import CandidateFailed, Question

DRIVER = Path(__file__).with_name("driver.py")
WORST = -1.0  # of a study's gain: what is worse than twice the baseline's loss counts no more
SECONDS = 120.0  # of the proposer's own time, per study


def evaluate(trial: Any) -> dict[str, float]:
    """`gained`: percent of what there was to gain, the mean over the studies; each study is a unit.

    Raises:
        CandidateFailed: it asks for more evaluations than it has, or for one of something else than the given program with other values.
    """
    settings = trial.settings
    check_settings(settings)
    gains = []
    with trial.start("driver.py", files={"driver.py": DRIVER}, threads=1) as process:
        for number, objective in enumerate(drawn(settings["kinds"], settings["studies"], trial.seed)):
            gains.append(100.0 * gain(process, objective, settings["evaluations"], settings["noise"], [trial.seed, number]))
            trial.report("gained", number + 1, float(np.mean(gains)))
    trial.units(gains)
    return {"gained": float(np.mean(gains)), "worst": min(gains), "cpu_seconds": float(process.cpu_seconds)}


def check(trial: Any) -> None:
    """A smoke run: one short study."""
    with trial.start("driver.py", files={"driver.py": DRIVER}, threads=1) as process:
        gain(process, drawn("search", 1, 0)[0], 8, 0.03, [0, 0])


def gain(process: Any, objective: Objective, evaluations: int, noise: float, seed: list[int]) -> float:
    """Share of what there is to gain that a simulated study of the candidate gains, from `WORST` to 1.

    Raises:
        CandidateFailed: as in `evaluate`.
    """
    rng = np.random.default_rng([*seed, 1])

    def score(text: str) -> list[float]:
        loss = exact(objective, text)
        noisy = loss + noise * float(rng.normal())
        return [noisy] if np.isfinite(noisy) else []

    arguments = (objective.source, evaluations, noise, int(rng.integers(1 << 31)))
    asked = {"score": Question(str, score)}
    found = process.call("search", *arguments, returns=str, timeout=SECONDS, questions=asked, max_questions=evaluations)
    return max(WORST, 1.0 - exact(objective, found))


def exact(objective: Objective, text: str) -> float:
    """The loss of a text without noise.

    Raises:
        CandidateFailed: it is not the given program with other values.
    """
    try:
        return objective.loss(text)
    except NotAProgram as error:
        raise CandidateFailed(f"a study proposed something that is not its program: {error}") from None


def check_settings(settings: Any) -> None:
    """Raises ValueError for settings that cannot be."""
    if settings["kinds"] not in SHAPES:
        raise ValueError(f"--set kinds={settings['kinds']}; choose one of {', '.join(SHAPES)}")
    if settings["studies"] < 2 or settings["evaluations"] < 4 or settings["noise"] < 0:
        raise ValueError("studies is at least 2, evaluations at least 4, noise at least 0")
