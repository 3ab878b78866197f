import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import BASELINE, BETTER, FINISHED, RECORDS, add_points, append, make_study
from tests.studies import folded
from workbench.errors import StudyError
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.lease import Lease
from workbench.ledger.study import Study
from workbench.records import Adopted, Candidate, Decision, StateChanged, Trial
from workbench.show import results, views
from workbench.show.tables import ShowView, StatusView

LOG = {
    "candidate",
    "parent",
    "author",
    "hypothesis",
    "status",
    "score",
    "trials",
    "decision",
    "added",
    "removed",
    "self_reported",
    "flags",
    "notes",
}


def show(folder: StudyFolder, number: int) -> dict[str, Any]:
    with Journal(folder) as journal:
        return views.show(Study().fold(journal.read_entries()), journal, number)


def test_status_has_the_promised_fields(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    view = views.status(folded(folder), folder)
    assert view["study"] == "toy-1"
    assert view["experiment"] == "toy"
    assert view["state"] == "finished"
    assert view["objective"] == {"name": "loss", "goal": "minimize"}
    assert view["counts"] == {"candidates": 4, "kept": 1, "discarded": 1, "failed": 1, "waiting": 1}
    assert view["baseline"]["score"] == pytest.approx(1.1)
    assert view["baseline"]["spread"] == pytest.approx(math.sqrt(0.02))
    assert view["best"] == view["incumbent"] == {"candidate": 1, "score": 0.8}
    assert "incumbent" not in repr(StatusView(view))
    assert (view["spent"]["usd"], view["spent"]["tokens"]) == (0.5, 100)
    assert view["sandbox"] == "bwrap"


def test_status_names_the_incumbent_where_it_is_not_the_best(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    append(folder, Adopted(request="f", sequence=1, verb="fork", body={"candidate": 0}))
    view = views.status(folded(folder), folder)
    assert (view["best"]["candidate"], view["incumbent"]) == (
        1,
        {"candidate": 0, "score": pytest.approx(1.1)},
    )
    assert "1.10000, candidate 0: the search goes on from it, and apply writes it" in repr(
        StatusView(view)
    )


def test_a_study_that_has_only_begun_has_no_numbers_and_no_nan(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=())
    study = folded(folder)
    view = views.status(study, folder)
    assert view["baseline"] == {"score": None, "spread": None}
    assert view["best"] == view["incumbent"] == {"candidate": None, "score": None}
    assert view["counts"]["candidates"] == 0
    assert json.dumps([view, views.log(study)], allow_nan=False)


def test_a_study_that_says_running_is_dead_without_a_loop_and_running_with_one(
    tmp_path: Path,
) -> None:
    folder = make_study(tmp_path, records=RECORDS)
    assert views.state(folded(folder), folder) == "dead"
    with Lease(folder):
        assert views.state(folded(folder), folder) == "running"


@pytest.mark.parametrize("state", ["paused", "finished", "stopped"])
def test_a_study_that_came_to_rest_needs_no_loop_to_be_that(tmp_path: Path, state: Any) -> None:
    folder = make_study(tmp_path, records=[*RECORDS, StateChanged(state=state, reason="so")])
    assert views.state(folded(folder), folder) == state
    assert views.status(folded(folder), folder)["reason"] == "so"


def test_log_has_one_entry_per_candidate_with_the_promised_fields(tmp_path: Path) -> None:
    log = views.log(folded(make_study(tmp_path)))
    assert [row["candidate"] for row in log] == [0, 1, 2, 3, 4]
    assert all(set(row) == LOG for row in log)
    assert [row["status"] for row in log] == ["kept", "kept", "discarded", "failed", "waiting"]
    assert log[1]["decision"] == {
        "verdict": "keep",
        "by": "tested",
        "why": "better past the noise",
        "effect": 0.3,
        "interval": [0.1, 0.5],
        "level": None,
    }
    assert log[2]["decision"]["interval"] is None
    assert log[0]["trials"][0] == {
        "seed": 100,
        "status": "ok",
        "score": 1.0,
        "seconds": 1.5,
        "reason": "",
    }
    assert (log[3]["score"], log[3]["trials"][0]["status"]) == (None, "failed")
    assert (log[1]["added"], log[1]["removed"]) == (2, 2)


def test_the_flags_of_a_candidate_are_in_the_log_and_in_the_frame(tmp_path: Path) -> None:
    records = [
        replace(record, flags=("seed-only",)) if isinstance(record, Candidate) else record
        for record in RECORDS
    ]
    log = views.log(folded(make_study(tmp_path, records=records)))
    assert [row["flags"] for row in log] == [[], *[["seed-only"]] * 4]
    assert [views.flat(row)["flags"] for row in log] == ["", *["seed-only"] * 4]


def test_an_early_import_has_its_flags_in_the_origin_of_a_row(tmp_path: Path) -> None:
    records = [
        replace(record, origin={"flags": ["no status"]})
        if isinstance(record, Candidate)
        else record
        for record in RECORDS
    ]
    assert views.log(folded(make_study(tmp_path, records=records)))[1]["flags"] == ["no status"]


def test_scores_that_candidates_print_themselves_are_marked(tmp_path: Path) -> None:
    folder = make_study(tmp_path, shape="claimed")
    assert all(row["self_reported"] for row in views.log(folded(folder)))
    assert views.status(folded(folder), folder)["self_reported"]


def test_show_adds_the_patch_the_hunks_and_the_curves(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    add_points(folder, 1, 0)
    place = folder.trial(1, 0)
    place.mkdir(parents=True)
    (place / "log.txt").write_text("hello\n")
    view = show(folder, 1)
    assert set(view) == LOG | {"patch", "hunks", "metrics", "beside", "curves", "log", "audits"}
    assert view["beside"] is None
    assert view["patch"].startswith("diff --git a/solution.py b/solution.py\n")
    assert [hunk["id"] for hunk in view["hunks"]] == [1, 2]
    assert all(set(hunk) == {"id", "header", "text", "state"} for hunk in view["hunks"])
    assert view["curves"] == ["train_loss"]
    assert view["log"] == str(place / "log.txt")


def test_show_says_which_incumbent_ran_in_the_trial_of_its_metrics(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    append(
        folder,
        Trial(
            candidate=1,
            trial=7,
            seed=9,
            status="ok",
            score=0.7,
            metrics={"over_incumbent": 0.1},
            beside=0,
        ),
    )
    view = show(folder, 1)
    assert (view["metrics"], view["beside"]) == ({"over_incumbent": 0.1}, 0)


@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_no_hunk_is_called_accepted_or_rejected_that_no_person_judged(
    tmp_path: Path, number: int
) -> None:
    folder = make_study(tmp_path)
    assert {hunk["state"] for hunk in show(folder, number)["hunks"]} == {"open"}
    assert "(open)" not in repr(ShowView(show(folder, number)))


@pytest.mark.parametrize(
    ("verdict", "state"), [("keep", "accepted"), ("discard", "rejected"), ("revise", "open")]
)
def test_hunks_have_the_state_that_a_person_gave_them(
    tmp_path: Path, verdict: Any, state: str
) -> None:
    folder = make_study(tmp_path)
    append(folder, Decision(candidate=4, verdict=verdict, by="person"))
    assert {hunk["state"] for hunk in show(folder, 4)["hunks"]} == {state}


def test_a_revision_accepts_its_hunks_and_rejects_the_others(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    append(folder, Decision(candidate=1, verdict="revise", by="person", hunks=(2,)))
    assert [hunk["state"] for hunk in show(folder, 1)["hunks"]] == ["rejected", "accepted"]
    assert "hunk 1  solution.py @@ -1,6 +1,6 @@  (rejected)" in repr(ShowView(show(folder, 1)))


def test_the_baseline_has_an_empty_patch(tmp_path: Path) -> None:
    view = show(make_study(tmp_path), 0)
    assert (view["patch"], view["hunks"], view["parent"]) == ("", [], None)


def test_a_candidate_that_is_not_there_is_named_with_those_that_are(tmp_path: Path) -> None:
    with pytest.raises(StudyError, match="no candidate 9 in this study; it has 0 to 4"):
        show(make_study(tmp_path), 9)


def test_results_are_autoresearchs_table(tmp_path: Path) -> None:
    text = results.format_tsv(*results.results(folded(make_study(tmp_path))))
    lines = [line.split("\t") for line in text.splitlines()]
    assert lines[0] == ["commit", "loss", "memory_gb", "status", "description"]
    assert lines[1] == [BASELINE.digest[:7], "1.100000", "2.0", "keep", "baseline"]
    assert lines[2] == [BETTER.digest[:7], "0.800000", "0.0", "keep", "a lower rate helps"]
    assert lines[3][1:] == ["1.500000", "0.0", "discard", "a higher rate"]
    assert lines[4][1:] == ["0.000000", "0.0", "crash", "no rate"]
    assert len(lines) == 5  # the one that waits is not decided
    assert text.endswith("\n")


def test_results_prefer_the_memory_of_the_gpu(tmp_path: Path) -> None:
    metrics = {"loss": 0.6, "peak_vram_mb": 45060.2}
    trial = Trial(
        candidate=4, trial=1, seed=101, status="ok", score=0.6, metrics=metrics, memory_mb=100.0
    )
    keep = Decision(candidate=4, verdict="keep", by="person")
    _, rows = results.results(
        folded(make_study(tmp_path, records=[*RECORDS, trial, keep, FINISHED]))
    )
    assert rows[-1][2:4] == ("44.0", "keep")


def test_results_leave_out_what_a_person_discarded_before_it_had_a_score(tmp_path: Path) -> None:
    records = [
        record for record in RECORDS if not (isinstance(record, Trial) and record.candidate == 4)
    ]
    veto = Decision(candidate=4, verdict="discard", by="person", why="no")
    _, rows = results.results(
        folded(make_study(tmp_path, records=[*records, replace(veto, why="not this")]))
    )
    assert len(rows) == 4
