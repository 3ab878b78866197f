"""The progress plot is the one people know; figures stay small and need no JavaScript."""

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.show.arms import arms
from workbench.experiment import Goal
from workbench.ledger.curves import Curve
from workbench.ledger.study import Study
from workbench.records import Candidate, Decision, Evidence, Record, Trial
from workbench.show import figures, svg
from workbench.testing import PROGRAM, experiment_for_tests, fold, opening

HOSTILE = (
    "<b onmouseover=alert(1)>bold</b> $\\href{http://e.example}{x}$ \u202e "
    "a very long hypothesis indeed"
)


def trial(candidate: int, index: int, score: float | None, **more: Any) -> Trial:
    values = {
        "status": "ok" if score is not None else "failed",
        "reason": "" if score is not None else "RuntimeError: no such luck",
    }
    return Trial(candidate=candidate, trial=index, seed=index, score=score, **{**values, **more})


def attempt(
    number: int, scores: list[float | None], verdict: str, hypothesis: str = "try it", **more: Any
) -> list[Record]:
    evidence = Evidence(against=0, effect=0.1, low=0.05, high=0.15, trials=len(scores))
    decision = Decision(
        candidate=number, verdict=verdict, by="tested", why="because", evidence=evidence
    )  # type: ignore[arg-type]
    record = Candidate(
        candidate=number,
        parent=0,
        program=PROGRAM.digest,
        author="agent",
        hypothesis=hypothesis,
        added=3,
        removed=1,
    )
    return [
        record,
        *(trial(number, index, score, **more) for index, score in enumerate(scores)),
        decision,
    ]


@pytest.fixture
def study(tmp_path: Path) -> Study:
    return make_study(tmp_path, "minimize", 1.0)


def make_study(folder: Path, goal: Goal, sign: float) -> Study:
    base = 10.0
    records = [
        *opening(experiment_for_tests(folder, goal)),
        trial(0, 0, base),
        Decision(candidate=0, verdict="keep", by="tested"),
        *attempt(1, [base + sign * 3], "discard", "much worse"),
        *attempt(2, [base - sign * 1, base - sign * 1.2], "keep", HOSTILE),
        *attempt(3, [None], "discard", "a crash"),
        *attempt(4, [base - sign * 0.5], "discard"),
        *attempt(5, [base - sign * 2.0], "keep", "halve the batch"),
        Candidate(candidate=6, parent=5, program=PROGRAM.digest, author="agent"),
        trial(6, 0, base - sign * 2.1),
    ]
    return fold(records)


def traces_of(figure: Any) -> dict[str, dict[str, Any]]:
    """The traces by name."""
    return {trace["name"].split(" (")[0]: trace for trace in figure.to_plotly_json()["data"]}


def traces_with(figure: Any, candidate: int) -> list[str]:
    """Names of the traces in which a candidate is."""
    return [name for name, trace in traces_of(figure).items() if candidate in trace["x"]]


def test_it_is_the_plot_of_the_analysis_notebook(study: Study) -> None:
    figure = figures.draw_progress(study).to_plotly_json()
    traces, layout = traces_of(figures.draw_progress(study)), figure["layout"]
    assert layout["title"]["text"] == "Autoresearch Progress: 7 Experiments, 3 Kept Improvements"
    assert layout["yaxis"]["title"]["text"] == "loss (lower is better)"
    assert layout["xaxis"]["title"]["text"] == "Experiment #"
    assert layout["yaxis"]["range"] == pytest.approx([8 - 0.15 * 2, 10 + 0.15 * 2])
    assert (traces["Kept"]["marker"]["color"], traces["Kept"]["marker"]["line"]["color"]) == (
        "#2ecc71",
        "black",
    )
    assert traces["Discarded"]["marker"] == {"color": "#cccccc", "size": 5, "opacity": 0.5}
    assert traces["Running best"]["line"]["shape"] == "hv"
    assert list(traces["Kept"]["x"]) == [0, 2, 5]
    assert list(traces["Running best"]["y"]) == [10.0, 8.9, 8.0, 8.0]
    labels = layout["annotations"]
    assert [label["text"] for label in labels][::2] == ["baseline", "halve the batch"]
    assert labels[1]["text"].endswith("...")
    assert {label["textangle"] for label in labels} == {-30}


