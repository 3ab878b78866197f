"""What an audit or an ablation means for the study, and what one under way still needs. Pure functions, no effects.

Examinations run in any state of the study and change none of it; their trials are apart from the search's, on seeds that no
decision of the search has, and their programs are fixed when they are asked for.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from workbench.decide.paired import audited, interval, paired, weight
from workbench.errors import RequestRefused, UsageError
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.examination import MAX_TRIALS, Change, Examination
from workbench.ledger.study import Study
from workbench.loop import candidates
from workbench.loop.limits import MAX_LOST
from workbench.program import Program, revert
from workbench.records import (
    Ablated,
    Ablation,
    Audit,
    AuditVerdict,
    Candidate,
    Decision,
    Evidence,
    Purpose,
    Record,
    Request,
    Trial,
    Verdict,
)
from workbench.syntax import syntax_problem

AUTHOR = "ablate"
_AUDIT: Purpose = "audit"
FAILURES = ("failed", "timeout", "cheated")
MAX_LISTED = 300
ProgramOf = Callable[[int], Program]


@dataclass(frozen=True)
class Begun:
    """What an adopted request for an examination adds to its body, and the programs that it makes."""

    body: dict[str, Any]
    records: tuple[Candidate, ...] = ()
    programs: tuple[Program, ...] = ()


@dataclass(frozen=True)
class Step:
    """What is to be done next: trials to run (candidate, seed, purpose), or the records that end the examination."""

    trials: tuple[tuple[int, int, Purpose], ...] = ()
    records: tuple[Record, ...] = ()


def begin(study: Study, request: Request, program_of: ProgramOf) -> Begun:
    """Fixes what is examined: the incumbent of now, on seeds of its own.

    Raises:
        RequestRefused: there is nothing to examine, or no way to do it; the message says what to do.
    """
    incumbent = study.incumbent
    if incumbent is None:
        raise RequestRefused(f"the baseline has no score yet; ask for {request.verb} when it has")
    changes = study.changes(incumbent)
    if not changes:
        raise RequestRefused(f"the incumbent is the baseline; there is nothing to {request.verb}")
    body: dict[str, Any] = {
        "candidate": incumbent,
        "number": study.examinations,
        "trials": _trials(study, request.body.get("trials")),
    }
    if request.verb == "audit":
        return Begun(body)
    records, programs, listed = list[Candidate](), list[Program](), list[Change]()
    for without in changes:
        number = len(study.candidates) + len(records)
        try:
            program = _without(study, incumbent, without, program_of)
        except UsageError as error:
            listed.append(Change(without, None, str(error)[:MAX_LISTED]))
            continue
        records.append(_candidate(study, incumbent, without, number, request, program, program_of))
        programs.append(program)
        listed.append(Change(without, number))
    return Begun(
        {**body, "changes": [asdict(change) for change in listed]}, tuple(records), tuple(programs)
    )


def _trials(study: Study, asked: Any) -> int:
    """How many trials each program gets."""
    objective, opened = study.opened.objective, study.opened
    if objective.noise == "none":
        if {**opened.settings, **opened.audit} == dict(opened.settings):
            raise RequestRefused(
                "this objective has no noise, so the same trial again tells nothing new; an audit needs other data: "
                "add a table [audit] with other settings to experiment.toml, and begin a new study"
            )
        if asked not in (None, 1):
            raise RequestRefused(
                f"trials = {asked}; this objective has no noise: one trial of each program tells all"
            )
        return 1
    trials = max(2, objective.max_trials) if asked is None else int(asked)
    if not 2 <= trials <= MAX_TRIALS:
        raise RequestRefused(f"trials = {trials}; an interval needs 2 to {MAX_TRIALS}")
    return trials


def _without(study: Study, incumbent: int, without: int, program_of: ProgramOf) -> Program:
    """The incumbent's program with one change taken out; raises UsageError where that cannot be."""
    parent, whole = study.candidates[without].record.parent, program_of(incumbent)
    assert parent is not None
    program = revert(whole, program_of(parent), program_of(without))
    if program == whole:
        raise UsageError("later changes have taken it out already")
    for path, text in program.files.items():
        if (
            path.endswith(".py")
            and text != whole.files.get(path)
            and (problem := syntax_problem(text))
        ):
            raise UsageError(f"without it {path} does not parse: {problem}")
    return program


def _candidate(
    study: Study,
    incumbent: int,
    without: int,
    number: int,
    request: Request,
    program: Program,
    program_of: ProgramOf,
) -> Candidate:
    return candidates.candidate(
        number,
        incumbent,
        program_of(incumbent),
        program,
        author=AUTHOR,
        hypothesis=f"without candidate {without}: {study.candidates[without].record.hypothesis}",
        without=without,
        request=request.id,
    )


def step(study: Study, examination: Examination) -> Step:
    """The trials that are missing, or the result; nothing while the last trials are under way."""
    seeds = [study.seed(index) for index in examination.indices]
    state = [_Tried.of(study.candidates[number], seeds) for number in examination.programs]
    wanted = [tried for tried in state if not tried.failure] if not state[0].failure else []
    if examination.verb == "audit" and any(tried.failure for tried in state):
        wanted = []
    missing = [
        (tried.number, seed, _AUDIT) for seed in seeds for tried in wanted if seed not in tried.ok
    ]
    if missing:
        return Step(trials=tuple(missing))
    if any(
        start.purpose
        for number in examination.programs
        for start in study.candidates[number].running.values()
    ):
        return Step()
    if examination.verb == "audit":
        return Step(records=(_audit(study, examination, *state),))
    return _ablation(study, examination, state)


