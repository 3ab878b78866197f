"""Known good and bad harnesses, scored through real sandboxes.

The hidden tests, the scripted policy, and a real model's stand-in.
"""

import contextlib
import random
import re
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from tests.experiments.trusted import trusted
from tests.messages_server import Answer, Failure, MessagesServer
from workbench import experiment_file

FOLDER = Path(__file__).parents[2] / "experiments" / "terminal_harness"
SHIPPED = (FOLDER / "harness.py").read_text()
EVERYTHING, FORGETFUL = (
    (FOLDER / "baselines" / f"{name}.py").read_text() for name in ("everything", "forgetful")
)
Score = Callable[..., SimpleNamespace]


with trusted(FOLDER, "task", "plans", "policy", "easy", "middle", "hard", "evaluate") as modules:
    EASY, MIDDLE, HARD, POLICY, EVALUATE = (
        modules.easy,
        modules.middle,
        modules.hard,
        modules.policy,
        modules.evaluate,
    )
SEARCH = [family for level in (EASY, MIDDLE, HARD) for family in level.SEARCH]
HELD_OUT = [family for level in (EASY, MIDDLE, HARD) for family in level.HELD_OUT]
FAMILIES = SEARCH + HELD_OUT


def turned(**values: object) -> str:
    """The shipped harness with some knobs turned."""
    text = SHIPPED
    for name, value in values.items():
        text, count = re.subn(
            rf"^{name} = [^\s#]+", f"{name} = {value!r}", text, flags=re.MULTILINE
        )
        assert count == 1, name
    return text


GOOD = turned(
    SIDE="both",
    SAY_CUT=True,
    SHOW_STDERR=True,
    SHOW_STATUS=True,
    SHOW_LISTING=True,
    TURNS_KEPT=12,
    VERIFY=True,
    MAX_TURNS=14,
    OUTPUT_CHARS=500,
    OLD_OUTPUT_CHARS=250,
)


def solves(text: str, task: SimpleNamespace) -> bool:
    """Whether a harness solves a task with the scripted policy.

    In this process and a folder of this machine, without sandbox.
    """
    module = ModuleType("harness")
    exec(text, module.__dict__)

    def execute(folder: str, command: str) -> dict[str, object]:
        done = subprocess.run(
            ["bash", "-c", command],
            cwd=folder,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            check=False,
        )
        return {"stdout": done.stdout, "stderr": done.stderr, "status": done.returncode}

    def fresh(files: dict[str, str], command: str) -> str:
        with folder_of(files) as other:
            return str(execute(other, command)["stdout"])

    def paths() -> list[Path]:
        return sorted(path for path in Path(folder).rglob("*") if path.is_file())

    with folder_of(task.files) as folder:
        listing = [[str(path.relative_to(folder)), path.stat().st_size] for path in paths()]
        module.solve(
            task.text, POLICY.answer, lambda command: execute(folder, command), lambda: listing
        )
        return bool(
            task.check({str(path.relative_to(folder)): path.read_text() for path in paths()}, fresh)
        )


@contextlib.contextmanager
def folder_of(files: dict[str, str]) -> Iterator[str]:
    with tempfile.TemporaryDirectory() as folder:
        for path, text in files.items():
            Path(folder, path).parent.mkdir(parents=True, exist_ok=True)
            Path(folder, path).write_text(text)
        yield folder


def harness(body: str, head: str = "") -> str:
    """A harness whose `solve` has this body."""
    return f"{head}\ndef solve(task, model, run, listing):\n" + "".join(
        f"    {line}\n" for line in body.split("\n")
    )


@pytest.fixture(scope="session")
def score(score_once: Score) -> Score:
    """`score(text of harness.py, **settings)`: three tasks, unless said otherwise."""
    return lambda text, seed=1, sandbox="auto", **settings: score_once(
        FOLDER, {"harness.py": text}, {"tasks": 3, **settings}, seed, sandbox=sandbox
    )


# ---- the score


def test_every_task_is_solved_where_the_policy_is_shown_what_it_needs(score: Score) -> None:
    trial = score(GOOD, tasks=len(SEARCH))
    assert (trial.status, trial.reason, trial.score) == ("ok", "", 1.0)
    assert trial.exact
    assert trial.metrics["scripted_model"] == 1.0
    assert {trial.metrics[f"solved_{level}"] for level in ("easy", "middle", "hard")} == {1.0}
    assert trial.measured["solved"][-1] == (len(SEARCH), 1.0)
    assert all(solves(GOOD, family(random.Random(3))) for family in HELD_OUT)


