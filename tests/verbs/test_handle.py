import sys
import time
from pathlib import Path
from typing import Any

import pytest

import workbench
from tests.by_hand import (
    BASELINE,
    BETTER,
    RECORDS,
    SOLUTION,
    TOML,
    WAITING,
    add_points,
    append,
    make_study,
    write_experiment,
)
from workbench import options
from workbench.errors import RequestRefused, StudyError, UsageError, WorkbenchError
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.lease import Lease
from workbench.program import Patch
from workbench.records import Adopted, Decision, Options, Refused, StateChanged
from workbench.requests import (
    Accept,
    Fork,
    Guide,
    Reject,
    Request,
    Set,
    Stop,
)
from workbench.show import views
from workbench.verbs import loop_process, start
from workbench.verbs.handle import StudyHandle


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Request]:
    """What the handle asks of the loop, without a loop to answer."""
    requests: list[Request] = []
    monkeypatch.setattr(
        loop_process, "ask", lambda folder, request, after=0: requests.append(request)
    )
    return requests


@pytest.fixture
def no_loop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(loop_process, "spawn", lambda folder, patience=0.0: None)


def options_of(folder: StudyFolder) -> Options:
    with StudyHandle(folder) as study:
        return study.study.options


def test_candidates_are_found_by_number(tmp_path: Path) -> None:
    with StudyHandle(make_study(tmp_path)) as study:
        assert len(study) == 5
        assert study[1].program == BETTER
        assert study[1].patch == Patch.between(BASELINE, BETTER)
        assert (study[1].score, study[1].status, study[1].parent) == (0.8, "kept", 0)
        assert study[1].decision is not None
        assert study[1].decision.by == "tested"
        with pytest.raises(StudyError, match="it has 0 to 4"):
            study[9]


def test_what_the_journal_has_new_is_seen_by_the_next_call(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    with StudyHandle(folder) as study:
        assert study[4].status == "waiting"
        append(folder, Decision(candidate=4, verdict="keep", by="person"))
        assert study[4].status == "kept"
        assert study.status().data["best"]["candidate"] == 4


def test_the_frame_has_a_row_per_candidate_and_plain_cells(tmp_path: Path) -> None:
    with StudyHandle(make_study(tmp_path)) as study:
        frame = study.frame()
    assert list(frame.index) == [0, 1, 2, 3, 4]
    assert frame.loc[1, "effect"] == 0.3
    assert frame.loc[0, "trials"] == 2
    assert {"hypothesis", "status", "score", "why", "low", "high", "seconds"} <= set(frame.columns)


def test_figures_come_from_the_study(tmp_path: Path) -> None:
    folder = make_study(tmp_path)
    add_points(folder, 4, 0)
    with StudyHandle(folder) as study:
        assert study.progress().data
        assert study.curves().data
        assert list(study[4].curves) == ["train_loss"]


def test_a_study_is_opened_by_name_by_path_or_as_the_newest(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_study(tmp_path)
    monkeypatch.chdir(tmp_path)
    for study in (
        workbench.open("toy-1"),
        workbench.open(folder.path),
        workbench.open(),
        *workbench.studies(),
    ):
        with study:
            assert study.name == "toy-1"
    with pytest.raises(StudyError, match=r"no study 'nix'; there are: toy-1"):
        workbench.open("nix")


def test_requests_carry_the_program_that_was_looked_at(
    tmp_path: Path, asked: list[Request]
) -> None:
    with StudyHandle(make_study(tmp_path)) as study:
        study.accept(4)
        study.accept(1, hunks=[2, 2], reason="the rate")
        study.reject(1, reason="no")
        study.guide(" smaller steps ")
        study.set("time", "1h30m")
        study.set("max-usd", "2.5")
        study.fork(1)
    assert asked == [
        Accept(candidate=4, program=WAITING.digest),
        Accept(candidate=1, program=BETTER.digest, hunks=(2,), rejected=(1,), reason="the rate"),
        Reject(candidate=1, program=BETTER.digest, reason="no"),
        Guide(text="smaller steps"),
        Set(key="seconds", value=5400.0),
        Set(key="max_usd", value=2.5),
        Fork(candidate=1),
    ]


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda study: study.accept(9), "no candidate 9"),
        (lambda study: study.accept(1, hunks=[3]), "no hunk 3; this patch has hunks 1 to 2"),
        (lambda study: study.accept(1, hunks=[]), "no hunk named"),
        (lambda study: study.accept(0, hunks=[1]), "the baseline has no hunks"),
        (lambda study: study.guide("  "), "guide needs a text of 1 to 4000 characters; it has 0"),
        (lambda study: study.set("colour", "red"), "cannot change 'colour'.*candidates, time"),
        (lambda study: study.set("candidates", "many"), "it must be a number"),
        (
            lambda study: study.set("max_usd", float("nan")),
            "max_usd=nan: it must be a number of at least 0",
        ),
        (
            lambda study: study.set("seconds", "inf"),
            "seconds=inf: it must be a number of at least 0",
        ),
        (lambda study: study.set("max-tokens", float("inf")), "it must be a number"),
        (lambda study: study.set("candidates", -1), "at least 0"),
        (lambda study: study.set("time", "soon"), "not a time: 'soon'"),
    ],
)
def test_mistakes_are_told_before_anything_is_asked(
    tmp_path: Path, asked: list[Request], call: Any, message: str
) -> None:
    with StudyHandle(make_study(tmp_path)) as study, pytest.raises(UsageError, match=message):
        call(study)
    assert asked == []


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("8h", 28800), ("30m", 1800), ("1h30m", 5400), ("90", 90), (12, 12), ("2d", 172800)],
)
def test_times_are_read(text: str | float, seconds: float) -> None:
    assert options.read_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "h", "8 hours", "-3m", "1e3", "m30", "inf", "9" * 400, "9" * 400 + "h"]
)
def test_what_is_no_time_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="not a time"):
        options.read_duration(text)


