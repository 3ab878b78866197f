"""One candidate in full, as the review card shows it; its files, and the cell with it in it."""

from pathlib import Path
from typing import cast

from workbench.lab.live import diff
from workbench.lab.live.follower import Follower
from workbench.lab.live.protocol import (
    Card,
    CellText,
    DecisionView,
    FileDiff,
    HunkState,
    IncumbentScore,
    Part,
    TrialView,
)
from workbench.lab.live.state import describe_row
from workbench.lab.live.texts import to_block, to_line
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.recognise import cell
from workbench.records import Decision, Trial
from workbench.show import views
from workbench.show.visible import visible

MAX_TEXT = 4000
MAX_NAME = 100
MAX_AUTHOR = 60
MAX_CONTEXT = 1000
TAIL_BYTES = 16_000


def describe_card(follower: Follower, number: int, context: int) -> Card:
    """Everything about a candidate.

    Args:
        context: unchanged lines around each hunk of its diff; below 0, the whole files.

    Raises:
        StudyError: the study has no such candidate; the message says which there are.
    """
    study = follower.study
    journal = follower.journal
    history = study.history(number)
    record = history.record
    last = views.last_trial(history)
    log = ""
    curves: list[str] = []
    if last is not None:
        log = _read_tail(views.log_path(journal.folder, number, last))
        curves = sorted(to_line(name, MAX_NAME) for name in journal.read_curves(number, last))
    is_self_reported = study.kind.is_self_reported(history)
    # One by one, since a dictionary that unpacks a row has no type that mypy could check.
    card = cast(Card, {**describe_row(follower, history)})
    card["hypothesis"] = to_block(record.hypothesis, MAX_TEXT)
    card["program"] = record.program
    card["parent_program"] = _find_parent_program(study, history)
    card["self_reported"] = is_self_reported
    card["incumbent"] = _describe_incumbent(study)
    card["decisions"] = _describe_decisions(follower, history)
    card["trial_list"] = _describe_trials(history)
    card["metrics"] = _read_metrics(history)
    card["cost"] = {"usd": record.usd, "tokens": record.tokens, "seconds": record.seconds}
    card["files"] = _diff_files(follower, history, context)
    card["curves"] = curves
    card["log"] = log
    card["descendants"] = study.list_dependants(number)
    card["can_be_tried"] = study.lineage.can_be_tried(number)
    card["revised_by"] = _find_revision(study, number)
    return card


def read_files(follower: Follower, number: int) -> dict[str, str]:
    """The files of a candidate by path, every character as it is: they are going to be edited.

    Raises:
        StudyError: the study has no such candidate, or keeps no programs.
    """
    follower.study.kind.require_programs("edit")
    return dict(_read_program(follower, follower.study.history(number)).files)


def read_cell(follower: Follower, number: int) -> CellText:
    """The notebook cell that the study began with, every character as it is.

    Raises:
        UsageError: the study has no such candidate, or did not begin with a cell.
    """
    program = _read_program(follower, follower.study.history(number))
    original, text = cell.text(follower.journal.folder, program)
    return {"candidate": number, "original": original, "text": text}


def _read_program(follower: Follower, history: CandidateHistory) -> Program:
    return follower.journal.read_program(history.record.program)


def _find_parent_program(study: Study, history: CandidateHistory) -> str | None:
    parent = history.record.parent
    return None if parent is None else study.history(parent).record.program


def _describe_incumbent(study: Study) -> IncumbentScore | None:
    if study.incumbent is None:
        return None
    return {"candidate": study.incumbent, "score": study.history(study.incumbent).score}


def _read_metrics(history: CandidateHistory) -> dict[str, float]:
    """The named values of its last ok trial."""
    if not history.scored:
        return {}
    metrics = history.scored[-1].metrics
    return {to_line(name, MAX_NAME): value for name, value in metrics.items()}


def _find_revision(study: Study, number: int) -> int | None:
    for other in reversed(study.candidates):
        if other.record.revises == number:
            return other.number
    return None


def _diff_files(follower: Follower, history: CandidateHistory, context: int) -> list[FileDiff]:
    parent = history.record.parent
    if parent is None or not follower.study.kind.has_programs:
        return []
    old = _read_program(follower, follower.study.history(parent))
    new = _read_program(follower, history)
    return [
        {
            "path": file["path"],
            "change": file["change"],
            "parts": [_judge(part, history) for part in file["parts"]],
        }
        for file in diff.diff_files(old, new, max(-1, min(context, MAX_CONTEXT)))
    ]


def _judge(part: Part, history: CandidateHistory) -> Part:
    """The part with what a person decided about it; a copy, since diffs are cached."""
    if part["type"] != "hunk":
        return part
    return {**part, "state": cast(HunkState, views.hunk_state(history, part["id"]))}


def _describe_decisions(follower: Follower, history: CandidateHistory) -> list[DecisionView]:
    times = follower.decided_at.get(history.number, [])
    return [
        _describe_decision(decision, at)
        for decision, at in zip(history.decisions, times, strict=True)
    ]


def _describe_decision(decision: Decision, at: float) -> DecisionView:
    evidence = decision.evidence
    interval = None
    if evidence.low is not None and evidence.high is not None:
        interval = (evidence.low, evidence.high)
    return {
        "verdict": decision.verdict,
        "by": to_line(decision.by, MAX_AUTHOR),
        "why": to_block(decision.why, MAX_TEXT),
        "at": at,
        "before_run": decision.before_run,
        "hunks": list(decision.hunks),
        "rejected": list(decision.rejected),
        "effect": evidence.effect,
        "interval": interval,
        "level": evidence.level,
        "against": evidence.against,
        "trials": evidence.trials,
        "reference_trials": evidence.reference_trials,
        "p": evidence.p,
        "alpha": evidence.alpha,
        "sd": evidence.sd,
    }


def _describe_trials(history: CandidateHistory) -> list[TrialView]:
    trials = sorted((*history.trials, *history.audits), key=lambda trial: trial.trial)
    return [_describe_trial(trial) for trial in trials]


def _describe_trial(trial: Trial) -> TrialView:
    return {
        "trial": trial.trial,
        "seed": trial.seed,
        "status": trial.status,
        "score": trial.score,
        "seconds": trial.seconds,
        "cpu_seconds": trial.cpu_seconds,
        "memory_mb": trial.memory_mb,
        "sandbox": trial.sandbox,
        "memory_limit": trial.memory_limit,
        "device": to_line(trial.device, MAX_NAME),
        "reason": to_line(trial.reason),
        "self_reported": trial.self_reported,
        "purpose": trial.purpose,
    }


def _read_tail(path: str | None) -> str:
    """The end of a log, safe to look at."""
    if path is None:
        return ""
    with Path(path).open("rb") as stream:
        stream.seek(max(0, Path(path).stat().st_size - TAIL_BYTES))
        text = stream.read().decode("utf-8", "replace")
    return visible(text)[-MAX_TEXT:]
