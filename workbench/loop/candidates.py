"""Makes the record of a new candidate, whoever wrote its program."""

from collections.abc import Callable
from typing import Any

from workbench.ledger.study import Study
from workbench.loop import seed_flags
from workbench.loop.duplicates import Duplicates
from workbench.program import Patch, Program
from workbench.records import START, Candidate


def make_candidate(
    number: int, parent: int, old: Program, new: Program, **fields: Any
) -> Candidate:
    """The record of candidate `number`.

    Args:
        parent: number of the candidate that it was made from.
        old: the parent's program.
        new: the candidate's program.
        fields: further fields of the record. Lines and flags are computed here.
    """
    patch = Patch.between(old, new)
    return Candidate(
        candidate=number,
        parent=parent,
        program=new.digest,
        added=patch.added,
        removed=patch.removed,
        flags=seed_flags.flags(old, new),
        **fields,
    )


def make_starters(
    study: Study, duplicates: Duplicates, program_of: Callable[[str], Program]
) -> list[Candidate]:
    """The programs given with `--also` that are not candidates yet, as records."""
    missing = [digest for digest in study.opened.also if digest not in study.by_program]
    records = []
    for number, digest in enumerate(missing, len(study.candidates)):
        baseline = program_of(study.candidates[0].record.program)
        program = program_of(digest)
        record = make_candidate(
            number,
            0,
            baseline,
            program,
            author=START,
            hypothesis=study.opened.also[digest],
            normal=duplicates.normal(program),
        )
        records.append(record)
    return records
