"""Rebasing: moves a queued candidate onto the new incumbent when the old one has been replaced.

Pure functions. A candidate was proposed as a change of the incumbent of its time. If another one is
kept before it runs, the change is worth trying on top of the new incumbent, not of the old one.
"""

from collections.abc import Callable

from workbench.errors import UsageError
from workbench.ledger.candidate import CandidateHistory
from workbench.ledger.study import Study
from workbench.loop import seed_flags
from workbench.loop.duplicates import normal_form
from workbench.program import Patch, Program, revert
from workbench.records import Decision, Rebased
from workbench.syntax import find_syntax_problem


def is_due(study: Study, history: CandidateHistory) -> bool:
    """True if the candidate has to be rebased before its first trial.

    That is the case if it was proposed as a change of the incumbent of its time, is still queued,
    and has not been rebased onto the current incumbent.
    """
    incumbent = study.incumbent
    if incumbent is None or not history.proposed.follows:
        return False
    if history.record.parent == incumbent:
        return False  # nothing has changed since it was proposed
    if incumbent >= history.number:
        return False  # a parent is always older than its children
    was_touched = bool(history.trials or history.decisions)
    if history.status != "queued" or was_touched:
        return False  # a score or a person's word belongs to the program as it is
    was_considered = history.rebased is not None and history.rebased.onto == incumbent
    return not was_considered


def rebase(
    study: Study, history: CandidateHistory, program_of: Callable[[str], Program]
) -> tuple[Rebased | Decision, tuple[Program, ...]]:
    """Puts a candidate that is due onto the incumbent, by a three-way merge over its first parent.

    If both sides change the same lines, the candidate stays as it was proposed: its change is an
    alternative to what was kept, and has to beat it.

    Returns:
        The record, and the new program if there is one. The record is a discard if the merged
        program repeats another candidate.
    """
    number = history.number
    first_parent = history.proposed.parent
    onto = study.incumbent
    assert onto is not None
    assert first_parent is not None
    incumbent = program_of(study.candidates[onto].record.program)
    parent = program_of(study.candidates[first_parent].record.program)
    merged = _merge(program_of(history.proposed.program), parent, incumbent)
    if merged is None:
        flags = (*history.record.flags, f"not rebased onto {onto}: both change the same lines")
        return Rebased(candidate=number, onto=onto, flags=flags), ()
    twin = study.by_program.get(merged.digest, number)
    if twin != number:
        why = f"put onto candidate {onto} it is candidate {twin} again"
        return Decision(candidate=number, verdict="discard", by="loop", why=why), ()
    patch = Patch.between(incumbent, merged)
    record = Rebased(
        candidate=number,
        onto=onto,
        program=merged.digest,
        added=patch.added,
        removed=patch.removed,
        normal=normal_form(merged),
        flags=(*seed_flags.flags(incumbent, merged), f"rebased from {first_parent}"),
    )
    return record, (merged,)


def _merge(program: Program, parent: Program, incumbent: Program) -> Program | None:
    """The incumbent with the change that turned `parent` into `program`.

    None if both sides change the same lines, or if the result does not parse.
    """
    try:
        # "Revert" is a three-way merge: from `program` it takes back what turns the incumbent into
        # the parent. What remains is the candidate's change on top of the incumbent.
        merged = revert(program, incumbent, parent)
    except UsageError:
        return None
    for path, text in merged.files.items():
        is_changed = text != incumbent.files.get(path)
        if path.endswith(".py") and is_changed and find_syntax_problem(text):
            return None
    return merged