def test_the_shipped_harness_solves_the_easy_tasks_and_leaves_most_of_the_others() -> None:
    solved = {family.__name__ for family in FAMILIES if solves(SHIPPED, family(random.Random(3)))}
    assert solved == {family.__name__ for family in (*EASY.SEARCH, *EASY.HELD_OUT)} | {"csv_sum"}


@pytest.mark.parametrize(
    ("family", "needs"),
    [
        ("fix_script", {"SHOW_STDERR": True}),
        ("silent_failure", {"SHOW_STATUS": True}),
        ("count_words", {"SHOW_LISTING": True}),
        ("replace_tree", {"VERIFY": True}),
        ("parse_log", {"SIDE": "tail"}),
        ("needle", {"SAY_CUT": True}),
        ("chain", {"SIDE": "tail", "TURNS_KEPT": 4}),
        ("long_chain", {"SIDE": "tail", "TURNS_KEPT": 9, "MAX_TURNS": 10}),
    ],
)
def test_what_a_harness_shows_decides_and_nothing_less_will_do(
    family: str, needs: dict[str, object]
) -> None:
    task = next(found for found in SEARCH if found.__name__ == family)(random.Random(5))
    assert not solves(SHIPPED, task)
    assert solves(turned(**needs), task)
    for name in needs:
        assert not solves(
            turned(**{other: value for other, value in needs.items() if other != name}), task
        )


def test_the_same_seed_scores_the_same(score: Score) -> None:
    first, again = score(SHIPPED), score(SHIPPED)
    assert first.status == "ok", first.reason
    assert (first.score, first.metrics["context"]) == (again.score, again.metrics["context"])


def test_a_transcript_without_bounds_is_forgotten_and_one_without_memory_goes_round(
    score: Score,
) -> None:
    everything = score(EVERYTHING, families="chain,long_chain", tasks=2)
    assert (everything.status, everything.score) == ("ok", 0.5)
    assert solves(EVERYTHING, HARD.chain(random.Random(3)))
    forgetful = score(FORGETFUL, families="chain", tasks=2, calls=12)
    assert (forgetful.status, forgetful.score, forgetful.metrics["calls"]) == ("ok", 0.0, 12)


# ---- what a harness cannot do


def test_saying_done_without_work_scores_nothing_and_the_context_is_what_the_model_was_shown(
    score: Score,
) -> None:
    trial = score(harness("model('x' * 70)\nmodel('y' * 29)\nreturn 'DONE, all tests pass'"))
    assert (trial.status, trial.score) == ("ok", 0.0)
    assert (trial.metrics["context"], trial.metrics["calls"], trial.metrics["commands"]) == (
        99,
        2,
        0,
    )
    assert {"solved_easy", "solved_middle", "solved_hard"} <= set(
        trial.metrics
    )  # few tasks are of all levels, too


BROKEN = {
    "types a command itself": (
        harness("run('echo 1 > words.txt')"),
        "failed",
        "the harness ran what the model did not say",
    ),
    "cuts a command out of a line": (
        harness("model('Task: ' + task)\nrun('bash')"),
        "failed",
        "be in a reply as whole lines: 'bash'",
    ),
    "asks with bytes": (harness("model(b'x')"), "failed", "a prompt is text"),
    "asks for ever": (
        harness("while True:\n    try: model('x')\n    except Exception: pass"),
        "failed",
        "asked more than 64 questions",
    ),
    "thinks for ever": (harness("while True: pass"), "timeout", "solve()"),
    "has no solve": ("x = 1\n", "failed", "solve"),
}


@pytest.mark.parametrize(("text", "status", "words"), BROKEN.values(), ids=BROKEN)
def test_a_harness_that_breaks_the_contract_fails_with_one_line(
    score: Score, text: str, status: str, words: str
) -> None:
    trial = score(text, task_seconds=1)
    assert (trial.status, trial.fault) == (status, ""), trial
    assert words in trial.reason
    assert "\n" not in trial.reason


