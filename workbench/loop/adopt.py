"""What a person's request means for a study: the records that it causes, or why it is refused.

Functions without effects, but for one: an error that no check expected leaves its traceback in the
loop's log. What a request is, and how its JSON is checked, is in `requests.py`.
"""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, assert_never

from workbench import options, requests
from workbench.errors import RequestRefused
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.loop import candidates, examine, limits
from workbench.program import Patch, Program
from workbench.propose.model import ensemble, prices
from workbench.records import (
    PERSON,
    Adopted,
    Decision,
    Evidence,
    Record,
    Refused,
    Reproduction,
    StateChanged,
    Verdict,
)
from workbench.requests import (
    MAX_TEXT,
    AboutCandidate,
    Accept,
    AdoptedAccept,
    AdoptedEdit,
    AdoptedRequest,
    Ban,
    Edit,
    FiledRequest,
    Fork,
    Guide,
    Note,
    Pause,
    Pin,
    RecordReproduction,
    Reject,
    Request,
    Resume,
    RunAblation,
    RunAudit,
    Set,
    Stop,
)
from workbench.syntax import find_syntax_problem

MAX_REASON = 500
# A mistake in the code below raises one of these, and it concerns one request only: that request is
# refused, and the loop goes on. Failures of the disk or of the database (WorkbenchError, OSError,
# sqlite3.Error) are left out on purpose. They concern every request, so they end the loop.
UNFORESEEN = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError)
ProgramOf = Callable[[int], Program]


@dataclass(frozen=True)
class Answer:
    """What the loop does about a request.

    Attributes:
        records: what to append, in one transaction.
        programs: the new programs that the records name.
        cancel: candidates whose running trials end at once.
    """

    records: tuple[Record, ...]
    programs: tuple[Program, ...] = ()
    cancel: tuple[int, ...] = ()


@dataclass(frozen=True)
class _Context:
    """What every handler below needs besides the request itself.

    Attributes:
        study: the study as the journal says now.
        filed: the row of the journal that the request was read from.
        program_of: gives the program of a candidate by its number.
    """

    study: Study
    filed: FiledRequest
    program_of: ProgramOf

    def adopt(self, request: AdoptedRequest) -> Adopted:
        """The record that the request took effect."""
        return Adopted(
            request=self.filed.id,
            sequence=self.filed.sequence,
            verb=self.filed.verb,
            body=requests.to_body(request),
        )

    def decide(self, candidate: int, verdict: Verdict, why: str, **more: Any) -> Decision:
        """A decision of the person about a candidate; `more` are the record's other fields."""
        return Decision(
            candidate=candidate,
            verdict=verdict,
            by=PERSON,
            why=why[:MAX_TEXT],
            request=self.filed.id,
            **more,
        )

    def find_candidate(self, number: int) -> CandidateHistory:
        n_candidates = len(self.study.candidates)
        if not 0 <= number < n_candidates:
            raise RequestRefused(
                f"no candidate {number} in this study; it has 0 to {n_candidates - 1}"
            )
        return self.study.candidates[number]

    def find_subject(self, request: AboutCandidate) -> CandidateHistory:
        """The candidate that a request is about, if it still is the program that the person saw.

        A candidate that waits can be rebased onto a new incumbent. A click on the program as it
        was before must not decide about the one that it is now.
        """
        history = self.find_candidate(request.candidate)
        if request.program and request.program != history.record.program:
            raise RequestRefused(
                f"candidate {history.number} is not the program that was looked at; "
                "look at it again"
            )
        return history


def answer(study: Study, filed: FiledRequest, program_of: ProgramOf) -> Answer:
    """Adopts or refuses a request.

    Either way the last record says so, and the request is never looked at again.

    Raises:
        WorkbenchError: the journal cannot be read; the request stays unanswered.
    """
    try:
        request = requests.read(filed.verb, filed.body)
        return _carry_out(_Context(study, filed, program_of), request)
    except ValueError as error:  # UsageError, and so RequestRefused, is a ValueError too
        reason = str(error)
    except UNFORESEEN as error:
        traceback.print_exc()
        reason = f"the request could not be carried out: {error!r}"[:MAX_REASON]
    refusal = Refused(request=filed.id, sequence=filed.sequence, verb=filed.verb, reason=reason)
    return Answer((refusal,))


