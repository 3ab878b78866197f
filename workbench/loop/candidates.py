"""The record of a new candidate, whoever made its program."""

from collections.abc import Callable
from typing import Any

from workbench.ledger.study import Study
from workbench.loop import seed_flags
from workbench.loop.duplicates import Duplicates
from workbench.program import Patch, Program
from workbench.records import START, Candidate


def candidate(number: int, parent: int, old: Program, new: Program, **more: Any) -> Candidate:
    """Candidate `number`, made of its parent's program `old`: what changed is worked out here; `more` are the record's other fields."""
    patch = Patch.between(old, new)
    flags = seed_flags.flags(old, new)
    return Candidate(
        candidate=number,
        parent=parent,
        program=new.digest,
        added=patch.added,
        removed=patch.removed,
        flags=flags,
        **more,
    )


def starters(
    study: Study, duplicates: Duplicates, program_of: Callable[[str], Program]
) -> list[Candidate]:
    """The programs that the study is to begin with beside the baseline, as the candidates that they are not yet."""
    missing = [digest for digest in study.opened.also if digest not in study.by_program]
    return [
        candidate(
            number,
            0,
            program_of(study.candidates[0].record.program),
            program_of(digest),
            author=START,
            hypothesis=study.opened.also[digest],
            normal=duplicates.normal(program_of(digest)),
        )
        for number, digest in enumerate(missing, len(study.candidates))
    ]
