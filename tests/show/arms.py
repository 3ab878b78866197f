"""What ablations leave in a study: programs without one kept change, each with a score."""

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
    """Five of them.

    One is not decided yet and one turned out to be needed. A person rejected one, is asked about
    one, and accepted one.
    """
    records: list[Record] = []
    for number, decisions in enumerate(DECISIONS, first):
        about: dict[str, Any] = {
            "author": "ablate",
            "hypothesis": f"without candidate {without}",
            "program": PROGRAM.digest,
        }
        records.append(
            Candidate(candidate=number, parent=parent, without=without, added=1, **about)
        )
        records.append(
            Trial(candidate=number, trial=0, seed=0, status="ok", score=score, metrics=metrics)
        )
        records += [
            Decision(candidate=number, verdict=verdict, by=by, why="because")
            for verdict, by in decisions
        ]
    return records
