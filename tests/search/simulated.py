"""Studies of thousands of candidates in seconds.

Records folded by hand, scores that the test says.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.experiment import Experiment, Objective, Search
from workbench.ledger.study import Study
from workbench.records import (
    PERSON,
    Adopted,
    Candidate,
    Decision,
    Entry,
    Options,
    Plateau,
    Record,
    Trial,
)
from workbench.search.strategy import Ask, Strategy
from workbench.testing import fold, opening

Scores = Callable[
    [int, int], float | None
]  # of a candidate's number and its parent's; None: it fails


def experiment(**search: Any) -> Experiment:
    objective = Objective(name="loss", goal="minimize", noise="none")
    return Experiment(
        folder=Path(),
        name="toy",
        editable=("train.py",),
        objective=objective,
        search=Search(**search),
    )


class Simulated:
    """A study that grows by what a strategy asks."""

    def __init__(
        self, problem: Experiment, metrics: Mapping[str, float] | None = None, score: float = 100.0
    ) -> None:
        self.study: Study = fold(opening(problem))
        self.append(
            Trial(candidate=0, trial=0, seed=1, status="ok", score=score, metrics=metrics or {}),
            Decision(candidate=0, verdict="keep", by="loop"),
        )

    def append(self, *records: Record) -> None:
        last = self.study.last_id
        self.study.fold(
            Entry(last + place, float(last), record) for place, record in enumerate(records, 1)
        )

    def add(
        self,
        parent: int,
        score: float | None,
        metrics: Mapping[str, float] | None = None,
        *,
        added: int = 0,
        removed: int = 0,
    ) -> int:
        """One more candidate, tried once and decided; its number."""
        number = len(self.study.candidates)
        made = Candidate(
            candidate=number,
            parent=parent,
            program=f"{number:064}",
            author="tester",
            added=added,
            removed=removed,
        )
        if score is None:
            trial = Trial(candidate=number, trial=0, seed=1, status="failed", reason="it broke")
        else:
            trial = Trial(
                candidate=number, trial=0, seed=1, status="ok", score=score, metrics=metrics or {}
            )
        best = self.study.candidates[self.study.incumbent or 0].score
        is_better = score is not None and best is not None and score < best
        self.append(
            made,
            trial,
            Decision(candidate=number, verdict="keep" if is_better else "discard", by="tested"),
        )
        return number

    def veto(self, number: int) -> None:
        self.append(Decision(candidate=number, verdict="discard", by=f"{PERSON}:ada"))

    def fork(self, number: int) -> None:
        self.append(
            Adopted(
                request=f"f{number}",
                sequence=self.study.people.last_request + 1,
                verb="fork",
                body={"candidate": number},
            )
        )

    def plateau(self) -> None:
        self.append(Plateau(candidates=30, why="no keep in 30 candidates"))

    def grow(self, strategy: Strategy, n: int, scores: Scores) -> list[Ask]:
        """`n` candidates from the parents that the strategy asks for."""
        asks = []
        for _ in range(n):
            asks.append(strategy.ask(self.study))
            number = len(self.study.candidates)
            self.add(
                asks[-1].parent,
                scores(number, asks[-1].parent),
                added=number % 6,
                removed=number % 4,
            )
        return asks

    def asks(self, strategy: Strategy, n: int) -> list[Ask]:
        """What the strategy asks `n` times; a failed proposal between two questions moves it on."""
        asks = []
        for _ in range(n):
            asks.append(strategy.ask(self.study))
            self.study.proposals.n_failed += 1
        return asks


def options(seed: int = 0) -> Options:
    return Options(seed=seed)
