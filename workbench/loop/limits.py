"""What ends a study, and what pauses it because trials fail through no candidate's fault.

Pure functions.
"""

import time
from typing import NamedTuple

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.records import Plateau

MAX_LOST = 5
MAX_EVALUATOR_FAULTS = 3
# Above MAX_LOST, so that one candidate that ends its trials' processes is dropped before the study
# pauses.
MAX_LOST_IN_A_ROW = 8


class Budget(NamedTuple):
    """A budget in words.

    Attributes:
        size: as in `6 candidates`.
        more: what `set` takes to give more of it, as in `candidates=N`.
    """

    size: str
    more: str


def budget_used(study: Study) -> Budget | None:
    """The budget that is used up; None if none is."""
    options = study.options
    if options.candidates and study.proposals.n_made >= options.candidates:
        noun = "candidate" if options.candidates == 1 else "candidates"
        return Budget(f"{options.candidates} {noun}", "candidates=N")
    if options.seconds and _seconds_used(study) >= options.seconds:
        return Budget(f"{options.seconds:g} seconds", "time=8h")
    if options.max_usd and study.costs.usd >= options.max_usd:
        return Budget(f"{options.max_usd:g} USD", "max_usd=N")
    if options.max_tokens and study.costs.tokens >= options.max_tokens:
        return Budget(f"{options.max_tokens:,} tokens", "max_tokens=N")
    return None


def _seconds_used(study: Study) -> float:
    """Seconds while a loop ran, up to now."""
    if study.state != "running":
        return study.costs.active_seconds
    since_last_entry = max(0.0, time.time() - study.last_at)  # the clock may have been set back
    return study.costs.active_seconds + since_last_entry


def may_propose(study: Study, n_questions: int, n_pending: int) -> bool:
    """Whether there is room for another question beside those under way.

    Each question under way is assumed to cost as much as the most expensive one so far, so that
    near the end of a budget there is one at a time.

    Args:
        n_questions: questions under way.
        n_pending: candidates that they may still give.
    """
    options = study.options
    if study.proposals.exhausted is not None or budget_used(study):
        return False
    if len(study.waiting) + n_pending >= options.max_waiting:
        return False
    if options.candidates and study.proposals.n_made + n_pending >= options.candidates:
        return False
    max_usd, max_tokens = study.costs.max_question_cost
    if options.max_usd and study.costs.usd + n_questions * max_usd >= options.max_usd:
        return False
    expected_tokens = study.costs.tokens + n_questions * max_tokens
    return not (options.max_tokens and expected_tokens >= options.max_tokens)


def is_missing(study: Study) -> bool:
    """Whether a record is missing that does not need a person."""
    if any(study.candidates[number].status != "waiting" for number in study.open):
        return True
    return study.proposals.exhausted is None and not budget_used(study)


def why_finished(study: Study) -> str:
    """Why there is nothing more to do.

    Does not mention what waits for a person, since that number changes afterwards.
    """
    budget = budget_used(study)
    if budget is None:
        return f"the proposer has no more: {study.proposals.exhausted}"
    return f"the budget of {budget.size} is used"


def plateau(study: Study, n_decisions: int) -> Plateau | None:
    """The record to write when nothing was kept in `n_decisions` decisions.

    None before that, if it is recorded already, and for 0.
    """
    n_since_keep = study.search.n_since_keep
    if not n_decisions or study.search.plateau is not None or n_since_keep < n_decisions:
        return None
    why = f"no keep in {n_since_keep} candidates; the strategy widens its search"
    if study.options.review != "off":  # a person is around
        why += "; `guide` it, or `fork` from another candidate"
    return Plateau(candidates=n_since_keep, why=why)


def is_lost(history: CandidateHistory) -> bool:
    """Whether a candidate's trials keep ending their processes."""
    lost = [trial for trial in history.trials if trial.status == "lost"]
    return sum(trial.fault == "process" for trial in lost) >= MAX_LOST


def trouble(study: Study) -> str:
    """Why trials fail, if the reason is not in any candidate; empty otherwise.

    The study has to pause then: going on would never end, or would blame candidates.
    """
    health = study.health
    # Before the baseline is kept, a failing evaluator has never worked at all.
    max_faults = 1 if study.incumbent is None else MAX_EVALUATOR_FAULTS
    if health.evaluator_faults >= max_faults:
        return f"the evaluator failed: {health.evaluator_reason}"
    n_losses = len(health.losses)
    n_lost_loops = sum(trial.fault == "loop" for trial in health.losses)
    if n_losses >= MAX_LOST_IN_A_ROW or n_lost_loops >= MAX_LOST:
        return f"{n_losses} trials in a row were lost; the last: {health.losses[-1].reason}"
    return ""
