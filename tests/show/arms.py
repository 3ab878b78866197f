"""What ablations leave in a study, by hand: programs without one kept change, each with a score under a seed of the search."""

from typing import Any

from workbench.records import Candidate, Decision, Record, Trial, Verdict
from workbench.testing import PROGRAM

DECISIONS: tuple[tuple[tuple[Verdict, str], ...], ...] = (
    (),
    (("discard", "ablate"),),
    (("defer", "ablate"), ("discard", "person")),
    (("defer", "ablate"),),
    (("defer", "ablate"), ("keep", "person")),
)


def arms(first: int, parent: int, without: int, score: float, **metrics: float) -> list[Record]:
    """Five: not decided yet, found to be needed, one that a person rejected, one that she is asked about, one that she accepted."""
    found: list[Record] = []
    for number, decisions in enumerate(DECISIONS, first):
        about: dict[str, Any] = {
            "author": "ablate",
            "hypothesis": f"without candidate {without}",
            "program": PROGRAM.digest,
        }
        found.append(Candidate(candidate=number, parent=parent, without=without, added=1, **about))
        found.append(
            Trial(candidate=number, trial=0, seed=0, status="ok", score=score, metrics=metrics)
        )
        found += [
            Decision(candidate=number, verdict=verdict, by=by, why="because")
            for verdict, by in decisions
        ]
    return found
