"""Turns an answer of a proposer into records: a candidate, or the reason why there is none.

Pure functions.
"""

from dataclasses import replace

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.loop.candidates import make_candidate
from workbench.loop.duplicates import Duplicates
from workbench.loop.proposers import Answer, Proposed
from workbench.program import Program
from workbench.records import Candidate, ProposalFailed
from workbench.syntax import find_syntax_problem

MAX_REASON = 2000  # characters


def to_records(
    study: Study, experiment: Experiment, duplicates: Duplicates, answer: Answer
) -> tuple[list[Candidate | ProposalFailed], list[Program]]:
    """The records of an answer and the programs they name; empty if it has nothing now.

    The first record carries the cost of the whole answer. Proposals beyond those that were asked
    for are left out, and one more record says so.
    """
    author = study.options.proposer.partition(":")[0]
    if answer.failure:
        return [_failure(answer, author, answer.failure)], []
    records: list[Candidate | ProposalFailed] = []
    programs: list[Program] = []
    number_by_form: dict[str, int] = {}  # digests and normal forms of this answer's candidates
    n_wanted = answer.question.wanted
    for proposed in answer.proposals[:n_wanted]:
        program = proposed.proposal.program
        problem = _veto_above(study, proposed.parent)
        problem = problem or _unfitness(study, experiment, duplicates, proposed)
        normal = "" if problem else duplicates.normal(program)
        twin = number_by_form.get(program.digest)
        if twin is None and not proposed.proposal.repeats:
            twin = number_by_form.get(normal)
        if twin is not None:
            problem = f"it is candidate {twin} again"
        if problem:
            with_origin = replace(answer, origin=proposed.proposal.origin)
            records.append(_failure(with_origin, author, problem))
            continue
        number = len(study.candidates) + len(programs)
        records.append(_candidate(answer, proposed, number, author, normal))
        programs.append(program)
        number_by_form |= {program.digest: number, normal: number}
    n_proposals = len(answer.proposals)
    if n_proposals > n_wanted:
        reason = (
            f"it gave {n_proposals} proposals where {n_wanted} were asked for; the rest is left out"
        )
        records.append(_failure(answer, author, reason))
    free_of_charge = [replace(record, usd=0.0, tokens=0) for record in records[1:]]
    return [*records[:1], *free_of_charge], programs


def _candidate(
    answer: Answer, proposed: Proposed, number: int, author: str, normal: str
) -> Candidate:
    proposal = proposed.proposal
    return make_candidate(
        number,
        proposed.parent,
        proposed.program,
        proposal.program,
        author=proposal.author or author,
        hypothesis=proposal.hypothesis[:MAX_REASON],
        origin=dict(proposal.origin),
        request=answer.question.request,
        usd=answer.usd,
        tokens=answer.tokens,
        normal=normal,
        question=answer.question.number,
        follows=answer.follows and proposal.parent is None,
    )


def _failure(answer: Answer, author: str, reason: str) -> ProposalFailed:
    return ProposalFailed(
        author=author,
        reason=reason[:MAX_REASON],
        final=answer.final,
        fault=answer.fault,
        usd=answer.usd,
        tokens=answer.tokens,
        origin=dict(answer.origin),
        request=answer.question.request,
        question=answer.question.number,
    )


def _veto_above(study: Study, parent: int) -> str:
    """Says which vetoed candidate a proposal builds on; empty if it builds on none.

    A veto takes everything with it that was made from the candidate, also what was still being
    written.
    """
    vetoes = study.lineage.list_vetoes(parent)
    return f"it was made from candidate {vetoes[0]}, which was vetoed" if vetoes else ""


def _unfitness(
    study: Study, experiment: Experiment, duplicates: Duplicates, proposed: Proposed
) -> str:
    """Why a proposed program cannot become a candidate; empty if it can."""
    program = proposed.proposal.program
    parent = proposed.program
    if program.digest == parent.digest:
        return "it changes nothing"
    if program.digest in study.by_program:
        return f"it is candidate {study.by_program[program.digest]} again"
    strangers = set(program.files) - set(experiment.editable)
    if strangers:
        return f"it changes files that are not editable: {', '.join(sorted(strangers))}"
    for path, text in program.files.items():
        is_changed = text != parent.files.get(path)
        problem = find_syntax_problem(text) if path.endswith(".py") and is_changed else None
        if problem:
            return f"{path} does not parse: {problem}"
    return "" if proposed.proposal.repeats else duplicates.problem(study, program)
