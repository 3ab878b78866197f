"""Records come back from JSON as they were, also those that another version wrote."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import StudyError
from workbench.experiment import Objective
from workbench.record_json import decode, encode
from workbench.records import (
    Ablated,
    Ablation,
    Audit,
    Candidate,
    Decision,
    Evidence,
    Options,
    Record,
    StudyOpened,
    Trial,
    Unknown,
)

words = st.text(max_size=20)
finite = st.floats(allow_nan=False, allow_infinity=False)
records = st.one_of(
    st.builds(
        Candidate,
        candidate=st.integers(1, 9),
        parent=st.integers(0, 9),
        program=words,
        author=words,
        hypothesis=words,
        usd=finite,
    ),
    st.builds(
        Candidate,
        candidate=st.integers(1, 9),
        parent=st.just(0),
        program=words,
        author=words,
        flags=st.lists(words).map(tuple),
    ),
    st.builds(
        Trial,
        candidate=st.integers(0, 9),
        trial=st.integers(0, 9),
        seed=st.integers(0),
        status=st.just("ok"),
        score=finite,
    ),
    st.builds(
        Trial,
        candidate=st.just(1),
        trial=st.just(0),
        seed=st.just(0),
        status=st.just("ok"),
        score=finite,
        units=st.lists(finite).map(tuple),
    ),
    st.builds(
        Decision,
        candidate=st.integers(0, 9),
        verdict=st.sampled_from(["keep", "discard", "revise", "defer"]),
        by=words,
        hunks=st.lists(st.integers(1, 9)).map(tuple),
        rejected=st.lists(st.integers(1, 9)).map(tuple),
        evidence=st.builds(
            Evidence, effect=finite | st.none(), seeds=st.lists(st.integers(0)).map(tuple)
        ),
    ),
    st.builds(
        Ablation,
        request=words,
        candidate=st.integers(1, 9),
        rows=st.lists(
            st.builds(
                Ablated,
                without=st.integers(1, 9),
                candidate=st.none() | st.integers(1, 9),
                weight=st.sampled_from(["carries", "not made"]),
                why=words,
                evidence=st.builds(
                    Evidence, effect=finite, seeds=st.lists(st.integers(0)).map(tuple)
                ),
            )
        ).map(tuple),
    ),
    st.builds(
        Audit,
        request=words,
        candidate=st.integers(1, 9),
        verdict=st.just("holds"),
        why=words,
        claimed=finite | st.none(),
    ),
    st.builds(
        StudyOpened,
        name=words,
        experiment=words,
        source=words,
        experiment_digest=words,
        objective=st.just(Objective(name="loss", goal="minimize")),
        options=st.builds(Options, proposer=words, candidates=st.integers(0, 99)),
        shape=st.just("call"),
    ),
)


@given(records)
def test_a_record_comes_back_as_it_was(record: Record) -> None:
    assert decode(*encode(record)) == record


def test_a_decision_of_an_earlier_version_names_no_rejected_hunks() -> None:
    record = decode("decision", '{"candidate": 1, "verdict": "revise", "by": "x", "hunks": [2]}')
    assert record == Decision(candidate=1, verdict="revise", by="x", hunks=(2,))


def test_a_record_without_a_field_that_it_needs_is_an_error() -> None:
    with pytest.raises(StudyError, match="a Candidate record of this study has no author"):
        decode("candidate", '{"candidate": 1, "parent": 0, "program": "d"}')


def test_a_kind_of_a_newer_version_is_kept_as_it_is() -> None:
    record = decode("telepathy", '{"thought": 1}')
    assert record == Unknown(name="telepathy", body={"thought": 1})
    assert encode(record) == ("telepathy", '{"thought":1}')


def test_a_field_of_a_newer_version_is_left_out() -> None:
    kind, body = encode(Candidate(candidate=1, parent=0, program="d", author="x"))
    assert decode(kind, body[:-1] + ',"mood":"good"}') == decode(kind, body)


@pytest.mark.parametrize("value", [math.nan, math.inf, True, "3.0", None])
def test_a_metric_must_be_a_finite_number(value: Any) -> None:
    with pytest.raises(ValueError):
        Trial(candidate=0, trial=0, seed=0, status="ok", score=1.0, metrics={"loss": value})


def test_a_unit_is_a_finite_number() -> None:
    with pytest.raises(ValueError, match="a unit = nan; it must be a finite number"):
        Trial(candidate=0, trial=0, seed=0, status="ok", score=1.0, units=(1.0, math.nan))


def test_only_an_ok_trial_has_a_score() -> None:
    with pytest.raises(ValueError, match="exactly when it is ok"):
        Trial(candidate=0, trial=0, seed=0, status="failed", score=0.0)
    with pytest.raises(ValueError, match="exactly when it is ok"):
        Trial(candidate=0, trial=0, seed=0, status="ok")
