"""Limits: what ends a study, and what pauses it because trials fail for a reason that is no candidate's. Pure functions."""

import time
from typing import NamedTuple

from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.records import Plateau

MAX_LOST = 5
MAX_EVALUATOR_FAULTS = 3
MAX_LOST_IN_A_ROW = 8  # above MAX_LOST, so that one candidate that ends trial processes is dropped and does not pause a study


class Budget(NamedTuple):
    """A budget in words, as `6 candidates`, and how more of it is given, as `candidates=N`."""

    size: str
    more: str


def budget_used(study: Study) -> Budget | None:
    """Which budget is used up; None when none is."""
    options, since = study.options, time.time() - study.last_at if study.state == "running" else 0.0
    if options.candidates and study.proposed >= options.candidates:
        return Budget(
            f"{options.candidates} candidate{'s' if options.candidates > 1 else ''}", "candidates=N"
        )
    if options.seconds and study.active_seconds + max(0.0, since) >= options.seconds:
        return Budget(f"{options.seconds:g} seconds", "time=8h")
    if options.max_usd and study.spent.usd >= options.max_usd:
        return Budget(f"{options.max_usd:g} USD", "max_usd=N")
    if options.max_tokens and study.spent.tokens >= options.max_tokens:
        return Budget(f"{options.max_tokens:,} tokens", "max_tokens=N")
    return None


def may_propose(study: Study, n_questions: int, n_pending: int) -> bool:
    """Whether there is room for another question beside those under way, which may give so many candidates.

    Each of those is taken to cost what the dearest so far did, so that near the end of a budget there is one at a time.
    """
    if (
        study.exhausted is not None
        or budget_used(study)
        or len(study.waiting) + n_pending >= study.options.max_waiting
    ):
        return False
    options, spent, (usd, tokens) = study.options, study.spent, study.dearest
    if options.candidates and study.proposed + n_pending >= options.candidates:
        return False
    would_cost, would_take = spent.usd + n_questions * usd, spent.tokens + n_questions * tokens
    return not (options.max_usd and would_cost >= options.max_usd) and not (
        options.max_tokens and would_take >= options.max_tokens
    )


def is_missing(study: Study) -> bool:
    """Whether a record is missing that no person has to cause."""
    if any(study.candidates[number].status != "waiting" for number in study.open):
        return True
    return study.exhausted is None and not budget_used(study)


def why_finished(study: Study) -> str:
    """Why there is nothing more to do but what a person does: how much waits for one changes, and is no part of it."""
    used = budget_used(study)
    return (
        f"the budget of {used.size} is used"
        if used
        else f"the proposer has no more: {study.exhausted}"
    )


def plateau(study: Study, n_decisions: int) -> Plateau | None:
    """What there is to note once nothing was kept in so many decisions; None before, where it was noted, and for 0."""
    if not n_decisions or study.plateau is not None or study.since_keep < n_decisions:
        return None
    person = (
        "; `guide` it, or `fork` from another candidate" if study.options.review != "off" else ""
    )
    return Plateau(
        candidates=study.since_keep,
        why=f"no keep in {study.since_keep} candidates; the strategy widens its search{person}",
    )


def is_lost(history: CandidateHistory) -> bool:
    """Whether a candidate's trials end their processes again and again."""
    return (
        sum(trial.status == "lost" and trial.fault == "process" for trial in history.trials)
        >= MAX_LOST
    )


def trouble(study: Study) -> str:
    """Why trials fail, where it is for a reason that is no candidate's: to go on would run for ever, or blame candidates."""
    lost = study.lost_in_a_row
    if study.evaluator_faults >= (1 if study.incumbent is None else MAX_EVALUATOR_FAULTS):
        return f"the evaluator failed: {study.evaluator_reason}"
    if len(lost) >= MAX_LOST_IN_A_ROW or sum(trial.fault == "loop" for trial in lost) >= MAX_LOST:
        return f"{len(lost)} trials in a row were lost; the last: {lost[-1].reason}"
    return ""