def test_what_is_clearly_worse_than_the_baseline_waits_in_the_legend(study: Study) -> None:
    traces = traces_of(figures.draw_progress(study))
    assert list(traces["Discarded"]["x"]) == [4]
    assert (
        list(traces["Worse than the baseline"]["x"]),
        traces["Worse than the baseline"]["visible"],
    ) == ([1], "legendonly")


def test_crashes_are_crosses_without_a_value(study: Study) -> None:
    cross = traces_of(figures.draw_progress(study))["Crashed"]
    assert (list(cross["x"]), cross["marker"]["symbol"]) == ([3], "x")
    assert "no such luck" in cross["hovertext"][0]
    assert traces_with(figures.draw_progress(study), 3) == ["Crashed"]


def test_what_was_ended_early_is_a_triangle_without_a_value(tmp_path: Path) -> None:
    why = "quick 9 is more than 0.3 worse than the incumbent's 8"
    ended = Trial(candidate=6, trial=0, seed=0, status="killed", reason=why, ended_by="cascade")
    records = [
        *opening(experiment_for_tests(tmp_path)),
        trial(0, 0, 10.0),
        Decision(candidate=0, verdict="keep", by="tested"),
        *(record for number in range(1, 6) for record in attempt(number, [9.0], "discard")),
        Candidate(
            candidate=6, parent=0, program=PROGRAM.digest, author="agent", hypothesis=HOSTILE
        ),
        ended,
        Decision(candidate=6, verdict="discard", by="cascade", why=why),
    ]
    study = fold(records)
    figure = figures.draw_progress(study)
    triangle = traces_of(figure)["Ended early"]
    assert (list(triangle["x"]), triangle["marker"]["symbol"]) == ([6], "triangle-up")
    assert list(triangle["y"]) == [figure.to_plotly_json()["layout"]["yaxis"]["range"][0]]
    assert triangle["hovertext"][0].startswith("<b>candidate 6</b>, ended early<br>&lt;b on")
    assert f"discard by cascade: {why}" in triangle["hovertext"][0]
    assert traces_with(figure, 6) == ["Running best", "Ended early"]
    assert "Ended early (1)" in figure._repr_mimebundle_()["image/svg+xml"]
    vetoed = fold([*records, Decision(candidate=6, verdict="discard", by="person", why="no")])
    assert "Ended early" not in traces_of(figures.draw_progress(vetoed))


def test_what_an_ablation_tried_is_drawn_once_a_person_is_asked_about_it(tmp_path: Path) -> None:
    records = [
        *opening(experiment_for_tests(tmp_path)),
        trial(0, 0, 10.0),
        Decision(candidate=0, verdict="keep", by="tested"),
        *attempt(1, [9.0], "keep"),
        *attempt(2, [9.5], "discard"),
        *arms(3, parent=1, without=1, score=9.2),
    ]
    study = fold(records)
    traces, title = (
        traces_of(figures.draw_progress(study)),
        figures.draw_progress(study).to_plotly_json()["layout"]["title"]["text"],
    )
    numbers = {name: list(trace["x"]) for name, trace in traces.items() if name != "Running best"}
    assert numbers == {"Discarded": [2], "Undecided": [6], "Kept": [0, 1, 7]}
    assert title == f"Autoresearch Progress: {study.n_candidates} Experiments, 3 Kept Improvements"


def test_pointing_at_a_dot_tells_what_was_tried(study: Study) -> None:
    kept = traces_of(figures.draw_progress(study))["Kept"]
    assert kept["hovertext"][1].split("<br>")[2:] == [
        "loss 8.9 ± 0.141 (sd of 2 trials)",
        "keep by tested: because",
        "effect +0.1 [+0.05, +0.15]",
        "+3 / -1 lines",
    ]
    assert list(kept["error_y"]["array"]) == pytest.approx([0, 0.1414, 0], abs=1e-3)


