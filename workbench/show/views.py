"""Views: a study as plain dictionaries, with exactly the fields that `--json` promises (DESIGN 9). Reads; decides nothing.

Numbers are finite or None, never NaN; a field that has no value yet is None and stays present.
"""

import time
from typing import Any, Literal

from workbench.ledger import imported, lease
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.folder import StudyFolder, last_line
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.program import Patch
from workbench.records import PERSON, Decision, Trial
from workbench.show import examinations

State = Literal["running", "paused", "finished", "stopped", "dead"]
View = dict[str, Any]
UNDECIDED = ("queued", "running", "provisional", "waiting")
NEW_SECONDS = 2.0


def state(study: Study, folder: StudyFolder) -> State:
    """What the study is doing; `dead` when its journal says running and no loop is alive or on its way (`resume` brings it back)."""
    return _stands(study, folder)[0]


def _stands(study: Study, folder: StudyFolder) -> tuple[State, str]:
    """The state, and the reason for it."""
    if study.state != "running" or lease.holder(folder) is not None:
        return study.state, study.reason
    if lease.process(folder) is not None or _is_new(study, folder):
        return "running", "its loop is starting"
    words = last_line(folder.loop_log)
    return "dead", f"no loop is alive; its last words: {words}" if words else "no loop is alive"


def _is_new(study: Study, folder: StudyFolder) -> bool:
    """Whether it was made a moment ago, and who made it is about to start its first loop: none has run, or said why it could not."""
    return (
        study.loop is None
        and time.time() < study.opened_at + NEW_SECONDS
        and not last_line(folder.loop_log)
    )


def status(study: Study, folder: StudyFolder) -> View:
    """One study at a glance.

    | field | is |
    | --- | --- |
    | `study`, `experiment` | names |
    | `state` | `running`, `paused`, `finished`, `stopped`, `dead` |
    | `reason` | why it paused, finished or stopped; of a dead one the last line of `loop.log`; while it runs, that it is on a plateau, |
    | | or that its loop is starting |
    | `objective` | `name`, `goal` (`minimize` or `maximize`) |
    | `counts` | `candidates`, `kept`, `discarded`, `failed`, `waiting`; the baseline is not counted |
    | `baseline` | `score` (mean of its trials), `spread` (standard deviation over its seeds; None for fewer than two) |
    | `best` | `candidate`, `score` of the best kept one (the baseline is candidate 0); both None before that |
    | `incumbent` | `candidate`, `score` of the one that the next has to beat and that `apply` writes: the best, or what was forked |
    | `spent` | `seconds` (while it ran), `usd`, `tokens` |
    | `sandbox` | the level that trials run under |
    | `proposals` | that came to nothing: `failed` (how many), `last` (why the last one did) |
    | `audit` | the newest audit, as `examination.audit` says it; None where there was none |
    | `examination` | an audit or ablation under way: `verb`, `candidate`, `done` and `trials`; None where none is |
    | `self_reported` | candidates print their own scores (an experiment of shape `claimed`), or a log claims them |

    The `counts` of an imported study have `unknown` too: rows that the log does not decide.
    """
    baseline, best = study.baseline, study.best
    objective, (now, reason) = study.opened.objective, _stands(study, folder)
    return {
        "study": folder.name,
        "experiment": study.opened.experiment,
        "state": now,
        "reason": reason,
        "objective": {"name": objective.name, "goal": objective.goal},
        "counts": _counts(study),
        "baseline": {"score": baseline.score if baseline else None, "spread": study.spread(0)},
        "best": _scored(best),
        "incumbent": _scored(
            None if study.incumbent is None else study.candidates[study.incumbent]
        ),
        "spent": {
            "seconds": round(study.active_seconds, 3),
            "usd": study.spent.usd,
            "tokens": study.spent.tokens,
        },
        "sandbox": study.loop.sandbox if study.loop else study.options.sandbox,
        "proposals": {"failed": study.proposals_failed, "last": study.last_failure},
        "audit": examinations.audit(study, study.audits[-1]) if study.audits else None,
        "examination": examinations.progress(study, study.examining[0])
        if study.examining
        else None,
        "self_reported": imported.is_self_reported(study),
    }


def _scored(history: CandidateHistory | None) -> View:
    return {
        "candidate": None if history is None else history.number,
        "score": None if history is None else history.score,
    }


