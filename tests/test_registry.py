"""Names of implementations, what may follow them, and the names that a person gave to proposers."""

from importlib.metadata import EntryPoint, EntryPoints
from pathlib import Path

import pytest

from workbench import registry
from workbench.errors import UsageError
from workbench.records import Options


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))


class Counting:
    """A plug-in that takes a number."""

    @classmethod
    def check(cls, argument: str, options: Options, root: Path) -> str:
        if options.slots > 1:
            raise UsageError("counting needs --slots 1")
        return str(int(argument or 2))


@pytest.fixture
def _plugins(monkeypatch: pytest.MonkeyPatch) -> None:
    """Plug-ins of every role: `counting` takes a number, `silent` nothing, `broken` fails."""
    places = {
        "counting": f"{__name__}:Counting",
        "silent": "builtins:object",
        "broken": "nowhere:X",
    }

    def find(role: str) -> EntryPoints:
        group = f"workbench.{role}"
        return EntryPoints(EntryPoint(name, place, group) for name, place in places.items())

    monkeypatch.setattr(registry, "_find_entry_points", find)
    monkeypatch.setattr(EntryPoint, "load", lambda point: load(point.name))


def load(name: str) -> type:
    if name == "broken":
        raise ImportError("No module named 'nowhere'")
    return {"counting": Counting, "silent": object}[name]


def test_every_role_has_names_and_an_option() -> None:
    assert registry.ROLES.keys() == registry.BUILTIN.keys()
    options = Options()
    for role, option in registry.ROLES.items():
        assert getattr(options, option) in registry.list_names(role)


@pytest.mark.parametrize(
    ("role", "message"),
    [
        ("proposers", "unknown proposer 'nix:3'; choose one of agent, evolve, null, patches"),
        ("strategies", "unknown strategy 'nix:3'; choose one of best-of-n, frontier, hillclimb"),
        ("policies", "unknown policy 'nix:3'; choose one of greedy, tested"),
        ("executors", "unknown executor 'nix:3'; choose one of local"),
    ],
)
def test_an_unknown_name_is_answered_with_those_there_are(role: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        registry.find(role, "nix:3")
    assert str(raised.value).startswith(message)


@pytest.mark.usefixtures("_plugins")
@pytest.mark.parametrize("role", registry.ROLES)
class TestCheckArgument:
    def check(self, role: str, name: str, options: Options | None = None) -> str:
        return registry.check_argument(role, name, options or Options(), Path())

    def refusal(self, role: str, name: str, options: Options | None = None) -> str:
        with pytest.raises(UsageError) as raised:
            self.check(role, name, options)
        assert "\n" not in str(raised.value)
        return str(raised.value)

    def test_the_implementation_says_what_is_recorded(self, role: str) -> None:
        assert self.check(role, "counting:03") == "counting:3"
        assert self.check(role, "counting") == "counting:2"

    def test_the_implementation_may_refuse_the_argument_and_the_options(self, role: str) -> None:
        refusal = self.refusal(role, "counting:many")
        assert refusal.startswith(f"--{registry.ROLES[role]} counting:many: invalid literal")
        refusal = self.refusal(role, "counting", Options(slots=2))
        assert refusal == "counting needs --slots 1"

    def test_one_without_a_check_takes_no_argument(self, role: str) -> None:
        assert self.check(role, "silent") == "silent"
        option = f"--{registry.ROLES[role]} silent"
        assert self.refusal(role, "silent:nonsense") == (
            f"silent takes no argument, but 'nonsense' was given; write {option}"
        )

    def test_one_that_cannot_be_loaded_is_refused(self, role: str) -> None:
        assert self.refusal(role, "broken") == (
            "the plug-in 'broken' (nowhere:X) could not be loaded: No module named 'nowhere'"
        )


def test_an_alias_is_listed_and_means_what_was_saved() -> None:
    assert registry.read_aliases() == {}
    file = registry.save_alias("mine", "tuner:reach=3.0")
    assert file.read_text() == "tuner:reach=3.0\n"
    assert "mine" in registry.list_names("proposers")
    assert "mine" not in registry.list_names("strategies")
    assert registry.resolve_alias("mine") == ("tuner:reach=3.0", "")
    assert registry.resolve_alias("tuner:reach=2.5") == ("tuner:reach=2.5", "")
    registry.save_alias("mine", "tuner")
    assert registry.resolve_alias("mine") == ("tuner", "")


def test_an_alias_may_mean_a_proposer_with_a_prompt_and_takes_no_argument() -> None:
    prompt = 'attempts = 9\nsystem = """\ntwo\nlines"""'
    registry.save_alias("bold", f"evolve:full\n{prompt}")
    assert registry.resolve_alias("bold") == ("evolve:full", prompt)
    with pytest.raises(UsageError) as raised:
        registry.resolve_alias("bold:bandit")
    assert str(raised.value) == (
        "bold means evolve:full, which includes the argument; "
        "write --proposer bold, without a colon"
    )


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("tuner", "'tuner' is the name of a proposer already; choose another name"),
        ("../mine", "'../mine' cannot name a proposer; use letters, digits, dots, - and _"),
        ("", "'' cannot name a proposer; use letters, digits, dots, - and _"),
    ],
)
def test_a_name_that_cannot_be_an_alias_is_refused(name: str, message: str) -> None:
    with pytest.raises(UsageError) as raised:
        registry.save_alias(name, "tuner")
    assert str(raised.value).startswith(message)
