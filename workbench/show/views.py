"""A study as plain dictionaries, with exactly the fields that `--json` promises. Reads only.

Numbers are finite or None, never NaN. A field that has no value yet is None; it is never left out.
"""

import time
from typing import Any, Literal

from workbench.ledger import lease
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.folder import StudyFolder, read_last_line
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.ledger.study_kind import UNKNOWN
from workbench.program import Patch
from workbench.records import PERSON, Decision, Trial
from workbench.show import examinations

State = Literal["running", "paused", "finished", "stopped", "dead"]
View = dict[str, Any]
NEW_SECONDS = 2.0  # how long a new study may take to start its first loop


def state(study: Study, folder: StudyFolder) -> State:
    """What the study is doing.

    `dead` if its journal says running and no loop is alive or starting; `resume` brings it back.
    """
    return _state_and_reason(study, folder)[0]


def _state_and_reason(study: Study, folder: StudyFolder) -> tuple[State, str]:
    if study.state != "running" or lease.find_holder(folder) is not None:
        return study.state, study.reason
    if lease.find_process(folder) is not None or _is_new(study, folder):
        return "running", "its loop is starting"
    last_line = read_last_line(folder.loop_log)
    if not last_line:
        return "dead", "no loop is alive"
    return "dead", f"no loop is alive; its last words: {last_line}"


def _is_new(study: Study, folder: StudyFolder) -> bool:
    """Whether the study was made a moment ago, so that its first loop is about to start.

    If that loop could not start, its log says why, and the study counts as dead at once.
    """
    has_run = study.loop is not None
    is_recent = time.time() < study.opened_at + NEW_SECONDS
    return not has_run and is_recent and not read_last_line(folder.loop_log)


def status(study: Study, folder: StudyFolder) -> View:
    """One study at a glance.

    | field | is |
    | --- | --- |
    | `study`, `experiment` | names |
    | `state` | `running`, `paused`, `finished`, `stopped`, `dead` |
    | `reason` | why it paused, finished or stopped; if it is dead, the last line of `loop.log`; |
    | | if it runs, that it is on a plateau or that its loop is starting |
    | `objective` | `name`, `goal` (`minimize` or `maximize`) |
    | `counts` | `candidates`, `kept`, `discarded`, `failed`, `waiting`, without the baseline |
    | `baseline` | `score` (mean of its trials), `spread` (standard deviation over its seeds; |
    | | None for fewer than two) |
    | `best` | `candidate`, `score` of the best kept one (the baseline is candidate 0); |
    | | both None before that |
    | `incumbent` | `candidate`, `score` of the one that the next has to beat and that `apply` |
    | | writes: the best, or the forked one |
    | `spent` | `seconds` (while it ran), `usd`, `tokens` |
    | `sandbox` | the level that trials run under |
    | `proposals` | `failed` (how many failed), `last` (why the last one did) |
    | `audit` | the newest audit, with the fields of `examinations.audit`; None if there is none |
    | `examination` | one under way: `verb`, `candidate`, `done`, `trials`; or None |
    | `self_reported` | candidates print their own scores (shape `claimed`), or a log claims them |

    The `counts` of an imported study have `unknown` too: rows that the log does not decide.
    """
    objective = study.opened.objective
    state_now, reason = _state_and_reason(study, folder)
    audits = study.examinations.audits
    pending = study.examinations.pending
    incumbent = None if study.incumbent is None else study.candidates[study.incumbent]
    return {
        "study": folder.name,
        "experiment": study.opened.experiment,
        "state": state_now,
        "reason": reason,
        "objective": {"name": objective.name, "goal": objective.goal},
        "counts": _counts(study),
        "baseline": _score_and_spread(study.baseline),
        "best": _candidate_and_score(study.best),
        "incumbent": _candidate_and_score(incumbent),
        "spent": {
            "seconds": round(study.costs.active_seconds, 3),
            "usd": study.costs.usd,
            "tokens": study.costs.tokens,
        },
        "sandbox": study.loop.sandbox if study.loop else study.options.sandbox,
        "proposals": {"failed": study.proposals.n_failed, "last": study.proposals.last_failure},
        "audit": examinations.audit(study, audits[-1]) if audits else None,
        "examination": examinations.progress(study, pending[0]) if pending else None,
        "self_reported": study.kind.self_reported,
    }


def _score_and_spread(history: CandidateHistory | None) -> View:
    if history is None:
        return {"score": None, "spread": None}
    return {"score": history.score, "spread": history.spread}


def _candidate_and_score(history: CandidateHistory | None) -> View:
    if history is None:
        return {"candidate": None, "score": None}
    return {"candidate": history.number, "score": history.score}


def _counts(study: Study) -> dict[str, int]:
    counts = {
        "candidates": study.n_candidates,
        "kept": study.counts["kept"],
        "discarded": study.counts["discarded"] + study.counts["revised"],
        "failed": study.counts["failed"],
        "waiting": study.counts["waiting"],
    }
    statuses = study.kind.count_statuses(study.counts)
    if UNKNOWN in statuses:
        counts[UNKNOWN] = statuses[UNKNOWN]
    if study.baseline:  # it is in every count, and is not a candidate to people
        baseline_status = study.kind.get_status(study.baseline)
        if baseline_status == "revised":
            baseline_status = "discarded"
        for name in {"candidates", baseline_status} & counts.keys():
            counts[name] -= 1
    return counts