def test_an_endless_loop_ends_at_the_limit_of_its_task_and_the_next_task_goes_on(
    score: Score,
) -> None:
    trial = score(harness("while True: model(task)"), calls=5)
    assert (trial.status, trial.score, trial.metrics["calls"]) == ("ok", 0.0, 5)


def test_the_model_answers_no_more_prompts_and_no_longer_ones_than_the_settings_say() -> None:
    asked: list[str] = []
    work = EVALUATE.Work(
        None, None, lambda prompt: asked.append(prompt) or "yes", {"calls": 3, "prompt_chars": 10}
    )
    assert [work.ask("12345"), work.ask("123456"), work.ask("1"), work.ask("2"), work.ask("3")] == [
        "yes",
        None,
        "yes",
        "yes",
        None,
    ]
    assert (asked, work.chars) == (["12345", "1", "2"], 7)


def test_a_command_has_to_stand_in_a_reply_as_whole_lines() -> None:
    reply = "Next:\n```bash\ncd a\nls -l\n```"
    assert all(EVALUATE.is_said(command, reply) for command in ("ls -l", "cd a", "cd a\nls -l"))
    assert not any(
        EVALUATE.is_said(command, reply)
        for command in ("ls", "-l", "cd a; ls -l", "", " ", "\n", "ls -l ")
    )


@pytest.mark.parametrize("sandbox", ["bwrap", "landlock"])
def test_the_harness_reads_neither_the_tests_nor_the_folders_of_the_tasks(
    score: Score, sandbox: str
) -> None:
    look = (
        "import os, sys, tempfile\n"
        "def read(path):\n"
        "    try:\n"
        "        with open(path) as file: return [path] if file.read() else []\n"
        "    except OSError: return []\n"
        "def look():\n"
        f"    found = read('{FOLDER}/hard.py') + read('{FOLDER}/plans.py') + "
        "read('work/step.sh') + read('../work/step.sh')\n"
        "    for root in ('/tmp', '/home', '/root', '/var', tempfile.gettempdir()):\n"
        "        for folder, _, names in os.walk(root):\n"
        "            found += read(os.path.join(folder, 'step.sh')) if 'step.sh' in names else []\n"
        "    return found + [name for name in ('policy', 'plans', 'task', 'easy', 'middle', "
        "'hard', 'evaluate') if name in sys.modules]\n"
    )
    body = (
        "assert listing()[0][0] == 'step.sh'\nfound = look()\n"
        "if found: raise ValueError(repr(found)[:200])"
    )
    trial = score(harness(body, head=look), sandbox=sandbox, tasks=2, families="long_chain")
    assert trial.status == "ok", trial.reason
    assert trial.score == 0.0


# ---- the hidden tests


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.__name__)
def test_no_task_is_solved_before_it_is_worked_on_and_every_seed_draws_another(
    family: Callable[[random.Random], SimpleNamespace],
) -> None:
    drawn = [family(random.Random(seed)) for seed in range(20)]
    assert len({str((task.text, task.files)) for task in drawn}) == 20
    for task in drawn:
        assert not task.check(task.files, lambda files, command: "")
        assert not task.check({}, lambda files, command: "")


def test_an_answer_beside_the_right_one_and_a_changed_input_are_refused() -> None:
    task = MIDDLE.csv_sum(random.Random(3))
    name = next(iter(task.files))
    key, kind, value = (
        re.search(r"where (\w+) is (\w+);", task.text)[1],
        re.search(r" is (\w+);", task.text)[1],
        task.text.split()[4],
    )
    mark = re.search(r"[,;|]", task.files[name])[0]
    header, *rows = [line.split(mark) for line in task.files[name].splitlines()]
    right = sum(int(row[header.index(value)]) for row in rows if row[header.index(key)] == kind)
    assert task.check({**task.files, "sum.txt": f"{right}\n"}, None)
    assert not task.check({**task.files, "sum.txt": f"{right + 1}\n"}, None)
    assert not task.check({**task.files, "sum.txt": f"{right} {right}\n"}, None)
    assert not task.check(
        {**task.files, name: task.files[name] + "x\n", "sum.txt": f"{right}\n"}, None
    )


