import io
import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import RECORDS, SOLUTION, TOML, append, make_study, write_experiment
from tests.conftest import Run
from tests.messages_server import Fails, MessagesServer, Says, in_turn
from tests.studies import end_loops
from tests.waiting import until
from workbench import cli
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.records import PERSON, Candidate, Decision, StateChanged
from workbench.verbs import dispatch, loop_process
from workbench.verbs.handle import StudyHandle

VERBS = [
    *[
        "start",
        "list",
        "status",
        "log",
        "show",
        "attach",
        "review",
        "accept",
        "reject",
        "edit",
        "guide",
        "ban",
        "pin",
        "set",
        "pause",
    ],
    *[
        "resume",
        "stop",
        "fork",
        "diff",
        "results",
        "apply",
        "export",
        "reproduce",
        "audit",
        "ablate",
        "import",
        "new",
        "doctor",
    ],
]


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """An experiment whose trials take a moment, for the real loop."""
    folder = write_experiment(tmp_path / "quick")
    (folder / "experiment.toml").write_text(TOML.replace('"seed"', '"none"'))
    return folder


def fails(result: tuple[int, str, str], code: int = 2) -> str:
    """The one line that a mistake is told in."""
    assert result[0] == code, result
    assert result[1] == ""
    lines = result[2].splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("autoresearch: ")
    return lines[0]


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert list(dispatch.NAMES) == VERBS
    with pytest.raises(SystemExit) as ended:
        cli.main(["--help"])
    assert ended.value.code == 0
    text = capsys.readouterr().out
    assert all(f"    {verb} " in text or f"    {verb}\n" in text for verb in VERBS)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main([verb, "--help"])
    assert ended.value.code == 0
    assert f"autoresearch {verb}" in capsys.readouterr().out


def test_the_command_line_loads_nothing_heavy() -> None:
    heavy = [
        "torch",
        "anthropic",
        "IPython",
        "plotly",
        "pandas",
        "papermill",
        "optuna",
        "libcst",
        "numpy",
    ]
    code = f"import sys, workbench, workbench.cli; print([m for m in {heavy} if m in sys.modules], 'workbench.loop' in sys.modules)"
    assert (
        subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        ).stdout
        == "[] False\n"
    )


