"""The prompt of a proposer as the program, through the real SDK against a scripted server.

Scored, kept, installed by name, used.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import workbench
from tests.experiments.scripted_search import BOLD, reply
from tests.experiments.trusted import trusted
from tests.messages_server import Answer, Body, Failure, MessagesServer, Step, call_tools
from workbench import cli, experiment_file
from workbench.errors import ProposerUnusable
from workbench.evaluate import CandidateFailed
from workbench.program import Program
from workbench.propose import knobs
from workbench.propose.settings import TunerSettings
from workbench.propose.wording import WORDINGS

FOLDER = Path(__file__).parents[2] / "experiments" / "proposer_harness"
EDITABLE = ("settings.py", "evolve.toml", "agent.toml")
GIVEN = {name: (FOLDER / name).read_text() for name in EDITABLE}
FIRST = "You improve a program, one change at a time."
TOLD = {name: GIVEN[name].replace(FIRST, f"{FIRST} {BOLD}", 1) for name in EDITABLE[1:]}
MODEL, KEY = "claude-haiku-4-5", "sk-a-key-of-this-test"
SMALL = {"studies": 3, "candidates": 6, "noise": 0.001, "model": MODEL}
Score = Callable[..., SimpleNamespace]


def settings_of(proposer: str, **more: Any) -> dict[str, Any]:
    asked = {} if proposer == "tuner" else SMALL
    return {**experiment_file.read(FOLDER).settings, **asked, "proposer": proposer, **more}


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)


@pytest.fixture
def server() -> Iterator[MessagesServer]:
    with MessagesServer(reply) as server:
        yield server


@pytest.fixture(scope="module")
def evaluator() -> Iterator[ModuleType]:
    with trusted(FOLDER, "simulated", "surrogates", "asked", "evaluate") as found:
        yield found.evaluate


@pytest.fixture
def score(evaluator: ModuleType, server: MessagesServer, tmp_path: Path) -> Score:
    """Scores a program under small settings.

    The metrics. The trial that it stands in for could start no sandbox at all.
    """

    def scored(proposer: str, files: Mapping[str, str], **more: Any) -> SimpleNamespace:
        settings = settings_of(proposer, base_url=server.url, **more)
        program, curve = SimpleNamespace(files={**GIVEN, **files}), list[float]()
        trial = SimpleNamespace(
            seed=1,
            settings=settings,
            program=program,
            folder=tmp_path,
            check=lambda: None,
            units=lambda units: None,
            report=lambda series, step, value: curve.append(value),
        )
        return SimpleNamespace(**evaluator.evaluate(trial), curve=curve)

    return scored


@pytest.mark.parametrize("name", WORDINGS)
def test_the_program_begins_with_what_the_proposer_says_by_default(name: str) -> None:
    assert WORDINGS[name].read(GIVEN[f"{name}.toml"]) == WORDINGS[name]()
    assert experiment_file.read(FOLDER).editable == EDITABLE


def test_the_tuner_sees_only_its_own_settings() -> None:
    found = knobs.find_knobs(Program(GIVEN))
    assert len(found) == len(TunerSettings().values())


@pytest.mark.parametrize(
    ("proposer", "calls_each"), [("evolve", 1), ("agent", 2), ("agent:scores", 2)]
)
def test_the_score_is_what_the_model_gains_under_the_prompt_and_every_call_is_kept(
    score: Score, server: MessagesServer, tmp_path: Path, proposer: str, calls_each: int
) -> None:
    file = f"{proposer.partition(':')[0]}.toml"
    found = score(proposer, {file: TOLD[file]})
    assert (len(found.curve), found.curve[-1]) == (3, found.gained)
    assert found.gained > 5
    assert found.kept > 0 <= found.unusable
    assert found.calls == len(server.requests) >= 18 * calls_each
    assert found.tokens > 0 < found.usd
    assert all(
        request["body"]["system"].startswith(f"{FIRST} {BOLD}") for request in server.requests
    )
    assert all(KEY in "".join(request["headers"].values()) for request in server.requests)
    calls = (tmp_path / "calls.jsonl").read_text()
    assert len(calls.splitlines()) == len(server.requests)
    assert BOLD in calls
    assert KEY not in calls


def test_the_instructions_for_meta_prompts_are_part_of_the_program(
    score: Score, server: MessagesServer
) -> None:
    first = "You write an instruction for those who improve a program"
    server.script = lambda body: (
        "Look at the first one." if "Be brief." in body["system"] else reply(body)
    )
    score(
        "evolve:meta",
        {"evolve.toml": TOLD["evolve.toml"].replace(first, f"Be brief. {first}")},
        candidates=8,
    )
    asked = [request["body"]["system"] for request in server.requests]
    assert (
        0
        < sum(system.startswith("Be brief. You write an instruction") for system in asked)
        < len(asked) / 2
    )
    assert any(
        "<advice>\n- Look at the first one.\n</advice>" in prompt for prompt in server.prompts
    )


def test_an_agent_reads_why_an_evaluation_failed_and_has_only_the_tools_that_it_was_given(
    score: Score, server: MessagesServer
) -> None:
    """The first proposal changes a name, which no evaluation survives.

    The second reads the log of that.
    """

    def script(body: Body) -> Step:
        text = body["messages"][0]["content"][1]["text"]
        if "There are 1 candidates" in text:
            return call_tools(
                ("edit", {"path": "train.py", "text": "OTHER = 1\n"}),
                ("submit", {"hypothesis": "x"}),
            )
        if len(body["messages"]) == 1:
            return call_tools(
                ("read_file", {"path": "candidates/0001/log.0.txt"}), ("shell", {"command": "ls"})
            )
        return Answer("I have seen enough.", stop="refusal")

    server.script = script
    found = score(
        "agent",
        {"agent.toml": GIVEN["agent.toml"].replace("rows = 0", "rows = 1")},
        studies=2,
        candidates=2,
    )
    assert (found.gained, found.kept, found.unusable) == (0.0, 0.0, 1.0)
    (log, shell), *_ = [
        body["messages"][2]["content"]
        for body in (each["body"] for each in server.requests)
        if len(body["messages"]) == 3
    ]
    assert log["content"].startswith(
        "it is not the given program with other values: it has the constants OTHER and not"
    )
    assert shell["content"].startswith("no tool has the name 'shell'"), (
        "there is no sandbox for it in a simulated study"
    )
    assert any("- 1\t0\tfailed" in prompt for prompt in server.prompts)


def test_a_study_ends_with_its_tokens_and_a_refusal_is_a_proposal_lost(
    score: Score, server: MessagesServer
) -> None:
    server.script = lambda body: Answer(
        "I would rather not.", stop="refusal", usage={"input_tokens": 900, "output_tokens": 100}
    )
    found = score("evolve", {}, max_tokens=1500)
    assert (found.gained, found.unusable) == (0.0, 2.0)
    assert (found.calls, found.tokens) == (6, 6000), "in each study the second call passes the cap"


def test_what_the_model_writes_is_never_run(
    score: Score, server: MessagesServer, tmp_path: Path
) -> None:
    hostile = f"import os\nos.system('touch {tmp_path}/ran')\n"
    server.script = lambda body: (
        f"HYPOTHESIS: x\n<<<<<<< REWRITE\n{hostile}# {len(server.requests)}\n>>>>>>> REWRITE\n"
    )
    found = score("evolve", {}, candidates=2)
    assert (found.gained, found.kept) == (0.0, 0.0)
    assert not (tmp_path / "ran").exists()
    assert (
        "it is not the given program with other values: line 1 is not a constant"
        in server.prompts[-1]
    )


def test_a_model_that_cannot_be_asked_ends_the_trial_with_no_score(
    score: Score, server: MessagesServer
) -> None:
    server.script = lambda body: Failure(404, "not_found_error", f"model: {MODEL}")
    with pytest.raises(ProposerUnusable, match="no model 'claude-haiku-4-5'"):
        score("evolve", {})
    assert len(server.requests) <= 3


@pytest.mark.parametrize(
    ("proposer", "files", "message"),
    [
        ("evolve", {"evolve.toml": ""}, "the prompt is empty: it needs a text, system"),
        ("evolve", {}, "the prompt is empty: it needs a text, system"),
        (
            "evolve",
            {"evolve.toml": GIVEN["evolve.toml"].replace("{form}", "")},
            "the prompt's system has {form} 0 times",
        ),
        ("agent", {"agent.toml": GIVEN["evolve.toml"]}, "the prompt has no setting 'attempts'"),
        (
            "agent",
            {"agent.toml": GIVEN["agent.toml"] + "#" * 1_000_000},
            "characters; at most 20,000",
        ),
        (
            "agent",
            TOLD,
            "evolve.toml counts for nothing where the setting proposer is 'agent'; change "
            "agent.toml",
        ),
        (
            "evolve",
            {**GIVEN, "settings.py": GIVEN["settings.py"] + "#"},
            "settings.py counts for nothing where the setting proposer is 'evolve'; change "
            "evolve.toml",
        ),
        (
            "tuner",
            {**GIVEN, **TOLD},
            "evolve.toml counts for nothing where the setting proposer is 'tuner'; change "
            "settings.py",
        ),
    ],
)
def test_a_prompt_that_is_none_and_a_change_that_does_not_count_fail_with_one_line(
    evaluator: ModuleType, proposer: str, files: dict[str, str], message: str
) -> None:
    trial = SimpleNamespace(program=SimpleNamespace(files=files), settings=settings_of(proposer))
    with pytest.raises(CandidateFailed) as raised:
        evaluator.check(trial)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("proposer", "model", "message"),
    [
        (
            "tuner",
            MODEL,
            "tuner asks no model; choose with --set proposer= one that does: evolve, agent",
        ),
        ("agent", "", "agent asks a model; name it with --set model=NAME"),
        ("patches:x", "", "--set proposer=patches:x; choose one of tuner, evolve, agent"),
        ("agent:all", MODEL, "agent does not know 'all'"),
        ("evolve:x", MODEL, "evolve does not know x"),
        ("tuner:reach=3", "", "the settings of the tuner are in settings.py"),
    ],
)
def test_settings_that_cannot_be_are_said_in_one_line(
    evaluator: ModuleType, proposer: str, model: str, message: str
) -> None:
    with pytest.raises(ValueError, match=re.escape(message)):
        evaluator.check_settings(settings_of(proposer, model=model))


def test_no_candidate_has_the_key_that_its_evaluator_has(score_once: Score) -> None:
    look = (
        "\nimport os\nfrom pathlib import Path\n\n\ndef found():\n"
        "    yield from os.environ.values()\n"
        "    for file in Path('/proc').glob('[0-9]*/environ'):\n"
        "        try:\n            yield file.read_text()\n        except OSError:\n            "
        "pass\n\n\n"
        f"assert not any({KEY!r} in text for text in found())\n"
    )
    trial = score_once(
        FOLDER,
        {**GIVEN, "settings.py": GIVEN["settings.py"] + look},
        {"studies": 2, "evaluations": 6},
    )
    assert trial.status == "ok", trial.reason


@pytest.mark.parametrize("inner", WORDINGS)
def test_a_study_keeps_the_better_prompt_which_is_installed_by_name_and_used(
    server: MessagesServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    inner: str,
) -> None:
    """The outer study asks the scripted server too, which answers it with one sentence more in the prompt."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    file, told = f"{inner}.toml", TOLD[f"{inner}.toml"]
    change = (
        f"HYPOTHESIS: larger steps show\nFILE: {file}\n<<<<<<< REWRITE\n{told}>>>>>>> REWRITE\n"
    )
    server.script = lambda body: (
        change if ", ".join(EDITABLE) in body["messages"][0]["content"][0]["text"] else reply(body)
    )
    asked = {"model": MODEL, "base_url": server.url}
    made = workbench.start(
        FOLDER,
        proposer="evolve",
        candidates=1,
        seed=0,
        settings=SMALL | {"studies": 8, "proposer": inner} | asked,
        wait=True,
        **asked,
    )
    assert made.study.incumbent == 1, made.log()
    assert made[1].history.score > made[0].history.score + 5

    assert cli.main(["apply", "--proposer", "bold", "--json", "--study", made.name]) == 0
    assert json.loads(capsys.readouterr().out)["means"] == f"{inner}\n{told.strip()}"
    (tmp_path / "s.py").write_text(
        "SLOPE = 0.5\n\n\ndef f():\n    return SLOPE\n\n\ndef score():\n    return -abs(f() - 2)\n"
    )
    script = {"score": "score", "noise": "none", "candidates": 1, "wait": True}
    used = workbench.start("s.py", proposer="bold", **asked, **script)
    assert (used.study.options.proposer, used.study.options.prompt) == (inner, told.strip())
    assert server.requests[-1]["body"]["system"].startswith(f"{FIRST} {BOLD}")
    assert used.study.best.score > used.study.baseline.score

    (tmp_path / "config" / "autoresearch" / "proposers" / "bold.proposer").unlink()
    n_asked = len(server.requests)
    again = workbench.start("s.py", proposer=f"replay:{used.name}", **script)
    assert [one.record.program for one in again.study.candidates] == [
        one.record.program for one in used.study.candidates
    ]
    assert len(server.requests) == n_asked
