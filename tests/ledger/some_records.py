"""Records as the tests of the fold need them: short to write, and alike but for what matters."""

from collections.abc import Mapping
from typing import Any

from workbench.ledger.candidate import CandidateHistory
from workbench.records import Adopted, Candidate, Decision, Evidence, Fault, Trial


def candidate(number: int, parent: int | None = 0, without: int | None = None) -> Candidate:
    return Candidate(
        candidate=number, parent=parent, program=f"{number:064d}", author="tuner", without=without
    )


def history(number: int, parent: int | None = 0, without: int | None = None) -> CandidateHistory:
    return CandidateHistory(candidate(number, parent, without), at=0.0)


def ok_trial(number: int, score: float = 1.0, trial: int = 0, seed: int | None = None) -> Trial:
    """An ok trial; without a seed of its own it has the trial's number."""
    return Trial(
        candidate=number,
        trial=trial,
        seed=trial if seed is None else seed,
        status="ok",
        score=score,
    )


def loss(number: int, trial: int, fault: Fault, *, cut_off: bool = False) -> Trial:
    return Trial(
        candidate=number,
        trial=trial,
        seed=1,
        status="lost",
        fault=fault,
        reason="gone",
        cut_off=cut_off,
    )


def keep(number: int, against: int | None = None, by: str = "tested") -> Decision:
    return Decision(candidate=number, verdict="keep", by=by, evidence=Evidence(against=against))


def discard(number: int, by: str = "tested") -> Decision:
    return Decision(candidate=number, verdict="discard", by=by)


def veto(number: int) -> Decision:
    return Decision(candidate=number, verdict="discard", by="person", why="no")


def adoption(verb: str, sequence: int = 1, **body: Any) -> Adopted:
    """An adopted request, as a journal holds it."""
    values: Mapping[str, Any] = body
    return Adopted(request=f"r{sequence}", sequence=sequence, verb=verb, body=values)
