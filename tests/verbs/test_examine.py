"""`audit` and `ablate` through the command line and a real loop, and what screens then show."""

import json
import shutil
from pathlib import Path

import pytest

from tests.conftest import Run
from tests.waiting import until
from workbench.errors import UsageError
from workbench.ledger.folder import find
from workbench.recognise.experiments import builtin_experiments
from workbench.show import results, views
from workbench.verbs.handle import StudyHandle

WASTEFUL = """\
import itertools

import numpy as np

calls = itertools.count()


def priority(item: float, bins: np.ndarray) -> np.ndarray:
    return -bins if next(calls) < ITEMS else bins
"""
SMALL = ["--set", "items=150", "--set", "count=2", "--set", "fresh=0"]


@pytest.fixture
def packed(tmp_path: Path, run: Run) -> Path:
    """A small binpacking study whose incumbent, kept by a person, is worse on any set.

    From the second instance on, which no stage of the cascade sees, it opens a bin for every item.
    """
    patch = tmp_path / "ideas" / "1"
    patch.mkdir(parents=True)
    (patch / "heuristic.py").write_text(WASTEFUL.replace("ITEMS", "150"))
    (patch / "hypothesis.txt").write_text("a bin for every item")
    words = "--proposer patches:ideas --candidates 1 --policy greedy --study packed --wait"
    assert run("start", "binpacking", *words.split(), *SMALL)[0] == 0
    assert run("accept", "1", "--study", "packed")[0] == 0
    return tmp_path


def test_an_audit_of_binpacking_scores_another_set_and_says_that_the_claim_does_not_hold(
    run: Run, packed: Path
) -> None:
    code, out, err = run("audit", "--study", "packed", "--json")
    assert code == 1, err
    data = json.loads(out)
    assert (data["verdict"], data["candidate"], data["against"], data["trials"]) == (
        "does not hold",
        1,
        0,
        1,
    )
    assert data["settings"] == {"split": "held_out", "seed": 0, "count": 10}
    assert data["gain"] == pytest.approx(data["scores"][0]["against"] - data["scores"][0]["score"])
    assert data["gain"] < 0
    assert data["gain"] != data["claimed"], "it was scored on the same set"
    assert "audit of candidate 1: 2 of 2 trials" in err or "0 of 2 trials" in err
    status = json.loads(run("status", "packed", "--json")[1])
    assert status["audit"] == data
    assert status["examination"] is None
    assert "gain" in run("status", "packed")[1]

    code, out, _ = run("ablate", "--study", "packed", "--json")
    assert code == 0
    (change,) = json.loads(out)["changes"]
    assert (change["without"], change["weight"], change["status"]) == (1, "no weight", "waiting")
    status = json.loads(run("status", "packed", "--json")[1])
    assert status["counts"] == {
        "candidates": 2,
        "kept": 1,
        "discarded": 0,
        "failed": 0,
        "waiting": 1,
    }
    assert run("accept", "2", "--study", "packed")[0] == 0
    with StudyHandle(find("packed", packed)) as study:
        assert study.study.incumbent == 2
        assert study[2].program == study[0].program
        with pytest.raises(UsageError, match="the incumbent is the baseline"):
            study.audit()


def test_the_programs_of_an_ablation_are_not_shown_as_proposals(run: Run, packed: Path) -> None:
    with StudyHandle(find("packed", packed)) as study:
        before = views.status(study.study, study.folder)
        n_rows = len(results.results(study.study)[1])
        assert study.ablate() is not None
        study.reject(2, "it stays")
        assert study[2].status == "ablated"
        after = views.status(study.study, study.folder)
        assert after["counts"] == before["counts"]
        assert len(results.results(study.study)[1]) == n_rows
        title = study.progress().layout.title.text
        assert title == "Autoresearch Progress: 2 Experiments, 2 Kept Improvements"
        assert study.log().data[2]["status"] == "ablated"
        assert [trial["status"] for trial in study.show(1).data["audits"]] == ["ok"]
        assert "seed, in an audit" in repr(study.show(1))


def test_it_can_be_asked_for_without_waiting(run: Run, packed: Path) -> None:
    code, out, _ = run("audit", "--study", "packed", "--no-wait", "--json")
    assert code == 0
    assert "goes on by itself" in json.loads(out)["text"]
    with StudyHandle(find("packed", packed)) as study:
        until(lambda: study.status().data["audit"] is not None)


def test_ctrl_c_leaves_the_examination_going_and_says_so(
    run: Run, packed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("workbench.verbs.declarations.judge._print_progress", interrupt)
    (packed / "ideas" / "1" / "heuristic.py").write_text(WASTEFUL.replace("ITEMS", "3000"))
    words = "start binpacking --proposer patches:ideas --candidates 1 --study long --wait"
    # With so many items the audit takes long enough to be interrupted.
    assert run(*words.split(), "--set", "items=3000")[0] == 0
    assert run("accept", "1", "--study", "long")[0] == 0
    code, out, _ = run("audit", "--study", "long")
    assert code == 130
    assert "long: audit goes on by itself; ask again to follow it" in out
    assert run("stop", "--study", "long")[0] == 0
    with StudyHandle(find("long", packed)) as study:
        assert study.study.examinations.pending == []


def test_an_imported_study_cannot_be_examined(run: Run, tmp_path: Path) -> None:
    (tmp_path / "results.tsv").write_text(
        "commit\tval_bpb\tmemory_gb\tstatus\tdescription\nabc1234\t1.0\t1.0\tkeep\tbaseline\n"
    )
    assert run("import", "results.tsv", "--study", "log")[0] == 0
    for verb in ("audit", "ablate"):
        code, _, err = run(verb, "--study", "log")
        assert code == 2
        assert f"read-only; {verb} would change it" in err


def test_an_objective_without_noise_needs_other_data(run: Run, tmp_path: Path) -> None:
    source = tmp_path / "plain"
    shutil.copytree(builtin_experiments()["binpacking"], source)
    file = source / "experiment.toml"
    file.write_text(file.read_text().partition("[audit]")[0])
    (tmp_path / "ideas" / "1").mkdir(parents=True)
    (tmp_path / "ideas" / "1" / "heuristic.py").write_text(WASTEFUL.replace("ITEMS", "150"))
    words = "start plain --proposer patches:ideas --candidates 1 --wait"
    assert run(*words.split(), *SMALL)[0] == 0
    run("accept", "1")
    code, _, err = run("audit")
    assert code == 2
    assert "add a table [audit]" in err
