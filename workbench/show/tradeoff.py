"""Frontier: what an experiment weighs against each other, and which candidates no other one beats in two of these metrics.

For screens; which candidate the next one starts from is the affair of the strategy `frontier`, which weighs all of them.
"""

from collections.abc import Collection, Mapping

from workbench import experiment as experiments
from workbench.experiment import Goal, Objective
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.folder import StudyFolder
from workbench.ledger.study import Study
from workbench.search.archive import mean

Point = tuple[float, float]
Goals = tuple[Goal, Goal]
NOBODY: frozenset[int] = frozenset()


def weighed(folder: StudyFolder) -> dict[str, Goal]:
    """The metrics of `[search] metrics` with their goals, in their order; empty where the score stands alone.

    So it does in an imported log, and in a study that was copied without its experiment.

    Raises:
        ExperimentError: the study's copy of `experiment.toml` cannot be read.
    """
    if not (folder.experiment / "experiment.toml").is_file():
        return {}
    metrics = dict(experiments.read(folder.experiment).search.metrics)
    return metrics if len(metrics) > 1 else {}


def values(
    objective: Objective, history: CandidateHistory, names: Collection[str]
) -> list[float | None]:
    """Means over a candidate's ok trials by metric; None for one that a trial lacks, and for all where it failed."""
    return [
        None if history.failure is not None else mean(history, objective, name) for name in names
    ]


def barred(study: Study) -> set[int]:
    """The candidates that a person vetoed, and those with a vetoed one's change; linear in the number of candidates."""
    vetoed: list[
        frozenset[int]
    ] = []  # by candidate: the vetoed ones that its program has changes of
    for history in study.candidates:
        record = history.record
        inherited = NOBODY if record.parent is None else vetoed[record.parent]
        own = {record.candidate} if history.is_vetoed else NOBODY
        vetoed.append(
            inherited | own if record.without is None else (inherited | own) - {record.without}
        )
    return {number for number, found in enumerate(vetoed) if found}


def front(points: Mapping[int, Point], goals: Goals) -> list[int]:
    """The candidates that no other one beats in either metric without losing in the other, the best in the first metric first.

    Each is then better in the second metric than all before it. Of equal ones the lowest number stays.
    """
    first, second = (1 if goal == "minimize" else -1 for goal in goals)
    found: list[int] = []
    least = float("inf")
    for number in sorted(
        points, key=lambda number: (first * points[number][0], second * points[number][1], number)
    ):
        if (cost := second * points[number][1]) < least:
            least = cost
            found.append(number)
    return found
