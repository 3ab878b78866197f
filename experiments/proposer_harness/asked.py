"""Simulated studies in which a model proposes, with the candidate's prompt.

Trusted; only this process asks the model.

Nothing that a candidate or the model wrote is run: the prompt is read as TOML, an answer becomes a
text of constants, and `surrogates` parses that text.
"""

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np
from simulated import Broke, Simulated
from surrogates import NotAProgram, Objective

from workbench import registry
from workbench.propose.model.failures import Unanswered
from workbench.propose.proposer import Receipt, Unusable
from workbench.records import Options

AT_ONCE = 4  # studies
Record = Callable[[float, int, Mapping[str, Any]], None]


@dataclass(frozen=True)
class Ended:
    """What a study ended with.

    Attributes:
        loss: of its incumbent, without noise.
        kept: how many candidates were kept.
        unusable: how many proposals could not be used.
        receipt: what was paid.
    """

    loss: float
    kept: int
    unusable: int
    receipt: Receipt


def search(
    objectives: Sequence[Objective],
    prompt: str,
    settings: Mapping[str, Any],
    seed: int,
    check: Callable[[], None],
    record: Record,
) -> Iterator[Ended]:
    """Runs a study on each objective, `AT_ONCE` of them at a time; yields the results in order.

    Args:
        prompt: of the proposer that the settings name, as `workbench.propose.wording` reads it.
        check: raises when the trial is over.
        record: called with every call of the model.

    Raises:
        ProposerFault: the model could not be asked. What it answers, or refuses, counts for the
        prompt.
    """
    over = Event()

    def run_study(number: int) -> Ended:
        study = _Study(objectives[number], prompt, settings, [seed, number], over, record)
        return study.run(check)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            yield from pool.map(run_study, range(len(objectives)))
        finally:
            over.set()


class _Study:
    """One simulated study, scored here."""

    def __init__(
        self,
        objective: Objective,
        prompt: str,
        settings: Mapping[str, Any],
        seed: list[int],
        over: Event,
        record: Record,
    ) -> None:
        self._objective = objective
        self._settings = settings
        self._over = over
        self._rng = np.random.default_rng([*seed, 1])  # draws the noise and nothing else
        self._receipt = Receipt(record=record)
        self._options = Options(
            proposer=str(settings["proposer"]),
            model=str(settings["model"]),
            base_url=str(settings["base_url"]),
            prompt=prompt,
            max_tokens=int(settings["max_tokens"]),
            seed=objective.number,
        )

    def run(self, check: Callable[[], None]) -> Ended:
        settings = self._settings
        objective = self._objective
        name = self._options.proposer
        n_unusable = 0
        make = partial(registry.find("proposers", name), name.partition(":")[2])
        with tempfile.TemporaryDirectory() as folder:
            study = Simulated(
                Path(folder),
                objective.source,
                settings["evaluations"],
                settings["noise"],
                self._options,
                make,
                self._score,
            )
            while self._goes_on(study):
                check()
                try:
                    study.step(receipt=self._receipt, cancelled=self._over)
                except (Unusable, Unanswered) as error:
                    n_unusable += 1
                    study.note(
                        str(error),
                        getattr(
                            error, "origin", {"model": self._options.model, "problem": str(error)}
                        ),
                    )
        return Ended(
            objective.loss(study.text), len(study.study.kept) - 1, n_unusable, self._receipt
        )

    def _goes_on(self, study: Simulated) -> bool:
        is_paid = self._receipt.tokens < self._settings["max_tokens"]
        return (
            is_paid
            and study.left > 0
            and study.asked < self._settings["candidates"]
            and not self._over.is_set()
        )

    def _score(self, text: str) -> float:
        try:
            loss = self._objective.loss(text)
        except NotAProgram as error:
            raise Broke(f"it is not the given program with other values: {error}") from None
        noisy = loss + self._settings["noise"] * float(self._rng.normal())
        if not np.isfinite(noisy):
            raise Broke("it has no loss: a value is too far off")
        return noisy
