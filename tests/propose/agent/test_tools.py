"""What the tools answer, refuse, and bound."""

from pathlib import Path
from typing import Any

import pytest

from tests.propose.agent.histories import PROGRAMS, Left, brief_of, experiment_in
from workbench.propose.agent import tools as module
from workbench.propose.agent.history_files import HistoryFiles
from workbench.propose.agent.tools import RESULT_CHARS, ToolProblem, Tools
from workbench.propose.proposer import Brief

WIDER = {"path": "working/train.py", "search": "WIDTH = 9", "text": "WIDTH = 64"}


@pytest.fixture
def brief(tmp_path: Path) -> Brief:
    return brief_of(experiment_in(tmp_path))


@pytest.fixture
def tools(brief: Brief) -> Tools:
    return Tools(brief, HistoryFiles(brief, "full"))


def call_tool(tools: Tools, name: str, **arguments: Any) -> str:
    return tools.call(name, arguments)


def test_folders_are_listed_and_files_read_piece_by_piece(tools: Tools) -> None:
    assert call_tool(tools, "list_files").splitlines() == [
        "program.md",
        "candidates.tsv",
        "failed.tsv",
        "candidates/",
        "working/",
    ]
    assert call_tool(tools, "list_files", folder="./candidates/", start=1).splitlines() == [
        "0001/",
        "0002/",
        "0003/",
    ]
    assert call_tool(tools, "list_files", folder="working") == "train.py"
    assert call_tool(tools, "read_file", path="working/train.py") == PROGRAMS[1].files["train.py"]
    piece = call_tool(tools, "read_file", path="candidates/0001/log.0.txt", offset=5, limit=3)
    assert piece.endswith("of 16)\n1\nl")
    assert list(tools.files_read) == ["working/train.py", "candidates/0001/log.0.txt"]


def test_a_long_file_is_read_to_its_end_in_bounded_pieces(brief: Brief) -> None:
    text = "".join(f"{number:07d}\n" for number in range(10_000))
    long = brief_of(brief.experiment, workspace=Left({(1, 0): text}))
    tools = Tools(long, HistoryFiles(long, "full"))
    pieces: list[str] = []
    while sum(map(len, pieces)) < len(text):
        answer = call_tool(
            tools, "read_file", path="candidates/0001/log.0.txt", offset=sum(map(len, pieces))
        )
        assert len(answer) < RESULT_CHARS + 100
        pieces.append(answer.partition("\n")[2])
    assert "".join(pieces) == text


@pytest.mark.parametrize(
    "path",
    [
        "../../study.db",
        "candidates/../../study.db",
        "/etc/passwd",
        "candidates/0001/program/../../../x",
        "..\\study.db",
        "a\0b",
    ],
)
@pytest.mark.parametrize("name", ["read_file", "list_files", "search", "edit"])
def test_a_path_that_leads_out_is_refused(tools: Tools, name: str, path: str) -> None:
    more = {
        "read_file": {"path": path},
        "list_files": {"folder": path},
        "search": {"path": path, "pattern": "x"},
    }
    with pytest.raises(ToolProblem, match="leads out of the history"):
        tools.call(name, more.get(name, {"path": path, "text": "x"}))


@pytest.mark.parametrize(
    "path",
    [
        "study.db",
        "evaluate.py",
        "experiment/evaluate.py",
        "working/evaluate.py",
        "data/held_out.txt",
    ],
)
def test_what_is_not_in_the_history_cannot_be_read(tools: Tools, path: str) -> None:
    with pytest.raises(ToolProblem, match="there is no"):
        call_tool(tools, "read_file", path=path)


def test_a_search_finds_lines_and_the_place_to_read_on(tools: Tools) -> None:
    (line,) = call_tool(
        tools, "search", pattern=r"NameError: name '\w+'", path="candidates/0003/log.0.txt"
    ).splitlines()
    path, offset = line.partition(":")[0].split("@")
    assert call_tool(tools, "read_file", path=path, offset=int(offset), limit=9).endswith(
        "NameError"
    )
    assert "candidates/0003/log.0.txt" in tools.files_read
    hits = call_tool(tools, "search", pattern="WIDTH = ")
    assert (
        hits.index("candidates/0003/program/train.py")
        < hits.index("candidates/0001/program/train.py")
        < hits.index("working/train.py")
    )
    assert call_tool(tools, "search", pattern="nowhere in it") == "(no line matches)"
    assert call_tool(tools, "search", pattern="WIDTH", path="working").startswith(
        "working/train.py@"
    )


def test_an_expression_that_explodes_is_ended_and_a_broken_one_explained(
    brief: Brief, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "SEARCH_SECONDS", 0.5)
    slow = brief_of(brief.experiment, workspace=Left({(1, 0): "a" * 60 + "!"}))
    tools = Tools(slow, HistoryFiles(slow, "full"))
    with pytest.raises(ToolProblem, match="was ended after"):
        call_tool(tools, "search", pattern="(a+)+$")
    with pytest.raises(ToolProblem, match="is not a regular expression"):
        call_tool(tools, "search", pattern="(a")
    slow.cancelled.set()
    with pytest.raises(ToolProblem, match="was ended"):
        call_tool(tools, "search", pattern="(a+)+$")


