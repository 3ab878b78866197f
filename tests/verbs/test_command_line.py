"""What the words of a command line mean, whatever their order, and what is said about mistakes."""

import itertools
from pathlib import Path
from typing import Any

import pytest

from tests.by_hand import make_study
from workbench import registry
from workbench.errors import UsageError
from workbench.verbs import command_line
from workbench.verbs.command_line import read
from workbench.verbs.table import NAMES
from workbench.verbs.verb import Caller


def read_line(line: str) -> dict[str, Any]:
    return vars(read(line.split()))


def caller(root: Path) -> Caller:
    return Caller(root, follow=lambda study: pytest.fail("nothing is followed here"))


def all_orders(verb: str, *parts: str) -> list[str]:
    return [" ".join([verb, *order]) for order in itertools.permutations(parts)]


class TestOrder:
    @pytest.mark.parametrize("line", all_orders("show", "1", "--json"))
    def test_an_option_may_stand_anywhere(self, line: str) -> None:
        arguments = read_line(line)
        assert (arguments["candidate"], arguments["json"]) == (1, True)

    @pytest.mark.parametrize(
        "line",
        [
            "export 2 step.ipynb --study S",
            "export 2 --study S step.ipynb",
            "export --study S 2 step.ipynb",
            "export --study=S 2 step.ipynb",
            "export 2 --study S --json step.ipynb",
            "export --json 2 --study S step.ipynb",
        ],
    )
    def test_an_optional_word_may_follow_an_option(self, line: str) -> None:
        arguments = read_line(line)
        assert (arguments["candidate"], arguments["file"]) == (2, "step.ipynb")
        assert arguments["study"] == "S"

    @pytest.mark.parametrize(
        "line", ["show 1 --json S", "show 1 S --json", "show --json 1 S", "show --json 1 -- S"]
    )
    def test_the_study_may_be_the_last_word(self, line: str) -> None:
        arguments = read_line(line)
        assert (arguments["candidate"], arguments["positional_study"]) == (1, "S")

    @pytest.mark.parametrize("line", ["status --json S", "status S --json", "log --json S"])
    def test_also_where_it_is_the_only_word(self, line: str) -> None:
        arguments = read_line(line)
        assert (arguments["positional_study"], arguments["json"]) == ("S", True)

    @pytest.mark.parametrize("line", all_orders("reject", "3", "--reason slow", "--study S"))
    def test_a_candidate_and_options(self, line: str) -> None:
        arguments = read_line(line)
        assert (arguments["candidate"], arguments["reason"]) == (3, "slow")
        assert arguments["study"] == "S"

    @pytest.mark.parametrize(
        "line",
        [
            "guide --next try smaller steps",
            "guide try --next smaller steps",
            "guide try smaller steps --next",
        ],
    )
    def test_a_sentence_and_an_option(self, line: str) -> None:
        arguments = read_line(line)
        assert (arguments["text"], arguments["next"]) == (["try", "smaller", "steps"], True)

    @pytest.mark.parametrize(
        "line", all_orders("start", "toy", "--set a=1 --set b=2", "--slots 2", "--maximize")
    )
    def test_the_options_of_start(self, line: str) -> None:
        arguments = read_line(line)
        assert (arguments["experiment"], arguments["slots"]) == ("toy", 2)
        assert arguments["goal"] == "maximize"
        assert sorted(arguments["settings"]) == ["a=1", "b=2"]

    def test_paths_may_follow_one_option_or_several(self) -> None:
        arguments = read_line("start toy --also a.py b.py --slots 1 --also c")
        assert (arguments["experiment"], arguments["also"]) == ("toy", ["a.py", "b.py", "c"])

    def test_two_dashes_end_a_list_of_paths(self) -> None:
        arguments = read_line("start --also a.py b.py -- toy")
        assert (arguments["experiment"], arguments["also"]) == ("toy", ["a.py", "b.py"])


