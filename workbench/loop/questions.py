"""Questions: what a proposer is asked, and when: far enough ahead that no slot waits, and no further than it wishes. Pure functions."""

from collections.abc import Sequence
from dataclasses import dataclass

from workbench.ledger.study import Study
from workbench.loop import limits
from workbench.records import START


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question to strategy and proposer.

    Attributes:
        number: how many were asked before it in this study. last_id: the journal entry up to which its proposer sees the study, so that
            what it sees does not depend on when its thread comes to it.
        wanted: how many proposals it may give.
        request, idea: a person's request for one idea that it is to carry out, and that idea.
    """

    number: int
    last_id: int
    wanted: int = 1
    request: str = ""
    idea: str = ""


def following(
    study: Study, under_way: Sequence[Question], slots: int, ahead: int, at_a_time: int
) -> Question | None:
    """The next question; None while there are enough, or no room for another one.

    Enough are `slots` times `1 + ahead` candidates, tried, queued or asked for; with 0 ahead and one slot a question is about all that
    came of those before it. What waits for a person does not count. `at_a_time` bounds the questions under way; the first of a study, and
    one after a fault, goes alone, and none is asked before what the study begins with is decided: every proposal sees how that did.
    """
    if any(
        study.candidates[number].record.author == START
        for number in study.open.difference(study.waiting)
    ):
        return None
    if study.faults_in_a_row or not study.proposed + study.proposals_failed:
        at_a_time = 1
    pending = sum(question.wanted for question in under_way)
    n_active = len(study.open) - study.counts["waiting"]
    if (
        len(under_way) >= at_a_time
        or n_active + pending >= slots * (1 + ahead)
        or not limits.may_propose(study, len(under_way), pending)
    ):
        return None
    options = study.options
    room = options.candidates - study.proposed - pending if options.candidates else options.round
    taken = {question.request for question in under_way}
    request, idea = next(
        ((name, text) for name, text in study.ideas.items() if name not in taken), ("", "")
    )
    return Question(
        number=max([study.next_question, *(question.number + 1 for question in under_way)]),
        last_id=study.last_id,
        wanted=min(options.round, room),
        request=request,
        idea=idea,
    )