def log(study: Study) -> list[View]:
    """One entry per candidate, in their order, the baseline first.

    | field | is |
    | --- | --- |
    | `candidate`, `parent` | numbers; the baseline is 0 and has no parent |
    | `author`, `hypothesis` | who proposed it, and why it should be better |
    | `status` | `queued`, `running`, `provisional`, `waiting`, `kept`, `discarded`, `failed`, |
    | | `revised`; `ablated` for the incumbent without one of its changes, tried by `ablate` |
    | `score` | mean of its ok trials, or None |
    | `trials` | ended trials: `seed`, `status`, `score`, `seconds`, `reason` (why it is not `ok`) |
    | `decision` | `verdict`, `by`, `why`, `effect` (gain, above 0 is better), `interval` |
    | | (`[low, high]` or None), `level` (its coverage, as 0.95, or None); None while open |
    | `added`, `removed` | lines against its parent |
    | `self_reported` | the candidate itself printed its score |
    | `flags` | what is odd about it; mostly empty. `seed-only`: only seeds of randomness changed |
    | `notes` | what people noted about it: `at` (Unix time), `author`, `text` |

    In an imported study `status` may be `unknown`; `added`, `removed` and the seeds of trials are
    None; and `flags` say what is odd about the row, as in `7 fields for 5 columns`.
    """
    return [entry(study, history) for history in study.candidates]


def entry(study: Study, history: CandidateHistory) -> View:
    """The entry of `log` for one candidate."""
    record = history.record
    has_program = study.kind.has_programs
    trials = [_trial(trial) for trial in history.trials]
    if not has_program:  # a log does not say under which seed a row was scored
        trials = [{**trial, "seed": None} for trial in trials]
    return {
        "candidate": record.candidate,
        "parent": record.parent,
        "author": record.author,
        "hypothesis": record.hypothesis,
        "status": study.kind.get_status(history),
        "score": history.score,
        "trials": trials,
        "decision": _decision(history.decision),
        "added": record.added if has_program else None,
        "removed": record.removed if has_program else None,
        "self_reported": study.kind.is_self_reported(history),
        "flags": list(history.flags),
        "notes": [note._asdict() for note in history.notes],
    }


def flat(row: View) -> View:
    """An entry of `log` with plain cells only, for tables.

    Trials become their number and their seconds; the decision is replaced by its fields.
    """
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
        "notes": "; ".join(note["text"] for note in row["notes"]),
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
    has_interval = evidence.low is not None and evidence.high is not None
    return {
        "verdict": decision.verdict,
        "by": decision.by,
        "why": decision.why,
        "effect": evidence.effect,
        "interval": [evidence.low, evidence.high] if has_interval else None,
        "level": evidence.level if has_interval else None,
    }


def patch(study: Study, journal: Journal, number: int) -> Patch:
    """What a candidate changed in its parent's program; empty for the baseline."""
    record = study.history(number).record
    if record.parent is None:
        return Patch()
    return Patch.between(
        journal.read_program(study.history(record.parent).record.program),
        journal.read_program(record.program),
    )


def show(study: Study, journal: Journal, number: int) -> View:
    """One candidate in full.

    The fields of `log`, and

    | field | is |
    | --- | --- |
    | `patch` | unified diff against its parent, as `git apply` reads it |
    | `hunks` | `id`, `header`, `text` (lines of the diff), `state` (`accepted` or `rejected` by a |
    | | person, else `open`) |
    | `metrics` | named values of its newest trial that has any, with the stages that it reached |
    | `beside` | number of the incumbent that ran in that trial too, for a comparison; mostly None |
    | `curves` | names of the series of its last trial |
    | `log` | path of the last trial's log, or None |
    | `audits` | ended trials of audits and ablations, as `trials` |

    and for an imported row `line`, `raw` (its text in the log) and `fields` (by column).

    Raises:
        StudyError: the study has no such candidate; the message says which it has.
    """
    history = study.history(number)
    change = patch(study, journal, number)
    last = last_trial(history)
    measured = next((trial for trial in reversed(history.trials) if trial.metrics), None)
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
        "patch": change.to_unified_diff(),
        "hunks": hunks,
        "metrics": {} if measured is None else dict(measured.metrics),
        "beside": None if measured is None else measured.beside,
        "curves": [] if last is None else sorted(journal.read_curves(number, last)),
        "log": None if last is None else log_path(journal.folder, number, last),
        **study.kind.read_row(history),
    }


def last_trial(history: CandidateHistory) -> int | None:
    """Number of the trial that started last, ended or not; an audit's only without any other."""
    numbers = [*history.running, *(trial.trial for trial in history.trials or history.audits)]
    return max(numbers, default=None)


def hunk_state(history: CandidateHistory, hunk: int) -> str:
    """What a person decided about a hunk: `accepted`, `rejected`, or `open` if nothing yet.

    What the loop decided about the candidate does not count here.
    """
    decision = history.decision
    if decision is None or not decision.by.startswith(PERSON):
        return "open"
    if decision.verdict == "revise" and decision.hunks:
        if hunk in decision.hunks:
            return "accepted"
        # Journals of earlier versions name no rejected hunks: all that were not kept are meant.
        is_rejected = not decision.rejected or hunk in decision.rejected
        return "rejected" if is_rejected else "open"
    return {"keep": "accepted", "discard": "rejected"}.get(decision.verdict, "open")


def log_path(folder: StudyFolder, candidate: int, trial: int) -> str | None:
    """Path of a trial's log; None if nothing was printed, or if the trial has not ended."""
    path = folder.trial(candidate, trial) / "log.txt"
    has_text = path.is_file() and path.stat().st_size
    return str(path) if has_text else None