def _counts(study: Study) -> dict[str, int]:
    counts = {
        "candidates": study.n_candidates,
        "kept": study.counts["kept"],
        "discarded": study.counts["discarded"] + study.counts["revised"],
        "failed": study.counts["failed"],
        "waiting": study.counts["waiting"],
    }
    if imported.is_imported(study):
        counts[imported.UNKNOWN] = imported.n_unknown(study)
    if study.baseline:
        own = {"revised": "discarded"}.get(status := imported.status(study, study.baseline), status)
        for name in {"candidates", own} & counts.keys():
            counts[name] -= 1
    return counts


def log(study: Study) -> list[View]:
    """One entry per candidate, in their order, the baseline first.

    | field | is |
    | --- | --- |
    | `candidate`, `parent` | numbers; the baseline is 0 and has no parent |
    | `author`, `hypothesis` | who proposed it, and why it should be better |
    | `status` | `queued`, `running`, `provisional`, `waiting`, `kept`, `discarded`, `failed`, `revised`; `ablated`: no proposal, but the |
    | | incumbent without one of its changes, tried by `ablate` |
    | `score` | mean of its ok trials, or None |
    | `trials` | ended trials: `seed`, `status`, `score`, `seconds`, `reason` (why it is not `ok`) |
    | `decision` | `verdict`, `by`, `why`, `effect` (gain, above 0 is better), `interval` (`[low, high]` or None), `level` (how surely |
    | | that covers the truth, as 0.95; None where it is not said); None while open |
    | `added`, `removed` | lines against its parent |
    | `self_reported` | the candidate itself printed its score |
    | `flags` | what is odd about it, none for most: `seed-only` where nothing but seeds of randomness changed |

    In an imported study `status` may be `unknown`, `added` and `removed` are None, and so are the seeds of trials; `flags` say what
    is odd about the row, as in `7 fields for 5 columns`.
    """
    return [entry(study, history) for history in study.candidates]


def entry(study: Study, history: CandidateHistory) -> View:
    """The entry of `log` for one candidate."""
    record, has_program = history.record, not imported.is_imported(study)
    return {
        "candidate": record.candidate,
        "parent": record.parent,
        "author": record.author,
        "hypothesis": record.hypothesis,
        "status": imported.status(study, history),
        "score": history.score,
        "trials": [
            {**_trial(trial), **({} if has_program else {"seed": None})} for trial in history.trials
        ],
        "decision": _decision(history.decision),
        "added": record.added if has_program else None,
        "removed": record.removed if has_program else None,
        "self_reported": imported.is_self_reported(study)
        or any(trial.self_reported for trial in history.trials),
        "flags": imported.flags(history),
    }


def flat(row: View) -> View:
    """An entry of `log` with plain cells: the number of trials and their seconds, and the decision's fields in its place."""
    decision = row["decision"] or {}
    low, high = decision.get("interval") or (None, None)
    return {
        **{name: value for name, value in row.items() if name != "decision"},
        "trials": len(row["trials"]),
        "seconds": sum(trial["seconds"] for trial in row["trials"]),
        **{name: decision.get(name) for name in ("verdict", "by", "why", "effect", "level")},
        "low": low,
        "high": high,
        "flags": "; ".join(row["flags"]),
    }


def _trial(trial: Trial) -> View:
    return {
        "seed": trial.seed,
        "status": trial.status,
        "score": trial.score,
        "seconds": trial.seconds,
        "reason": trial.reason,
    }


def _decision(decision: Decision | None) -> View | None:
    if decision is None:
        return None
    evidence = decision.evidence
    interval = (
        None if evidence.low is None or evidence.high is None else [evidence.low, evidence.high]
    )
    said = {"verdict": decision.verdict, "by": decision.by, "why": decision.why}
    return {
        **said,
        "effect": evidence.effect,
        "interval": interval,
        "level": None if interval is None else evidence.level,
    }


def patch(study: Study, journal: Journal, number: int) -> Patch:
    """What a candidate changed in its parent's program; empty for the baseline."""
    record = study.history(number).record
    if record.parent is None:
        return Patch()
    return Patch.between(
        journal.program(study.history(record.parent).record.program),
        journal.program(record.program),
    )


