"""What an audit or an ablation means for the study, and what one under way still needs.

Functions without effects. Examinations run in any state of the study and change none of it: their
trials are kept apart from the search's, on seeds that no decision of the search uses, and the
programs are fixed when the request is adopted.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

from workbench.decide.paired import compare_paired, interval, judge_claim, judge_weight
from workbench.errors import RequestRefused, UsageError
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.examination import MAX_TRIALS, Examination
from workbench.ledger.study import Study
from workbench.loop import candidates
from workbench.loop.limits import MAX_LOST
from workbench.program import Program, revert
from workbench.records import (
    FAILURES,
    Ablated,
    Ablation,
    Audit,
    AuditVerdict,
    Candidate,
    Decision,
    Evidence,
    Purpose,
    Record,
    Trial,
    Verdict,
    Weight,
)
from workbench.requests import AdoptedExamination, Change, RunAblation, RunAudit
from workbench.syntax import find_syntax_problem

AUTHOR = "ablate"
_AUDIT: Purpose = "audit"
MAX_LISTED = 300  # characters of a reason in a row of an ablation
ProgramOf = Callable[[int], Program]


@dataclass(frozen=True)
class Begun:
    """What a request for an examination causes when it is adopted.

    Attributes:
        adopted: the request with what was fixed for it.
        records: the candidates of an ablation, each with one change taken out.
        programs: the programs of these candidates.
    """

    adopted: AdoptedExamination
    records: tuple[Candidate, ...] = ()
    programs: tuple[Program, ...] = ()


@dataclass(frozen=True)
class Step:
    """What an examination needs next. Both fields are empty while its last trials are under way.

    Attributes:
        trials: trials to run, as (candidate, seed, purpose).
        records: the records that end the examination.
    """

    trials: tuple[tuple[int, int, Purpose], ...] = ()
    records: tuple[Record, ...] = ()


# --- the beginning -------------------------------------------------------------------------------


def begin(
    study: Study, request: RunAudit | RunAblation, request_id: str, program_of: ProgramOf
) -> Begun:
    """Fixes what is examined: the program that is the incumbent now, and how many trials it gets.

    Raises:
        RequestRefused: there is nothing to examine, or no way to do it; the message says what to
            do.
    """
    incumbent = study.incumbent
    if incumbent is None:
        raise RequestRefused(f"the baseline has no score yet; ask for {request.verb} when it has")
    changes = study.lineage.list_changes(incumbent)
    if not changes:
        raise RequestRefused(f"the incumbent is the baseline; there is nothing to {request.verb}")
    adopted = AdoptedExamination(
        verb=request.verb,
        candidate=incumbent,
        number=study.examinations.n_asked,
        trials=_choose_trials(study, request.trials),
    )
    if isinstance(request, RunAudit):
        return Begun(adopted)
    return _begin_ablation(study, adopted, changes, request_id, program_of)


def _begin_ablation(
    study: Study,
    adopted: AdoptedExamination,
    changes: list[int],
    request_id: str,
    program_of: ProgramOf,
) -> Begun:
    """One candidate per change: the incumbent without it; a row says why where none can be made."""
    incumbent = adopted.candidate
    records: list[Candidate] = []
    programs: list[Program] = []
    rows: list[Change] = []
    for without in changes:
        try:
            program = _take_out(study, incumbent, without, program_of)
        except UsageError as error:
            rows.append(Change(without, None, str(error)[:MAX_LISTED]))
            continue
        hypothesis = study.candidates[without].record.hypothesis
        record = candidates.make_candidate(
            len(study.candidates) + len(records),
            incumbent,
            program_of(incumbent),
            program,
            author=AUTHOR,
            hypothesis=f"without candidate {without}: {hypothesis}",
            without=without,
            request=request_id,
        )
        records.append(record)
        programs.append(program)
        rows.append(Change(without, record.candidate))
    return Begun(replace(adopted, changes=tuple(rows)), tuple(records), tuple(programs))


def _choose_trials(study: Study, requested: int | None) -> int:
    """How many trials each program gets; refused where they could tell nothing new."""
    opened = study.opened
    objective = opened.objective
    if objective.noise == "none":
        # The same program on the same data scores the same, so only other data can tell more.
        has_other_data = {**opened.settings, **opened.audit} != dict(opened.settings)
        if not has_other_data:
            raise RequestRefused(
                "this objective has no noise, so the same trial again tells nothing new; an audit "
                "needs other data: add a table [audit] with other settings to experiment.toml, "
                "and begin a new study"
            )
        if requested not in (None, 1):
            raise RequestRefused(
                f"trials = {requested}; this objective has no noise: "
                "one trial of each program tells all"
            )
        return 1
    n_trials = requested
    if n_trials is None:
        n_trials = max(2, objective.max_trials)
    if not 2 <= n_trials <= MAX_TRIALS:
        raise RequestRefused(f"trials = {n_trials}; an interval needs 2 to {MAX_TRIALS}")
    return n_trials


def _take_out(study: Study, incumbent: int, without: int, program_of: ProgramOf) -> Program:
    """The incumbent's program without the change that candidate `without` made.

    Raises:
        UsageError: later changes have taken it out already or build on it, or the rest does not
            parse.
    """
    parent = study.candidates[without].record.parent
    assert parent is not None
    whole = program_of(incumbent)
    program = revert(whole, program_of(parent), program_of(without))
    if program == whole:
        raise UsageError("later changes have taken it out already")
    for path, text in program.files.items():
        is_changed = text != whole.files.get(path)
        if is_changed and path.endswith(".py"):
            problem = find_syntax_problem(text)
            if problem:
                raise UsageError(f"without it {path} does not parse: {problem}")
    return program


# --- what comes next -----------------------------------------------------------------------------


@dataclass(frozen=True)
class _Runs:
    """How a program has fared under the seeds of an examination.

    Attributes:
        candidate: the number of the program's candidate.
        by_seed: its ok trials by seed.
        failure: why it is not run any more; empty while it may be.
    """

    candidate: int
    by_seed: Mapping[int, Trial]
    failure: str = ""


def step(study: Study, examination: Examination) -> Step:
    """The trials that are missing, or the result; empty while the last trials are under way."""
    seeds = [study.seed(index) for index in examination.indices]
    runs = [_collect_runs(study.candidates[number], seeds) for number in examination.programs]
    missing = [
        (program.candidate, seed, _AUDIT)
        for seed in seeds
        for program in _list_runnable(examination, runs)
        if seed not in program.by_seed
    ]
    if missing:
        return Step(trials=tuple(missing))
    if _is_running(study, examination):
        return Step()
    if examination.verb == "audit":
        examined, reference = runs
        return Step(records=(_conclude_audit(study, examination, examined, reference),))
    return _conclude_ablation(study, examination, runs)


def _collect_runs(history: CandidateHistory, seeds: list[int]) -> _Runs:
    """How a candidate has fared under these seeds; of several ok trials of a seed, the last one."""
    trials = [trial for trial in history.audits if trial.seed in seeds]
    scored = {trial.seed: trial for trial in trials if trial.status == "ok"}
    by_seed = {seed: scored[seed] for seed in seeds if seed in scored}
    return _Runs(history.number, by_seed, _find_failure(trials))


def _find_failure(trials: list[Trial]) -> str:
    """Why a program failed in these trials; empty when it did not."""
    for trial in trials:
        if trial.status in FAILURES:
            return f"{trial.status}: {trial.reason}"
    n_lost = sum(trial.status == "lost" and trial.fault == "process" for trial in trials)
    if n_lost >= MAX_LOST:
        return f"its trials were lost {MAX_LOST} times"
    return ""


def _list_runnable(examination: Examination, runs: list[_Runs]) -> list[_Runs]:
    """The programs whose trials can still tell something."""
    examined = runs[0]
    sound = [program for program in runs if not program.failure]
    # Every comparison has the examined program on one side. An audit needs its other side too,
    # whereas an ablation goes on with the programs that are left.
    if examined.failure or (examination.verb == "audit" and sound != runs):
        return []
    return sound


def _is_running(study: Study, examination: Examination) -> bool:
    """Whether a trial of an examination is under way for one of its programs."""
    for number in examination.programs:
        if any(start.purpose for start in study.candidates[number].running.values()):
            return True
    return False


# --- the result of an audit ----------------------------------------------------------------------


def _conclude_audit(
    study: Study, examination: Examination, examined: _Runs, reference: _Runs
) -> Audit:
    objective = study.opened.objective
    evidence = Evidence()
    verdict: AuditVerdict = "failed"
    if not (examined.failure or reference.failure):
        evidence = compare_paired(
            objective, examined.by_seed, reference.by_seed, reference.candidate
        )
        verdict = judge_claim(objective, evidence)
    return Audit(
        request=examination.request,
        candidate=examination.candidate,
        against=reference.candidate,
        verdict=verdict,
        why=_explain_audit(verdict, objective.min_effect, examined, reference),
        evidence=evidence,
        claimed=_measure_claim(study, examined.candidate, reference.candidate),
        settings=study.opened.audit,
    )


def _explain_audit(
    verdict: AuditVerdict, min_effect: float, examined: _Runs, reference: _Runs
) -> str:
    """One line about the verdict; where the gain does not hold, with what to do."""
    number = examined.candidate
    match verdict:
        case "holds":
            return "the gain is there on what no decision saw"
        case "too small":
            return f"the gain is there, and smaller than min_effect {min_effect:g}"
        case "does not hold":
            return (
                "the gain may be chance; see which change carries nothing (ablate), "
                f"or take the last one back (reject {number})"
            )
        case "failed":
            name = f"candidate {number}" if examined.failure else "the baseline"
            failure = examined.failure or reference.failure
            return f"{name} failed ({failure}); look at its log, or reject {number}"


def _measure_claim(study: Study, candidate: int, reference: int) -> float | None:
    """The gain that the study's own scores show; None where one of the two has no score."""
    score = study.candidates[candidate].score
    reference_score = study.candidates[reference].score
    if score is None or reference_score is None:
        return None
    return study.opened.objective.gain(score, reference_score)


