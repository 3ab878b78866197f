"""What the archives of strategies share: reading a study's turns once each, what a veto rules out, and what is known of a program."""

from collections.abc import Iterator
from statistics import fmean

from workbench.errors import UsageError
from workbench.experiment import Objective
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.ledger.turns import Turn


class Turns:
    """Reads the turns of one study as it grows; constant work for each."""

    def __init__(self) -> None:
        self.n_read = 0
        self._barred: set[int] = set()

    def new(self, study: Study) -> Iterator[Turn]:
        """The turns since the last call, in order; one whose reader raised comes again."""
        while self.n_read < len(study.turns):
            turn = study.turns[self.n_read]
            if turn.kind == "barred":
                self._barred.add(turn.candidate)
            elif turn.kind in ("scored", "forked"):
                self._barred.discard(turn.candidate)
            yield turn
            self.n_read += 1

    def is_barred(self, study: Study, number: int) -> bool:
        """Whether a person vetoed a candidate, or one that it was made from."""
        return any(study.descends(number, barred) for barred in self._barred)


def value(study: Study, turn: Turn, name: str) -> float | None:
    """A metric's mean over the trials that a turn counts; None where there is no trial, or one lacks it.

    Raises:
        UsageError: the baseline's trials lack it; the message names those that there are.
    """
    objective = study.opened.objective
    found = mean(study.candidates[turn.candidate], objective, name, turn.n_scored)
    if found is not None:
        return found
    baseline = study.candidates[0].scored[:1]
    if baseline and name not in {objective.name, *baseline[0].metrics}:
        known = ", ".join(sorted({objective.name, *baseline[0].metrics}))
        raise UsageError(
            f"[search] of experiment.toml names {name!r}, which the evaluator does not return; it returns: {known}"
        )
    return None


def mean(
    history: CandidateHistory, objective: Objective, name: str, n_scored: int | None = None
) -> float | None:
    """A metric's mean over the first `n_scored` ok trials of a candidate, or over all; None where there is none, or one lacks it."""
    trials = history.scored[:n_scored]
    values = [
        trial.score if name == objective.name else trial.metrics.get(name) for trial in trials
    ]
    known = [value for value in values if value is not None]
    return fmean(known) if known and len(known) == len(values) else None