def _carry_out(context: _Context, request: Request) -> Answer:
    """Raises RequestRefused where the study is in no state for the request."""
    match request:
        case Accept():
            return _accept(context, request)
        case Reject():
            return _reject(context, request)
        case Edit():
            return _edit(context, request)
        case Guide():
            return _guide(context, request)
        case Ban():
            return Answer((context.adopt(request),))
        case Pin():
            return _pin(context, request)
        case Note():
            context.find_subject(request)
            return Answer((context.adopt(request),))
        case Fork():
            return _fork(context, request)
        case Pause():
            return _pause(context, request)
        case Resume():
            return _resume(context, request)
        case Stop():
            return _stop(context, request)
        case Set():
            return _set(context, request)
        case RecordReproduction():
            return _record_reproduction(context, request)
        case RunAudit() | RunAblation():
            return _examine(context, request)
        case _:
            assert_never(request)


# --- decisions about one candidate ---------------------------------------------------------------


def _accept(context: _Context, request: Accept) -> Answer:
    """Keeps the candidate, lets it run, or makes a new candidate of the accepted hunks."""
    history = context.find_subject(request)
    if request.hunks is not None:
        partial = _accept_hunks(context, request, history, request.hunks)
        if partial is not None:
            return partial
    decision = history.decision
    if decision is not None and decision.before_run:
        return Answer((context.adopt(AdoptedAccept(request=request, lets_run=True)),))
    if context.study.lineage.can_be_tried(history.number):
        return _take_veto_back(context, request, history)
    if history.status == "kept":
        raise RequestRefused(f"candidate {history.number} is kept already")
    keep = _keep(context, history, request.reason or "accepted")
    adopted = context.adopt(AdoptedAccept(request=request))
    return Answer((keep, adopted), cancel=(history.number,))


def _take_veto_back(context: _Context, request: Accept, history: CandidateHistory) -> Answer:
    """Undoes the veto of a candidate that was never tried.

    If it waited for a person before the veto, it waits again; otherwise it is tried.
    """
    asked_a_person = any(decision.before_run for decision in history.decisions)
    waits_again = asked_a_person and not history.cleared
    consequence = "it is tried"
    if waits_again:
        consequence = "it waits for a person before it runs"
    defer = context.decide(
        history.number,
        "defer",
        request.reason or f"the veto was taken back: {consequence}",
        before_run=True,
    )
    adopted = AdoptedAccept(request=request, lets_run=not waits_again)
    return Answer((defer, context.adopt(adopted)))


def _keep(context: _Context, history: CandidateHistory, why: str) -> Decision:
    """The decision to keep a candidate, with the evidence of its last decision."""
    if history.failure is not None or history.score is None:
        state = "has no score yet"
        if history.failure is not None:
            state = "failed"
        raise RequestRefused(
            f"candidate {history.number} {state}; only a candidate with a score can be kept"
        )
    evidence = Evidence()
    if history.decisions:
        evidence = history.decisions[-1].evidence
    return context.decide(history.number, "keep", why, evidence=evidence)


