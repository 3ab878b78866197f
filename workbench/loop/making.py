"""The record of a new candidate, whoever made its program."""

from typing import Any

from workbench.loop import seeds
from workbench.program import Patch, Program
from workbench.records import Candidate


def candidate(number: int, parent: int, old: Program, new: Program, **more: Any) -> Candidate:
    """Candidate `number`, made of its parent's program `old`: what changed is worked out here; `more` are the record's other fields."""
    patch = Patch.between(old, new)
    flags = seeds.flags(old, new)
    return Candidate(candidate=number, parent=parent, program=new.digest, added=patch.added, removed=patch.removed, flags=flags, **more)
