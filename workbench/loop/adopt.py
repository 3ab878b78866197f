"""What a person's request means for the study: the records it causes, or why it is refused.

Pure functions; the one effect is that the log of the loop has the traceback of a request that nothing foresaw.
"""

import traceback
from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

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
    Request,
    StateChanged,
)
from workbench.syntax import syntax_problem

MAX_TEXT = 4000
MAX_FILE = 4 << 20
MAX_REASON = 500
# What is raised over a request of a form that nothing foresaw, and says nothing about the next one. What a disk or a journal raises
# that fails (WorkbenchError, OSError, the database's own) is not among them: it ends the loop.
UNFORESEEN = (ArithmeticError, AssertionError, AttributeError, LookupError, RuntimeError, TypeError)
ProgramOf = Callable[[int], Program]


@dataclass(frozen=True)
class Answer:
    """The records to append in one transaction, with their programs; trials of the candidates in `cancel` end at once."""

    records: tuple[Record, ...]
    programs: tuple[Program, ...] = ()
    cancel: tuple[int, ...] = ()


def answer(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    """Adopts or refuses a request; either way the last record says so, and the request is never looked at again.

    Raises:
        WorkbenchError: the journal cannot be read; the request stays unanswered.
    """
    try:
        handler = _HANDLERS.get(request.verb)
        if handler is None:
            raise RequestRefused(f"this workbench knows no request {request.verb!r}")
        return handler(study, request, program_of)
    except ValueError as error:  # RequestRefused among them
        reason = str(error)
    except UNFORESEEN as error:
        traceback.print_exc()
        reason = f"the request is malformed: {error!r}"[:MAX_REASON]
    return Answer(
        (Refused(request=request.id, sequence=request.sequence, verb=request.verb, reason=reason),)
    )


def _adopted(request: Request, **more: Any) -> Adopted:
    return Adopted(
        request=request.id,
        sequence=request.sequence,
        verb=request.verb,
        body={**request.body, **more},
    )


def _candidate(study: Study, body: Mapping[str, Any]) -> CandidateHistory:
    number = body["candidate"]
    if not isinstance(number, int) or not 0 <= number < len(study.candidates):
        raise RequestRefused(
            f"no candidate {number} in this study; it has 0 to {len(study.candidates) - 1}"
        )
    history = study.candidates[number]
    seen = body.get("program")
    if seen and seen != history.record.program:
        raise RequestRefused(
            f"candidate {number} is not the program that was looked at; look at it again"
        )
    return history


def _accept(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    history = _candidate(study, request.body)
    number, hunks = history.number, request.body.get("hunks")
    if hunks:
        partial = _accept_hunks(
            study, request, history, tuple(sorted({int(hunk) for hunk in hunks})), program_of
        )
        if partial is not None:
            return partial
    asked = history.decision
    if asked is not None and asked.before_run:
        return Answer((_adopted(request, run=True),))
    if study.can_be_tried(number):
        return _take_back(history, request)
    if history.status == "kept":
        raise RequestRefused(f"candidate {number} is kept already")
    keep = _keep(history, request, str(request.body.get("reason") or "accepted"))
    return Answer((keep, _adopted(request)), cancel=(number,))


def _take_back(history: CandidateHistory, request: Request) -> Answer:
    """A veto of what has not been tried is undone: it waits for a person again where it did, else it is tried."""
    waited = not history.cleared and any(decision.before_run for decision in history.decisions)
    usual = f"the veto was taken back: it {'waits for a person before it runs' if waited else 'is tried'}"
    why = str(request.body.get("reason") or usual)[:MAX_TEXT]
    ask = Decision(
        candidate=history.number,
        verdict="defer",
        by=PERSON,
        why=why,
        before_run=True,
        request=request.id,
    )
    return Answer((ask, _adopted(request) if waited else _adopted(request, run=True)))


def _keep(history: CandidateHistory, request: Request, why: str) -> Decision:
    if history.failure is not None or history.score is None:
        state = "failed" if history.failure is not None else "has no score yet"
        raise RequestRefused(
            f"candidate {history.number} {state}; only a candidate with a score can be kept"
        )
    evidence = next((decision.evidence for decision in reversed(history.decisions)), Evidence())
    return Decision(
        candidate=history.number,
        verdict="keep",
        by=PERSON,
        why=why,
        evidence=evidence,
        request=request.id,
    )


def _accept_hunks(
    study: Study,
    request: Request,
    history: CandidateHistory,
    hunks: tuple[int, ...],
    program_of: ProgramOf,
) -> Answer | None:
    """A new candidate of the person's with only these hunks; None when they are all there are."""
    number, parent = history.number, history.record.parent
    if parent is None:
        raise RequestRefused("the baseline has no hunks")
    base = program_of(parent)
    patch = Patch.between(base, program_of(number))
    program = patch.apply(base, hunks)
    if len(hunks) == len(patch.hunks):
        return None
    if program.digest in study.by_program:
        raise RequestRefused(f"these hunks alone are candidate {study.by_program[program.digest]}")
    listed = ", ".join(map(str, hunks))
    revise = Decision(
        candidate=number,
        verdict="revise",
        by=PERSON,
        why=str(request.body.get("reason") or ""),
        hunks=hunks,
        request=request.id,
    )
    new = candidates.candidate(
        len(study.candidates),
        parent,
        base,
        program,
        author=PERSON,
        hypothesis=f"only hunk{'s' if len(hunks) > 1 else ''} {listed} of candidate {number}: {history.record.hypothesis}",
        revises=number,
        request=request.id,
    )
    dependants = _dependants(study, history, request) if history.status == "kept" else ()
    return Answer((revise, *dependants, new, _adopted(request)), (program,), cancel=(number,))


def _edit(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    """A new candidate of the person's with files changed by hand: a change of a kept one, or another version of one that is not."""
    history = _candidate(study, request.body)
    files, number = request.body["files"], history.number
    edited = _edited(program_of(number), program_of(0), files)
    if edited.digest in study.by_program:
        raise RequestRefused(f"this is candidate {study.by_program[edited.digest]} already")
    follows = history.status == "kept" or history.record.parent is None
    parent = number if follows else history.record.parent
    assert parent is not None
    reason = str(request.body.get("reason") or "")[:MAX_TEXT]
    new = candidates.candidate(
        len(study.candidates),
        parent,
        program_of(parent),
        edited,
        author=PERSON,
        hypothesis=reason or f"candidate {number}, edited by hand",
        revises=number,
        request=request.id,
    )
    records: list[Record] = [new, _adopted(request, files=sorted(files))]
    if number in study.open:
        records.insert(
            0,
            Decision(
                candidate=number,
                verdict="revise",
                by=PERSON,
                why=reason or "edited by hand",
                request=request.id,
            ),
        )
    return Answer(tuple(records), (edited,), cancel=(number,) if number in study.open else ())


def _edited(program: Program, baseline: Program, files: Mapping[str, Any]) -> Program:
    for path, text in files.items():
        if path not in program.files and path not in baseline.files:
            raise RequestRefused(
                f"{path} is not one of the program's files: {', '.join(program.files)}"
            )
        if not isinstance(text, str) or len(text) > MAX_FILE:
            raise RequestRefused(f"{path} is no text of at most {MAX_FILE:,} characters")
        if path.endswith(".py") and (problem := syntax_problem(text)):
            raise RequestRefused(f"{path} does not parse: {problem}")
    return Program({**program.files, **files}, program.executable)


def _reject(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    history = _candidate(study, request.body)
    if history.number == 0:
        raise RequestRefused("the baseline is what the study starts from; it cannot be rejected")
    if history.status in ("discarded", "failed", "revised", "ablated"):
        raise RequestRefused(f"candidate {history.number} is {history.status} already")
    why = str(request.body.get("reason") or "rejected")[:MAX_TEXT]
    veto = Decision(
        candidate=history.number, verdict="discard", by=PERSON, why=why, request=request.id
    )
    dependants = _dependants(study, history, request)
    cancel = (history.number, *(decision.candidate for decision in dependants))
    return Answer((veto, *dependants, _adopted(request)), cancel=cancel)


def _dependants(study: Study, history: CandidateHistory, request: Request) -> tuple[Decision, ...]:
    """What was made from a vetoed candidate goes with it: it remains recorded, and is no parent and no best any more."""
    number = history.number
    numbers = sorted({*study.kept, *study.open} - {number})
    why = f"made from candidate {number}, which was vetoed"
    return tuple(
        Decision(candidate=other, verdict="discard", by=PERSON, why=why, request=request.id)
        for other in numbers
        if study.descends(other, number)
    )


def _fork(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    history = _candidate(study, request.body)
    if history.number == study.incumbent:
        raise RequestRefused(f"candidate {history.number} is the incumbent already")
    keep = (
        ()
        if history.status == "kept"
        else (_keep(history, request, "forked: the search goes on from here"),)
    )
    return Answer((*keep, _adopted(request)), cancel=(history.number,) if keep else ())


def _pin(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    history = _candidate(study, request.body)
    if history.status != "kept":
        raise RequestRefused(
            f"candidate {history.number} is not kept; only a kept change can be pinned"
        )
    return Answer((_adopted(request),))


def _text(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    text = request.body["text"]
    if not isinstance(text, str) or not text.strip() or len(text) > MAX_TEXT:
        raise RequestRefused(f"{request.verb} needs a text of 1 to {MAX_TEXT} characters")
    if request.body.get("next") and study.state in ("finished", "stopped"):
        raise RequestRefused(
            f"the study is {study.state}; let it go on first (resume, or set candidates to more), then ask for an idea"
        )
    return Answer((_adopted(request),))


def _pause(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    if study.state != "running":
        raise RequestRefused(f"the study is {study.state} already")
    return Answer((_adopted(request), StateChanged(state="paused", reason="paused by a person")))


def _resume(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    if (
        study.state != "running"
        and (used := limits.budget_used(study))
        and not limits.is_missing(study)
    ):
        raise RequestRefused(
            f"nothing to do: the budget of {used.size} is used; give more of it: set {used.more}"
        )
    change = (
        ()
        if study.state == "running"
        else (StateChanged(state="running", reason="resumed by a person"),)
    )
    return Answer((_adopted(request), *change))


def _stop(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    running = tuple(sorted(study.running))
    if study.state not in ("stopped", "finished"):
        return Answer(
            (_adopted(request), StateChanged(state="stopped", reason="stopped by a person")),
            cancel=running,
        )
    if study.examining:
        return Answer((_adopted(request),), cancel=running)
    raise RequestRefused(f"the study is {study.state} already")


_SETTABLE: dict[str, Callable[[Any], Any]] = {
    "candidates": int, "seconds": float, "max_usd": float, "max_tokens": int, "max_waiting": int, "review": str,
}  # fmt: skip


def _set(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    key, value = request.body["key"], request.body["value"]
    if key not in _SETTABLE:
        raise RequestRefused(
            f"cannot change {key!r} of a study; what can be changed: {', '.join(sorted(_SETTABLE))}"
        )
    value = _SETTABLE[key](value)
    if key == "review" and value not in ("off", "keeps", "all"):
        raise RequestRefused(f"review = {value!r}; choose off, keeps or all")
    if key != "review" and not 0 <= value < 1e12:
        raise RequestRefused(f"{key} = {value}; it is a size, at least 0 (0 for no limit)")
    model = study.options.model
    if (
        key == "max_usd"
        and value
        and model
        and (strangers := prices.unpriced(ensemble.models(model)))
    ):
        raise RequestRefused(
            f"max_usd cannot hold where the price of {', '.join(strangers)} is unknown; set max_tokens instead"
        )
    return Answer((_adopted(request, value=value),))


def _reproduction(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    history = _candidate(study, request.body)
    known = {spec.name for spec in fields(Reproduction)} - {"candidate", "request"}
    values = {name: value for name, value in request.body.items() if name in known}
    return Answer(
        (Reproduction(candidate=history.number, request=request.id, **values), _adopted(request))
    )


def _examination(study: Study, request: Request, program_of: ProgramOf) -> Answer:
    begun = examine.begin(study, request, program_of)
    return Answer((*begun.records, _adopted(request, **begun.body)), begun.programs)


_HANDLERS: dict[str, Callable[[Study, Request, ProgramOf], Answer]] = {
    "accept": _accept,
    "reject": _reject,
    "edit": _edit,
    "fork": _fork,
    "pin": _pin,
    "guide": _text,
    "ban": _text,
    "pause": _pause,
    "resume": _resume,
    "stop": _stop,
    "set": _set,
    "reproduction": _reproduction,
    "audit": _examination,
    "ablate": _examination,
}
