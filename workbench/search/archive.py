"""What the archives of all strategies share.

They read each turn of a study once, leave out what a veto rules out, and average a program's
metrics.
"""

from collections.abc import Iterator
from statistics import fmean

from workbench.errors import UsageError
from workbench.experiment import Objective
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.ledger.turns import Turn


class Turns:
    """Reads the turns of one study as it grows, with constant work per turn."""

    def __init__(self) -> None:
        self.n_read = 0
        self._barred: set[int] = set()

    def new(self, study: Study) -> Iterator[Turn]:
        """The turns since the last call, in order.

        A turn whose reader raised an error comes again.
        """
        while self.n_read < len(study.search.turns):
            turn = study.search.turns[self.n_read]
            if turn.kind == "barred":
                self._barred.add(turn.candidate)
            elif turn.kind in ("scored", "forked"):
                self._barred.discard(turn.candidate)
            yield turn
            self.n_read += 1

    def is_barred(self, study: Study, number: int) -> bool:
        """Whether a person vetoed a candidate, or one that it was made from."""
        return study.lineage.descends_from_any(number, self._barred)


def value(study: Study, turn: Turn, name: str) -> float | None:
    """A metric's mean over the trials that a turn counts; None if it is incomplete.

    Incomplete means that it has no trials yet, or that one of them lacks the metric.

    Raises:
        UsageError: the baseline lacks the metric too; the message lists the metrics that there are.
    """
    objective = study.opened.objective
    metric = mean(study.candidates[turn.candidate], objective, name, turn.n_scored)
    if metric is not None:
        return metric
    baseline_trials = study.candidates[0].scored
    if baseline_trials:
        names = {objective.name, *baseline_trials[0].metrics}
        if name not in names:
            raise UsageError(
                f"[search] of experiment.toml names {name!r}, which the evaluator does not return; "
                f"it returns: {', '.join(sorted(names))}"
            )
    return None


def mean(
    history: CandidateHistory, objective: Objective, name: str, n_scored: int | None = None
) -> float | None:
    """A metric's mean over the first `n_scored` ok trials of a candidate, or over all of them.

    None if it has no trials yet, or if one of them lacks the metric.
    """
    values: list[float] = []
    for trial in history.scored[:n_scored]:
        value = trial.score if name == objective.name else trial.metrics.get(name)
        if value is None:
            return None
        values.append(value)
    return fmean(values) if values else None
