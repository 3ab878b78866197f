"""A study's info, state and rows as screens are told them.

The facts come from the fold and from `workbench.show`. Texts of candidates, models and logs are
made safe to look at, and none is unbounded.
"""

import time
from collections.abc import Iterable
from typing import cast

from workbench import options
from workbench.lab.live.follower import Follower
from workbench.lab.live.protocol import (
    Columns,
    Counts,
    Metric,
    Row,
    RowStatus,
    RunningTrial,
    StudyInfo,
    StudyState,
)
from workbench.lab.live.texts import to_line
from workbench.ledger import lease
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.folder import StudyFolder
from workbench.ledger.study import Study
from workbench.ledger.study_kind import UNKNOWN
from workbench.recognise import cell
from workbench.records import Ablation, Audit, Evidence
from workbench.show import cells, examination_tables, views
from workbench.show.tradeoff import mean_values

LAST_WORDS = 20
AUTHOR_LENGTH = 60
WHY_LENGTH = 200
FLAG_LENGTH = 80
NOTE_LENGTH = 300


def describe_study(follower: Follower, folder: StudyFolder) -> StudyInfo:
    """What never changes about a study."""
    study = follower.study
    opened = study.opened
    objective = opened.objective
    metrics: list[Metric] = [
        {"name": to_line(name), "goal": goal} for name, goal in follower.metrics.items()
    ]
    return {
        "name": to_line(folder.name),
        "path": str(folder.path),
        "experiment": to_line(opened.experiment),
        "opened_at": study.opened_at,
        "objective": {
            "name": to_line(objective.name),
            "goal": objective.goal,
            "min_effect": objective.min_effect,
            "noise": objective.noise,
            "max_trials": objective.max_trials,
        },
        "metrics": metrics,
        "shape": opened.shape,
        "self_reported": study.kind.self_reported,
        "read_only": study.kind.is_read_only,
        "cell": cell.is_cell(folder),
    }


def describe_state(follower: Follower, folder: StudyFolder) -> StudyState:
    """How the study stands now."""
    study = follower.study
    view = views.status(study, folder)
    failed = view["proposals"]
    return {
        "at": time.time(),
        "state": view["state"],
        "reason": to_line(view["reason"]),
        "fault": study.fault,
        "alive": lease.find_holder(folder) is not None,
        "options": {name: getattr(study.options, name) for name in options.ON_SCREENS},
        "counts": _count(study),
        "spent": {
            "seconds": round(study.costs.active_seconds, 3),
            "usd": study.costs.usd,
            "tokens": study.costs.tokens,
            "trials": study.costs.n_trials,
        },
        "baseline": view["baseline"],
        "best": view["best"],
        "incumbent": study.incumbent,
        "waiting": study.waiting,
        "running": _list_running(follower),
        "sandbox": view["sandbox"],
        "proposals": {"failed": failed["failed"], "last": to_line(failed["last"])},
        "guidance": [to_line(text) for text in study.people.guidance[-LAST_WORDS:]],
        "banned": [to_line(text) for text in study.people.bans[-LAST_WORDS:]],
        "audit": _describe_examination(follower, view),
    }


def _count(study: Study) -> Counts:
    counts = {UNKNOWN: 0, **study.kind.count_statuses(study.counts)}
    if study.baseline is not None:
        counts[study.kind.get_status(study.baseline)] -= 1
    counts["candidates"] = max(0, study.n_candidates - 1)
    counts["proposed"] = study.proposals.n_made
    return cast(Counts, counts)


def _list_running(follower: Follower) -> list[RunningTrial]:
    study = follower.study
    return [
        {
            "candidate": number,
            "trial": trial,
            "seed": start.seed,
            "started_at": follower.started_at[number, trial],
        }
        for number in sorted(study.running)
        for trial, start in study.candidates[number].running.items()
    ]


def _describe_examination(follower: Follower, view: views.View) -> str:
    """The audit or ablation under way, or the last one, in one line; empty if there is none."""
    progress = view["examination"]
    if progress:
        return (
            f"{progress['verb']} of candidate {progress['candidate']}: "
            f"{progress['done']} of {progress['trials']} trials"
        )
    match follower.examined:
        case Audit():
            return to_line(f"audit of {examination_tables.summary(view['audit'])}")
        case Ablation() as ablation:
            return to_line(f"ablation of candidate {ablation.candidate}: {_summarize(ablation)}")
        case None:
            return ""


def _summarize(ablation: Ablation) -> str:
    if ablation.why:
        return ablation.why
    n_carrying = sum(row.weight == "carries" for row in ablation.rows)
    return f"{n_carrying} of {len(ablation.rows)} changes carry weight"


def describe_row(follower: Follower, history: CandidateHistory) -> Row:
    """One candidate in the table and the plots."""
    study = follower.study
    marks = follower.plots.marks
    record = history.record
    number = record.candidate
    decision = history.decision
    evidence = _find_evidence(history)
    why = "" if decision is None else decision.why
    values = mean_values(study.opened.objective, history, follower.metrics)
    return {
        "candidate": number,
        "parent": record.parent,
        "status": cast(RowStatus, study.kind.get_status(history)),
        "score": history.score,
        "spread": _shorten(history.spread),
        "effect": _shorten(evidence.effect),
        "low": _shorten(evidence.low),
        "high": _shorten(evidence.high),
        "trials": len(history.trials),
        "seconds": round(sum(trial.seconds for trial in history.trials), 2),
        "added": record.added,
        "removed": record.removed,
        "author": to_line(record.author, AUTHOR_LENGTH),
        "hypothesis": to_line(record.hypothesis),
        "why": to_line(why, WHY_LENGTH),
        "flags": [to_line(flag, FLAG_LENGTH) for flag in history.flags],
        "pinned": history.pinned,
        "revises": record.revises,
        "weighed": [_shorten(value) for value in values],
        "vetoed": history.is_vetoed,
        "kind": marks.kinds[number],
        "barred": number in marks.barred,
        "at": round(history.at, 1),
        "usd": float(f"{record.usd:.6g}"),
        "notes": [
            to_line(cells.describe_note(note._asdict()), NOTE_LENGTH) for note in history.notes
        ],
    }


def _find_evidence(history: CandidateHistory) -> Evidence:
    """That of the last decision that rests on a comparison: a person's decision has none."""
    for decision in reversed(history.decisions):
        if decision.evidence.effect is not None:
            return decision.evidence
    return Evidence()


def _shorten(value: float | None) -> float | None:
    """Six digits, which is what a screen shows at most."""
    return None if value is None else float(f"{value:.6g}")


def to_columns(rows: Iterable[Row]) -> Columns:
    """Rows as one array for each field."""
    listed = list(rows)
    return {name: [row[name] for row in listed] for name in Row.__annotations__}  # type: ignore[literal-required]
