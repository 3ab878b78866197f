"""What a proposer gains on simulated studies; the objectives stay in this process.

A study of the tuner runs in the sandbox (`driver.py`). One of a proposer that asks a model runs
here (`asked.py`): its prompt is data. No candidate code is imported here; what a study ends with is
scored again, without noise.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
from asked import search
from surrogates import SHAPES, NotAProgram, Objective, draw

from workbench.errors import UsageError
from workbench.evaluate import CandidateFailed, Question, hidden
from workbench.propose import evolve
from workbench.propose.agent import agent
from workbench.propose.wording import WORDINGS

FOLDER = Path(__file__).parent
BOX = {name: FOLDER / name for name in ("driver.py", "simulated.py")}
FILES = {
    "tuner": "settings.py",
    **{name: f"{name}.toml" for name in WORDINGS},
}  # what counts, by proposer
WORST = -1.0  # of a study's gain: what is worse than twice the baseline's loss counts no more
SECONDS = 120.0  # of the proposer's own time, per study


def evaluate(trial: Any) -> dict[str, float]:
    """`gained`: percent of what there was to gain, the mean over the studies; each study is a unit.

    Raises:
        CandidateFailed: the tuner asks for more evaluations than it has, or for one of something
        else than the given program with other
            values; the prompt is none; a file changed that does not count.
    """
    check_settings(trial.settings)
    check_files(trial)
    return evaluate_tuner(trial) if kind(trial.settings) == "tuner" else evaluate_prompt(trial)


def evaluate_tuner(trial: Any) -> dict[str, float]:
    """What the tuner gains with the candidate's settings."""
    settings = trial.settings
    key = hidden(trial.seed)
    gains = list[float]()
    with trial.start("driver.py", files=BOX, threads=1) as process:
        for number, objective in enumerate(draw(settings["kinds"], settings["studies"], key)):
            gains.append(
                100.0
                * gain(
                    process, objective, settings["evaluations"], settings["noise"], [key, number]
                )
            )
            trial.report("gained", number + 1, float(np.mean(gains)))
    trial.units(gains)
    return {
        "gained": float(np.mean(gains)),
        "worst": min(gains),
        "cpu_seconds": float(process.cpu_seconds),
    }


def evaluate_prompt(trial: Any) -> dict[str, float]:
    """What a proposer gains under the candidate's prompt, and what the model took.

    Its calls are kept in the trial's folder.
    """
    settings = trial.settings
    gains = list[float]()
    ended = []
    lock = Lock()
    key = hidden(trial.seed)
    objectives = draw(settings["kinds"], settings["studies"], key)
    with (trial.folder / "calls.jsonl").open("w", encoding="utf-8") as file:

        def record(usd: float, tokens: int, call: Mapping[str, Any]) -> None:
            with lock:
                file.write(json.dumps(call) + "\n")
                file.flush()

        for study in search(
            objectives,
            trial.program.files[FILES[kind(settings)]],
            settings,
            key,
            trial.check,
            record,
        ):
            ended.append(study)
            gains.append(100.0 * max(WORST, 1.0 - study.loss))
            trial.report("gained", len(gains), float(np.mean(gains)))
    trial.units(gains)
    paid = [study.receipt for study in ended]
    return {
        "gained": float(np.mean(gains)),
        "worst": min(gains),
        "kept": float(np.mean([study.kept for study in ended])),
        "unusable": float(np.mean([study.unusable for study in ended])),
        "calls": float(sum(len(one.calls) for one in paid)),
        "tokens": float(sum(one.tokens for one in paid)),
        "usd": sum(one.usd for one in paid),
    }


def check(trial: Any) -> None:
    """A smoke run: one short study of the tuner, or a look at the prompt, which costs no call."""
    check_settings(trial.settings)
    check_files(trial)
    if kind(trial.settings) != "tuner":
        return
    with trial.start("driver.py", files=BOX, threads=1) as process:
        gain(process, draw("search", 1, 0)[0], 8, 0.03, [0, 0])


def check_files(trial: Any) -> None:
    """Raises CandidateFailed if a needed prompt is missing, or an unused file was changed."""
    name = kind(trial.settings)
    for other, idle in FILES.items():
        original = (FOLDER / idle).read_text(encoding="utf-8")
        if other != name and trial.program.files.get(idle, original) != original:
            raise CandidateFailed(
                f"{idle} counts for nothing where the setting proposer is {name!r}; change "
                f"{FILES[name]}"
            )
    if name in WORDINGS:
        try:
            WORDINGS[name].read(trial.program.files.get(FILES[name], ""))
        except UsageError as error:
            raise CandidateFailed(str(error)) from None


def gain(
    process: Any, objective: Objective, evaluations: int, noise: float, seed: list[int]
) -> float:
    """Share of the possible gain that a simulated study of the candidate reaches, up to 1.

    Raises:
        CandidateFailed: as in `evaluate`.
    """
    rng = np.random.default_rng([*seed, 1])  # of the noise alone

    def score(text: str) -> list[float]:
        loss = exact(objective, text)
        noisy = loss + noise * float(rng.normal())
        return [noisy] if np.isfinite(noisy) else []

    arguments = (objective.source, evaluations, noise, objective.number)
    questions = {"score": Question(str, score)}
    program = process.call(
        "search",
        *arguments,
        returns=str,
        timeout=SECONDS,
        questions=questions,
        max_questions=evaluations,
    )
    return max(WORST, 1.0 - exact(objective, program))


def exact(objective: Objective, text: str) -> float:
    """The loss of a text without noise.

    Raises:
        CandidateFailed: it is not the given program with other values.
    """
    try:
        return objective.loss(text)
    except NotAProgram as error:
        raise CandidateFailed(
            f"a study proposed something that is not its program: {error}"
        ) from None


def kind(settings: Any) -> str:
    """The proposer that is scored, without its argument."""
    return str(settings["proposer"]).partition(":")[0]


def check_settings(settings: Any) -> None:
    """Raises ValueError for settings that cannot be."""
    name, _, argument = str(settings["proposer"]).partition(":")
    if name not in FILES:
        raise ValueError(f"--set proposer={settings['proposer']}; choose one of {', '.join(FILES)}")
    if name in WORDINGS and not settings["model"]:
        raise ValueError(f"{name} asks a model; name it with --set model=NAME")
    if name not in WORDINGS and settings["model"]:
        raise ValueError(
            f"{name} asks no model; choose with --set proposer= one that does: "
            f"{', '.join(WORDINGS)}"
        )
    match name:
        case "evolve":
            evolve.parse_variants(argument)
        case "agent":
            agent.parse_level(argument)
        case _ if argument:
            raise ValueError(
                f"the settings of the {name} are in {FILES[name]}, and not in --set "
                f"proposer={settings['proposer']}"
            )
    if settings["kinds"] not in SHAPES:
        raise ValueError(f"--set kinds={settings['kinds']}; choose one of {', '.join(SHAPES)}")
    if settings["studies"] < 2 or settings["evaluations"] < 4 or settings["noise"] < 0:
        raise ValueError("studies is at least 2, evaluations at least 4, noise at least 0")
    if settings["candidates"] < 1 or settings["max_tokens"] < 1:
        raise ValueError("candidates and max_tokens, per study of a model, are at least 1")