@dataclass(frozen=True)
class _Tried:
    """How a program has fared under the seeds of an examination: its ok trials by seed, or why it is not run any more."""

    number: int
    ok: dict[int, Trial]
    failure: str = ""

    @classmethod
    def of(cls, history: CandidateHistory, seeds: list[int]) -> "_Tried":
        own = [trial for trial in history.audits if trial.seed in seeds]
        by_seed = {trial.seed: trial for trial in own if trial.status == "ok"}
        return cls(
            history.number,
            {seed: by_seed[seed] for seed in seeds if seed in by_seed},
            _failure(own),
        )


def _failure(trials: list[Trial]) -> str:
    """Why a program failed in these trials; empty when it did not."""
    failed = next((trial for trial in trials if trial.status in FAILURES), None)
    if failed is not None:
        return f"{failed.status}: {failed.reason}"
    lost = sum(trial.status == "lost" and trial.fault == "process" for trial in trials)
    return f"its trials were lost {MAX_LOST} times" if lost >= MAX_LOST else ""


def _audit(study: Study, examination: Examination, own: _Tried, reference: _Tried) -> Audit:
    objective, number = study.opened.objective, examination.candidate
    score, base = (study.candidates[tried.number].score for tried in (own, reference))
    failure = own.failure or reference.failure
    evidence = Evidence() if failure else paired(objective, own.ok, reference.ok, reference.number)
    verdict: AuditVerdict = "failed" if failure else audited(objective, evidence)
    why = {
        "failed": f"{f'candidate {number}' if own.failure else 'the baseline'} failed ({failure}); look at its log, or reject {number}",
        "holds": "the gain is there on what no decision saw",
        "too small": f"the gain is there, and smaller than min_effect {objective.min_effect:g}",
        "does not hold": f"the gain may be chance; see which change carries nothing (ablate), or take the last one back (reject {number})",
    }[verdict]
    return Audit(
        request=examination.request,
        candidate=number,
        against=reference.number,
        verdict=verdict,
        why=why,
        evidence=evidence,
        claimed=None if score is None or base is None else objective.gain(score, base),
        settings=study.opened.audit,
    )


def _ablation(study: Study, examination: Examination, state: list[_Tried]) -> Step:
    """The result and a decision on each program; first a score under the study's settings for those that a person is asked about."""
    whole, *others = state
    rows, decisions, missing = list[Ablated](), list[Decision](), list[tuple[int, int, Purpose]]()
    tried = {other.number: other for other in others}
    for change in examination.changes:
        row = _row(
            study,
            change,
            whole,
            tried.get(change.candidate) if change.candidate is not None else None,
        )
        rows.append(row)
        if row.candidate is None:
            continue
        verdict: Verdict = "defer" if row.weight == "no weight" else "discard"
        decisions.append(
            Decision(
                candidate=row.candidate,
                verdict=verdict,
                by=AUTHOR,
                why=row.why,
                evidence=row.evidence,
            )
        )
        if verdict == "defer" and study.candidates[row.candidate].score is None:
            missing.append((row.candidate, study.seed(0), ""))
    if missing:
        return Step(trials=tuple(missing))
    why = f"candidate {whole.number} failed ({whole.failure})" if whole.failure else ""
    result = Ablation(
        request=examination.request,
        candidate=whole.number,
        rows=tuple(rows),
        why=why,
        settings=study.opened.audit,
    )
    return Step(records=(*decisions, result))


def _row(study: Study, change: Change, whole: _Tried, own: _Tried | None) -> Ablated:
    """What an ablation says of one change."""
    if own is None:
        return Ablated(without=change.without, candidate=None, weight="not made", why=change.why)
    objective, name = study.opened.objective, f"candidate {change.without}"
    if whole.failure:
        why = f"not known: candidate {whole.number} itself failed"
        return Ablated(without=change.without, candidate=own.number, weight="unclear", why=why)
    if failure := own.failure or _failure(study.candidates[own.number].trials):
        why = f"{name} is needed: without it the program failed ({failure})"
        return Ablated(
            without=change.without, candidate=own.number, weight="failed", why=why[:MAX_LISTED]
        )
    evidence = paired(objective, own.ok, whole.ok, whole.number)
    found = weight(objective, evidence)
    effect, low, high = interval(evidence)
    cost = f"{0 - effect:.4g}" + (
        f" [{0 - high:.4g}, {0 - low:.4g}]" if objective.noise != "none" else ""
    )
    hint = (
        "more --trials would tell"
        if objective.min_effect
        else "min_effect in experiment.toml would say what is too little to matter"
    )
    why = {
        "carries": f"{name} still carries {cost}",
        "no weight": f"{name} carries no weight: taking it out costs {cost}; accept to revert it",
        "unclear": f"{name}: taking it out costs {cost}, which is not known to matter, nor not to; {hint}",
    }[found]
    return Ablated(
        without=change.without, candidate=own.number, weight=found, why=why, evidence=evidence
    )
