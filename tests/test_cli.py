"""`autoresearch` as a shell runs it: text and JSON, exit codes, and mistakes in one line.

What the words of a command line mean is tested in `verbs/test_command_line.py`, and how the
progress of a study looks in `verbs/test_follow.py`.
"""

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
from tests.messages_server import Answer, Failure, MessagesServer, play_steps
from tests.studies import end_loops
from tests.waiting import until
from workbench import cli
from workbench.errors import SandboxUnavailable
from workbench.evaluate.sandbox import probe
from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder
from workbench.records import PERSON, Candidate
from workbench.requests import Request, Stop
from workbench.verbs import loop_process
from workbench.verbs.handle import StudyHandle
from workbench.verbs.result import INTERRUPTED

ROOT = str(Path(cli.__file__).parents[1])
MADE_UP_KEY = "sk-made-up-for-this-test"


@pytest.fixture
def quick(tmp_path: Path) -> Path:
    """An experiment whose trials take a moment, for the real loop."""
    folder = write_experiment(tmp_path / "quick")
    (folder / "experiment.toml").write_text(TOML.replace('"seed"', '"none"'))
    return folder


def check_failure(result: tuple[int, str, str], code: int = 2) -> str:
    """The one line that says what was wrong."""
    exit_code, out, err = result
    assert exit_code == code, result
    assert out == ""
    lines = err.splitlines()
    assert len(lines) == 1, lines
    assert lines[0].startswith("autoresearch: ")
    return lines[0]


