"""Rebase: what becomes of a candidate that waits for its first trial while the incumbent that it was made from is replaced. No effects."""

from collections.abc import Callable

from workbench.errors import UsageError
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.loop import seed_flags
from workbench.loop.duplicates import normal_form
from workbench.program import Patch, Program, revert
from workbench.records import Decision, Rebased
from workbench.syntax import syntax_problem


def is_due(study: Study, history: CandidateHistory) -> bool:
    """Whether it is to be put onto the incumbent: it follows it, nothing was tried, no person has judged it, and it was not looked at.

    An incumbent with a higher number stays out of it: a parent is older than its children.
    """
    incumbent, looked_at = study.incumbent, history.rebased
    if (
        incumbent is None
        or not history.proposed.follows
        or not history.record.parent != incumbent < history.number
    ):
        return False
    is_fresh = history.status == "queued" and not (history.trials or history.decisions)
    return is_fresh and (looked_at is None or looked_at.onto != incumbent)


def rebased(
    study: Study, history: CandidateHistory, program_of: Callable[[str], Program]
) -> tuple[Rebased | Decision, tuple[Program, ...]]:
    """A candidate that is due, on the incumbent, with its new program; the discard of one that repeats another one there.

    A three-way merge over the parent that it was made from. Where both sides change the same lines it stays as it is: what it changes is
    an alternative to what was kept, and has to beat it.
    """
    number, made_from, onto = history.number, history.proposed.parent, study.incumbent
    assert onto is not None
    assert made_from is not None
    incumbent, parent = (
        program_of(study.candidates[other].record.program) for other in (onto, made_from)
    )
    new = _merged(program_of(history.proposed.program), parent, incumbent)
    if new is None:
        flags = (*history.record.flags, f"not rebased onto {onto}: both change the same lines")
        return Rebased(candidate=number, onto=onto, flags=flags), ()
    if (twin := study.by_program.get(new.digest, number)) != number:
        return Decision(
            candidate=number,
            verdict="discard",
            by="loop",
            why=f"put onto candidate {onto} it is candidate {twin} again",
        ), ()
    patch = Patch.between(incumbent, new)
    record = Rebased(
        candidate=number,
        onto=onto,
        program=new.digest,
        added=patch.added,
        removed=patch.removed,
        normal=normal_form(new),
        flags=(*seed_flags.flags(incumbent, new), f"rebased from {made_from}"),
    )
    return record, (new,)


def _merged(program: Program, parent: Program, incumbent: Program) -> Program | None:
    """The incumbent with what turned `parent` into `program`; None where both change the same lines, or what comes out does not parse."""
    try:
        new = revert(
            program, incumbent, parent
        )  # over the parent, without what would turn the incumbent into it
    except UsageError:
        return None
    changed = [
        path
        for path, text in new.files.items()
        if path.endswith(".py") and text != incumbent.files.get(path)
    ]
    return None if any(syntax_problem(new.files[path]) for path in changed) else new