def _accept_hunks(
    context: _Context, request: Accept, history: CandidateHistory, chosen: tuple[int, ...]
) -> Answer | None:
    """A new candidate with the chosen hunks only; None when these are all hunks."""
    number = history.number
    parent = history.record.parent
    if parent is None:
        raise RequestRefused("the baseline has no hunks")
    base = context.program_of(parent)
    patch = Patch.between(base, context.program_of(number))
    hunks = tuple(sorted(set(chosen)))
    program = patch.apply(base, hunks)  # refuses a hunk that does not exist
    _check_rejected(request.rejected, patch, number)
    if len(hunks) == len(patch.hunks):
        return None
    if program.digest in context.study.by_program:
        twin = context.study.by_program[program.digest]
        raise RequestRefused(f"these hunks alone are candidate {twin}")
    revise = context.decide(
        number,
        "revise",
        request.reason,
        hunks=hunks,
        rejected=tuple(sorted(set(request.rejected))),
    )
    new = candidates.make_candidate(
        len(context.study.candidates),
        parent,
        base,
        program,
        author=PERSON,
        hypothesis=f"only {_name_hunks(hunks)} of candidate {number}: {history.record.hypothesis}",
        revises=number,
        request=context.filed.id,
    )
    dependants: tuple[Decision, ...] = ()
    if history.status == "kept":
        dependants = _discard_dependants(context, number)
    adopted = context.adopt(AdoptedAccept(request=request))
    return Answer((revise, *dependants, new, adopted), (program,), cancel=(number,))


def _check_rejected(rejected: tuple[int, ...], patch: Patch, number: int) -> None:
    """Raises RequestRefused where a rejected hunk is not in the patch."""
    unknown = set(rejected) - {hunk.id for hunk in patch.hunks}
    if unknown:
        raise RequestRefused(
            f"candidate {number} has no hunk {min(unknown)} to reject; "
            f"it has hunks 1 to {len(patch.hunks)}"
        )


def _name_hunks(hunks: tuple[int, ...]) -> str:
    """`hunk 2`, or `hunks 1, 3`."""
    plural = "s" if len(hunks) > 1 else ""
    return f"hunk{plural} {', '.join(map(str, hunks))}"


def _reject(context: _Context, request: Reject) -> Answer:
    history = context.find_subject(request)
    number = history.number
    if number == 0:
        raise RequestRefused("the baseline is what the study starts from; it cannot be rejected")
    if history.status in ("discarded", "failed", "revised", "ablated"):
        raise RequestRefused(f"candidate {number} is {history.status} already")
    veto = context.decide(number, "discard", request.reason or "rejected")
    dependants = _discard_dependants(context, number)
    cancel = (number, *(decision.candidate for decision in dependants))
    return Answer((veto, *dependants, context.adopt(request)), cancel=cancel)


def _discard_dependants(context: _Context, number: int) -> tuple[Decision, ...]:
    """The decisions that discard what was made from a vetoed candidate.

    Such a candidate contains the vetoed change. It stays recorded, but it must not become a parent
    or the best any more.
    """
    study = context.study
    why = f"made from candidate {number}, which was vetoed"
    return tuple(context.decide(other, "discard", why) for other in study.list_dependants(number))


def _edit(context: _Context, request: Edit) -> Answer:
    """A new candidate of the person's, with files changed by hand.

    An edit of a kept candidate is a change on top of it. An edit of any other candidate takes its
    place: both have the same parent, and what was still undecided about the old one ends.
    """
    study = context.study
    history = context.find_subject(request)
    number = history.number
    edited = _apply_edit(context, number, request.files)
    if edited.digest in study.by_program:
        raise RequestRefused(f"this is candidate {study.by_program[edited.digest]} already")
    parent = history.record.parent
    if parent is None or history.status == "kept":
        parent = number
    new = candidates.make_candidate(
        len(study.candidates),
        parent,
        context.program_of(parent),
        edited,
        author=PERSON,
        hypothesis=request.reason[:MAX_TEXT] or f"candidate {number}, edited by hand",
        revises=number,
        request=context.filed.id,
    )
    adopted = context.adopt(
        AdoptedEdit(
            candidate=number,
            paths=tuple(sorted(request.files)),
            program=request.program,
            reason=request.reason,
        )
    )
    if number not in study.open:
        return Answer((new, adopted), (edited,))
    revise = context.decide(number, "revise", request.reason or "edited by hand")
    return Answer((revise, new, adopted), (edited,), cancel=(number,))


