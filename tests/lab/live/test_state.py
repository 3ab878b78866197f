"""What a screen is told of the experiment's metrics, and of what was ended early or vetoed."""

from pathlib import Path

from tests.by_hand import BETTER, append, make_study
from tests.lab.live.screen import watching
from tests.lab.live.weighing import weighing_study
from workbench.records import Candidate, Decision


def test_a_screen_has_what_the_experiment_weighs(tmp_path: Path) -> None:
    with watching(weighing_study(tmp_path)) as (_, screen):
        snapshot = screen.of("snapshot")[0]
    assert snapshot["study"]["metrics"] == [
        {"name": "loss", "goal": "minimize"},
        {"name": "tokens", "goal": "minimize"},
        {"name": "recall", "goal": "maximize"},
    ]
    columns = snapshot["columns"]
    assert columns["weighed"][3:5] == [[0.95, 150.0, 0.4], [None, None, None]]
    assert [number for number, ended in enumerate(columns["ended"]) if ended] == [4]
    assert columns["status"][4] == "discarded"
    assert [number for number, vetoed in enumerate(columns["vetoed"]) if vetoed] == [6]


def test_a_score_that_stands_alone_weighs_nothing(tmp_path: Path) -> None:
    with watching(make_study(tmp_path)) as (_, screen):
        snapshot = screen.of("snapshot")[0]
    assert snapshot["study"]["metrics"] == []
    assert set(map(tuple, snapshot["columns"]["weighed"])) == {()}


def test_a_veto_and_what_an_ablation_left_out_reach_the_screen(tmp_path: Path) -> None:
    folder = weighing_study(tmp_path)
    with watching(folder) as (_, screen):
        append(
            folder,
            Candidate(candidate=7, parent=5, program=BETTER.digest, author="ablation", without=1),
            Decision(candidate=5, verdict="discard", by="person", why="no"),
        )
        screen.wait_for(lambda: screen.of("changes"))
        screen.wait_for(
            lambda: (
                {row["candidate"] for change in screen.of("changes") for row in change["rows"]}
                >= {5, 7}
            )
        )
        assert (
            screen.last_row(5)["vetoed"],
            screen.last_row(7)["vetoed"],
            screen.last_row(7)["without"],
        ) == (True, False, 1)
