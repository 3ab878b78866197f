"""The options of a new study: each role answers for itself, before a study exists."""

from pathlib import Path
from typing import Any

import pytest

from tests import by_hand
from workbench import registry
from workbench.errors import UsageError
from workbench.records import Options
from workbench.verbs.study_options import check_options, estimate_cost

MODEL = {"model": "claude-opus-5-5"}


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


def refuse(root: Path, **options: Any) -> str:
    """The line that refuses these options."""
    with pytest.raises(UsageError) as raised:
        check_options(Options(**options), root)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_the_defaults_are_recorded_as_they_are(tmp_path: Path) -> None:
    assert check_options(Options(), tmp_path) == Options()


@pytest.mark.parametrize(
    ("role", "name"), [(role, name) for role, names in registry.BUILTIN.items() for name in names]
)
def test_every_name_answers_for_its_argument(tmp_path: Path, role: str, name: str) -> None:
    option = registry.ROLES[role]
    refusal = refuse(tmp_path, **{option: f"{name}:nonsense", **MODEL})
    assert name in refusal or "nonsense" in refusal


@pytest.mark.parametrize(
    ("proposer", "message"),
    [
        (
            "null:nonsense",
            "null takes no argument, but 'nonsense' was given; write --proposer null",
        ),
        ("tuner:nonsense", "not a setting of the tuner: 'nonsense'"),
        ("tuner:reech=2", "the tuner has no setting 'reech'"),
        ("patches", "--proposer patches:DIR needs an existing folder of patches, not ''"),
        ("patches:gone", "--proposer patches:DIR needs an existing folder of patches, not 'gone'"),
        ("replay", "--proposer replay:STUDY needs the name or folder of a recorded study"),
        ("replay:gone", "no study 'gone'"),
        ("agent:all", "agent does not know 'all'"),
        ("evolve:slow", "evolve does not know slow"),
    ],
)
def test_an_argument_that_cannot_be_is_refused(tmp_path: Path, proposer: str, message: str) -> None:
    assert refuse(tmp_path, proposer=proposer, **MODEL).startswith(message)


@pytest.mark.parametrize(
    ("option", "name"),
    [("strategy", "islands"), ("policy", "greedy"), ("executor", "local")],
)
def test_other_roles_take_no_argument(tmp_path: Path, option: str, name: str) -> None:
    assert refuse(tmp_path, **{option: f"{name}:3"}) == (
        f"{name} takes no argument, but '3' was given; write --{option} {name}"
    )


def test_paths_in_an_argument_are_recorded_so_that_the_loop_finds_them(tmp_path: Path) -> None:
    (tmp_path / "ideas").mkdir()
    options = check_options(Options(proposer="patches:ideas"), tmp_path)
    assert options.proposer == f"patches:{tmp_path / 'ideas'}"
    study = by_hand.make_study(tmp_path)
    options = check_options(Options(proposer=f"replay:{study.name}"), tmp_path)
    assert options.proposer == f"replay:{study.path}"


def test_an_alias_is_recorded_as_what_it_means_and_checked(tmp_path: Path) -> None:
    registry.save_alias("far", "tuner:reach=3.0")
    assert check_options(Options(proposer="far"), tmp_path).proposer == "tuner:reach=3.0"
    registry.save_alias("broken", "evolve:full\nattempts = 'many'")
    assert "prompt" in refuse(tmp_path, proposer="broken", **MODEL)


def test_a_proposer_that_asks_no_model_costs_nothing(tmp_path: Path) -> None:
    assert estimate_cost(by_hand.make_study(tmp_path)) == ""


def test_a_proposer_that_asks_a_model_estimates_the_calls_of_all_candidates(
    tmp_path: Path,
) -> None:
    study = by_hand.make_study(tmp_path, proposer="evolve", **MODEL)
    estimate = estimate_cost(study)
    assert estimate.startswith("about 4 calls of ")
    assert "USD (claude-opus-5-5; prices of " in estimate