@pytest.mark.usefixtures("no_loop")
def test_a_study_is_made_with_a_frozen_copy_and_its_baseline(tmp_path: Path) -> None:
    source = write_experiment(tmp_path / "toy")
    for name in (".git/config", "__pycache__/a.pyc", "studies/x", "notes.md", ".hidden"):
        (source / name).parent.mkdir(exist_ok=True)
        (source / name).write_text(name)
    (source / "link.py").symlink_to("/etc/hostname")
    with workbench.start(source, root=tmp_path, settings={"size": 5}, sandbox="off") as study:
        assert study.name == "toy-1"
        opened = study.study.opened
        assert (opened.source, opened.settings["size"], opened.options.candidates) == (
            str(source),
            5,
            20,
        )
        assert opened.environment["python"]
        assert study[0].program == BASELINE
        frozen = study.folder.experiment
        there = {
            file.relative_to(frozen).as_posix() for file in frozen.rglob("*") if file.is_file()
        }
        assert there == {"experiment.toml", "evaluate.py", "solution.py", "notes.md"}


@pytest.mark.usefixtures("no_loop")
def test_without_a_limit_twenty_candidates_are_proposed_and_with_a_time_no_number(
    tmp_path: Path,
) -> None:
    source = write_experiment(tmp_path / "toy")
    for given, candidates, seconds in (
        ({}, 20, 0.0),
        ({"time": "2h"}, 0, 7200.0),
        ({"candidates": 0}, 0, 0.0),
    ):
        with start.start(source, root=tmp_path, sandbox="off", **given) as study:  # type: ignore[arg-type]
            assert (options_of(study.folder).candidates, options_of(study.folder).seconds) == (
                candidates,
                seconds,
            )


@pytest.mark.usefixtures("no_loop")
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"proposer": "oracle"}, "unknown proposer 'oracle'; choose one of .*tuner"),
        ({"proposer": "patches:nowhere"}, "existing folder"),
        ({"proposer": "patches"}, "existing folder"),
        ({"policy": "kind"}, "unknown policy 'kind'"),
        ({"strategy": "luck"}, "unknown strategy 'luck'"),
        ({"executor": "moon"}, "unknown executor 'moon'"),
        ({"sandbox": "jail"}, "sandbox=jail: choose one of auto, bwrap"),
        ({"review": "some"}, "choose one of off, keeps, all"),
        ({"candidates": -1}, "candidates=-1: it must be"),
        ({"settings": {"sise": 1}}, "no setting 'sise'; it has: size"),
        ({"settings": {"size": "big"}}, "--set size=big"),
        ({"study": "a/b"}, "not a name for a study"),
    ],
)
def test_options_that_cannot_be_make_no_study(
    tmp_path: Path, given: dict[str, Any], message: str
) -> None:
    source = write_experiment(tmp_path / "toy")
    with pytest.raises(UsageError, match=message):
        workbench.start(source, root=tmp_path, **{"sandbox": "off", **given})
    assert not list((tmp_path / "studies").glob("*"))


