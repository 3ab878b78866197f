"""Proposers under simulated studies.

What they gain, what they may not do, and how one is installed.
"""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

import workbench
from tests.experiments.trusted import carried, trusted
from workbench import cli, experiment_file, registry
from workbench.errors import UsageError
from workbench.propose.settings import TunerSettings, parse_source

FOLDER = Path(__file__).parents[2] / "experiments" / "proposer_harness"
SETTINGS = (FOLDER / "settings.py").read_text()
SMALL = {"studies": 3, "evaluations": 24}
SPOILT = SETTINGS.replace("FLATTEN = 0.04", "FLATTEN = 20.0").replace(
    "LENGTH = 1.5", "LENGTH = 0.1"
)
HIJACKED = """
import sys
from types import SimpleNamespace

import workbench.propose.tuner
from workbench.program import Program
from workbench.propose.proposer import Exhausted, Proposal
from workbench_evaluator import ask


class Mine:
    def __init__(self, argument, experiment, options):
        self.seed = options.seed

    def propose(self, brief):
        study = sys._getframe(1).f_locals["self"]
        {body}


workbench.propose.tuner.Tuner = Mine
"""
Score = Callable[..., SimpleNamespace]


@pytest.fixture(scope="module")
def surrogates() -> Iterator[ModuleType]:
    with trusted(FOLDER, "surrogates") as found:
        yield found.surrogates


@pytest.fixture(scope="module")
def score(score_once: Score) -> Score:
    """Scores one text of settings.py under small settings."""
    return lambda text, seed=1, **settings: score_once(
        FOLDER, {"settings.py": text}, SMALL | settings, seed=seed
    )


def test_the_programs_own_settings_are_the_tuners() -> None:
    assert parse_source(SETTINGS) == TunerSettings()


def test_every_objective_costs_one_at_first_and_nothing_at_its_best(surrogates: ModuleType) -> None:
    for kinds in surrogates.SHAPES:
        for objective in surrogates.draw(kinds, 9, 4):
            assert objective.loss(objective.source) == 1.0
            drawn, shape = objective._drawn, objective._shape
            assert shape(drawn.target, drawn) == pytest.approx(0.0)
            assert 6 <= len(objective.base) <= 16


def test_objectives_are_those_of_their_seed_and_the_held_out_are_of_other_kinds(
    surrogates: ModuleType,
) -> None:
    sources = [one.source for one in surrogates.draw("search", 6, 1)]
    assert sources == [one.source for one in surrogates.draw("search", 6, 1)]
    assert len({*sources, *(one.source for one in surrogates.draw("search", 6, 2))}) == 12
    assert not {*surrogates.SHAPES["search"]} & {*surrogates.SHAPES["held_out"]}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "it has the constants none and not "),
        ("import os\n", "line 1 is not a constant"),
        ("A = open('x')\n", "line 1 is not a constant"),
        ("(", "it does not parse: "),
        ("A = 1\n" * 3000, "it has 18000 characters"),
    ],
)
def test_what_is_not_the_given_program_is_refused(
    surrogates: ModuleType, text: str, message: str
) -> None:
    objective = surrogates.draw("search", 1, 0)[0]
    with pytest.raises(surrogates.NotAProgram, match=message):
        objective.loss(text)
    with pytest.raises(surrogates.NotAProgram, match="line 1 is not a constant"):
        objective.loss("".join(f"{name} = 'y'\n" for name in objective.base))
    with pytest.raises(surrogates.NotAProgram, match=r"= 1e\+999|inf; it is a |= 3; it is a "):
        objective.loss(
            "".join(
                f"{name} = {'1e999' if type(base) is float else 3 if type(base) is bool else base}\n"
                for name, base in objective.base.items()
            )
        )


def test_a_program_past_the_cliff_fails(surrogates: ModuleType) -> None:
    drawn = surrogates.Drawn(np.array([0.7, 0.3]), np.array([1.0, -1.0]), np.array([1, 0]))
    assert surrogates.cliff(np.array([1.5, 0.0]), drawn) < 1
    assert surrogates.cliff(np.array([2.5, 0.0]), drawn) == float("inf")


def test_the_tuner_gains_and_a_spoilt_one_gains_less(score: Score) -> None:
    own, spoilt = score(SETTINGS), score(SPOILT)
    assert (own.status, spoilt.status) == ("ok", "ok"), (own.reason, spoilt.reason)
    assert own.score > spoilt.score + 10
    assert own.measured["gained"][-1][1] == pytest.approx(own.score)


