"""Marks that are kept up to date are those of a fresh look, whatever was vetoed and pardoned."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.ledger.study import Study
from workbench.records import Candidate, Decision, Entry, Rebased, Record, Trial
from workbench.show.marks import Marks, name_status
from workbench.testing import PROGRAM, experiment_for_tests, opening

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["propose", "propose", "keep", "discard", "veto", "pardon", "rebase"]),
        st.integers(0, 30),
        st.integers(0, 30),
    ),
    max_size=30,
)


@pytest.fixture(scope="module")
def begin(tmp_path_factory: pytest.TempPathFactory) -> list[Record]:
    return opening(experiment_for_tests(tmp_path_factory.mktemp("experiment")))


def propose(number: int, parent: int, **more: Any) -> Candidate:
    return Candidate(
        candidate=number, parent=parent, program=PROGRAM.digest, author="tuner", **more
    )


def decide(number: int, verdict: str, by: str = "tested") -> Decision:
    return Decision(candidate=number, verdict=verdict, by=by, why="because")  # type: ignore[arg-type]


def make_record(study: Study, step: str, first: int, second: int) -> Record:
    """The record of a step; its numbers choose among the candidates that there are."""
    n_candidates = len(study.candidates)
    number = first % n_candidates
    match step:
        case "propose":
            # Every fourth one is made by an ablation that takes out another change.
            without = second % n_candidates if second % 4 == 0 else None
            return propose(n_candidates, number, without=without)
        case "rebase":
            onto = second % max(1, number)
            return Rebased(candidate=number, onto=onto, program=PROGRAM.digest)
        case "veto":
            return decide(number, "discard", by="person:ada")
        case "pardon":
            return decide(number, "keep", by="person:ada")
        case _:
            return decide(number, step)


@given(steps=STEPS)
def test_following_is_the_same_as_looking_anew(
    begin: list[Record], steps: list[tuple[str, int, int]]
) -> None:
    study = Study()
    for id, record in enumerate(begin, start=1):
        study.apply(Entry(id=id, at=float(id), record=record))
    marks = Marks(study)
    for step, first, second in steps:
        record = make_record(study, step, first, second)
        if isinstance(record, Rebased) and record.candidate == 0:
            continue  # the baseline has no parent
        id = study.last_id + 1
        study.apply(Entry(id=id, at=float(id), record=record))
        before = list(marks.kinds)
        changed = marks.follow(study, [record.candidate])
        fresh = Marks(study)
        assert marks.kinds == fresh.kinds
        assert marks.barred == fresh.barred
        differing = {n for n, kind in enumerate(before) if kind != fresh.kinds[n]}
        assert differing <= changed


def test_a_status_is_named_as_in_the_tables(begin: list[Record], tmp_path: Path) -> None:
    study = Study()
    ended = Trial(candidate=1, trial=0, seed=0, status="killed", reason="slow", ended_by="cascade")
    records = [*begin, propose(1, 0), ended, decide(1, "discard", by="cascade")]
    for id, record in enumerate(records, start=1):
        study.apply(Entry(id=id, at=float(id), record=record))
    assert name_status(study, study.candidates[1]) == "ended early"
    assert Marks(study).kinds[1] == "ended"