def test_candidates_are_asked_for_by_what_became_of_them(tools: Tools) -> None:
    def numbers(**arguments: Any) -> list[str]:
        return [
            line.split("\t")[0] for line in call_tool(tools, "query", **arguments).splitlines()[2:]
        ]

    assert numbers() == ["3", "2", "1", "0"]
    assert numbers(sort="best") == ["2", "1", "0"]
    assert numbers(status="kept", limit=1) == ["1"]
    assert numbers(text="UNSAFE") == numbers(author="person") == ["2"]
    assert numbers(min_score=2.5, max_score=2.9) == ["1"]
    with pytest.raises(ToolProblem, match="status one of"):
        numbers(status="good")


def test_the_working_program_is_changed_checked_and_submitted(tools: Tools) -> None:
    assert call_tool(tools, "edit", **WIDER).startswith("working/train.py now has")
    assert "WIDTH = 64\n" in call_tool(tools, "read_file", path="working/train.py")
    assert call_tool(tools, "submit", hypothesis="wider is better;\nif not, loss stays") == "taken"
    (submission,) = tools.submissions
    assert submission.hypothesis == "wider is better; if not, loss stays"
    assert "WIDTH = 64\n" in submission.program.files["train.py"]
    assert submission.files_read == ("working/train.py",)
    assert tools.is_done


@pytest.mark.parametrize(
    ("edit", "why"),
    [
        ({"path": "train.py", "text": "def broken(:\n"}, "train.py does not parse"),
        ({"path": "train.py", "text": PROGRAMS[1].files["train.py"]}, "it changes nothing"),
        (
            {"path": "train.py", "text": PROGRAMS[3].files["train.py"]},
            "the same program as candidate 3",
        ),
    ],
)
def test_a_program_that_would_waste_a_trial_is_not_taken(
    tools: Tools, edit: dict[str, str], why: str
) -> None:
    tools.call("edit", edit)
    with pytest.raises(ToolProblem, match=why):
        call_tool(tools, "submit", hypothesis="better")
    assert (tools.submissions, len(tools.refusals)) == ([], 1)
    tools.call(
        "edit",
        {
            "path": "train.py",
            "text": PROGRAMS[1].files["train.py"].replace("WIDTH = 9", "WIDTH = 64"),
        },
    )
    with pytest.raises(ToolProblem, match="hypothesis is empty"):
        call_tool(tools, "submit", hypothesis=" ")
    assert call_tool(tools, "submit", hypothesis="better") == "taken"


def test_a_program_that_differs_in_comments_only_is_not_taken(brief: Brief) -> None:
    again = brief_of(
        brief.experiment,
        workspace=Left(repeated="it is candidate 2 but for comments or formatting"),
    )
    tools = Tools(again, HistoryFiles(again, "full"))
    tools.call("edit", WIDER)
    with pytest.raises(ToolProblem, match="candidate 2 but for comments"):
        call_tool(tools, "submit", hypothesis="better")


@pytest.mark.parametrize(
    ("name", "arguments", "why"),
    [
        ("rm", {}, "no tool has the name 'rm'; the tools are list_files"),
        ("read_file", {}, "read_file needs path"),
        ("read_file", {"path": 3}, "path must be of type string"),
        ("read_file", {"path": "program.md", "offset": True}, "offset must be of type integer"),
        (
            "read_file",
            {"path": "program.md", "mode": "w"},
            "has no argument 'mode'; it takes path, offset, limit",
        ),
        ("read_file", ["program.md"], "takes an object"),
        ("edit", {"path": "evaluate.py", "text": "x"}, "may not be changed; editable: train.py"),
        ("edit", {"path": "candidates/0001/program/train.py", "text": "x"}, "may not be changed"),
        (
            "edit",
            {"path": "train.py", "search": "no such line", "text": "x"},
            "no line reads 'no such line",
        ),
        ("edit", {"path": "train.py", "search": "", "text": "x"}, "is empty"),
        ("edit", {"path": "train.py", "text": "\ud800"}, "half a surrogate pair"),
    ],
)
def test_a_call_that_cannot_be_is_answered_with_the_reason(
    tools: Tools, name: str, arguments: Any, why: str
) -> None:
    with pytest.raises(ToolProblem, match=why):
        tools.call(name, arguments)
    assert tools.program == PROGRAMS[1]


def test_a_command_sees_the_working_program_and_the_history_and_its_output_is_bounded(
    brief: Brief,
) -> None:
    left = Left()
    brief_with_shell = brief_of(brief.experiment, workspace=left)
    tools = Tools(brief_with_shell, HistoryFiles(brief_with_shell, "full"))
    tools.call("edit", WIDER)
    answer = call_tool(tools, "shell", command="ls")
    assert left.commands == ["ls"]
    assert answer.startswith("(exit status 0)\n(")
    assert len(answer) < RESULT_CHARS + 100
    assert list(tools.files_read) == ["$ ls"]


def test_there_is_no_shell_where_there_is_no_sandbox_for_it(brief: Brief) -> None:
    bare = brief_of(brief.experiment, workspace=Left(has_shell=False))
    tools = Tools(bare, HistoryFiles(bare, "full"))
    assert "shell" not in tools.names
    with pytest.raises(ToolProblem, match="no tool has the name 'shell'"):
        call_tool(tools, "shell", command="ls")


def test_a_machine_that_cannot_do_it_does_not_end_the_work(
    brief: Brief, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*arguments: Any) -> Any:
        raise OSError("no space left on device")

    left = Left()
    monkeypatch.setattr(left, "run", full)
    brief_with_shell = brief_of(brief.experiment, workspace=left)
    with pytest.raises(ToolProblem, match="shell could not be done here: no space left"):
        call_tool(
            Tools(brief_with_shell, HistoryFiles(brief_with_shell, "full")), "shell", command="ls"
        )
