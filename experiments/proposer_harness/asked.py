"""Simulated studies in which a model proposes, told what the candidate's prompt says. Trusted, and asked from here alone.

Nothing that a candidate or the model wrote is run: the prompt is read as TOML, an answer becomes a text of constants, and `surrogates`
parses that text.
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
    """What a study ended with: its loss without noise, candidates that were kept, proposals that came to nothing, and what was paid."""

    loss: float
    kept: int
    unusable: int
    receipt: Receipt


def searched(
    objectives: Sequence[Objective],
    prompt: str,
    settings: Mapping[str, Any],
    seed: int,
    check: Callable[[], None],
    record: Record,
) -> Iterator[Ended]:
    """Each objective's study, in order; `AT_ONCE` of them run at a time.

    Args:
        prompt: of the proposer that the settings name, as `workbench.propose.wording` reads it. check: raises when the trial is over.
        record: is told of every call of the model.

    Raises:
        ProposerFault: the model could not be asked; what it answers, or refuses to, is the prompt's affair.
    """
    over = Event()

    def search(number: int) -> Ended:
        return _Study(objectives[number], prompt, settings, [seed, number], over, record).ended(
            check
        )

    with ThreadPoolExecutor(AT_ONCE) as pool:
        try:
            yield from pool.map(search, range(len(objectives)))
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
        self._objective, self._settings, self._over = objective, settings, over
        self._rng = np.random.default_rng([*seed, 1])  # of the noise alone
        self._receipt = Receipt(record=record)
        self._options = Options(
            proposer=str(settings["proposer"]), model=str(settings["model"]), base_url=str(settings["base_url"]), prompt=prompt,
            max_tokens=int(settings["max_tokens"]), seed=objective.number,
        )  # fmt: skip

    def ended(self, check: Callable[[], None]) -> Ended:
        settings, objective, n_unusable, name = (
            self._settings,
            self._objective,
            0,
            self._options.proposer,
        )
        make = partial(registry.find("proposers", name), name.partition(":")[2])
        with tempfile.TemporaryDirectory() as folder:
            study = Simulated(
                Path(folder), objective.source, settings["evaluations"], settings["noise"], self._options, make, self._score
            )  # fmt: skip
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