NONSENSE = "study.programs[0] = SimpleNamespace(files={'train.py': %s}); raise Exhausted('done')"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            "[ask('score', brief.program.files['train.py']) for _ in range(study.left + 1)]",
            "more than 24 questions",
        ),
        ("ask('best', 1)", "LookupError"),
        (
            "return Proposal(program=Program({'train.py': 'import os\\n'}), hypothesis='')",
            "is not its program: line 1 is not a constant",
        ),
        (NONSENSE % "'A = 1'", "is not its program: it has the constants A and not"),
        (NONSENSE % "100.0", "search"),
    ],
)
def test_a_proposer_that_asks_for_more_or_returns_nonsense_fails(
    score: Score, body: str, message: str
) -> None:
    result = score(SETTINGS + HIJACKED.format(body=body))
    assert (result.status, result.score) == ("failed", None)
    assert message in result.reason


def test_what_is_shown_gives_neither_the_trials_seed_nor_the_objective_away(score: Score) -> None:
    """Draws the objectives of every seed that comes into question, by their programs and by the number that seeds a proposer."""
    looks = f"""
import zlib
{carried(FOLDER / "surrogates.py")}

def recognise(text, number):
    if number != zlib.crc32(text.encode()):
        raise RuntimeError("THE NUMBER SAYS MORE THAN THE PROGRAM")
    for seed in range(50):
        if any(objective.source == text for objective in surrogates.draw("search", 3, seed)):
            raise RuntimeError("FOUND THE OBJECTIVE")
"""
    body = "recognise(study.text, self.seed); raise Exhausted('nothing found')"
    trial = score(SETTINGS + looks + HIJACKED.format(body=body), seed=7)
    assert (trial.status, trial.score) == ("ok", 0.0), trial.reason


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SETTINGS.replace("N_BEST = 14", "N_BEST = 0"), "n_best = 0; it lies between 1 and 100"),
        (SETTINGS + "SPEED = 3\n", "the tuner has no setting 'speed'"),
    ],
)
def test_settings_that_cannot_be_fail_at_once(score: Score, text: str, message: str) -> None:
    result = score(text)
    assert (result.status, result.score) == ("failed", None)
    assert message in result.reason


def test_settings_of_the_experiment_that_cannot_be_are_the_evaluators_fault(score: Score) -> None:
    assert "choose one of search, held_out" in score(SETTINGS, kinds="easy").reason


def test_a_kept_proposer_is_installed_by_name_and_frozen_in_the_studies_that_use_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.chdir(tmp_path)
    patches = tmp_path / "patches" / "1"
    patches.mkdir(parents=True)
    (patches / "settings.py").write_text(SETTINGS.replace("REACH = 2.0", "REACH = 3.0"))
    made = workbench.start(
        FOLDER,
        proposer=f"patches:{patches.parent}",
        candidates=1,
        settings=SMALL | {"studies": 2, "evaluations": 6},
        policy="greedy",
        seed=0,
        wait=True,
    )
    assert len(made) == 2, made.status()
    assert cli.main(["apply", "1", "--proposer", "mine", "--json", "--study", made.name]) == 0
    assert json.loads(capsys.readouterr().out)["means"] == "tuner:reach=3.0"
    (tmp_path / "s.py").write_text(
        "SLOPE = 0.5\n\n\ndef f():\n    return SLOPE\n\n\ndef score():\n    return -abs(f() - 2)\n"
    )
    first = workbench.start(
        "s.py", score="score", noise="none", proposer="mine", candidates=3, wait=True
    )
    assert first.study.options.proposer == "tuner:reach=3.0"
    (tmp_path / "config" / "autoresearch" / "proposers" / "mine.proposer").unlink()
    again = workbench.start(
        "s.py",
        score="score",
        noise="none",
        proposer=f"replay:{first.name}",
        candidates=3,
        wait=True,
    )
    assert [one.record.program for one in again.study.candidates] == [
        one.record.program for one in first.study.candidates
    ]
    with pytest.raises(UsageError, match="makes no proposer, or kept none yet"):
        first.install("other")
    with pytest.raises(UsageError, match="unknown proposer 'mine'"):
        workbench.start("s.py", score="score", proposer="mine")
    assert registry.read_aliases() == {}


def test_it_says_what_it_is() -> None:
    experiment = experiment_file.read(FOLDER)
    assert experiment.audit == {"kinds": "held_out"}
    assert experiment.packages == ("autoresearch-workbench",)
