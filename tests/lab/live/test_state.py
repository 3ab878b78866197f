"""What a screen is told of the experiment's metrics, of plots, and of vetoes."""

from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import BETTER, append, make_study, ok
from tests.lab.live.screen import Screen, watching
from tests.lab.live.weighing import weighing_study
from workbench.lab.live.protocol import Counts, Plots, Row, StudyInfo, StudyState
from workbench.options import ON_SCREENS
from workbench.records import Candidate, Decision, Rebased


def column(snapshot: dict[str, Any], name: str) -> dict[int, Any]:
    """One field of all rows, by candidate."""
    columns = snapshot["columns"]
    return dict(zip(columns["candidate"], columns[name], strict=True))


def plots_of(screen: Screen) -> dict[str, Any]:
    """What the screen was told last."""
    messages = [message for message in screen.messages if "plots" in message]
    plots: dict[str, Any] = messages[-1]["plots"]
    return plots


def test_a_screen_has_what_the_experiment_weighs(tmp_path: Path) -> None:
    with watching(weighing_study(tmp_path)) as (_, screen):
        snapshot = screen.of("snapshot")[0]
    assert snapshot["study"]["metrics"] == [
        {"name": "loss", "goal": "minimize"},
        {"name": "tokens", "goal": "minimize"},
        {"name": "recall", "goal": "maximize"},
    ]
    assert snapshot["columns"]["weighed"][3:5] == [[0.95, 150.0, 0.4], [None, None, None]]
    assert column(snapshot, "status")[4] == "discarded"
    kinds = ["kept", "kept", "discarded", "discarded", "ended", "kept", "discarded"]
    assert snapshot["columns"]["kind"] == kinds
    vetoed = [number for number, is_vetoed in column(snapshot, "vetoed").items() if is_vetoed]
    assert vetoed == [6]


def test_a_message_has_exactly_the_fields_that_are_described(tmp_path: Path) -> None:
    with watching(weighing_study(tmp_path)) as (_, screen):
        snapshot = screen.of("snapshot")[0]
    assert snapshot["columns"].keys() == Row.__annotations__.keys()
    assert snapshot["study"].keys() == StudyInfo.__annotations__.keys()
    assert snapshot["state"].keys() == StudyState.__annotations__.keys()
    assert tuple(snapshot["state"]["options"]) == ON_SCREENS
    assert snapshot["state"]["counts"].keys() == Counts.__annotations__.keys()
    assert snapshot["plots"].keys() == Plots.__annotations__.keys()


def test_every_pair_of_metrics_has_its_frontier(tmp_path: Path) -> None:
    with watching(weighing_study(tmp_path)) as (_, screen):
        frontiers = plots_of(screen)["frontiers"]
    assert frontiers == [
        {"x": "tokens", "y": "loss", "candidates": [3, 1, 5]},
        {"x": "recall", "y": "loss", "candidates": [2, 5]},
        {"x": "recall", "y": "tokens", "candidates": [2, 1, 3]},
    ]


def test_a_score_that_stands_alone_weighs_nothing(tmp_path: Path) -> None:
    with watching(make_study(tmp_path)) as (_, screen):
        snapshot = screen.of("snapshot")[0]
    assert snapshot["study"]["metrics"] == []
    assert set(map(tuple, snapshot["columns"]["weighed"])) == {()}
    assert snapshot["plots"]["frontiers"] == []


def test_the_running_best_and_the_cost_of_each_keep_are_sent(tmp_path: Path) -> None:
    with watching(make_study(tmp_path)) as (_, screen):
        plots = plots_of(screen)
    assert plots["leaders"] == [0, 1]
    assert plots["window"] == pytest.approx((0.755, 1.145))
    (trend,) = plots["trends"]
    assert (trend["name"], trend["y_title"]) == ("Cost per keep", "USD per kept change")
    assert (trend["candidates"], trend["ys"]) == ([1, 4], [0.5, 0.5])


def test_a_veto_changes_the_rows_and_plots_of_what_builds_on_it(tmp_path: Path) -> None:
    """No record names candidate 7, which was made from the vetoed one."""
    child = Candidate(candidate=7, parent=5, program=BETTER.digest, author="tuner")
    folder = weighing_study(tmp_path)
    append(folder, child, ok(7, 0, 0.6), Decision(candidate=7, verdict="keep", by="tested"))
    with watching(folder) as (_, screen):
        assert plots_of(screen)["leaders"] == [0, 1, 5, 7]
        append(folder, Decision(candidate=5, verdict="discard", by="person", why="no"))
        screen.wait_for(lambda: screen.of("changes"))
        screen.wait_for(lambda: {5, 7} <= screen.list_changed_rows())
        rows = {number: screen.last_row(number) for number in (5, 7)}
        assert {number: (row["kind"], row["barred"]) for number, row in rows.items()} == {
            5: ("discarded", True),
            7: ("discarded", True),
        }
        assert (rows[5]["vetoed"], rows[7]["vetoed"]) == (True, False)
        assert plots_of(screen)["leaders"] == [0, 1]
        assert plots_of(screen)["frontiers"][0]["candidates"] == [3, 1]
        append(folder, Decision(candidate=5, verdict="keep", by="person", why="yes after all"))
        screen.wait_for(lambda: screen.last_row(7)["kind"] == "kept")
        assert plots_of(screen)["leaders"] == [0, 1, 5, 7]


def test_what_an_ablation_left_out_is_not_barred(tmp_path: Path) -> None:
    folder = weighing_study(tmp_path)
    with watching(folder) as (_, screen):
        append(
            folder,
            Candidate(candidate=7, parent=5, program=BETTER.digest, author="ablation", without=5),
            Decision(candidate=5, verdict="discard", by="person", why="no"),
        )
        screen.wait_for(lambda: {5, 7} <= screen.list_changed_rows())
        row = screen.last_row(7)
        assert (row["barred"], row["kind"]) == (False, None)


def test_a_candidate_on_another_parent_has_a_new_row(tmp_path: Path) -> None:
    folder = weighing_study(tmp_path)
    queued = Candidate(candidate=7, parent=1, program=BETTER.digest, author="tuner", follows=True)
    append(folder, queued)
    with watching(folder) as (_, screen):
        append(folder, Rebased(candidate=7, onto=5, program=BETTER.digest, added=9))
        screen.wait_for(lambda: 7 in screen.list_changed_rows())
        assert (screen.last_row(7)["parent"], screen.last_row(7)["added"]) == (5, 9)
