"""Card: one candidate in full, as the review card shows it; `Card` of `extensions/src/protocol.ts`."""

from pathlib import Path
from typing import Any

from workbench.lab.live import diff
from workbench.lab.live.following import Following
from workbench.lab.live.state import Message, block, line, row
from workbench.ledger import imported
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.recognise import cell
from workbench.records import Decision, Trial
from workbench.show import views
from workbench.show.visible import visible

MAX_TEXT = 4000
MAX_CONTEXT = 1000
TAIL_BYTES = 16_000
TRIAL_FIELDS = (
    "trial", "seed", "status", "score", "seconds", "cpu_seconds", "memory_mb", "sandbox", "memory_limit", "self_reported", "purpose"
)  # fmt: skip


def card(following: Following, number: int, context: int) -> Message:
    """Everything about a candidate, its diff with `context` unchanged lines around each hunk (below 0: the whole files).

    Raises:
        StudyError: there is no such candidate; the message says which there are.
    """
    study, journal = following.study, following.journal
    history = study.history(number)
    record, last = history.record, views.last_trial(history)
    parent = None if record.parent is None else study.history(record.parent).record.program
    return {
        **row(following, history),
        "hypothesis": block(record.hypothesis, MAX_TEXT),
        "program": record.program,
        "parent_program": parent,
        "self_reported": views.entry(study, history)["self_reported"],
        "incumbent": None
        if study.incumbent is None
        else {"candidate": study.incumbent, "score": study.history(study.incumbent).score},
        "decisions": _decisions(history, following.decided_at.get(number, [])),
        "trial_list": [
            _trial(trial)
            for trial in sorted((*history.trials, *history.audits), key=lambda trial: trial.trial)
        ],
        "metrics": {
            line(name, 100): value
            for name, value in (history.scored[-1].metrics if history.scored else {}).items()
        },
        "cost": {"usd": record.usd, "tokens": record.tokens, "seconds": record.seconds},
        "files": _files(following, history, context),
        "curves": []
        if last is None
        else sorted(line(name, 100) for name in journal.curves(number, last)),
        "log": "" if last is None else _tail(views.log_path(journal.folder, number, last)),
        "descendants": _descendants(study, number),
        "can_be_tried": study.can_be_tried(number),
        "revised_by": next(
            (
                other.number
                for other in reversed(study.candidates)
                if other.record.revises == number
            ),
            None,
        ),
    }


def files(following: Following, number: int) -> dict[str, str]:
    """The files of a candidate by path, every character as it is: they are to be edited.

    Raises:
        StudyError: there is no such candidate, or it has no program.
    """
    imported.refuse_program(following.study, "edit")
    return dict(_program(following, following.study.history(number)).files)


def cell_text(following: Following, number: int) -> Message:
    """`CellText`, without its candidate: the notebook cell that the study began with, every character as it is.

    Raises:
        UsageError: there is no such candidate, or the study did not begin with a cell.
    """
    original, text = cell.text(
        following.journal.folder, _program(following, following.study.history(number))
    )
    return {"original": original, "text": text}


def _program(following: Following, history: CandidateHistory) -> Program:
    return following.journal.program(history.record.program)


def _files(following: Following, history: CandidateHistory, context: int) -> list[Message]:
    parent = history.record.parent
    if parent is None or imported.is_imported(following.study):
        return []
    old, new = _program(following, following.study.history(parent)), _program(following, history)
    made = diff.files(old, new, max(-1, min(context, MAX_CONTEXT)))
    return [
        {**file, "parts": [_with_state(part, history) for part in file["parts"]]} for file in made
    ]


def _with_state(part: Message, history: CandidateHistory) -> Message:
    return (
        {**part, "state": views.hunk_state(history, part["id"])} if part["type"] == "hunk" else part
    )


def _decisions(history: CandidateHistory, at: list[float]) -> list[Message]:
    return [
        _decision(decision, moment) for decision, moment in zip(history.decisions, at, strict=True)
    ]


def _decision(decision: Decision, at: float) -> Message:
    evidence = decision.evidence
    return {
        "verdict": decision.verdict,
        "by": line(decision.by, 60),
        "why": block(decision.why, MAX_TEXT),
        "at": at,
        "before_run": decision.before_run,
        "hunks": list(decision.hunks),
        "effect": evidence.effect,
        "interval": None
        if evidence.low is None or evidence.high is None
        else [evidence.low, evidence.high],
        **{
            name: getattr(evidence, name)
            for name in ("level", "against", "trials", "reference_trials", "p", "alpha", "sd")
        },
    }


def _trial(trial: Trial) -> Message:
    shown: dict[str, Any] = {name: getattr(trial, name) for name in TRIAL_FIELDS}
    return {**shown, "device": line(trial.device, 100), "reason": line(trial.reason)}


def _tail(path: str | None) -> str:
    """The end of a log, safe to look at."""
    if path is None:
        return ""
    with Path(path).open("rb") as stream:
        stream.seek(max(0, Path(path).stat().st_size - TAIL_BYTES))
        text = stream.read().decode("utf-8", "replace")
    return visible(text)[-MAX_TEXT:]


def _descendants(study: Study, number: int) -> list[int]:
    """What a veto would take with it."""
    return sorted(
        other for other in {*study.kept, *study.open} - {number} if study.descends(other, number)
    )