def test_a_mended_script_is_tried_on_numbers_that_nobody_saw() -> None:
    task = MIDDLE.fix_script(random.Random(3))
    name = next(path for path in task.files if path.endswith(".py"))
    tried = []
    assert not task.check(
        {**task.files, name: "print(1)\n"},
        lambda files, command: tried.append((files, command)) or "1\n",
    )
    ((files, command),) = tried
    assert files["values.txt"] != task.files["values.txt"]
    assert (files[name], command) == ("print(1)\n", f"python3 {name}")
    hidden = sum(int(line.split()[1]) for line in files["values.txt"].splitlines())
    assert task.check(task.files, lambda files, command: f"{hidden}\n")


# ---- the scripted policy


def test_the_policy_goes_by_what_it_is_shown() -> None:
    task = "Task: Run sh build.sh until it succeeds; it may want an option.\n"
    assert "```bash\nsh build.sh\n```" in POLICY.answer(task)
    failed = f"{task}\n$ sh build.sh\ncompiling\n"
    assert POLICY.answer(failed) == POLICY.DONE  # it was not shown what went wrong
    told = f"{failed}stderr: error: no target; try --target elm\n"
    assert "\nsh build.sh --target elm\n" in POLICY.answer(told)
    assert "\necho abc > artifact.txt\n" in POLICY.answer(
        f"{told}\n$ sh build.sh --target elm\ncompiling\nartifact abc\n"
    )
    assert POLICY.answer("Task: write a poem\n") == POLICY.answer("") == POLICY.LOST


def test_the_policy_reads_a_transcript_of_fenced_blocks_as_well() -> None:
    told = (
        "Task: Run sh build.sh until it succeeds.\n\n```bash\nsh build.sh\n"
        "```\nerror: no target; try --target elm\n```bash\nls\n```\n"
    )
    assert "\nsh build.sh --target elm\n" in POLICY.answer(told)


def test_the_policy_forgets_what_lies_too_far_back() -> None:
    task = "Task: Run sh build.sh until it succeeds; it may want an option.\n"
    assert POLICY.answer(task + "x" * (POLICY.WINDOW - len(task))) != POLICY.LOST
    assert POLICY.answer(task + "x" * POLICY.WINDOW) == POLICY.LOST


def test_the_policy_looks_again_only_where_it_is_told_that_something_is_missing() -> None:
    shown = "Task: The file notes.txt says somewhere which code elm has.\n\n$ cat notes.txt\nabc\n"
    assert POLICY.answer(shown) == POLICY.DONE
    assert "grep -n 'code of elm' notes.txt" in POLICY.answer(shown + "[500 characters left out]\n")


def test_it_is_said_where_a_score_is_shown_that_no_language_model_was_asked() -> None:
    assert "no language model" in experiment_file.read(FOLDER).description
    assert "NOT a language model" in POLICY.__doc__
    assert "no language model" in (FOLDER / "README.md").read_text()


# ---- a real model, and what it may say in a terminal


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., MessagesServer]]:
    """`model(answer)`: a server behind which a function from prompt to reply stands."""
    monkeypatch.setenv("ANTHROPIC_API_KEY", "sk-a-key-of-this-test")
    servers: list[MessagesServer] = []

    def serve(answer: Callable[[str], str]) -> MessagesServer:
        usage = {"input_tokens": 1000, "output_tokens": 10}
        servers.append(
            MessagesServer(
                lambda body: Answer(answer(body["messages"][-1]["content"][0]["text"]), usage=usage)
            )
        )
        return servers[-1].__enter__()

    yield serve
    for server in servers:
        server.__exit__(None, None, None)


def test_a_real_model_stands_behind_the_same_interface_and_its_price_is_counted(
    score: Score, model: Callable[..., MessagesServer]
) -> None:
    served = model(POLICY.answer)
    sees = GOOD + (
        "\n\nimport os\nassert not any('KEY' in name or 'sk-' "
        "in value for name, value in os.environ.items())\n"
    )
    settings = {
        "model": "claude-haiku-4-5",
        "base_url": served.url,
        "families": "write_file,fix_script,chain",
    }
    trial = score(sees, **settings)
    assert (trial.status, trial.score) == ("ok", 1.0), trial.reason
    assert not trial.exact
    assert trial.metrics["scripted_model"] == 0.0
    calls = len(served.requests)
    assert trial.metrics["calls"] == pytest.approx(calls / 3)
    assert trial.metrics["tokens"] == calls * 1010
    assert trial.metrics["usd"] == pytest.approx(calls * (1000 * 1.0 + 10 * 5.0) / 1e6)