@pytest.mark.usefixtures("no_loop")
def test_the_folder_of_patches_becomes_absolute(tmp_path: Path) -> None:
    source = write_experiment(tmp_path / "toy")
    (tmp_path / "mine").mkdir()
    with workbench.start(source, root=tmp_path, sandbox="off", proposer="patches:mine") as study:
        assert options_of(study.folder).proposer == f"patches:{tmp_path / 'mine'}"


@pytest.mark.usefixtures("no_loop")
def test_an_evaluator_that_is_a_link_is_refused(tmp_path: Path) -> None:
    source = write_experiment(tmp_path / "toy")
    (source / "evaluate.py").rename(tmp_path / "elsewhere.py")
    (source / "evaluate.py").symlink_to(tmp_path / "elsewhere.py")
    with pytest.raises(UsageError, match=r"evaluate\.py is a link"):
        workbench.start(source, root=tmp_path, sandbox="off")
    assert not list((tmp_path / "studies").glob("*"))


def test_an_answer_of_the_loop_ends_the_wait(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_study(tmp_path)
    refuse = False

    def loop(folder: StudyFolder, patience: float = 0.0) -> None:
        with Journal(folder) as journal:
            for request in journal.read_requests(0):
                known = {"request": request.id, "sequence": request.sequence, "verb": request.verb}
                append(
                    folder,
                    Refused(**known, reason="not now")
                    if refuse
                    else Adopted(**known, body=request.body),
                )

    monkeypatch.setattr(loop_process, "spawn", loop)
    with StudyHandle(folder) as study:
        study.guide("warm up longer")
        assert study.study.people.guidance == ["warm up longer"]
        refuse = True
        with pytest.raises(RequestRefused, match="not now"):
            study.pause()


def test_a_request_that_nobody_answers_stays_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_study(tmp_path)
    monkeypatch.setattr(loop_process, "spawn", lambda folder, patience=0.0: None)
    with pytest.raises(
        WorkbenchError, match="no answer yet from the loop of toy-1; stop is recorded"
    ):
        loop_process.ask(folder, Stop(), patience=0.1)
    with Journal(folder) as journal:
        assert [request.verb for request in journal.read_requests(0)] == ["stop"]


def test_a_loop_that_cannot_start_is_told_with_its_last_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_study(tmp_path)
    broken = tmp_path / "python"
    broken.write_text("#!/bin/sh\necho noise\necho no such module >&2\nexit 3\n")
    broken.chmod(0o755)
    monkeypatch.setattr(sys, "executable", str(broken))
    with pytest.raises(WorkbenchError, match="the loop of toy-1 did not start: no such module"):
        loop_process.spawn(folder, patience=30.0)
    assert lease.find_holder(folder) is None


def test_a_dead_study_says_the_last_words_of_its_loop(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RECORDS)
    folder.loop_log.write_text("Traceback\nMemoryError\n\n")
    with StudyHandle(folder) as study:
        assert study.status().data["reason"] == "no loop is alive; its last words: MemoryError"


def test_waiting_follows_the_journal_to_the_end(tmp_path: Path) -> None:
    folder = make_study(tmp_path, records=RECORDS)
    seen: list[int] = []
    with StudyHandle(folder) as study:
        with Lease(folder):
            assert study.wait(timeout=0.0) == "running"
        append(folder, StateChanged(state="stopped"))
        assert study.wait(follow=lambda found: seen.append(found.last_id)) == "stopped"
    assert seen


def test_a_study_without_a_loop_is_waited_for_only_a_moment(tmp_path: Path) -> None:
    with StudyHandle(make_study(tmp_path, records=RECORDS)) as study:
        began = time.monotonic()
        assert study.wait() == "dead"
        assert time.monotonic() - began < views.NEW_SECONDS + 10


class TestApply:
    def test_the_incumbent_is_written_back_and_a_second_time_changes_nothing(
        self, tmp_path: Path
    ) -> None:
        with StudyHandle(make_study(tmp_path)) as study:
            done = study.apply()
            assert done.written == ("solution.py",)
            assert (tmp_path / "toy" / "solution.py").read_text() == BETTER.files["solution.py"]
            assert study.apply().written == ()

    def test_a_dry_run_shows_the_diff_and_writes_nothing(self, tmp_path: Path) -> None:
        with StudyHandle(make_study(tmp_path)) as study:
            assert "+RATE = 0.5" in str(study.apply(dry_run=True))
        assert (tmp_path / "toy" / "solution.py").read_text() == SOLUTION

    def test_other_work_is_never_written_over(self, tmp_path: Path) -> None:
        with StudyHandle(make_study(tmp_path)) as study:
            file = tmp_path / "toy" / "solution.py"
            file.write_text(SOLUTION + "# my own idea\n")
            with pytest.raises(UsageError, match=r"solution\.py has changed since the study began"):
                study.apply()
            assert file.read_text() == SOLUTION + "# my own idea\n"

    def test_a_new_folder_becomes_a_whole_experiment(self, tmp_path: Path) -> None:
        with StudyHandle(make_study(tmp_path)) as study:
            study.apply(4, to=tmp_path / "copy")
        assert (tmp_path / "copy" / "solution.py").read_text() == WAITING.files["solution.py"]
        assert (tmp_path / "copy" / "experiment.toml").read_text() == TOML

    def test_the_mode_of_the_file_stays(self, tmp_path: Path) -> None:
        with StudyHandle(make_study(tmp_path)) as study:
            (tmp_path / "toy" / "solution.py").chmod(0o640)
            study.apply()
        assert (tmp_path / "toy" / "solution.py").stat().st_mode & 0o777 == 0o640

    def test_an_installed_package_is_left_alone(self, tmp_path: Path) -> None:
        with (
            StudyHandle(make_study(tmp_path / "site-packages")) as study,
            pytest.raises(UsageError, match="belongs to the installed"),
        ):
            study.apply()

    def test_a_folder_that_is_gone_is_told(self, tmp_path: Path) -> None:
        with StudyHandle(make_study(tmp_path)) as study:
            (tmp_path / "toy").rename(tmp_path / "moved")
            with pytest.raises(UsageError, match="is not there any more"):
                study.apply()

    def test_a_file_in_the_place_of_a_folder_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "fit.py").write_text("mine\n")
        with (
            StudyHandle(make_study(tmp_path)) as study,
            pytest.raises(UsageError, match=r"fit\.py is not a folder; write a copy with --to"),
        ):
            study.apply(to=tmp_path / "fit.py")
        assert (tmp_path / "fit.py").read_text() == "mine\n"

    def test_a_link_that_leads_elsewhere_is_not_followed(self, tmp_path: Path) -> None:
        with StudyHandle(make_study(tmp_path)) as study:
            file = tmp_path / "toy" / "solution.py"
            file.rename(tmp_path / "outside.py")
            file.symlink_to(tmp_path / "outside.py")
            with pytest.raises(UsageError, match="leads out of"):
                study.apply()
        assert (tmp_path / "outside.py").read_text() == SOLUTION