# --- the result of an ablation -------------------------------------------------------------------


def _conclude_ablation(study: Study, examination: Examination, runs: list[_Runs]) -> Step:
    """A row and a decision for each program without a change.

    A program whose change carries no weight is put before a person. The person should see its
    score as the search's programs have one, so a trial under the study's own settings comes first.
    """
    whole, *others = runs
    runs_of = {program.candidate: program for program in others}
    rows: list[Ablated] = []
    decisions: list[Decision] = []
    missing: list[tuple[int, int, Purpose]] = []
    for change in examination.changes:
        if change.candidate is None:
            row = Ablated(without=change.without, candidate=None, weight="not made", why=change.why)
            rows.append(row)
            continue
        row = _judge_change(study, change.without, whole, runs_of[change.candidate])
        rows.append(row)
        decision = _decide(row, change.candidate)
        decisions.append(decision)
        has_score = study.candidates[change.candidate].score is not None
        if decision.verdict == "defer" and not has_score:
            missing.append((change.candidate, study.seed(0), ""))
    if missing:
        return Step(trials=tuple(missing))
    result = Ablation(
        request=examination.request,
        candidate=whole.candidate,
        rows=tuple(rows),
        why=f"candidate {whole.candidate} failed ({whole.failure})" if whole.failure else "",
        settings=study.opened.audit,
    )
    return Step(records=(*decisions, result))