def _apply_edit(context: _Context, number: int, files: Mapping[str, str]) -> Program:
    """The candidate's program with these files; refused unless they are its own, and parse."""
    program = context.program_of(number)
    baseline = context.program_of(0)
    for path, text in files.items():
        # A candidate may have deleted a file of the baseline; an edit can bring it back.
        if path not in program.files and path not in baseline.files:
            raise RequestRefused(
                f"{path} is not one of the program's files: {', '.join(program.files)}"
            )
        if path.endswith(".py"):
            problem = find_syntax_problem(text)
            if problem:
                raise RequestRefused(f"{path} does not parse: {problem}")
    return Program({**program.files, **files}, program.executable)


def _pin(context: _Context, request: Pin) -> Answer:
    history = context.find_subject(request)
    if history.status != "kept":
        raise RequestRefused(
            f"candidate {history.number} is not kept; only a kept change can be pinned"
        )
    return Answer((context.adopt(request),))


def _fork(context: _Context, request: Fork) -> Answer:
    """Lets the search go on from a candidate, and keeps it for that if it is not kept yet."""
    history = context.find_subject(request)
    if history.number == context.study.incumbent:
        raise RequestRefused(f"candidate {history.number} is the incumbent already")
    if history.status == "kept":
        return Answer((context.adopt(request),))
    keep = _keep(context, history, "forked: the search goes on from here")
    return Answer((keep, context.adopt(request)), cancel=(history.number,))


def _record_reproduction(context: _Context, request: RecordReproduction) -> Answer:
    context.find_candidate(request.candidate)
    reproduction = Reproduction(**vars(request), request=context.filed.id)
    return Answer((reproduction, context.adopt(request)))


# --- steering ------------------------------------------------------------------------------------


def _guide(context: _Context, request: Guide) -> Answer:
    """Takes a direction for all proposals, or an idea for the next one."""
    state = context.study.state
    if request.next and state in ("finished", "stopped"):
        raise RequestRefused(
            f"the study is {state}; let it go on first (resume, or set candidates to more), "
            "then ask for an idea"
        )
    return Answer((context.adopt(request),))


def _pause(context: _Context, request: Pause) -> Answer:
    study = context.study
    if study.state != "running":
        raise RequestRefused(f"the study is {study.state} already")
    paused = StateChanged(state="paused", reason="paused by a person")
    return Answer((context.adopt(request), paused))


def _resume(context: _Context, request: Resume) -> Answer:
    study = context.study
    if study.state == "running":
        return Answer((context.adopt(request),))
    used = limits.budget_used(study)
    # With its budget used up, a study can still finish the candidates that it has.
    if used is not None and not limits.is_missing(study):
        raise RequestRefused(
            f"nothing to do: the budget of {used.size} is used; give more of it: set {used.more}"
        )
    running = StateChanged(state="running", reason="resumed by a person")
    return Answer((context.adopt(request), running))


def _stop(context: _Context, request: Stop) -> Answer:
    """Ends the study and its running trials; where it has ended, only its examinations."""
    study = context.study
    running = tuple(sorted(study.running))
    if study.state not in ("stopped", "finished"):
        stopped = StateChanged(state="stopped", reason="stopped by a person")
        return Answer((context.adopt(request), stopped), cancel=running)
    if study.examinations.pending:
        return Answer((context.adopt(request),), cancel=running)
    raise RequestRefused(f"the study is {study.state} already")


def _set(context: _Context, request: Set) -> Answer:
    key, value = options.read_change(request.key, request.value)
    if key == "max_usd" and value:
        _check_prices(context.study.options.model)
    return Answer((context.adopt(Set(key=key, value=value)),))


def _check_prices(model: str) -> None:
    """Raises RequestRefused where money cannot be counted, because a model's price is not known."""
    if not model:
        return
    unpriced = prices.find_unpriced(ensemble.parse_models(model))
    if unpriced:
        raise RequestRefused(
            f"max_usd cannot hold where the price of {', '.join(unpriced)} is unknown; "
            "set max_tokens instead"
        )


def _examine(context: _Context, request: RunAudit | RunAblation) -> Answer:
    begun = examine.begin(context.study, request, context.filed.id, context.program_of)
    return Answer((*begun.records, context.adopt(begun.adopted)), begun.programs)