def show(study: Study, journal: Journal, number: int) -> View:
    """One candidate in full: the fields of `log`, and

    | field | is |
    | --- | --- |
    | `patch` | unified diff against its parent, as `git apply` reads it |
    | `hunks` | `id`, `header`, `text` (lines of the diff), `state`: `accepted` or `rejected` by a person, else `open` |
    | `metrics` | named values of its newest trial that has any, the stages that it reached among them |
    | `beside` | number of the incumbent that ran in that trial too, to compare the two there; None for most |
    | `curves` | names of the series of its last trial |
    | `log` | path of the last trial's log, or None |
    | `audits` | ended trials of audits and ablations, as `trials` |

    and of an imported row `line`, `raw` (its text in the log) and `fields` (by column).

    Raises:
        StudyError: no such candidate; the message says which there are.
    """
    history = study.history(number)
    change = patch(study, journal, number)
    last, measured = (
        last_trial(history),
        next((trial for trial in reversed(history.trials) if trial.metrics), None),
    )
    hunks = [
        {
            "id": hunk.id,
            "header": hunk.header,
            "text": hunk.text,
            "state": hunk_state(history, hunk.id),
        }
        for hunk in change.hunks
    ]
    return {
        **entry(study, history),
        "audits": [_trial(trial) for trial in history.audits],
        "patch": change.unified(),
        "hunks": hunks,
        "metrics": {} if measured is None else dict(measured.metrics),
        "beside": None if measured is None else measured.beside,
        "curves": [] if last is None else sorted(journal.curves(number, last)),
        "log": None if last is None else log_path(journal.folder, number, last),
        **(imported.raw(history) if imported.is_imported(study) else {}),
    }


def last_trial(history: CandidateHistory) -> int | None:
    """Number of the trial that started last, ended or not; of an audit only where there is no other."""
    numbers = [*history.running, *(trial.trial for trial in history.trials or history.audits)]
    return max(numbers, default=None)


def hunk_state(history: CandidateHistory, hunk: int) -> str:
    """What a person said of a hunk: `accepted` or `rejected`; `open` where nobody did, whatever became of the candidate."""
    decision = history.decision
    if decision is None or not decision.by.startswith(PERSON):
        return "open"
    if decision.verdict == "revise" and decision.hunks:
        return "accepted" if hunk in decision.hunks else "rejected"
    return {"keep": "accepted", "discard": "rejected"}.get(decision.verdict, "open")


def log_path(folder: StudyFolder, candidate: int, trial: int) -> str | None:
    """Path of a trial's log; None where nothing was printed, or the trial has not ended."""
    path = folder.trial(candidate, trial) / "log.txt"
    return str(path) if path.is_file() and path.stat().st_size else None


def results(study: Study) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """The header and rows of autoresearch's `results.tsv`: `commit`, the objective's name, `memory_gb`, `status`, `description`.

    `commit` is the first seven digits of the program's digest. Undecided candidates have no row, nor have those that
    were discarded before they had a score, by a person, a stage or their curve, nor what an ablation tried. A crash has the zeros that
    the format prescribes; nothing else in the workbench has.
    An imported study has every row of its log, in the log's words and digits.
    """
    header = ("commit", study.opened.objective.name, "memory_gb", "status", "description")
    if imported.is_imported(study):
        return header, imported.results(study)
    return header, [row for history in study.candidates if (row := _result(history)) is not None]


def _result(history: CandidateHistory) -> tuple[str, ...] | None:
    if history.status == "ablated":
        return None
    record = history.record
    description = "baseline" if record.parent is None else " ".join(record.hypothesis.split())
    commit = record.program[:7]
    if history.status == "failed" or (
        history.score is None and history.failure is not None and history.decision is not None
    ):
        return commit, "0.000000", "0.0", "crash", description
    if history.score is None or history.status in UNDECIDED:
        return None
    verdict = "keep" if history.status == "kept" else "discard"
    return commit, f"{history.score:.6f}", f"{_memory_gb(history):.1f}", verdict, description


def _memory_gb(history: CandidateHistory) -> float:
    """Peak over its ok trials: of the GPU where the evaluator measured it, else of the sandboxes."""
    return max(
        (trial.metrics.get("peak_vram_mb", trial.memory_mb) / 1024 for trial in history.scored),
        default=0.0,
    )


def tsv(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Rows as tab-separated text with a line end after each."""
    return "".join("\t".join(row) + "\n" for row in [header, *rows])


def table(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    """Rows as aligned columns of plain text; the last column is not padded."""
    widths = [max(len(row[column]) for row in [header, *rows]) for column in range(len(header))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in [header, *rows]
    ]
    return "\n".join(lines)
