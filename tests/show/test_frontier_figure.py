"""The frontier is what no other candidate beats in both metrics; the figure shows the rest too."""

import json
import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.by_hand import TOML, make_study, write_experiment
from tests.show.arms import arms
from workbench.errors import UsageError
from workbench.experiment import Goal
from workbench.ledger.study import Study
from workbench.records import Candidate, Decision, Record, Trial
from workbench.search.frontier import Frontier
from workbench.show import tradeoff as frontiers
from workbench.show.figures import draw_progress
from workbench.show.frontier_figure import draw_frontier
from workbench.show.marks import Marks
from workbench.testing import PROGRAM, experiment_for_tests, fold, opening
from workbench.verbs.handle import StudyHandle

WEIGHED: dict[str, Goal] = {"loss": "minimize", "tokens": "minimize", "recall": "maximize"}
HOSTILE = "<b onmouseover=alert(1)>bold</b> $\\href{http://e.example}{x}$ \u202e"


def attempt(
    number: int,
    loss: float,
    verdict: str = "discard",
    by: str = "tested",
    parent: int | None = 0,
    **more: float,
) -> list[Record]:
    record = Candidate(
        candidate=number,
        parent=parent,
        program=PROGRAM.digest,
        author="agent",
        hypothesis=f"{HOSTILE} {number}",
    )
    trial = Trial(candidate=number, trial=0, seed=0, status="ok", score=loss, metrics=more)
    decision = Decision(candidate=number, verdict=verdict, by=by, why="because")  # type: ignore[arg-type]
    return [*([record] if number else []), trial, decision]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    """By loss and tokens, 4, 2 and 6 are on the frontier.

    7 is undecided, 8 lacks a metric, 9 was vetoed, 10 was made from it, and 11 failed.
    """
    failed = Trial(candidate=11, trial=1, seed=1, status="failed", reason="RuntimeError")
    undecided = attempt(7, 0.1, tokens=1, recall=0.9)[:2]
    return fold(
        [
            *opening(experiment_for_tests(tmp_path)),
            *attempt(0, 10, "keep", parent=None, tokens=50, recall=0.2),
            *attempt(1, 9, "keep", tokens=90, recall=0.3),
            *attempt(2, 8, "keep", tokens=40, recall=0.4),
            *attempt(3, 8, tokens=40, recall=0.4),
            *attempt(4, 9.5, tokens=10, recall=0.1),
            *attempt(5, 12, tokens=60, recall=0.95),
            *attempt(6, 7, "keep", tokens=45, recall=0.5),
            *undecided,
            *attempt(8, 1, recall=0.9),
            *attempt(9, 2, by="person", tokens=2, recall=0.9),
            *attempt(10, 3, tokens=1, parent=9, recall=0.9),
            *[
                *attempt(11, 4, tokens=1, recall=0.9)[:2],
                failed,
                Decision(candidate=11, verdict="discard", by="loop", why="failed"),
            ],
        ]
    )


def traces_of(figure: Any) -> dict[str, dict[str, Any]]:
    return {trace["name"].split(" (")[0]: trace for trace in figure.to_plotly_json()["data"]}


def test_the_line_joins_what_no_other_one_beats(study: Study) -> None:
    figure = draw_frontier(study, WEIGHED)
    traces, layout = traces_of(figure), figure.to_plotly_json()["layout"]
    line = traces["Frontier"]
    assert [*zip(line["x"], line["y"], strict=True)] == [(10, 9.5), (40, 8), (45, 7)]
    assert (line["line"]["shape"], line["mode"]) == ("hv", "lines+markers")
    assert [*zip(traces["Kept"]["x"], traces["Kept"]["y"], strict=True)] == [
        (50, 10),
        (90, 9),
        (40, 8),
        (45, 7),
    ]
    assert set(zip(traces["Discarded"]["x"], traces["Discarded"]["y"], strict=True)) == {
        (40, 8),
        (10, 9.5),
        (60, 12),
        (2, 2),
        (1, 3),
    }
    assert (
        list(traces["Undecided"]["x"]),
        list(traces["Baseline"]["x"]),
        list(traces["Incumbent"]["x"]),
    ) == ([1], [50], [45])
    assert layout["xaxis"]["title"]["text"] == "tokens (lower is better)"
    assert layout["yaxis"]["title"]["text"] == "loss (lower is better)"
    assert (
        layout["title"]["text"]
        == "loss against tokens: 3 that no other one beats, 2 without these metrics, 2 of 3 metrics"
    )


def test_what_an_ablation_tried_is_drawn_once_a_person_is_asked_about_it(tmp_path: Path) -> None:
    tries = [
        *attempt(0, 10, "keep", parent=None, tokens=50),
        *attempt(1, 9, "keep", tokens=90),
        *attempt(2, 9.5, tokens=70),
    ]
    ablated = arms(3, parent=1, without=1, score=9.2, tokens=80)
    study = fold([*opening(experiment_for_tests(tmp_path)), *tries, *ablated])
    traces = traces_of(draw_frontier(study, {"loss": "minimize", "tokens": "minimize"}))
    assert [*zip(traces["Discarded"]["x"], traces["Discarded"]["y"], strict=True)] == [(70, 9.5)]
    assert [*zip(traces["Undecided"]["x"], traces["Undecided"]["y"], strict=True)] == [(80, 9.2)]
    assert [*zip(traces["Kept"]["x"], traces["Kept"]["y"], strict=True)] == [
        (50, 10),
        (90, 9),
        (80, 9.2),
    ]