def test_a_maximised_score_climbs(tmp_path: Path) -> None:
    study = make_study(tmp_path, "maximize", -1.0)
    traces, layout = (
        traces_of(figures.draw_progress(study)),
        figures.draw_progress(study).to_plotly_json()["layout"],
    )
    assert list(traces["Running best"]["y"]) == [10.0, 11.1, 12.0, 12.0]
    assert layout["yaxis"]["title"]["text"] == "loss (higher is better)"
    assert layout["yaxis"]["range"] == pytest.approx([9.7, 12.3])
    assert list(traces["Worse than the baseline"]["x"]) == [1]


def test_a_model_s_words_are_no_markup(study: Study) -> None:
    stored = (
        json.dumps(figures.draw_progress(study).to_plotly_json())
        + figures.draw_progress(study)._repr_mimebundle_()["image/svg+xml"]
    )
    assert "<b on" not in stored
    assert "$\\\\href" not in stored
    assert "\\u202e" not in stored
    assert "&lt;b onmouseover" in stored


def test_an_empty_study_and_one_without_improvement_can_be_drawn(tmp_path: Path) -> None:
    empty = fold(opening(experiment_for_tests(tmp_path)))
    assert "1 Experiments, 0 Kept" in figures.draw_progress(empty)._repr_mimebundle_()["text/plain"]
    flat = fold(
        [*opening(experiment_for_tests(tmp_path)), trial(0, 0, 1.0), *attempt(1, [5.0], "discard")]
    )
    traces = traces_of(figures.draw_progress(flat)).values()
    assert sorted(x for trace in traces for x in trace["x"]) == [0, 1]
    ElementTree.fromstring(figures.draw_progress(flat)._repr_mimebundle_()["image/svg+xml"])
    ElementTree.fromstring(figures.draw_curves({})._repr_mimebundle_()["image/svg+xml"])


def test_a_figure_is_stored_small_and_with_a_picture(tmp_path: Path) -> None:
    records = [
        *opening(experiment_for_tests(tmp_path)),
        trial(0, 0, 1.0),
        Decision(candidate=0, verdict="keep", by="tested"),
    ]
    for number in range(1, 3000):
        records += attempt(
            number,
            [1 - number * 1e-5 if number % 50 == 0 else 1.0],
            "keep" if number % 50 == 0 else "discard",
            "x" * 80,
        )
    figure = figures.draw_progress(fold(records))
    bundle = figure._repr_mimebundle_()
    assert set(bundle) == {"application/vnd.plotly.v1+json", "image/svg+xml", "text/plain"}
    assert len(json.dumps(bundle)) < 200_000
    assert "of 2,940" in "".join(trace["name"] for trace in figure.to_plotly_json()["data"])
    ElementTree.fromstring(bundle["image/svg+xml"])


def test_a_notebook_stores_the_bundle_and_no_script(study: Study) -> None:
    from IPython.core.formatters import DisplayFormatter

    data, _ = DisplayFormatter().format(figures.draw_progress(study))
    assert "text/html" not in data
    assert "image/svg+xml" in data


def test_curves_stand_at_the_same_step_and_say_who_measured() -> None:
    steps = tuple(float(step) for step in range(3000))
    spike = tuple(9.0 if step == 1234 else 3.0 for step in steps)
    figure = figures.draw_curves(
        {
            "candidate 7": {"loss": Curve(steps, spike, True), "val": Curve((0.0,), (1.0,), False)},
            "incumbent 3": {"loss": Curve(steps[:10], steps[:10], True)},
        }
    ).to_plotly_json()
    loss = [trace for trace in figure["data"] if trace["yaxis"] == "y"]
    assert [trace["name"] for trace in loss] == ["incumbent 3", "candidate 7"]
    assert len(loss[1]["x"]) <= 400
    assert max(loss[1]["y"]) == 9.0
    assert "(self-reported)" in figure["layout"]["yaxis"]["title"]["text"]
    assert "(self-reported)" not in figure["layout"]["yaxis2"]["title"]["text"]
    assert [trace["mode"] for trace in figure["data"] if trace["yaxis"] == "y2"] == ["markers"]


@pytest.mark.parametrize(("low", "high"), [(0, 1), (0.98, 0.999), (-3, 1e6), (1e-9, 2e-9)])
def test_ticks_are_round_and_inside(low: float, high: float) -> None:
    ticks = svg.find_ticks(low, high)
    assert 4 <= len(ticks) <= 8
    assert low <= ticks[0] < ticks[-1] <= high