def test_the_command_line_loads_neither_the_loop_nor_anything_heavy() -> None:
    names = [
        "workbench.loop",
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
    code = f"import sys, workbench.cli; print([name for name in {names} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


class TestViews:
    def test_status_as_json_is_what_the_view_says(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        code, out, err = run("status", "--json")
        assert code == 0
        view = json.loads(out)
        names = {"study", "experiment", "state", "objective", "counts", "baseline", "best", "spent"}
        assert names - set(view) == set()
        assert view["best"] == {"candidate": 1, "score": 0.8}
        assert "toy-1" in err  # the study that was meant

    def test_log_and_show_as_json(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        rows = json.loads(run("log", "toy-1", "--json")[1])
        assert [row["candidate"] for row in rows] == [0, 1, 2, 3, 4]
        candidate = json.loads(run("show", "1", "toy-1", "--json")[1])
        assert {**rows[1], **candidate} == candidate
        assert [hunk["id"] for hunk in candidate["hunks"]] == [1, 2]

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
        make_newer(make_study(tmp_path, "toy-2"))
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
        assert "has changed since the study began" in check_failure(run("apply"))

    def test_a_closed_pipe_is_not_an_error(self, tmp_path: Path) -> None:
        make_study(tmp_path)
        command = f"{sys.executable} -m workbench.cli log --json | true; echo ${{PIPESTATUS[0]}}"
        environment = {**os.environ, "PYTHONPATH": ROOT}
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


def make_newer(folder: StudyFolder) -> None:
    """Lets a study be one of a later version of the workbench."""
    with sqlite3.connect(folder.database) as sql:
        sql.execute("PRAGMA user_version = 99")
    sql.close()


class TestMistakes:
    """Each is one line on stderr, exit code 2."""

    @pytest.mark.parametrize(
        ("line", "message"),
        [
            ("", "which verb?"),
            ("statsu", "no verb 'statsu'; did you mean status?"),
            ("fly", "no verb 'fly'; choose one of start"),
            ("status --colour", "autoresearch status --help"),
            ("show", "autoresearch show --help"),
            ("start x --review some", "autoresearch start --help"),
            ("start", "which experiment? autoresearch start EXPERIMENT"),
        ],
    )
    def test_a_command_line_that_cannot_be_understood(
        self, run: Run, line: str, message: str
    ) -> None:
        assert message in check_failure(run(*line.split()))

    def test_no_study(self, tmp_path: Path, run: Run) -> None:
        assert "no study below" in check_failure(run("status"))
        make_study(tmp_path)
        assert "no study 'other'; there are: toy-1" in check_failure(run("status", "other"))

    def test_a_studymake_newer(self, tmp_path: Path, run: Run) -> None:
        make_newer(make_study(tmp_path))
        assert "newer than this workbench reads" in check_failure(run("status"))

    def test_a_file_that_is_not_a_study(self, tmp_path: Path, run: Run) -> None:
        (tmp_path / "studies" / "odd").mkdir(parents=True)
        (tmp_path / "studies" / "odd" / "study.db").write_text(
            "not a database, but long enough to look at it"
        )
        assert "(file is not a database)" in check_failure(run("status"))

    @pytest.mark.parametrize(
        "line", ["show 9", "accept 9", "diff 0 9", "export 9", "reject -1", "apply 9"]
    )
    def test_no_such_candidate(self, tmp_path: Path, run: Run, line: str) -> None:
        make_study(tmp_path)
        assert "no candidate" in check_failure(run(*line.split()))

    @pytest.mark.parametrize(
        ("hunks", "message"), [("1,x", "not hunk numbers: '1,x'"), ("7", "no hunk 7")]
    )
    def test_no_such_hunks(self, tmp_path: Path, run: Run, hunks: str, message: str) -> None:
        make_study(tmp_path)
        assert message in check_failure(run("accept", "4", "--hunks", hunks))

    @pytest.mark.parametrize(
        ("pair", "message"),
        [
            ("colour=red", "cannot change 'colour'"),
            ("candidates", "not KEY=VALUE: 'candidates'"),
            ("max_usd=nan", "max_usd=nan: it must be a number of at least 0"),
            ("seconds=inf", "seconds=inf: it must be a number of at least 0"),
        ],
    )
    def test_an_option_that_cannot_be_set(
        self, tmp_path: Path, run: Run, pair: str, message: str
    ) -> None:
        make_study(tmp_path)
        assert message in check_failure(run("set", pair))

    @pytest.mark.parametrize(
        ("words", "message"),
        [
            (["--metric", "val loss"], "--metric 'val loss' cannot be read from a printed line"),
            (["--metric", "val_loss", "--min-effect", "inf"], "--min-effect inf; the smallest"),
            (["--metric", "val_loss", "--min-effect", "nan"], "--min-effect nan; the smallest"),
            (["--metric", "val_loss", "--time-limit", "long"], "not a time: 'long'"),
            (["--metric", "val_loss", "--time-limit", "0"], "--time-limit 0; it is the longest"),
        ],
    )
    def test_options_of_a_script_that_cannot_be_used(
        self, tmp_path: Path, run: Run, words: list[str], message: str
    ) -> None:
        (tmp_path / "fit.py").write_text("print('val_loss:', 1.0)\n")
        assert message in check_failure(run("start", "fit.py", "--minimize", *words))
        assert not (tmp_path / "studies").exists()

    @pytest.mark.parametrize("words", ["--time-limit 5m", "--metric loss", "--maximize"])
    def test_options_of_a_script_where_there_is_an_experiment(
        self, tmp_path: Path, run: Run, words: str
    ) -> None:
        write_experiment(tmp_path / "toy")
        line = check_failure(run("start", "toy", *words.split()))
        assert "toy says in its experiment.toml how it is scored" in line
        assert not (tmp_path / "studies").exists()

    def test_a_setting_that_is_not_finite(self, tmp_path: Path, run: Run) -> None:
        make_study(tmp_path)
        toml = tmp_path / "toy" / "experiment.toml"
        toml.write_text(toml.read_text() + "rate = 0.5\n")
        assert "--set rate=nan: it must be" in check_failure(
            run("start", "toy", "--set", "rate=nan")
        )

    def test_no_such_experiment(self, run: Run) -> None:
        assert "no experiment 'nix'" in check_failure(run("start", "nix"))

    def test_a_malformed_experiment_is_told_with_key_and_line(
        self, tmp_path: Path, run: Run
    ) -> None:
        file = write_experiment(tmp_path / "toy") / "experiment.toml"
        file.write_text(TOML.replace('goal = "minimize"', 'goal = "smaller"'))
        line = check_failure(run("start", "toy"))
        assert "line 5" in line
        assert "objective.goal = 'smaller'" in line

    def test_a_program_that_does_not_parse(self, tmp_path: Path, run: Run) -> None:
        (write_experiment(tmp_path / "toy") / "solution.py").write_text("def answer(:\n")
        assert "solution.py: line 1" in check_failure(run("start", "toy"))

    def test_an_unknown_proposer_lists_the_known_ones(self, tmp_path: Path, run: Run) -> None:
        write_experiment(tmp_path / "toy")
        line = check_failure(run("start", "toy", "--proposer", "oracle"))
        assert "'oracle'" in line
        assert "tuner" in line

    @pytest.mark.parametrize("pair", ["size", "size=big", "sise=1"])
    def test_a_setting_that_cannot_be(self, tmp_path: Path, run: Run, pair: str) -> None:
        write_experiment(tmp_path / "toy")
        assert pair.partition("=")[0] in check_failure(run("start", "toy", "--set", pair))

    def test_a_second_start_under_the_same_name(self, tmp_path: Path, run: Run) -> None:
        folder = make_study(tmp_path, records=RECORDS)
        assert "already exists" in check_failure(run("start", "toy", "--study", "toy-1"))
        with lease.Lease(folder):
            assert "resume --study toy-1" in check_failure(run("start", "toy", "--study", "toy-1"))

    def test_no_sandbox_is_a_failure_of_the_machine(
        self, tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def choose(level: str) -> str:
            raise SandboxUnavailable("no sandbox holds on this machine")

        monkeypatch.setattr(probe, "choose_level", choose)
        write_experiment(tmp_path / "toy")
        assert "no sandbox holds" in check_failure(run("start", "toy"), code=1)


def test_doctor_asks_a_model_only_if_one_is_named(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", MADE_UP_KEY)
    answers = [
        "ok",
        Answer("o", stop="max_tokens"),
        Failure(401, "authentication_error", MADE_UP_KEY),
    ]
    checks = []
    with MessagesServer(play_steps(*answers)) as server:
        run("doctor", "--json")
        assert server.requests == []
        for _ in answers:
            out = run("doctor", "--json", "--model", "qwen3:8b", "--base-url", server.url)[1]
            checks += [
                check for check in json.loads(out)["checks"] if check["name"] == "model qwen3:8b"
            ]
    assert [check["works"] for check in checks] == [True, True, False]
    assert f"answered from {server.url} in " in checks[0]["found"]
    assert "does not accept the key" in checks[2]["found"]
    assert MADE_UP_KEY not in json.dumps(checks)
    assert len(server.requests) == 3


def test_doctor_names_the_sandboxes_and_never_a_key(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", MADE_UP_KEY)
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://me:secret@localhost:11434/v1?token=secret")
    code, out, _ = run("doctor", "--json")
    report = json.loads(out)
    checks = {check["name"]: check for check in report["checks"]}
    assert code == (0 if report["healthy"] else 1)
    expected = ["sandbox bwrap", "sandbox landlock", "landlock", "seccomp", "cgroup", "gpu"]
    expected += ["torch", "studies folder"]
    assert set(expected) - set(checks) == set()
    assert checks["key for Claude"]["works"] is True
    assert checks["ANTHROPIC_BASE_URL"]["found"] == "http://localhost:11434/v1"
    text = out + run("doctor")[1]
    assert MADE_UP_KEY not in text
    assert "secret" not in text


def test_start_says_about_what_a_model_will_cost(quick: Path, run: Run) -> None:
    with MessagesServer(play_steps(Failure(401, "authentication_error"))) as server:
        line = f"start {quick} --proposer evolve --model claude-opus-5-5 --base-url {server.url}"
        limits = "--candidates 4 --max-usd 1 --max-tokens 500000 --effort low"
        code, _, err = run(*line.split(), *limits.split(), "--wait")
    assert "about 4 calls of " in err
    assert "USD (claude-opus-5-5; prices of " in err
    # The baseline ran, and nothing that was given worked after it.
    assert code == 2


class TestWithTheLoop:
    """The real loop, a process beside this one; no loop is left running."""

    @pytest.fixture(autouse=True)
    def _end_loops(self, tmp_path: Path) -> Any:
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
        assert lease.find_holder(StudyFolder(quick.parent / "studies" / "quick-1")) is None

    def test_a_request_starts_the_loop_of_a_study_that_has_ended(
        self, quick: Path, run: Run
    ) -> None:
        assert run("start", "quick", "--candidates", "2", "--proposer", "null", "--wait")[0] == 0
        code, out, err = run("guide", "try", "something", "smaller")
        assert (code, err.count("\n")) == (0, 1), err
        assert out == "quick-1: guidance: try something smaller\n"
        assert "cannot be rejected" in check_failure(run("reject", "0", "--study", "quick-1"))

    def test_a_rejection_is_taken_back_and_a_used_budget_is_not_resumed(
        self, quick: Path, run: Run
    ) -> None:
        assert run("start", "quick", "--candidates", "1", "--review", "all", "--wait")[0] == 0
        before = run("status", "--json")[1]
        assert run("reject", "1", "--study", "quick-1")[0] == 0
        code, out, _ = run("accept", "1", "--study", "quick-1")
        assert code == 0
        assert out == (
            "quick-1: candidate 1 waits again, as before it was rejected; "
            "accept it once more to let it run\n"
        )
        now = run("status", "--json")[1]
        assert {**json.loads(now), "spent": 0} == {**json.loads(before), "spent": 0}
        refused = check_failure(run("resume", "--study", "quick-1"))
        reason = "the budget of 1 candidate is used; give more of it: set candidates=N"
        assert f"nothing to do: {reason}" in refused
        code, out, _ = run("accept", "1", "--study", "quick-1")
        assert (code, out) == (0, "quick-1: candidate 1 accepted; it is tried like any other\n")

    def test_pause_resume_and_stop_reach_a_loop_that_runs(self, quick: Path, run: Run) -> None:
        def read_state() -> str:
            return str(json.loads(run("status", "long", "--json")[1])["state"])

        slow = SOLUTION.replace("import math", "import time")
        slow = slow.replace("return 1.0", "time.sleep(0.5)\n    return 1.0")
        (quick / "solution.py").write_text(slow)
        code, _, err = run("start", "quick", "--candidates", "0", "--study", "long")
        assert code == 0, err
        assert read_state() == "running"
        assert run("pause", "--study", "long")[0] == 0
        assert read_state() == "paused"
        assert "paused already" in check_failure(run("pause", "--study", "long"))
        assert run("resume", "--study", "long")[0] == 0
        assert read_state() == "running"
        assert run("stop", "--study", "long")[0] == 0
        assert read_state() == "stopped"

    def test_the_loop_outlives_its_starter(self, quick: Path) -> None:
        environment = {**os.environ, "PYTHONPATH": ROOT}
        line = "-m workbench.cli start quick --candidates 0 --study alone"
        command = [sys.executable, *line.split()]
        subprocess.run(command, cwd=quick.parent, env=environment, check=True, capture_output=True)
        folder = StudyFolder(quick.parent / "studies" / "alone")
        process = lease.find_holder(folder)
        assert process
        assert os.getsid(process) == process
        with StudyHandle(folder) as study:
            loop_process.ask(folder, Stop(), after=study.study.last_id, patience=30)

    def test_an_evaluator_that_never_names_the_metric_is_wrong_input(
        self, quick: Path, run: Run
    ) -> None:
        (quick / "evaluate.py").write_text("def evaluate(trial):\n    return {'other': 1.0}\n")
        code, out, _ = run("start", "quick", "--candidates", "2", "--wait")
        assert code == 2, out
        assert "paused" in out
        assert "loss" in out

    def test_an_interrupted_wait_leaves_the_study_running(self, quick: Path) -> None:
        # Slow enough to outlast the test.
        (quick / "solution.py").write_text("import time\n\ntime.sleep(1)\n" + SOLUTION)
        environment = {**os.environ, "PYTHONPATH": ROOT}
        line = "-u -m workbench.cli start quick --candidates 0 --study long --wait"
        command = [sys.executable, *line.split()]
        waiting = subprocess.Popen(
            command,
            cwd=quick.parent,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        folder = StudyFolder(quick.parent / "studies" / "long")
        until(lambda: folder.database.exists() and lease.find_holder(folder), 30)
        assert waiting.stdout is not None
        first = waiting.stdout.readline()  # it follows the study now
        waiting.send_signal(signal.SIGINT)
        with waiting.stdout as printed:
            out = first + printed.read()
        assert waiting.wait(30) == INTERRUPTED, out
        assert "autoresearch stop --study long" in out
        assert lease.find_holder(folder)


def test_a_candidate_by_a_person_names_what_it_revises(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = make_study(tmp_path)
    version = Candidate(candidate=5, parent=1, program="x" * 64, author=PERSON, revises=4)

    def answer(folder: StudyFolder, request: Request, after: int = 0) -> None:
        append(folder, replace(version, hypothesis=request.verb))

    monkeypatch.setattr(loop_process, "ask", answer)
    code, out, _ = run("accept", "4", "--hunks", "1", "--json")
    assert (code, json.loads(out)["candidate"]) == (0, 5)
    assert folder.name == "toy-1"


def test_a_script_becomes_an_experiment(tmp_path: Path, run: Run) -> None:
    script = tmp_path / "fit.py"
    script.write_text("def guess(x):\n    return 3 * x\n\ndef score():\n    return guess(1.0)\n")
    code, out, _ = run("new", "fit", "--script", "fit.py", "--noise", "none", "--json")
    files = ["evaluate.py", "experiment.toml", "fit.py", "program.md", "scoring.py"]
    assert (code, json.loads(out)["files"]) == (0, files)
    assert run("start", "fit", "--candidates", "1", "--wait")[0] == 0
    assert check_failure(run("new", "fit", "--script", "fit.py")).endswith(
        "is there already; name a new folder"
    )
    assert check_failure(run("new", "other", "--script", "missing.py")).startswith(
        "autoresearch: cannot read "
    )


def test_a_candidate_is_edited_from_a_folder(tmp_path: Path, run: Run, quick: Path) -> None:
    assert run("start", "quick", "--candidates", "1", "--wait")[0] == 0
    edited = tmp_path / "edited"
    edited.mkdir()
    assert check_failure(run("edit", "1", "--from", "edited")).endswith(
        "has none of the program's files (solution.py)"
    )
    assert check_failure(run("edit", "1")).startswith("autoresearch: no editor to open")
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
    assert check_failure(run("guide", "--next", "smaller")).startswith(
        "autoresearch: the study is finished; let it go on first"
    )