def test_any_two_of_the_metrics_can_be_chosen(study: Study) -> None:
    line = traces_of(draw_frontier(study, WEIGHED, ("recall", "tokens")))["Frontier"]
    assert [*zip(line["x"], line["y"], strict=True)] == [
        (10, 0.1),
        (40, 0.4),
        (45, 0.5),
        (60, 0.95),
    ]
    for wrong in (("loss",), ("loss", "loss"), ("loss", "speed"), ("loss", "tokens", "recall")):
        with pytest.raises(
            UsageError,
            match="a frontier has two of the metrics that toy weighs: loss, tokens, recall",
        ):
            draw_frontier(study, WEIGHED, wrong)


@pytest.mark.parametrize(
    "metrics",
    [{"loss": "minimize", "tokens": "minimize"}, {"recall": "maximize", "tokens": "minimize"}],
)
def test_the_strategy_has_the_same_frontier(
    study: Study, tmp_path: Path, metrics: Mapping[str, Goal]
) -> None:
    experiment = experiment_for_tests(tmp_path)
    strategy = Frontier(
        replace(experiment, search=replace(experiment.search, metrics=metrics)), study.options
    )
    ask = strategy.ask(study)
    upright, across = metrics
    line = traces_of(draw_frontier(study, metrics))["Frontier"]
    objective, candidates = study.opened.objective, study.candidates
    points = {
        tuple(frontiers.mean_values(objective, candidates[number], (across, upright)))
        for number in (ask.parent, *ask.inspirations)
    }
    assert points == {*zip(line["x"], line["y"], strict=True)}


def test_pointing_at_a_dot_tells_both_metrics_and_no_word_is_markup(study: Study) -> None:
    figure = draw_frontier(study, WEIGHED, ("recall", "tokens"))
    assert traces_of(figure)["Incumbent"]["hovertext"][0].split("<br>")[2:5] == [
        "loss 7",
        "tokens 45",
        "recall 0.5",
    ]
    stored = json.dumps(figure.to_plotly_json()) + figure._repr_mimebundle_()["image/svg+xml"]
    assert "<b on" not in stored
    assert "$\\\\href" not in stored
    assert "\\u202e" not in stored


def test_it_can_be_seen_without_a_front_end(study: Study) -> None:
    bundle = draw_frontier(study, WEIGHED)._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.plotly.v1+json", "image/svg+xml", "text/plain"}
    ElementTree.fromstring(bundle["image/svg+xml"])
    other = draw_progress(study)._repr_mimebundle_()
    clips = [
        re.findall(r'<clipPath id="([^"]+)"', svg)
        for svg in (bundle["image/svg+xml"], other["image/svg+xml"])
    ]
    assert len({*clips[0], *clips[1]}) == 2, (
        "on one page, a figure would be cut to the frame of another"
    )
    for word in ("Frontier (3)", "Baseline", "Incumbent"):
        assert word in bundle["image/svg+xml"]


def test_before_the_first_score_it_says_so(tmp_path: Path) -> None:
    figure = draw_frontier(fold(opening(experiment_for_tests(tmp_path))), WEIGHED)
    assert "no candidate has loss and tokens yet" in figure._repr_mimebundle_()["image/svg+xml"]


def test_what_is_weighed_stands_in_the_study_s_own_copy_of_the_experiment(tmp_path: Path) -> None:
    with StudyHandle(make_study(tmp_path / "one")) as study, pytest.raises(UsageError) as refused:
        study.frontier()
    assert str(refused.value) == (
        "toy weighs loss alone; to weigh more, write below [search] of experiment.toml: "
        'metrics = { loss = "minimize", seconds = "minimize" }'
    )
    toml = TOML + '[search]\nmetrics = { loss = "minimize", tokens = "minimize" }\n'
    (write_experiment(tmp_path / "two" / "toy") / "experiment.toml").write_text(toml)
    with StudyHandle(make_study(tmp_path / "two")) as study:
        assert (
            study.frontier().to_plotly_json()["layout"]["xaxis"]["title"]["text"]
            == "tokens (lower is better)"
        )


def test_what_an_ablation_took_out_bars_nothing(tmp_path: Path) -> None:
    without = Candidate(candidate=2, parent=1, program=PROGRAM.digest, author="ablation", without=1)
    records = [
        *attempt(0, 10, "keep", parent=None),
        *attempt(1, 9, "keep"),
        without,
        *attempt(3, 8, "keep", parent=2),
    ]
    veto = Decision(candidate=1, verdict="discard", by="person:ada", why="no")
    study = fold([*opening(experiment_for_tests(tmp_path)), *records, veto])
    assert Marks(study).barred == {1}
