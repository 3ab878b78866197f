"""Taking: what an answer becomes, proposal by proposal: a candidate, or the record of why there is none. No effects."""

from dataclasses import replace

from workbench.experiment import Experiment
from workbench.ledger.study import Study
from workbench.loop import candidates
from workbench.loop.duplicates import Duplicates
from workbench.loop.proposers import Answered, Made
from workbench.program import Program
from workbench.records import Candidate, ProposalFailed
from workbench.syntax import syntax_problem

MAX_REASON = 2000


def taken(
    study: Study, experiment: Experiment, duplicates: Duplicates, answered: Answered
) -> tuple[list[Candidate | ProposalFailed], list[Program]]:
    """The records of an answer, and the programs that they name; none where the proposer has nothing now.

    The first record has the cost of the answer. More proposals than were asked for are not taken, and one more record says so.
    """
    author = study.options.proposer.partition(":")[0]
    if answered.failure:
        return [_failed(answered, author, answered.failure)], []
    records: list[Candidate | ProposalFailed] = []
    new: dict[str, int] = {}  # texts and normal forms of this answer's candidates
    programs: list[Program] = []
    for made in answered.made[: answered.question.wanted]:
        program, number = made.proposal.program, len(study.candidates) + len(programs)
        problem = _vetoed(study, made.parent) or _unfit(study, experiment, duplicates, made)
        normal = "" if problem else duplicates.normal(program)
        twin = new.get(program.digest, None if made.proposal.repeats else new.get(normal))
        if twin is not None:
            problem = f"it is candidate {twin} again"
        if problem:
            records.append(_failed(replace(answered, origin=made.proposal.origin), author, problem))
            continue
        records.append(_candidate(answered, made, number, author, normal))
        programs.append(program)
        new |= {program.digest: number, normal: number}
    if (n_made := len(answered.made)) > (n_wanted := answered.question.wanted):
        records.append(
            _failed(
                answered,
                author,
                f"it gave {n_made} proposals where {n_wanted} were asked for; the rest is left out",
            )
        )
    return [*records[:1], *(replace(record, usd=0.0, tokens=0) for record in records[1:])], programs


def _candidate(answered: Answered, made: Made, number: int, author: str, normal: str) -> Candidate:
    return candidates.candidate(
        number,
        made.parent,
        made.program,
        made.proposal.program,
        author=made.proposal.author or author,
        hypothesis=made.proposal.hypothesis[:MAX_REASON],
        origin=dict(made.proposal.origin),
        request=answered.question.request,
        usd=answered.usd,
        tokens=answered.tokens,
        normal=normal,
        question=answered.question.number,
        follows=answered.follows and made.proposal.parent is None,
    )


def _failed(answered: Answered, author: str, reason: str) -> ProposalFailed:
    return ProposalFailed(
        author=author,
        reason=reason[:MAX_REASON],
        final=answered.final,
        fault=answered.fault,
        usd=answered.usd,
        tokens=answered.tokens,
        origin=dict(answered.origin),
        request=answered.question.request,
        question=answered.question.number,
    )


def _vetoed(study: Study, parent: int) -> str:
    """What is made of a vetoed candidate goes with it, on its way as well as in the queue."""
    for number in study.changes(parent):
        if study.candidates[number].is_vetoed:
            return f"it was made from candidate {number}, which was vetoed"
    return ""


def _unfit(study: Study, experiment: Experiment, duplicates: Duplicates, made: Made) -> str:
    """Why a proposed program cannot become a candidate; empty when it can."""
    new, parent = made.proposal.program, made.program
    if new.digest == parent.digest:
        return "it changes nothing"
    if new.digest in study.by_program:
        return f"it is candidate {study.by_program[new.digest]} again"
    if strangers := set(new.files) - set(experiment.editable):
        return f"it changes files that are not editable: {', '.join(sorted(strangers))}"
    for path, text in new.files.items():
        if (
            path.endswith(".py")
            and text != parent.files.get(path)
            and (problem := syntax_problem(text))
        ):
            return f"{path} does not parse: {problem}"
    return "" if made.proposal.repeats else duplicates.problem(study, new)
