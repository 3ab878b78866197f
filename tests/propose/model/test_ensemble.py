from collections import Counter
from random import Random

import pytest

from workbench.errors import UsageError
from workbench.propose.model import ensemble
from workbench.records import Candidate, Decision, ProposalFailed, Record
from workbench.testing import experiment_for_tests, fold, opening


def test_models_come_with_their_weights() -> None:
    assert ensemble.parse_models("a=3, b=1") == {"a": 3.0, "b": 1.0}
    assert ensemble.parse_models("qwen3:8b") == {"qwen3:8b": 1.0}


@pytest.mark.parametrize("text", ["", " , ", "a=0", "a=-1", "a=x", "a=nan", "a=inf", "=2", "a,a"])
def test_a_text_that_does_not_name_models_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(UsageError, match="--model"):
        ensemble.parse_models(text)


def test_weights_are_chances_and_the_seed_decides() -> None:
    drawn = [
        ensemble.choose_by_weight({"a": 3.0, "b": 1.0}, Random(f"0/{number}"))
        for number in range(2000)
    ]
    assert drawn == [
        ensemble.choose_by_weight({"a": 3.0, "b": 1.0}, Random(f"0/{number}"))
        for number in range(2000)
    ]
    assert 1400 < Counter(drawn)["a"] < 1600


def measure_share(tmp_path, records: list[Record]) -> float:
    study = fold(
        [
            *opening(experiment_for_tests(tmp_path)),
            Decision(candidate=0, verdict="keep", by="loop"),
            *records,
        ]
    )
    choices = [
        ensemble.choose_by_success(["a", "b"], study, Random(number)) for number in range(400)
    ]
    return choices.count("a") / 400


def make_records(verdicts: dict[str, list[str]], tokens: dict[str, int]) -> list[Record]:
    """Decided candidates of each model, which all cost the same number of tokens."""
    records: list[Record] = []
    number = 0
    for model, model_verdicts in verdicts.items():
        for verdict in model_verdicts:
            number += 1
            cost = tokens[model]
            origin = {"model": model}
            records += [
                Candidate(
                    candidate=number,
                    parent=0,
                    program=f"{number:064}",
                    author="evolve",
                    origin=origin,
                    tokens=cost,
                ),
                Decision(candidate=number, verdict=verdict, by="tested"),
            ]
    return records


def test_a_model_that_keeps_more_is_asked_more(tmp_path) -> None:
    equal = {"a": 10_000, "b": 10_000}
    assert 0.4 < measure_share(tmp_path, []) < 0.6
    assert (
        measure_share(
            tmp_path,
            make_records({"a": ["keep"] * 8 + ["discard"] * 2, "b": ["discard"] * 10}, equal),
        )
        > 0.95
    )


def test_a_model_that_costs_more_is_asked_less_at_the_same_success(tmp_path) -> None:
    half = ["keep", "discard"] * 10
    assert (
        measure_share(tmp_path, make_records({"a": half, "b": half}, {"a": 5_000, "b": 50_000}))
        > 0.95
    )


def test_answers_that_gave_no_program_count_against_their_model(tmp_path) -> None:
    failed = [
        ProposalFailed(author="evolve", reason="x", origin={"model": "a", "tokens": 10_000})
        for _ in range(20)
    ]
    tried = make_records({"b": ["keep", "discard"]}, {"b": 10_000})
    assert measure_share(tmp_path, [*tried, *failed]) < 0.1


def test_what_is_not_decided_yet_counts_neither_way(tmp_path) -> None:
    waiting = [
        Candidate(
            candidate=number,
            parent=0,
            program=f"{number:064}",
            author="evolve",
            origin={"model": "a"},
            tokens=10_000,
        )
        for number in range(1, 30)
    ]
    assert 0.4 < measure_share(tmp_path, list(waiting)) < 0.6
