"""A trend says what a study had spent for each change it kept, and is drawn without a browser."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

import workbench
from tests.by_hand import BETTER, FINISHED, RECORDS, append, make_study, ok
from workbench.ledger.folder import StudyFolder
from workbench.records import Candidate, Decision, Record
from workbench.show.marks import Marks
from workbench.show.trends import Trend, measure_cost_per_keep
from workbench.verbs.handle import StudyHandle


def measure(folder: StudyFolder) -> Trend:
    with StudyHandle(folder) as study:
        return measure_cost_per_keep(study.study, Marks(study.study).kinds)


def keep(number: int, usd: float) -> list[Record]:
    record = Candidate(
        candidate=number, parent=1, program=BETTER.digest, author="tuner", usd=usd, hypothesis="so"
    )
    decision = Decision(candidate=number, verdict="keep", by="tested", why="better")
    return [record, ok(number, 0, 0.1, seconds=10.0), decision]


def test_the_money_spent_is_divided_by_the_changes_kept(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RECORDS)
    append(folder, *keep(5, usd=0.3), *keep(6, usd=0.1))
    trend = measure(folder)
    assert [(point.candidate, point.y) for point in trend.points] == [
        (1, 0.5),
        (5, pytest.approx(0.4)),
        (6, pytest.approx(0.3)),
    ]
    assert (trend.x_title, trend.y_title) == ("hours since the start", "USD per kept change")
    hours = [point.x for point in trend.points]
    assert hours == sorted(hours)
    assert hours[0] >= 0


def test_without_money_the_seconds_of_trials_count(tmp_path: Path) -> None:
    baseline = RECORDS[:4]
    folder = make_study(tmp_path, records=[*baseline, *keep(1, usd=0.0), *keep(2, usd=0.0)])
    trend = measure(folder)
    assert trend.y_title == "seconds of trials per kept change"
    assert [point.y for point in trend.points] == [13.0, 11.5]  # 3 s of the baseline, 10 s each


def test_before_the_first_keep_there_is_nothing_to_show(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RECORDS[:4])
    assert measure(folder).points == []
    with StudyHandle(folder) as study:
        picture = study.cost_per_keep()._repr_mimebundle_()["image/svg+xml"]
    assert "no change was kept yet" in picture


def test_a_log_has_no_times(tmp_path: Path) -> None:
    log = tmp_path / "results.tsv"
    log.write_text("commit\tval_bpb\tmemory_gb\tstatus\tdescription\na1\t1.0\t44.0\tkeep\tbase\n")
    with workbench.import_log(log, root=tmp_path) as study:
        assert measure(study.folder).points == []


def test_the_figure_can_be_seen_without_a_front_end(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=(*RECORDS, FINISHED))
    with StudyHandle(folder) as study:
        figure: Any = study.cost_per_keep()
    traces = {trace["name"]: trace for trace in figure.to_plotly_json()["data"]}
    assert list(traces["Cost per keep"]["y"]) == [0.5, 0.5]
    assert list(traces["Kept"]["y"]) == [0.5]
    assert "USD per kept change 0.5" in traces["Kept"]["hovertext"][0]
    ElementTree.fromstring(figure._repr_mimebundle_()["image/svg+xml"])