def test_a_model_that_does_not_answer_is_the_evaluators_fault(score: Score) -> None:
    with MessagesServer(lambda body: Failure(404, "not_found_error", "model: nobody")) as server:
        trial = score(SHIPPED, model="nobody", base_url=server.url)
    assert (trial.status, trial.fault, trial.score) == ("lost", "evaluator", None), trial
    assert "nobody" in trial.reason


def test_a_command_sees_the_folder_of_its_task_and_no_test_and_what_breaks_its_sandbox_loses_its_task_alone(
    score: Score, model: Callable[..., MessagesServer]
) -> None:
    commands = {
        "first": [
            "find / -path /usr -prune -o -path '*terminal_harness*' -print 2>/dev/null",
            "wc -c < ../harness.py",
            "ls",
            "env | grep -c sk-",
        ],
        "second": ["sleep 60", "kill -9 $PPID -1; kill -9 -1", "ls"],
        "third": ["yes | head -c 300000", "ln -s /etc/passwd x; echo ok"],
    }
    served = model(
        lambda prompt: "\n".join(f"```bash\n{command}\n```" for command in commands[prompt])
    )
    checks = (
        "import itertools\nORDER = itertools.count()\n"
        "def first(said, results, names):\n"
        "    out = [result['stdout'].strip() for result in results]\n"
        "    assert results[0]['status'] != 124 and out[0] == '' and out[1] == '0' and out[3] "
        "== '0', out\n"
        "    assert out[2] == 'step.sh' and names == ['step.sh'], (out, names)\n"
        "def second(said, results, names):\n"
        "    assert results[0]['status'] == 124 and results[1]['status'] != 0, results\n"
        "def third(said, results, names):\n"
        "    assert 100_000 <= len(results[0]['stdout']) < 101_000 and '200000 bytes left out' "
        "in results[0]['stdout'], results\n"
        "    assert results[1]['stdout'] == 'ok\\n' and 'x' not in names, (results, names)\n"
    )
    body = (
        "name = ('first', 'second', 'third')[next(ORDER)]\nsaid = "
        "model(name).split('```bash\\n')[1:]\n"
        "results = [run(block.split('\\n```')[0]) for block in said]\n"
        "globals()[name](said, results, [path for path, size in listing()])"
    )
    settings = {
        "model": "claude-haiku-4-5",
        "base_url": served.url,
        "families": "chain",
        "command_seconds": 2,
    }
    trial = score(harness(body, head=checks), **settings)
    assert trial.status == "ok", trial.reason
    assert trial.score == 0.0
    assert trial.metrics["commands"] == 3


# ---- settings, and the other sandbox


def test_the_splits_share_no_family_and_settings_that_name_nothing_are_refused_with_what_there_is() -> (
    None
):
    chosen = {
        split: {
            family.__name__ for _, family in EVALUATE.families({"split": split, "families": ""})
        }
        for split in ("search", "held-out")
    }
    assert (len(chosen["search"]), len(chosen["held-out"])) == (14, 12)
    assert not chosen["search"] & chosen["held-out"]
    with pytest.raises(ValueError, match="it is search"):
        EVALUATE.families({"split": "test", "families": ""})
    with pytest.raises(ValueError, match="families = recover; the split search has write_file"):
        EVALUATE.families({"split": "search", "families": "chain, recover"})


def test_tasks_are_dealt_out_evenly_and_few_of_them_to_all_levels() -> None:
    settings = {"split": "search", "families": ""}
    assert (
        sorted(level for level, _ in EVALUATE.draw_tasks(1, {**settings, "tasks": 28}))
        == ["easy"] * 6 + ["hard"] * 10 + ["middle"] * 12
    )
    assert {level for level, _ in EVALUATE.draw_tasks(1, {**settings, "tasks": 3})} == {
        "easy",
        "middle",
        "hard",
    }
    first, other = (
        [task.text for _, task in EVALUATE.draw_tasks(seed, {**settings, "tasks": 14})]
        for seed in (1, 2)
    )
    assert first != other
    assert first == [task.text for _, task in EVALUATE.draw_tasks(1, {**settings, "tasks": 14})]


def test_it_works_without_mounts_as_well(score: Score) -> None:
    trial = score(GOOD, sandbox="landlock", families="fix_script,chain,rename_pattern")
    assert (trial.status, trial.reason, trial.score) == ("ok", "", 1.0)
