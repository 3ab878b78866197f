"""The prompt of `evolve` as the program, through the real SDK against a scripted server: scored, kept, installed by name, used."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

import workbench
from tests.experiments.scripted_search import BOLD, reply
from tests.experiments.trusted import trusted
from tests.messages_server import Fails, MessagesServer, Says
from workbench import cli
from workbench import experiment as experiments
from workbench.errors import ProposerUnusable
from workbench.evaluate import CandidateFailed
from workbench.program import Program
from workbench.propose import knobs
from workbench.propose.settings import TunerSettings
from workbench.propose.wording import Wording, read

FOLDER = Path(__file__).parents[2] / "experiments" / "proposer_harness"
SETTINGS, PROMPT = ((FOLDER / name).read_text() for name in ("settings.py", "prompt.toml"))
FIRST = "You improve a program, one change at a time."
TOLD = PROMPT.replace(FIRST, f"{FIRST} {BOLD}")
MODEL, KEY = "claude-haiku-4-5", "sk-a-key-of-this-test"
SMALL = {"studies": 3, "candidates": 6, "noise": 0.001, "model": MODEL}
Score = Callable[..., SimpleNamespace]


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
    """Scores one text of prompt.toml under small settings: the metrics. The trial that it stands in for could start no sandbox at all."""

    def scored(text: str, **more: Any) -> SimpleNamespace:
        settings = {**experiments.read(FOLDER).settings, **SMALL, "base_url": server.url, **more}
        program, curve = SimpleNamespace(files={"settings.py": SETTINGS, "prompt.toml": text}), list[float]()
        trial = SimpleNamespace(
            seed=1, settings=settings, program=program, folder=tmp_path, check=lambda: None, units=lambda units: None,
            report=lambda series, step, value: curve.append(value),
        )  # fmt: skip
        return SimpleNamespace(**evaluator.evaluate(trial), curve=curve)

    return scored


def test_the_programs_own_prompt_is_that_of_evolve() -> None:
    assert read(PROMPT) == Wording()
    assert experiments.read(FOLDER).editable == ("settings.py", "prompt.toml")


def test_the_tuner_sees_only_its_own_settings() -> None:
    found = knobs.find(Program({"settings.py": SETTINGS, "prompt.toml": PROMPT}))
    assert len(found) == len(TunerSettings().values())


def test_the_score_is_what_the_model_gains_under_the_prompt_and_every_call_is_kept(
    score: Score, server: MessagesServer, tmp_path: Path
) -> None:
    found = score(TOLD)
    assert (len(found.curve), found.curve[-1]) == (3, found.gained)
    assert found.gained > 5
    assert found.kept > 0 <= found.unusable
    assert found.calls == len(server.requests) >= 18
    assert found.tokens > 0 < found.usd
    assert all(request["body"]["system"].startswith(f"{FIRST} {BOLD}") for request in server.requests)
    assert all(KEY in "".join(request["headers"].values()) for request in server.requests)
    calls = (tmp_path / "calls.jsonl").read_text()
    assert len(calls.splitlines()) == len(server.requests)
    assert BOLD in calls
    assert KEY not in calls


def test_a_study_ends_with_its_tokens_and_a_refusal_is_a_proposal_lost(score: Score, server: MessagesServer) -> None:
    server.script = lambda body: Says("I would rather not.", stop="refusal", usage={"input_tokens": 900, "output_tokens": 100})
    found = score(PROMPT, max_tokens=1500)
    assert (found.gained, found.unusable) == (0.0, 2.0)
    assert (found.calls, found.tokens) == (6, 6000), "in each study the second call passes the cap"


def test_what_the_model_writes_is_never_run(score: Score, server: MessagesServer, tmp_path: Path) -> None:
    hostile = f"import os\nos.system('touch {tmp_path}/ran')\n"
    server.script = lambda body: f"HYPOTHESIS: x\n<<<<<<< REWRITE\n{hostile}# {len(server.requests)}\n>>>>>>> REWRITE\n"
    found = score(PROMPT, candidates=2)
    assert (found.gained, found.kept) == (0.0, 0.0)
    assert not (tmp_path / "ran").exists()
    assert "it is not the given program with other values: line 1 is no constant" in server.prompts[-1]


def test_a_model_that_cannot_be_asked_ends_the_trial_with_no_score(score: Score, server: MessagesServer) -> None:
    server.script = lambda body: Fails(404, "not_found_error", f"model: {MODEL}")
    with pytest.raises(ProposerUnusable, match="no model 'claude-haiku-4-5'"):
        score(PROMPT)
    assert len(server.requests) <= 3


@pytest.mark.parametrize(
    ("files", "model", "message"),
    [
        ({"prompt.toml": ""}, MODEL, "the prompt is empty: it needs a text, system"),
        ({}, MODEL, "the prompt is empty: it needs a text, system"),
        ({"prompt.toml": PROMPT.replace("{form}", "")}, MODEL, "the prompt's system has {form} 0 times"),
        ({"prompt.toml": PROMPT + "#" * 1_000_000}, MODEL, "characters; at most 20,000"),
        (
            {"prompt.toml": TOLD, "settings.py": SETTINGS + "#"},
            MODEL,
            f"settings.py counts for nothing where the setting model is '{MODEL}'",
        ),
        (
            {"settings.py": SETTINGS, "prompt.toml": TOLD},
            "",
            "prompt.toml counts for nothing where the setting model is ''; change settings.py",
        ),
    ],
)
def test_a_prompt_that_is_none_and_a_change_that_does_not_count_fail_with_one_line(
    evaluator: ModuleType, files: dict[str, str], model: str, message: str
) -> None:
    trial = SimpleNamespace(program=SimpleNamespace(files=files), settings={"model": model})
    with pytest.raises(CandidateFailed) as raised:
        evaluator.check(trial)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)


def test_no_candidate_has_the_key_that_its_evaluator_has(score_once: Score) -> None:
    look = (
        "\nimport os\nfrom pathlib import Path\n\n\ndef found():\n"
        "    yield from os.environ.values()\n"
        "    for file in Path('/proc').glob('[0-9]*/environ'):\n"
        "        try:\n            yield file.read_text()\n        except OSError:\n            pass\n\n\n"
        f"assert not any({KEY!r} in text for text in found())\n"
    )
    trial = score_once(FOLDER, {"settings.py": SETTINGS + look, "prompt.toml": PROMPT}, {"studies": 2, "evaluations": 6})
    assert trial.status == "ok", trial.reason


def test_a_study_keeps_the_better_prompt_which_is_installed_by_name_and_used(
    server: MessagesServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The outer study asks the scripted server too, which answers it with one sentence more in the prompt."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    change = f"HYPOTHESIS: larger steps show\nFILE: prompt.toml\n<<<<<<< REWRITE\n{TOLD}>>>>>>> REWRITE\n"
    server.script = lambda body: change if "settings.py, prompt.toml" in body["messages"][0]["content"][0]["text"] else reply(body)
    asked = {"model": MODEL, "base_url": server.url}
    made = workbench.start(FOLDER, proposer="evolve", candidates=1, settings=SMALL | {"studies": 8} | asked, wait=True, **asked)
    assert made.study.incumbent == 1, made.log()
    assert made[1].history.score > made[0].history.score + 5

    assert cli.main(["apply", "--proposer", "bold", "--json", "--study", made.name]) == 0
    assert json.loads(capsys.readouterr().out)["means"] == f"evolve\n{TOLD.strip()}"
    (tmp_path / "s.py").write_text("SLOPE = 0.5\n\n\ndef f():\n    return SLOPE\n\n\ndef score():\n    return -abs(f() - 2)\n")
    script = {"score": "score", "noise": "none", "candidates": 1, "wait": True}
    used = workbench.start("s.py", proposer="bold", **asked, **script)
    assert (used.study.options.proposer, read(used.study.options.prompt)) == ("evolve", read(TOLD))
    assert server.requests[-1]["body"]["system"].startswith(f"{FIRST} {BOLD}")
    assert used.study.best.score > used.study.baseline.score

    (tmp_path / "config" / "autoresearch" / "proposers" / "bold.proposer").unlink()
    n_asked = len(server.requests)
    again = workbench.start("s.py", proposer=f"replay:{used.name}", **script)
    assert [one.record.program for one in again.study.candidates] == [one.record.program for one in used.study.candidates]
    assert len(server.requests) == n_asked