class TestViews:
    def test_status_as_json_is_what_the_view_says(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        code, out, err = run("status", "--json")
        assert code == 0
        view = json.loads(out)
        names = {
            "study",
            "experiment",
            "state",
            "objective",
            "counts",
            "baseline",
            "best",
            "spent",
            "sandbox",
        }
        assert names <= set(view)
        assert view["best"] == {"candidate": 1, "score": 0.8}
        assert "toy-1" in err  # which study was meant

    def test_log_and_show_as_json(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        rows = json.loads(run("log", "toy-1", "--json")[1])
        assert [row["candidate"] for row in rows] == [0, 1, 2, 3, 4]
        one = json.loads(run("show", "1", "toy-1", "--json")[1])
        assert {**rows[1], **one} == one
        assert [hunk["id"] for hunk in one["hunks"]] == [1, 2]

    def test_text_names_study_and_candidates(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        assert "toy-1" in run("status")[1]
        assert "a higher rate" in run("log")[1]
        assert "RATE = 0.5" in run("show", "1")[1]

    def test_the_newest_study_is_meant_where_none_is_named(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        newer = make_study(tmp_path, "toy-2")
        os.utime(newer.database, (time.time() + 60, time.time() + 60))
        assert json.loads(run("status", "--json")[1])["study"] == "toy-2"
        _, out, err = run("status", "--study", "toy-1", "--json")
        assert (json.loads(out)["study"], err) == ("toy-1", "")

    def test_list_shows_every_study_even_one_that_cannot_be_read(
        self, tmp_path: Path, run: Run
    ) -> None:
        make_study(tmp_path)
        _of_a_newer_version(make_study(tmp_path, "toy-2"))
        rows = {row["study"]: row for row in json.loads(run("list", "--json")[1])}
        assert rows["toy-1"]["state"] == "finished"
        assert rows["toy-2"]["state"] == "unreadable"
        assert "newer" in rows["toy-2"]["reason"]
        assert "toy-2" in run("list")[1]

    def test_results_are_a_file_that_autoresearch_reads(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        out = run("results", "--tsv")[1]
        assert out.startswith("commit\tloss\tmemory_gb\tstatus\tdescription\n")
        assert {len(line.split("\t")) for line in out.splitlines()} == {5}
        assert json.loads(run("results", "--json")[1])[0]["description"] == "baseline"

    def test_a_diff_applies(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        out = run("diff", "0", "1", "--study", "toy-1")[1]
        subprocess.run(
            ["git", "apply", "--directory", "toy", "-"],
            input=out,
            text=True,
            cwd=tmp_path,
            check=True,
        )
        assert "RATE = 0.5" in (tmp_path / "toy" / "solution.py").read_text()

    def test_apply_writes_and_says_what(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        assert "wrote solution.py" in run("apply")[1]
        (tmp_path / "toy" / "solution.py").write_text("mine\n")
        assert "has changed since the study began" in fails(run("apply"))

    def test_a_closed_pipe_is_no_error(self, tmp_path: Path) -> None:
        make_study(tmp_path)
        command = f"{sys.executable} -m workbench.cli log --json | true; echo ${{PIPESTATUS[0]}}"
        environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout == "0\n"
        assert "Traceback" not in done.stderr


def _of_a_newer_version(folder: StudyFolder) -> None:
    with sqlite3.connect(folder.database) as sql:
        sql.execute("PRAGMA user_version = 99")
    sql.close()


class TestMistakes:
    """Each is one line on stderr, exit code 2."""

    def test_no_verb_and_an_unknown_one(self, run: Run) -> None:
        assert "which verb?" in fails(run())
        assert "no verb 'statsu'; did you mean status?" in fails(run("statsu"))
        assert "no verb 'fly'; choose one of start" in fails(run("fly"))

    @pytest.mark.parametrize(
        "words",
        [
            ("status", "--colour"),
            ("show",),
            ("show", "one"),
            ("start", "x", "--review", "some"),
            ("set",),
        ],
    )
    def test_words_that_a_verb_does_not_know(self, run: Run, words: tuple[str, ...]) -> None:
        assert f"autoresearch {words[0]} --help" in fails(run(*words))

    def test_no_study(self, tmp_path: Path, run: Run) -> None:
        assert "no study below" in fails(run("status"))
        make_study(tmp_path)
        assert "no study 'other'; there are: toy-1" in fails(run("status", "other"))
        assert "two studies are named" in fails(run("status", "toy-1", "--study", "other"))

    def test_a_study_of_a_newer_version(self, tmp_path: Path, run: Run) -> None:
        _of_a_newer_version(make_study(tmp_path))
        assert "newer than this workbench reads" in fails(run("status"))

    def test_a_file_that_is_no_study(self, tmp_path: Path, run: Run) -> None:
        (tmp_path / "studies" / "odd").mkdir(parents=True)
        (tmp_path / "studies" / "odd" / "study.db").write_text(
            "not a database, but long enough to look at it"
        )
        assert "is no study" in fails(run("status"))

    def test_no_such_candidate(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        for words in (
            ("show", "9"),
            ("accept", "9"),
            ("diff", "0", "9"),
            ("export", "9"),
            ("reject", "-1"),
            ("apply", "9"),
        ):
            assert "no candidate" in fails(run(*words))

    def test_hunks_that_are_none(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        assert "not hunk numbers: '1,x'" in fails(run("accept", "4", "--hunks", "1,x"))
        assert "no hunk 7" in fails(run("accept", "4", "--hunks", "7"))

    def test_settings_that_cannot_be(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        assert "cannot change 'colour'" in fails(run("set", "colour=red"))
        assert "not KEY=VALUE" in fails(run("set", "candidates"))
        assert "max_usd=nan: it must be a number of at least 0" in fails(run("set", "max_usd=nan"))
        assert "seconds=inf: it must be a number of at least 0" in fails(run("set", "seconds=inf"))

    def test_options_of_a_script_that_cannot_be(self, tmp_path: Path, run: Run) -> None:
        (tmp_path / "fit.py").write_text("print('val_loss:', 1.0)\n")
        script = ("start", "fit.py", "--minimize")
        assert "--metric 'val loss' cannot be read from a printed line" in fails(
            run(*script, "--metric", "val loss")
        )
        for words in (("--min-effect", "inf"), ("--min-effect", "nan")):
            assert f"--min-effect {words[1]}; the smallest effect" in fails(
                run(*script, "--metric", "val_loss", *words)
            )
        assert "not a time: 'long'" in fails(
            run(*script, "--metric", "val_loss", "--time-limit", "long")
        )
        assert "--time-limit 0; it is the longest" in fails(
            run(*script, "--metric", "val_loss", "--time-limit", "0")
        )
        assert "[limits] wall_seconds" in fails(run("start", "toy", "--time-limit", "5m"))
        assert not (tmp_path / "studies").exists()

    def test_a_setting_that_is_not_finite(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        toml = tmp_path / "toy" / "experiment.toml"
        toml.write_text(toml.read_text() + "rate = 0.5\n")
        assert "--set rate=nan: it must be" in fails(run("start", "toy", "--set", "rate=nan"))

    def test_no_such_experiment(self, run: Run) -> None:
        assert "no experiment 'nix'" in fails(run("start", "nix"))

    def test_a_malformed_experiment_is_told_with_key_and_line(
        self, tmp_path: Path, run: Run
    ) -> None:
        file = write_experiment(tmp_path / "toy") / "experiment.toml"
        file.write_text(TOML.replace('goal = "minimize"', 'goal = "smaller"'))
        line = fails(run("start", "toy"))
        assert "line 5" in line
        assert "objective.goal = 'smaller'" in line

    def test_a_program_that_does_not_parse(self, tmp_path: Path, run: Run) -> None:
        (write_experiment(tmp_path / "toy") / "solution.py").write_text("def answer(:\n")
        assert "solution.py: line 1" in fails(run("start", "toy"))

    def test_an_unknown_proposer_lists_the_known_ones(self, tmp_path: Path, run: Run) -> None:
        write_experiment(tmp_path / "toy")
        line = fails(run("start", "toy", "--proposer", "oracle"))
        assert "'oracle'" in line
        assert "tuner" in line

    @pytest.mark.parametrize("pair", ["size", "size=big", "sise=1"])
    def test_a_bad_setting(self, tmp_path: Path, run: Run, pair: str) -> None:
        write_experiment(tmp_path / "toy")
        assert pair.partition("=")[0] in fails(run("start", "toy", "--set", pair))

    def test_a_second_start_under_the_same_name(self, tmp_path: Path, run: Run) -> None:
        folder = make_study(tmp_path, records=RECORDS)
        assert "is there already" in fails(run("start", "toy", "--study", "toy-1"))
        with lease.Lease(folder):
            assert "resume --study toy-1" in fails(run("start", "toy", "--study", "toy-1"))

    def test_no_sandbox_is_a_failure_of_the_machine(
        self, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from workbench.errors import SandboxUnavailable
        from workbench.evaluate.sandbox import levels

        def choose(policy: str) -> str:
            raise SandboxUnavailable("no sandbox holds on this machine")

        monkeypatch.setattr(levels, "choose", choose)
        write_experiment(tmp_path / "toy")
        assert "no sandbox holds" in fails(run("start", "toy"), code=1)


class TestFollowing:
    def test_lines_say_what_became_of_each_candidate_and_a_summary_follows(
        self, tmp_path: Path
    ) -> None:
        out = io.StringIO()
        with StudyHandle(make_study(tmp_path)) as study:
            result = cli.follow(study, out)
        lines = out.getvalue().splitlines()
        assert [line.split()[0] for line in lines[1:]] == ["0", "1/4", "2/4", "3/4", "4/4"]
        assert (
            lines[2]
            == "1/4  kept       0.8 (+0.3)  +2 -2  a lower rate helps [better past the noise]"
        )
        assert result.exit_code == 0
        assert "\x1b" not in out.getvalue()
        text = result.text.splitlines()
        assert text[0].startswith("toy-1: finished")
        assert "kept      1 of 4: 1" in text
        assert text[-1] == "autoresearch export 1 --study toy-1"

    def test_a_terminal_has_a_line_that_says_how_far_it_is(self, tmp_path: Path) -> None:
        class Terminal(io.StringIO):
            def isatty(self) -> bool:
                return True

        out = Terminal()
        with StudyHandle(make_study(tmp_path)) as study:
            cli.follow(study, out)
        assert "[###############.....]  3/4" in out.getvalue()
        assert out.getvalue().endswith("\r\x1b[K")

    @pytest.mark.parametrize(
        ("records", "code"),
        [
            (
                (StateChanged(state="paused", reason="the evaluator failed: no loss", fault=True),),
                2,
            ),
            ((*RECORDS, StateChanged(state="paused", reason="proposals failed", fault=True)), 1),
            ((*RECORDS, StateChanged(state="paused", reason="paused by a person")), 1),
            ((*RECORDS, StateChanged(state="stopped", reason="stopped by a person")), 0),
            (RECORDS, 1),
        ],
    )
    def test_the_exit_code_says_how_it_ended(self, tmp_path: Path, records: Any, code: int) -> None:
        with StudyHandle(make_study(tmp_path, records=records)) as study:
            result = cli.follow(study, io.StringIO())
        assert result.exit_code == code

    def test_a_verdict_that_changes_is_told_again(self, tmp_path: Path) -> None:
        folder, out = make_study(tmp_path), io.StringIO()
        with StudyHandle(folder) as study:
            progress = cli.Progress("toy-1", out)
            progress(study.study)
            progress(study.study)
            append(folder, Decision(candidate=4, verdict="keep", by=PERSON, why="yes"))
            progress(study.study)
        told = [line for line in out.getvalue().splitlines() if line.startswith("4/4")]
        assert [line.split()[1] for line in told] == ["waiting", "kept"]


def test_doctor_asks_a_model_only_where_one_is_named(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up-for-this-test")
    steps = [
        "ok",
        Says("o", stop="max_tokens"),
        Fails(401, "authentication_error", "sk-made-up-for-this-test"),
    ]
    with MessagesServer(in_turn(*steps)) as server:
        run("doctor", "--json")
        assert server.requests == []
        given = ("doctor", "--json", "--model", "qwen3:8b", "--base-url", server.url)
        found = [
            next(c for c in json.loads(run(*given)[1])["checks"] if c["name"] == "model qwen3:8b")
            for _ in steps
        ]
    assert [check["works"] for check in found] == [True, True, False]
    assert f"answered from {server.url} in " in found[0]["found"]
    assert "does not accept the key" in found[2]["found"]
    assert "made-up" not in json.dumps(found)
    assert len(server.requests) == 3


def test_start_says_about_what_a_model_will_cost(quick: Path, run: Run) -> None:
    with MessagesServer(in_turn(Fails(401, "authentication_error"))) as server:
        words = (
            "start",
            str(quick),
            "--proposer",
            "evolve",
            "--model",
            "claude-opus-5-5",
            "--base-url",
            server.url,
            "--candidates",
            "4",
        )
        code, _, err = run(
            *words, "--max-usd", "1", "--max-tokens", "500000", "--effort", "low", "--wait"
        )
    assert "about 4 calls of " in err
    assert "USD (claude-opus-5-5; prices of " in err
    assert code == 2, "the baseline ran, and nothing that was given worked after it"


def test_doctor_names_the_sandboxes_and_never_a_key(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-made-up-for-this-test")
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://me:secret@localhost:11434/v1?token=secret")
    code, out, _ = run("doctor", "--json")
    report = json.loads(out)
    checks = {check["name"]: check for check in report["checks"]}
    assert code == (0 if report["healthy"] else 1)
    assert {
        "sandbox bwrap",
        "sandbox landlock",
        "landlock",
        "seccomp",
        "cgroup",
        "gpu",
        "torch",
        "studies folder",
    } <= set(checks)
    assert checks["key for Claude"]["works"] is True
    assert checks["ANTHROPIC_BASE_URL"]["found"] == "http://localhost:11434/v1"
    text = out + run("doctor")[1]
    assert "made-up" not in text
    assert "secret" not in text


class TestWithTheLoop:
    """The real loop, its own process; the last test of each study is that nothing is left running."""

    @pytest.fixture(autouse=True)
    def _stop_what_runs(self, tmp_path: Path) -> Any:
        yield
        end_loops(tmp_path)

    def test_start_and_wait_goes_to_the_end(self, quick: Path, run: Run) -> None:
        code, out, err = run("start", "quick", "--candidates", "3", "--wait")
        assert code == 0, out + err
        assert "quick-1: finished" in out
        assert "kept" in out
        code, out, _ = run("status", "--json")
        view = json.loads(out)
        assert (code, view["state"], view["counts"]["candidates"]) == (0, "finished", 3)
        assert lease.holder(StudyFolder(quick.parent / "studies" / "quick-1")) is None

    def test_requests_are_adopted_by_a_study_that_nobody_runs(self, quick: Path, run: Run) -> None:
        assert run("start", "quick", "--candidates", "2", "--proposer", "null", "--wait")[0] == 0
        code, out, err = run("guide", "try", "something", "smaller")
        assert (code, err.count("\n")) == (0, 1), err
        assert out == "quick-1: guidance: try something smaller\n"
        code, out, err = run("reject", "0", "--study", "quick-1")
        assert "cannot be rejected" in fails((code, out, err))

    def test_a_rejection_is_taken_back_and_a_used_budget_is_not_resumed(
        self, quick: Path, run: Run
    ) -> None:
        assert run("start", "quick", "--candidates", "1", "--review", "all", "--wait")[0] == 0
        before = run("status", "--json")[1]
        assert run("reject", "1", "--study", "quick-1")[0] == 0
        code, out, _ = run("accept", "1", "--study", "quick-1")
        assert (code, out) == (
            0,
            "quick-1: candidate 1 waits again, as before it was rejected; accept it once more to let it run\n",
        )
        now = run("status", "--json")[1]
        assert {**json.loads(now), "spent": 0} == {**json.loads(before), "spent": 0}
        refused = run("resume", "--study", "quick-1")
        assert (
            "nothing to do: the budget of 1 candidate is used; give more of it: set candidates=N"
            in fails(refused)
        )
        code, out, _ = run("accept", "1", "--study", "quick-1")
        assert (code, out) == (0, "quick-1: candidate 1 accepted; it is tried like any other\n")

    def test_pause_resume_and_stop_reach_a_loop_that_runs(self, quick: Path, run: Run) -> None:
        (quick / "solution.py").write_text(
            SOLUTION.replace("import math", "import time").replace(
                "return 1.0", "time.sleep(0.5)\n    return 1.0"
            )
        )
        code, _, err = run("start", "quick", "--candidates", "0", "--study", "long")
        assert code == 0, err
        assert json.loads(run("status", "long", "--json")[1])["state"] == "running"
        assert run("pause", "--study", "long")[0] == 0
        assert json.loads(run("status", "long", "--json")[1])["state"] == "paused"
        assert "paused already" in fails(run("pause", "--study", "long"))
        assert run("resume", "--study", "long")[0] == 0
        assert json.loads(run("status", "long", "--json")[1])["state"] == "running"
        assert run("stop", "--study", "long")[0] == 0
        assert json.loads(run("status", "long", "--json")[1])["state"] == "stopped"

    def test_the_loop_outlives_its_starter(self, quick: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
        command = [
            sys.executable,
            "-m",
            "workbench.cli",
            "start",
            "quick",
            "--candidates",
            "0",
            "--study",
            "alone",
        ]
        subprocess.run(command, cwd=quick.parent, env=environment, check=True, capture_output=True)
        folder = StudyFolder(quick.parent / "studies" / "alone")
        process = lease.holder(folder)
        assert process
        assert os.getsid(process) == process
        with StudyHandle(folder) as study:
            loop_process.request(folder, "stop", {}, after=study.study.last_id, patience=30)

    def test_an_evaluator_that_never_names_the_metric_is_wrong_input(
        self, quick: Path, run: Run
    ) -> None:
        (quick / "evaluate.py").write_text("def evaluate(trial):\n    return {'other': 1.0}\n")
        code, out, _ = run("start", "quick", "--candidates", "2", "--wait")
        assert code == 2, out
        assert "paused" in out
        assert "loss" in out

    def test_an_interrupted_wait_leaves_the_study_running(self, quick: Path) -> None:
        (quick / "solution.py").write_text(
            "import time\n\ntime.sleep(1)\n" + (quick / "solution.py").read_text()
        )  # outlasts the test
        environment = {**os.environ, "PYTHONPATH": str(Path(cli.__file__).parents[1])}
        command = [
            sys.executable,
            "-u",
            "-m",
            "workbench.cli",
            "start",
            "quick",
            "--candidates",
            "0",
            "--study",
            "long",
            "--wait",
        ]
        waiting = subprocess.Popen(
            command,
            cwd=quick.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        folder = StudyFolder(quick.parent / "studies" / "long")
        until(lambda: folder.database.exists() and lease.holder(folder), 30)
        assert waiting.stdout is not None
        first = waiting.stdout.readline()  # it follows the study now
        waiting.send_signal(signal.SIGINT)
        with waiting.stdout as printed:
            out = first + printed.read()
        assert waiting.wait(30) == cli.INTERRUPTED, out
        assert "autoresearch stop --study long" in out
        assert lease.holder(folder)


def test_a_candidate_by_a_person_names_what_it_revises(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_study(tmp_path)
    made = Candidate(candidate=5, parent=1, program="x" * 64, author=PERSON, revises=4)

    def answer(folder: StudyFolder, verb: str, body: Any, after: int = 0) -> None:
        append(folder, replace(made, hypothesis=verb))

    monkeypatch.setattr(loop_process, "request", answer)
    code, out, _ = run("accept", "4", "--hunks", "1", "--json")
    assert (code, json.loads(out)["candidate"]) == (0, 5)
    assert folder.name == "toy-1"


def test_a_script_becomes_an_experiment(tmp_path: Path, run: Run) -> None:
    script = tmp_path / "fit.py"
    script.write_text("def guess(x):\n    return 3 * x\n\ndef score():\n    return guess(1.0)\n")
    code, out, _ = run("new", "fit", "--script", "fit.py", "--noise", "none", "--json")
    assert (code, json.loads(out)["files"]) == (
        0,
        ["evaluate.py", "experiment.toml", "fit.py", "program.md", "scoring.py"],
    )
    assert run("start", "fit", "--candidates", "1", "--wait")[0] == 0
    assert fails(run("new", "fit", "--script", "fit.py")).endswith(
        "is there already; name a new folder"
    )
    assert fails(run("new", "other", "--script", "missing.py")).startswith(
        "autoresearch: cannot read "
    )


def test_a_candidate_is_edited_from_a_folder(tmp_path: Path, run: Run, quick: Path) -> None:
    assert run("start", "quick", "--candidates", "1", "--wait")[0] == 0
    edited = tmp_path / "edited"
    edited.mkdir()
    assert fails(run("edit", "1", "--from", "edited")).endswith(
        "has none of the program's files (solution.py)"
    )
    assert fails(run("edit", "1")).startswith("autoresearch: no editor to open")
    (edited / "solution.py").write_text(SOLUTION + "\n# by hand\n")
    code, out, _ = run("edit", "1", "--from", "edited", "--reason", "mine", "--json")
    assert (code, json.loads(out)["candidate"]) == (0, 2)
    with StudyHandle(StudyFolder(tmp_path / "studies" / "quick-1")) as study:
        record = study.study.candidates[2].record
        assert (record.hypothesis, record.author, record.revises) == ("mine", "person", 1)


def test_what_waits_is_listed(tmp_path: Path, run: Run, quick: Path) -> None:
    assert run("start", "quick", "--candidates", "3", "--review", "all", "--wait")[0] == 0
    code, out, _ = run("review", "--json")
    assert (code, [row["status"] for row in json.loads(out)]) == (0, ["waiting"] * 3)
    assert fails(run("guide", "--next", "smaller")).startswith(
        "autoresearch: the study is finished; let it go on first"
    )
