"""Spread: how far chance alone takes a program's score, from its own trials, and from those of others where these are few.

Only reads: values in, values out.
"""

import math
from collections.abc import Sequence
from statistics import stdev
from typing import NamedTuple

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.repeats import mean_squares
from workbench.ledger.study import Study

ENOUGH = 3  # degrees of freedom: with four trials of its own a program's spread is its own
COVERAGE = 0.95  # the share of true results that pass at least, however few the degrees of freedom


class Spread(NamedTuple):
    """Standard deviation of one trial, and from how many repeats it is known."""

    sd: float
    degrees: int


def spread_of(scores: Sequence[float], lent: Spread | None) -> Spread | None:
    """The standard deviation of one trial of a program: its own, filled up to `ENOUGH` degrees of freedom by what others lend.

    The lent variance counts for no more degrees of freedom than are missing, however many trials it is known from: the others may be
    noisier, or quieter. Scores that are all equal miss all of them, since a coarse score repeats itself by chance. A moderated
    variance (Smyth, Statistical Applications in Genetics and Molecular Biology 3, 2004) with fixed weights. None where nothing is known.
    """
    found = mean_squares([scores])
    square, degrees = (found.within, found.within_freedom) if found else (0.0, 0)
    missing = max(0, ENOUGH - degrees) if len(set(scores)) > 1 else ENOUGH
    added = min(lent.degrees, missing) if lent else 0
    if not degrees + added:
        return None
    others = lent.sd**2 * added if lent else 0.0
    return Spread(math.sqrt((square * degrees + others) / (degrees + added)), degrees + added)


def multiplier(sigmas: float, degrees: int) -> float:
    """How many estimated standard deviations a result may miss by: `sigmas`, or Student's quantile where that is larger.

    The quantile is that of `COVERAGE`, or of what `sigmas` true standard deviations cover where that is less. Without noise in the
    estimate 3 sigmas let 0.3 % of true results fail; to hold that with three degrees of freedom would take 9.2 and show nothing.
    """
    from scipy.special import stdtrit  # 0.1 s, and an exact step needs none

    covered = min(math.erf(sigmas / math.sqrt(2)), COVERAGE)
    return max(sigmas, float(stdtrit(degrees, (1 + covered) / 2)))


def borrowed(study: Study, history: CandidateHistory) -> tuple[list[int], Spread | None]:
    """The candidates that show what the noise of a trial may be where a candidate's own are few, and the spread pooled over them.

    Its forebears, the nearest first, then what was kept, until they have `ENOUGH` degrees of freedom; as in `Repeats`, the first
    trial counts for the baseline only. Where the score is a mean of units, the candidate's own units say it, and nobody lends.
    """
    if (spread := _of_units(study, history)) is not None:
        return [], spread
    numbers, squares, degrees = [], 0.0, 0
    for number in _relatives(study, history):
        scores = [
            trial.score for trial in study.candidates[number].scored if trial.score is not None
        ][number > 0 :]
        if found := mean_squares([scores]):
            numbers.append(number)
            squares, degrees = (
                squares + found.within * found.within_freedom,
                degrees + found.within_freedom,
            )
        if degrees >= ENOUGH:
            break
    return numbers, Spread(math.sqrt(squares / degrees), degrees) if degrees else None


def _of_units(study: Study, history: CandidateHistory) -> Spread | None:
    if study.opened.objective.noise != "units":
        return None
    units = next((trial.units for trial in history.scored if len(set(trial.units)) > 1), None)
    return None if units is None else Spread(stdev(units) / math.sqrt(len(units)), len(units) - 1)


def _relatives(study: Study, history: CandidateHistory) -> list[int]:
    forebears, parent = [], history.record.parent
    while parent is not None:
        forebears.append(parent)
        parent = study.candidates[parent].record.parent
    return [
        number for number in dict.fromkeys([*forebears, *study.kept]) if number != history.number
    ]
