"""Progress: what the progress plot shows beyond the candidates themselves. Draws nothing.

The static figure and the dashboard both draw these values.
"""

from dataclasses import dataclass

from workbench.experiment import Objective
from workbench.ledger.study import Study
from workbench.show.marks import Kinds

# Of the baseline's score, where the objective names no smallest effect. For a val_bpb near 1
# this is the margin that autoresearch's own notebook uses.
NEAR_BASELINE = 0.0005
WINDOW_MARGIN = 0.15


@dataclass(frozen=True)
class Progress:
    """The running best, and which scores are worth showing.

    Attributes:
        leaders: kept candidates that were better than all kept before, by number.
        window: from 15 % below the best to 15 % above the baseline, as low and high end; None
            while nothing is better than the baseline.
        worst: a score worse than this one is clearly worse than the baseline; None likewise.
    """

    leaders: list[int]
    window: tuple[float, float] | None
    worst: float | None


def measure_progress(study: Study, kinds: Kinds) -> Progress:
    """Compares what was kept with the baseline.

    Args:
        kinds: how plots mark each candidate.
    """
    leaders = _find_leaders(study, kinds)
    reference = _find_reference(study, kinds)
    if not leaders or reference is None:
        return Progress(leaders, None, None)
    objective = study.opened.objective
    best = study.candidates[leaders[-1]].score
    if best is None or not objective.is_better(best, reference):
        return Progress(leaders, None, None)
    margin = max(objective.min_effect, NEAR_BASELINE * abs(reference))
    worst = reference + margin if objective.goal == "minimize" else reference - margin
    return Progress(leaders, _widen(best, reference), worst)


def is_far(objective: Objective, score: float, worst: float | None) -> bool:
    """Whether a score is clearly worse than the baseline."""
    return worst is not None and objective.is_better(worst, score)


def _find_leaders(study: Study, kinds: Kinds) -> list[int]:
    leaders: list[int] = []
    best: float | None = None
    for number, kind in enumerate(kinds):
        if kind != "kept":
            continue
        score = study.candidates[number].score
        if score is None:
            continue
        if best is None or study.opened.objective.is_better(score, best):
            best = score
            leaders.append(number)
    return leaders


def _find_reference(study: Study, kinds: Kinds) -> float | None:
    """The baseline's score; without one, the first score, as autoresearch's notebook takes it."""
    if study.baseline is not None and study.baseline.score is not None:
        return study.baseline.score
    for history, kind in zip(study.candidates, kinds, strict=True):
        if kind is not None and history.score is not None:
            return history.score
    return None


def _widen(best: float, reference: float) -> tuple[float, float]:
    low, high = sorted((best, reference))
    margin = WINDOW_MARGIN * (high - low)
    return low - margin, high + margin