def test_nobody_can_know_the_seeds_of_trials_unless_a_person_chose_the_studys(
    tmp_path: Path,
) -> None:
    """Without a seed there is a key, of the journal alone; with one, two studies are equal."""
    source = write_experiment(tmp_path / "toy")
    made = [
        workbench.start(source, study=name, root=tmp_path, sandbox="off", candidates=1)
        for name in ("a", "b")
    ]
    chosen = [
        workbench.start(source, study=name, root=tmp_path, sandbox="off", candidates=1, seed=3)
        for name in ("c", "d")
    ]
    for study in (*made, *chosen):
        study.wait()
    keys, seeds = (
        [read(one.study) for one in (*made, *chosen)]
        for read in (lambda study: study.opened.key, lambda study: study.seed(0))
    )
    assert len({*keys[:2]}) == len({*seeds[:2]}) == 2
    assert all(len(key) == 32 for key in keys[:2])
    assert (keys[2:], seeds[2]) == (["", ""], seeds[3])
    shown = "".join(map(str, (made[0].status(), made[0].log().data, made[0][0].curves)))
    assert keys[0] not in shown
    kept = {
        path
        for path in made[0].folder.path.rglob("*")
        if path.is_file() and keys[0].encode() in path.read_bytes()
    }
    assert {path.name.partition("-")[0] for path in kept} <= {"study.db"}
