"""How far chance alone moves a program's score.

Taken from the program's own trials, and from those of related candidates where these are few. Reads
only.
"""

import math
from collections.abc import Sequence
from statistics import stdev
from typing import NamedTuple

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.repeats import Squares, sum_squares
from workbench.ledger.study import Study

# Degrees of freedom: with four trials a program's spread rests on its own trials alone.
ENOUGH = 3
# The share of true results that pass at least, however few the degrees of freedom.
COVERAGE = 0.95


class Spread(NamedTuple):
    """Standard deviation of one trial.

    Attributes:
        sd: the standard deviation.
        degrees: degrees of freedom with which it is known.
    """

    sd: float
    degrees: int


def spread_of(scores: Sequence[float], lent: Spread | None) -> Spread | None:
    """The standard deviation of one trial of a program; None if nothing is known.

    If the program's own scores have fewer than `ENOUGH` degrees of freedom, the lent spread fills
    them up. It counts for no more degrees than are missing, however well it is known: other
    programs may be noisier or quieter. Scores that are all equal count as none, since a coarse
    score repeats itself by chance.

    A moderated variance (Smyth, Statistical Applications in Genetics and Molecular Biology 3, 2004)
    with fixed weights.
    """
    squares = sum_squares(scores)
    are_all_equal = len(set(scores)) <= 1
    n_missing = ENOUGH if are_all_equal else max(0, ENOUGH - squares.freedom)
    if lent is not None:
        lent_degrees = min(lent.degrees, n_missing)
        squares = squares.plus(lent.sd**2 * lent_degrees, lent_degrees)
    if squares.spread is None:
        return None
    return Spread(squares.spread, squares.freedom)


def multiplier(sigmas: float, degrees: int) -> float:
    """How many estimated standard deviations a result may miss by.

    `sigmas`, or Student's quantile where that is larger. The quantile is that of `COVERAGE`, or of
    what `sigmas` true standard deviations cover, whichever is less. If the noise were known
    exactly, 3 sigmas would let 0.3 % of true results fail; to hold that with three degrees of
    freedom would take 9.2, and would show nothing.
    """
    from scipy.special import stdtrit  # 0.1 s to import; an exact step does not need it

    covered = min(math.erf(sigmas / math.sqrt(2)), COVERAGE)
    return max(sigmas, float(stdtrit(degrees, (1 + covered) / 2)))


def spread_of_relatives(study: Study, history: CandidateHistory) -> tuple[list[int], Spread | None]:
    """A spread that related candidates can lend to one with few trials.

    Ancestors come first, the nearest one first, then what was kept, until `ENOUGH` degrees of
    freedom are reached. As in `Repeats`, the first trial counts for the baseline only. Where the
    score is a mean of units, the candidate's own units say it, and nothing is lent.

    Returns:
        The numbers of the candidates that lent, and their pooled spread.
    """
    own_spread = _spread_of_units(study, history)
    if own_spread is not None:
        return [], own_spread
    lenders = []
    pool = Squares()
    for number in _relatives(study, history):
        squares = sum_squares(study.candidates[number].unbiased_scores)
        if squares.freedom:
            lenders.append(number)
            pool = pool.plus(*squares)
        if pool.freedom >= ENOUGH:
            break
    if pool.spread is None:
        return lenders, None
    return lenders, Spread(pool.spread, pool.freedom)


def _spread_of_units(study: Study, history: CandidateHistory) -> Spread | None:
    if study.opened.objective.noise != "units":
        return None
    for trial in history.scored:
        if len(set(trial.units)) > 1:
            n_units = len(trial.units)
            return Spread(stdev(trial.units) / math.sqrt(n_units), n_units - 1)
    return None


def _relatives(study: Study, history: CandidateHistory) -> list[int]:
    """Ancestors, the nearest first, then kept candidates, each once."""
    ancestors = study.lineage.list_forebears(history.number)
    numbers = dict.fromkeys([*ancestors, *study.kept])
    return [number for number in numbers if number != history.number]
