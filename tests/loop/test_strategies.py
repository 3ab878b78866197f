"""Strategies in a real loop, with the policy that looks at the incumbent only."""

from pathlib import Path

import pytest

from tests.loop.toy import Toy, rate
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose.proposer import Brief, ParentExhausted, Proposal
from workbench.testing import PROGRAM


@pytest.fixture
def toy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Toy:
    made = Toy(tmp_path, monkeypatch)
    made.score = lambda program, seed: abs(rate(program) - 2.5)
    made.propose = onwards
    return made


def onwards(brief: Brief) -> Proposal:
    """A rate that follows from the parent's and the question's number: now better, now worse."""
    step = (brief.number * 7919 % 1000 - 400) / 1000
    text = brief.program.files["train.py"].replace(
        f"RATE = {rate(brief.program)}", f"RATE = {rate(brief.program) + step:.6f}"
    )
    return Proposal(program=Program({"train.py": text}), hypothesis="onwards")


def parents(study: Study) -> list[int | None]:
    return [history.record.parent for history in study.candidates[1:]]


@pytest.mark.parametrize("strategy", ["islands", "frontier", "hillclimb", "best-of-n"])
def test_a_study_runs_with_each_and_every_decision_compares_with_the_incumbent_of_its_time(
    toy: Toy, strategy: str
) -> None:
    toy.create(candidates=40, strategy=strategy)
    study = toy.run()
    incumbent = 0
    for history in study.candidates[1:]:
        assert history.decision is not None
        assert history.decision.evidence.against == incumbent
        if history.status == "kept":
            incumbent = history.number
    assert study.incumbent == incumbent > 0
    assert study.best is not None
    assert study.best.number == incumbent


def test_islands_and_frontier_start_from_discarded_candidates_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_on_discarded = {}
    for strategy in ("islands", "frontier", "hillclimb", "best-of-n"):
        root = tmp_path / strategy
        root.mkdir()
        with monkeypatch.context() as patch:
            toy = Toy(root, patch)
            toy.score, toy.propose = lambda program, seed: abs(rate(program) - 2.5), onwards
            toy.create(candidates=40, strategy=strategy)
            study = toy.run()
        built_on_discarded[strategy] = any(
            study.candidates[number or 0].status == "discarded" for number in parents(study)
        )
    assert built_on_discarded == {
        "islands": True,
        "frontier": True,
        "hillclimb": False,
        "best-of-n": False,
    }


def test_what_is_shorter_than_a_parent_that_is_not_the_incumbent_is_not_kept_for_that(
    toy: Toy,
) -> None:
    long = Program({"train.py": PROGRAM.files["train.py"] + "MORE = 1\nYET_MORE = 1\n"})
    short = Program({"train.py": PROGRAM.files["train.py"] + "MORE = 2\n"})
    answers = iter(
        [
            Proposal(program=long, hypothesis="long"),
            Proposal(program=short, hypothesis="shorter", parent=1),
        ]
    )
    toy.score, toy.propose = (lambda program, seed: 1.0), lambda brief: next(answers)
    toy.create(candidates=2, strategy="islands")
    study = toy.run()
    assert study.candidates[2].record.removed > study.candidates[2].record.added
    assert [history.status for history in study.candidates] == ["kept", "discarded", "discarded"]


@pytest.mark.parametrize(("strategy", "state"), [("hillclimb", "finished"), ("islands", "running")])
def test_a_parent_without_more_changes_ends_a_study_only_where_there_is_no_other(
    toy: Toy, strategy: str, state: str
) -> None:
    barren: set[int] = set()

    def propose(brief: Brief) -> Proposal:
        if brief.number == 10:
            barren.add(brief.parent)
        if brief.parent in barren:
            raise ParentExhausted(f"nothing more from candidate {brief.parent}")
        return onwards(brief)

    toy.propose = propose
    toy.create(candidates=30, strategy=strategy)
    study = toy.run()
    assert barren
    assert (study.proposals.exhausted is None) == (state == "running")
    assert (study.proposals.n_made > 15) == (state == "running")


def test_a_wrong_feature_pauses_the_study_with_the_metrics_there_are(toy: Toy) -> None:
    toy.objective = '[search]\nfeatures = ["toknes"]'
    toy.create(candidates=3, strategy="islands")
    study = toy.run()
    assert study.state == "paused"
    assert (
        "[search] of experiment.toml names 'toknes', which the evaluator does not return; it "
        "returns: loss" in study.reason
    )
