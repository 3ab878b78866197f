"""Decides what a proposer is asked next, and when.

Early enough that no slot waits. Pure functions.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.ledger.study import Study
from workbench.loop import limits
from workbench.records import START


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question to strategy and proposer.

    Attributes:
        number: how many questions were asked before it in this study.
        last_id: journal entry up to which the proposer sees the study. It is fixed when the
            question is asked, so that the answer does not depend on when a thread gets round to it.
        wanted: how many proposals it may give.
        request: id of a person's request for one idea, if the question carries one out.
        idea: that idea.
    """

    number: int
    last_id: int
    wanted: int = 1
    request: str = ""
    idea: str = ""


def next_question(
    study: Study, under_way: Sequence[Question], slots: int, ahead: int, at_a_time: int
) -> Question | None:
    """The next question; None while there are enough, or while another has no room.

    Args:
        under_way: questions that are not answered yet.
        slots: how many trials run at a time.
        ahead: proposals per slot to make ahead. Enough are `slots * (1 + ahead)` candidates that
            are tried, queued or asked for; those that wait for a person do not count. With one slot
            and 0 ahead, each question knows the results of all before it.
        at_a_time: most questions under way.
    """
    if _starters_are_open(study):
        return None  # every proposal should know how the starting programs did
    is_first = not study.proposals.n_made + study.proposals.n_failed
    if is_first or study.health.proposer_faults:
        at_a_time = 1  # one question finds out whether the proposer works at all
    n_pending = sum(question.wanted for question in under_way)
    n_active = len(study.open) - study.counts["waiting"]
    if len(under_way) >= at_a_time or n_active + n_pending >= slots * (1 + ahead):
        return None
    if not limits.may_propose(study, len(under_way), n_pending):
        return None
    request, idea = _next_idea(study, under_way)
    return Question(
        number=max(
            [study.proposals.next_question, *(question.number + 1 for question in under_way)]
        ),
        last_id=study.last_id,
        wanted=_n_wanted(study, n_pending),
        request=request,
        idea=idea,
    )


def _starters_are_open(study: Study) -> bool:
    """Whether a program that the study begins with is still undecided, other than by a person."""
    undecided = study.open.difference(study.waiting)
    return any(study.candidates[number].record.author == START for number in undecided)


def _n_wanted(study: Study, n_pending: int) -> int:
    """How many proposals to ask for at once, without exceeding the budget of candidates."""
    options = study.options
    if not options.candidates:
        return options.round
    return min(options.round, options.candidates - study.proposals.n_made - n_pending)


def _next_idea(study: Study, under_way: Sequence[Question]) -> tuple[str, str]:
    """The oldest idea of a person that no question is working on.

    Its request's id, and its text.
    """
    in_progress = {question.request for question in under_way}
    for request, idea in study.people.ideas.items():
        if request not in in_progress:
            return request, idea
    return "", ""
