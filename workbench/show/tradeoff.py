"""Tradeoff: what an experiment weighs, and which candidates are best in two of these metrics.

Serves screens and figures only. Which candidate the next one starts from is decided by the strategy
`frontier`, which weighs all metrics at once.
"""

from collections.abc import Collection, Mapping

from workbench import experiment_file
from workbench.experiment import Goal, Objective
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.folder import StudyFolder
from workbench.search.archive import mean
from workbench.show.marks import UNDECIDED, Marks

Point = tuple[float, float]
Goals = tuple[Goal, Goal]


def read_metrics(folder: StudyFolder) -> dict[str, Goal]:
    """The metrics of `[search] metrics` with their goals, in their order.

    Empty if only the score counts, and always for an imported log and for a study that was copied
    without its experiment.

    Raises:
        ExperimentError: the study's copy of `experiment.toml` cannot be read.
    """
    if not (folder.experiment / "experiment.toml").is_file():
        return {}
    metrics = dict(experiment_file.read(folder.experiment).search.metrics)
    return metrics if len(metrics) > 1 else {}


def mean_values(
    objective: Objective, history: CandidateHistory, names: Collection[str]
) -> list[float | None]:
    """Mean of each metric over a candidate's ok trials.

    None stands for a metric that a trial lacks, and for all of them if the candidate failed.
    """
    if history.failure is not None:
        return [None] * len(names)
    return [mean(history, objective, name) for name in names]


def can_lead(marks: Marks, number: int) -> bool:
    """Whether a candidate may be on a frontier: it is decided, drawn and not barred."""
    kind = marks.kinds[number]
    return kind is not None and kind not in UNDECIDED and number not in marks.barred


def find_front(points: Mapping[int, Point], goals: Goals) -> list[int]:
    """The candidates that no other one beats in either metric without losing in the other.

    They come with the best one in the first metric first, and each is better in the second metric
    than all before it. Of candidates with equal points only the lowest number is on the front.
    """
    first_sign, second_sign = (1 if goal == "minimize" else -1 for goal in goals)

    def rank(number: int) -> tuple[float, float, int]:
        first, second = points[number]
        return first_sign * first, second_sign * second, number

    front: list[int] = []
    least = float("inf")
    for number in sorted(points, key=rank):
        cost = second_sign * points[number][1]
        if cost < least:
            least = cost
            front.append(number)
    return front