def test_what_follows_two_dashes_is_not_an_option() -> None:
    arguments = read_line("guide --json -- --next is -- worth it")
    assert arguments["text"] == ["--next", "is", "--", "worth", "it"]
    assert (arguments["json"], arguments["next"]) == (True, False)


def test_a_negative_number_is_not_an_option() -> None:
    assert read_line("reject -1")["candidate"] == -1
    assert read_line("guide use -1 for padding")["text"] == ["use", "-1", "for", "padding"]


def test_options_of_start_that_are_not_given_are_left_to_start() -> None:
    assert read_line("start toy") == {"experiment": "toy", "json": False, "verb": "start"}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("", "which verb? start, "),
        ("statsu", "no verb 'statsu'; did you mean status?"),
        ("fly", "no verb 'fly'; choose one of start, "),
        ("--json status", "no verb '--json'; "),
        ("status --colour red", "status does not know --colour; see autoresearch status --help"),
        ("status --jso", "status does not know --jso"),
        ("export 1 a b", "export does not know b; see autoresearch export --help"),
        ("show", "the following arguments are required: N; see autoresearch show --help"),
        ("show one", "argument N: invalid int value: 'one'; see autoresearch show --help"),
        ("start x --review some", "argument --review: invalid choice: 'some'"),
        ("start x --goal minimize --maximize", "argument --maximize: not allowed with"),
        ("start x --slots", "argument --slots: expected one argument"),
    ],
)
def test_mistakes_are_one_line(line: str, message: str) -> None:
    with pytest.raises(UsageError) as error:
        read(line.split())
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)


def test_two_different_names_of_a_study_are_refused(tmp_path: Path) -> None:
    make_study(tmp_path)
    with pytest.raises(UsageError, match="two studies are named: toy-1 and other"):
        command_line.run(read(["status", "toy-1", "--study", "other"]), caller(tmp_path))
    result = command_line.run(read(["status", "toy-1", "--study", "toy-1"]), caller(tmp_path))
    assert result.data["study"] == "toy-1"


def test_the_answer_says_which_study_was_meant_where_none_is_named(tmp_path: Path) -> None:
    make_study(tmp_path)
    assert command_line.run(read(["log"]), caller(tmp_path)).newest == "toy-1"
    assert command_line.run(read(["log", "toy-1"]), caller(tmp_path)).newest == ""


class TestHelp:
    @pytest.mark.parametrize("verb", NAMES)
    @pytest.mark.parametrize("prog", ["autoresearch", "%autoresearch"])
    def test_every_verb_explains_all_its_options(
        self, verb: str, prog: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            read([verb, "--help"], prog)
        assert ended.value.code == 0
        text = capsys.readouterr().out
        assert text.startswith(f"usage: {prog} {verb}")
        missing = [name for name in command_line.VERBS[verb].option_strings if name not in text]
        assert missing == []

    @pytest.mark.parametrize("words", [["--help"], ["-h"], ["--help", "status"]])
    def test_the_overview_names_every_verb(
        self, words: list[str], capsys: pytest.CaptureFixture[str]
    ) -> None:
        with pytest.raises(SystemExit) as ended:
            read(words)
        assert ended.value.code == 0
        first_words = {line.split()[0] for line in capsys.readouterr().out.splitlines() if line}
        assert set(NAMES) - first_words == set()

    def test_help_lists_what_is_registered(self, capsys: pytest.CaptureFixture[str]) -> None:
        with pytest.raises(SystemExit):
            read(["start", "--help"])
        text = " ".join(capsys.readouterr().out.split())
        for role in ("proposers", "strategies", "policies", "executors"):
            assert f"one of {', '.join(registry.list_names(role))}" in text

    def test_parsing_finds_no_plug_ins(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """That takes 25 ms, which only those who read the help need."""
        monkeypatch.setattr(registry, "list_names", lambda role: pytest.fail("looked for plug-ins"))
        assert read_line("start toy --proposer tuner")["proposer"] == "tuner"