def _decide(row: Ablated, candidate: int) -> Decision:
    """What becomes of a program without a change: a person is asked about it, or it is dropped."""
    verdict: Verdict = "defer" if row.weight == "no weight" else "discard"
    return Decision(
        candidate=candidate, verdict=verdict, by=AUTHOR, why=row.why, evidence=row.evidence
    )


def _judge_change(study: Study, without: int, whole: _Runs, rest: _Runs) -> Ablated:
    """What an ablation says of one change, from the runs with it (`whole`) and without (`rest`)."""
    objective = study.opened.objective
    weight: Weight = "unclear"
    evidence = Evidence()
    failure = rest.failure or _find_failure(study.candidates[rest.candidate].trials)
    if whole.failure:
        why = f"not known: candidate {whole.candidate} itself failed"
    elif failure:
        weight = "failed"
        why = f"candidate {without} is needed: without it the program failed ({failure})"
        why = why[:MAX_LISTED]
    else:
        evidence = compare_paired(objective, rest.by_seed, whole.by_seed, whole.candidate)
        weight = judge_weight(objective, evidence)
        cost = _format_cost(evidence, is_noisy=objective.noise != "none")
        why = _explain_weight(weight, without, cost, has_min_effect=objective.min_effect > 0)
    return Ablated(
        without=without, candidate=rest.candidate, weight=weight, why=why, evidence=evidence
    )


def _format_cost(evidence: Evidence, *, is_noisy: bool) -> str:
    """What taking the change out costs, as `0.2`, or with its interval, as `0.2 [0.1, 0.3]`."""
    effect, low, high = interval(evidence)
    # The cost is the gain with its sign changed; `0 - x` because -x would print a gain of 0 as -0.
    cost = f"{0 - effect:.4g}"
    if is_noisy:
        cost += f" [{0 - high:.4g}, {0 - low:.4g}]"
    return cost


def _explain_weight(weight: Weight, without: int, cost: str, *, has_min_effect: bool) -> str:
    """One line about the weight of a change; where it is unclear, with what would tell."""
    name = f"candidate {without}"
    if weight == "carries":
        return f"{name} still carries {cost}"
    if weight == "no weight":
        return f"{name} carries no weight: taking it out costs {cost}; accept to revert it"
    hint = "min_effect in experiment.toml would say what is too little to matter"
    if has_min_effect:
        hint = "more --trials would tell"
    return f"{name}: taking it out costs {cost}, which is not known to matter, nor not to; {hint}"
