"""A study's info, state and rows as `protocol.ts` has them; the facts come from the fold and from `verbs.views`.

Every text of a candidate, a model or a log is made visible and has a bound.
"""

import time
from collections.abc import Iterable
from typing import Any

from workbench.lab.live.following import Following
from workbench.ledger import imported, lease
from workbench.ledger.candidate import N_STATUSES, CandidateHistory
from workbench.ledger.folder import StudyFolder
from workbench.ledger.study import Study
from workbench.recognise import cell
from workbench.records import Ablation, Audit, Evidence
from workbench.show import examination_tables, tradeoff, views
from workbench.show.tables import ENDED_EARLY, standing
from workbench.show.visible import one_line, visible

Message = dict[str, Any]
SHORT = 300
LAST_WORDS = 20
OPTIONS = (
    "proposer",
    "strategy",
    "policy",
    "review",
    "candidates",
    "seconds",
    "max_usd",
    "max_tokens",
    "max_waiting",
)


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; an ellipsis says that there were more."""
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def line(text: str, limit: int = SHORT) -> str:
    """A text on one line, safe to look at."""
    return cut(one_line(text[: 2 * limit]), limit)


def block(text: str, limit: int) -> str:
    """A text with its line ends, safe to look at."""
    return cut(visible(text[: 2 * limit]), limit)


def info(following: Following, folder: StudyFolder) -> Message:
    """`StudyInfo`: what never changes."""
    study = following.study
    opened, objective = study.opened, study.opened.objective
    return {
        "name": line(folder.name),
        "path": str(folder.path),
        "experiment": line(opened.experiment),
        "opened_at": study.opened_at,
        "objective": {
            "name": line(objective.name),
            "goal": objective.goal,
            "min_effect": objective.min_effect,
            "noise": objective.noise,
            "max_trials": objective.max_trials,
        },
        "metrics": [{"name": line(name), "goal": goal} for name, goal in following.weighed.items()],
        "shape": opened.shape,
        "self_reported": imported.is_self_reported(study),
        "read_only": imported.is_imported(study),
        "cell": cell.is_cell(folder),
    }


def state(following: Following, folder: StudyFolder) -> Message:
    """`StudyState`: how the study stands now."""
    study, is_alive = following.study, lease.holder(folder) is not None
    view = views.status(study, folder)
    return {
        "at": time.time(),
        "state": view["state"],
        "reason": line(view["reason"]),
        "fault": study.fault,
        "alive": is_alive,
        "options": {name: getattr(study.options, name) for name in OPTIONS},
        "counts": _counts(study),
        "spent": {**view["spent"], "trials": study.spent.trials},
        "baseline": view["baseline"],
        "best": view["best"],
        "incumbent": study.incumbent,
        "waiting": study.waiting,
        "running": _running(following),
        "sandbox": view["sandbox"],
        "proposals": {
            "failed": view["proposals"]["failed"],
            "last": line(view["proposals"]["last"]),
        },
        "guidance": [line(text) for text in study.guidance[-LAST_WORDS:]],
        "banned": [line(text) for text in study.banned[-LAST_WORDS:]],
        "audit": _examined(following, view),
    }


def _counts(study: Study) -> dict[str, int]:
    counts: dict[str, int] = {str(name): study.counts[name] for name in N_STATUSES} | {
        imported.UNKNOWN: 0
    }
    if imported.is_imported(study):
        for name in imported.OPEN:
            counts[imported.UNKNOWN] += counts[name]
            counts[name] = 0
    if study.baseline is not None:
        counts[imported.status(study, study.baseline)] -= 1
    return {
        **counts,
        "candidates": max(0, len(study.candidates) - 1 - study.counts["ablated"]),
        "proposed": study.proposed,
    }


def _running(following: Following) -> list[Message]:
    study = following.study
    return [
        {
            "candidate": number,
            "trial": trial,
            "seed": start.seed,
            "started_at": following.started_at[number, trial],
        }
        for number in sorted(study.running)
        for trial, start in study.candidates[number].running.items()
    ]


def _examined(following: Following, view: Message) -> str:
    """The audit or ablation under way, or the last one, in one line; empty where there is none."""
    if running := view["examination"]:
        return f"{running['verb']} of candidate {running['candidate']}: {running['done']} of {running['trials']} trials"
    match following.examined:
        case Audit():
            return line(f"audit of {examination_tables.summary(view['audit'])}")
        case Ablation(candidate=number, rows=rows, why=why):
            carrying = sum(row.weight == "carries" for row in rows)
            return line(
                f"ablation of candidate {number}: {why or f'{carrying} of {len(rows)} changes carry weight'}"
            )
        case None:
            return ""


def row(following: Following, history: CandidateHistory) -> Message:
    """`Row`: one candidate in the table and the plots."""
    study = following.study
    entry = views.entry(study, history)
    flat = views.flat(entry)
    measured = (
        decision.evidence
        for decision in reversed(history.decisions)
        if decision.evidence.effect is not None
    )
    evidence = next(measured, Evidence())
    record = history.record
    return {
        "candidate": record.candidate,
        "parent": record.parent,
        "status": flat["status"],
        "score": flat["score"],
        "spread": _short(study.spread(record.candidate)),
        "effect": _short(evidence.effect),
        "low": _short(evidence.low),
        "high": _short(evidence.high),
        "trials": flat["trials"],
        "seconds": round(flat["seconds"], 2),
        "added": record.added,
        "removed": record.removed,
        "author": line(record.author, 60),
        "hypothesis": line(record.hypothesis),
        "why": line(flat["why"] or "", 200),
        "flags": [line(flag, 80) for flag in entry["flags"]],
        "pinned": history.pinned,
        "revises": record.revises,
        "ended": standing(flat["status"], flat["by"] or "") == ENDED_EARLY,
        "weighed": [
            _short(value)
            for value in tradeoff.values(study.opened.objective, history, following.weighed)
        ],
        "vetoed": history.is_vetoed,
        "without": record.without,
    }


def _short(value: float | None) -> float | None:
    return None if value is None else float(f"{value:.6g}")


def columns(rows: Iterable[Message]) -> dict[str, list[Any]]:
    """Rows as one array a field."""
    listed = list(rows)
    return (
        {name: [one[name] for one in listed] for name in listed[0]} if listed else {"candidate": []}
    )
