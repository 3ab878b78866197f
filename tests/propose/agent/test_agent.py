"""`agent` through the real SDK, against a scripted server.

What goes back to the model, what is bounded, what it costs, and what is recorded.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import Answer, Failure, MessagesServer, call_tools, play_steps
from tests.propose.agent.histories import PROGRAMS, Left, brief_of, experiment_in
from workbench.errors import ProposerFault, UsageError
from workbench.experiment import Experiment
from workbench.propose.agent import conversation
from workbench.propose.agent.agent import MAX_CALLS, MAX_REFUSALS, MAX_SILENT_TURNS, Agent
from workbench.propose.model.call import ModelRequest, text_block
from workbench.propose.model.client import make_body
from workbench.propose.proposer import Brief, Glimpse, Proposal, Unusable
from workbench.propose.workspace import SmokeResult
from workbench.records import Options
from workbench.testing import ProposerContract

pytestmark = pytest.mark.usefixtures("key")
OPUS = "claude-opus-5-5"
LOG = "candidates/0003/log.0.txt"
READ = ("read_file", {"path": LOG})
EDIT = ("edit", {"path": "train.py", "search": "WIDTH = 9", "text": "WIDTH = 64"})
SHORT = "system = 'Be bold. {files} {material}'\n"
SUBMIT = ("submit", {"hypothesis": "wider is better; if not, loss stays"})


@pytest.fixture
def server() -> Iterator[MessagesServer]:
    with MessagesServer(
        play_steps(call_tools(READ, text="let me look"), call_tools(EDIT, SUBMIT))
    ) as server:
        yield server


@pytest.fixture
def experiment(tmp_path: Path) -> Experiment:
    return experiment_in(tmp_path)


def options(server: MessagesServer, **more: Any) -> Options:
    return Options(proposer="agent", model=OPUS, base_url=server.url, **more)


def answers(request: Any) -> list[Any]:
    """What tools answered in the last turn of a request."""
    return [
        block
        for block in request["body"]["messages"][-1]["content"]
        if block["type"] == "tool_result"
    ]


class TestAgent(ProposerContract):
    @pytest.fixture(autouse=True)
    def _use_server(self, server: MessagesServer) -> None:
        whole = {"path": "train.py", "text": PROGRAMS[3].files["train.py"]}
        server.script = play_steps(
            call_tools(("list_files", {})), call_tools(("edit", whole), SUBMIT)
        )
        self.server = server

    def make(self, experiment: Experiment, options: Options) -> Agent:
        return Agent("", experiment, replace(options, model=OPUS, base_url=self.server.url))


def test_the_model_reads_edits_and_submits_and_what_it_read_is_recorded(
    server: MessagesServer, experiment: Experiment
) -> None:
    study_options = options(server, seed=7, effort="high")
    brief = brief_of(
        experiment,
        study_options,
        guidance=("think of width",),
        banned=("dropout",),
        idea="a wider net",
        inspirations=(2,),
    )
    proposal = Agent("", experiment, study_options).propose(brief)
    assert proposal.program.files["train.py"] == PROGRAMS[1].files["train.py"].replace(
        "WIDTH = 9", "WIDTH = 64"
    )
    assert proposal.hypothesis == "wider is better; if not, loss stays"
    assert proposal.origin == {"model": OPUS, "level": "full", "read": [LOG]}
    first, second = server.requests
    question = "\n".join(block["text"] for block in first["body"]["messages"][0]["content"])
    parts = (
        "Make the loss small",
        "think of width",
        "dropout",
        "a wider net",
        "candidates 2",
        "candidate 1",
    )
    assert [part for part in parts if part not in question] == []
    assert [tool["name"] for tool in first["body"]["tools"]] == [
        "list_files",
        "read_file",
        "search",
        "query",
        "edit",
        "shell",
        "submit",
    ]
    assert (second["body"]["output_config"], second["body"]["stream"]) == ({"effort": "high"}, True)
    assert "NameError" in answers(second)[0]["content"]


def test_a_turn_goes_back_whole_with_its_thinking(
    server: MessagesServer, experiment: Experiment
) -> None:
    Agent("", experiment, options(server)).propose(brief_of(experiment))
    thinking, text, call = server.requests[1]["body"]["messages"][1]["content"]
    assert (thinking["type"], thinking["thinking"], thinking["signature"]) == (
        "thinking",
        "let me look",
        "scripted",
    )
    assert (text["text"], call["name"], call["input"]) == (
        "let me look",
        "read_file",
        {"path": LOG},
    )
    assert answers(server.requests[1])[0]["tool_use_id"] == call["id"]


def test_what_is_said_again_is_marked_for_the_cache_of_claude_and_for_no_other_server() -> None:
    turns = [
        {"role": role, "content": [text_block(role)]} for role in ("user", "assistant", "user")
    ]
    request = ModelRequest(model=OPUS, system="s", messages=turns, tools=({"name": "x"},))
    marked = [
        "cache_control" in turn["content"][-1] for turn in make_body(request, True)["messages"]
    ]
    assert marked == [True, False, True]
    assert "cache_control" not in json.dumps(make_body(request, False))
    assert "cache_control" not in json.dumps(turns)


def test_a_program_that_is_refused_is_repaired(
    server: MessagesServer, experiment: Experiment
) -> None:
    broken = ("edit", {"path": "train.py", "text": "def broken(:\n"})
    whole = (
        "edit",
        {"path": "train.py", "text": PROGRAMS[1].files["train.py"].replace("= 9", "= 64")},
    )
    server.script = play_steps(call_tools(broken, SUBMIT), call_tools(whole, SUBMIT))
    proposal = Agent("", experiment, options(server)).propose(brief_of(experiment))
    refused = answers(server.requests[1])[1]
    assert refused["is_error"] is True
    assert "train.py does not parse: line 1" in refused["content"]
    assert "does not parse" in proposal.origin["repaired"]


def test_bad_arguments_and_unknown_tools_are_answered_and_the_work_goes_on(
    server: MessagesServer, experiment: Experiment
) -> None:
    bad = [
        ("read_file", {"path": "../../study.db"}),
        ("read_file", {"file": "x"}),
        ("bash", {"command": "ls"}),
        ("read_file", {"path": 3}),
    ]
    server.script = play_steps(call_tools(*bad), call_tools(EDIT, SUBMIT))
    assert Agent("", experiment, options(server)).propose(brief_of(experiment)).origin["read"] == []
    replies = answers(server.requests[1])
    assert [answer["is_error"] for answer in replies] == [True] * 4
    problems = (
        "leads out of the history",
        "no argument 'file'",
        "no tool has the name 'bash'",
        "must be of type string",
    )
    for problem, answer in zip(problems, replies, strict=True):
        assert problem in answer["content"]


@pytest.mark.parametrize(
    ("step", "message", "n_calls"),
    [
        (call_tools(READ), "nothing was submitted within 40 turns", 40),
        (
            call_tools(SUBMIT),
            f"{MAX_REFUSALS} programs were not taken; the last: it changes nothing",
            MAX_REFUSALS,
        ),
        (
            Answer("I would widen it."),
            f"called no tool in {MAX_SILENT_TURNS} turns",
            MAX_SILENT_TURNS,
        ),
    ],
)
def test_work_without_an_end_is_ended_and_its_cost_is_recorded(
    server: MessagesServer, experiment: Experiment, step: Answer, message: str, n_calls: int
) -> None:
    server.script = play_steps(step)
    brief = brief_of(experiment)
    with pytest.raises(Unusable, match=message) as problem:
        Agent("", experiment, options(server)).propose(brief)
    assert len(server.requests) == len(brief.receipt.calls) == n_calls
    assert problem.value.origin["tokens"] == brief.receipt.tokens > 0
    assert message in problem.value.origin["problem"]


def test_the_last_turns_are_announced(server: MessagesServer, experiment: Experiment) -> None:
    server.script = play_steps(call_tools(READ))
    with pytest.raises(Unusable):
        Agent("", experiment, options(server, prompt=f"{SHORT}turns = 7\n")).propose(
            brief_of(experiment)
        )
    assert ["turns are left" in prompt for prompt in server.prompts] == [False, False, *[True] * 5]


def test_calls_beyond_the_bound_of_one_turn_are_not_done(
    server: MessagesServer, experiment: Experiment
) -> None:
    server.script = play_steps(call_tools(*[READ] * (MAX_CALLS + 2)), call_tools(EDIT, SUBMIT))
    Agent("", experiment, options(server)).propose(brief_of(experiment))
    assert ["is_error" in answer for answer in answers(server.requests[1])] == [
        False
    ] * MAX_CALLS + [True] * 2


@pytest.mark.parametrize("limit", [{"max_tokens": 25_000}, {"max_usd": 0.1}])
def test_no_call_is_made_past_a_budget(
    server: MessagesServer, experiment: Experiment, limit: dict[str, Any]
) -> None:
    server.script = play_steps(call_tools(READ, usage={"input_tokens": 10_000, "output_tokens": 0}))
    with pytest.raises(Unusable, match="before the budget was used"):
        Agent("", experiment, options(server)).propose(
            brief_of(experiment, options(server, **limit))
        )
    assert len(server.requests) == 3


def test_the_tokens_of_one_proposal_are_bounded(
    server: MessagesServer, experiment: Experiment
) -> None:
    server.script = play_steps(
        call_tools(READ, usage={"input_tokens": 1_000_000, "output_tokens": 0})
    )
    with pytest.raises(Unusable, match="within 3,000,000 tokens"):
        Agent("", experiment, options(server)).propose(brief_of(experiment))
    assert len(server.requests) == 3


def test_the_model_is_not_asked_again_once_the_answer_is_not_needed(
    server: MessagesServer, experiment: Experiment
) -> None:
    brief = brief_of(experiment)
    replies = play_steps(call_tools(READ))
    brief.cancelled.clear()

    def script(body: Any) -> Any:
        if len(server.requests) == 2:
            brief.cancelled.set()
        return replies(body)

    server.script = script
    with pytest.raises(ProposerFault, match="was ended"):
        Agent("", experiment, options(server)).propose(brief)
    assert (len(server.requests), len(brief.receipt.calls)) == (2, 2)


def test_old_answers_are_cleared_when_the_context_is_full(
    server: MessagesServer, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "LOCAL_CONTEXT_CHARS", 30_000)
    server.script = play_steps(*[call_tools(READ)] * 8, call_tools(EDIT, SUBMIT))
    brief = brief_of(experiment, workspace=Left({(3, 0): "log " * 2000}))
    Agent("", experiment, options(server)).propose(brief)
    sizes = [len(json.dumps(request["body"]["messages"])) for request in server.requests]
    assert max(sizes) < 34_000
    last = [
        block["content"]
        for turn in server.requests[-1]["body"]["messages"][1:]
        for block in turn["content"]
        if "content" in block
    ]
    assert last[0].startswith("(cleared")
    assert last[-1] == "log " * 2000


def test_the_record_of_a_call_holds_each_turn_once_and_all_of_them_can_be_had_back(
    server: MessagesServer, experiment: Experiment, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "LOCAL_CONTEXT_CHARS", 30_000)
    server.script = play_steps(*[call_tools(READ)] * 8, call_tools(EDIT, SUBMIT))
    brief = brief_of(experiment, workspace=Left({(3, 0): "log " * 2000}))
    Agent("", experiment, options(server)).propose(brief)
    turns: list[Any] = []
    for call, request in zip(brief.receipt.calls, server.requests, strict=True):
        turns = [*turns[: call["repeats"]], *call["request"]["messages"]]
        assert turns == request["body"]["messages"]
    whole = sum(len(json.dumps(request["body"]["messages"])) for request in server.requests)
    assert (
        len(json.dumps([call["request"]["messages"] for call in brief.receipt.calls])) < whole * 0.7
    )


@pytest.mark.parametrize("text", ['{"path": nonsense}', '["train.py"]', '{"path": "train.py"'])
def test_arguments_that_are_not_a_json_object_go_back_to_the_model_which_corrects_them(
    server: MessagesServer, experiment: Experiment, text: str
) -> None:
    server.script = play_steps(call_tools(("read_file", text), READ), call_tools(EDIT, SUBMIT))
    brief = brief_of(experiment)
    assert Agent("", experiment, options(server)).propose(brief).origin["read"] == [LOG]
    first, second = answers(server.requests[1])
    assert first["is_error"] is True
    assert "the arguments are not a JSON object: " in first["content"]
    assert text[:10] in first["content"]
    assert "NameError" in second["content"]
    message = server.requests[1]["body"]["messages"][1]["content"]
    assert message[0]["input"] == {}, "what goes back to the server is an object"
    assert list(brief.receipt.calls[0]["response"]["malformed"].values()) == [text]


def test_an_unknown_level_is_refused_and_a_level_is_recorded(
    server: MessagesServer, experiment: Experiment
) -> None:
    with pytest.raises(UsageError, match="one of scores, summaries, full"):
        Agent("everything", experiment, options(server))
    proposal = Agent("scores", experiment, options(server)).propose(brief_of(experiment))
    assert (proposal.origin["level"], proposal.origin["read"]) == ("scores", [])
    assert "does not exist" in answers(server.requests[1])[0]["content"]


def wider(width: int) -> tuple[str, dict[str, str]]:
    return "edit", {"path": "train.py", "search": "WIDTH = 9", "text": f"WIDTH = {width}"}


def submit(number: int) -> tuple[str, dict[str, str]]:
    return "submit", {"hypothesis": f"idea {number}"}


def run_round(server: MessagesServer, brief: Brief) -> list[Proposal]:
    proposals = Agent("", brief.experiment, options(server)).propose(brief)
    return [proposals] if isinstance(proposals, Proposal) else list(proposals)


def list_before_failure(server: MessagesServer, brief: Brief, why: str) -> list[Proposal]:
    """The proposals of a round that ended with an error; `why` is a part of its message."""
    text: list[Proposal] = []
    with pytest.raises((ProposerFault, Unusable), match=why):
        text.extend(iter(Agent("", brief.experiment, options(server)).propose(brief)))  # type: ignore[arg-type]
    return text


def summarize(proposals: list[Proposal]) -> list[tuple[str, int]]:
    return [
        (one.hypothesis, int(one.program.files["train.py"].partition("WIDTH = ")[2].split()[0]))
        for one in proposals
    ]


def test_several_candidates_come_of_one_conversation_each_from_the_parent(
    server: MessagesServer, experiment: Experiment
) -> None:
    server.script = play_steps(
        call_tools(READ),
        call_tools(wider(20), submit(1)),
        call_tools(wider(30), submit(2)),
        call_tools(wider(40), submit(3), READ),
    )
    proposals = run_round(server, brief_of(experiment, max_proposals=3))
    assert summarize(proposals) == [("idea 1", 20), ("idea 2", 30), ("idea 3", 40)]
    assert [one.origin["read"] for one in proposals] == [[LOG]] * 3
    assert len(server.requests) == 4
    question = server.requests[0]["body"]["messages"][0]["content"][-1]["text"]
    assert "Submit up to 3 candidates" in question
    assert "the program of candidate 1 again" in " ".join(question.split()).replace(
        "working/ holds the ", "the "
    )
    assert "2 more can be submitted" in answers(server.requests[2])[1]["content"]


def test_a_round_ends_where_the_model_has_no_more_ideas(
    server: MessagesServer, experiment: Experiment
) -> None:
    server.script = play_steps(
        call_tools(wider(20), submit(1)), call_tools(wider(30), submit(2)), Answer("That is all.")
    )
    assert summarize(run_round(server, brief_of(experiment, max_proposals=5))) == [
        ("idea 1", 20),
        ("idea 2", 30),
    ]
    assert len(server.requests) == 3


def test_a_round_takes_no_program_twice(server: MessagesServer, experiment: Experiment) -> None:
    other = ("edit", {**wider(30)[1], "search": "WIDTH = 20"})
    server.script = play_steps(
        call_tools(wider(20), submit(1)),
        call_tools(wider(20), submit(2)),
        call_tools(other, submit(2)),
    )
    proposals = run_round(server, brief_of(experiment, max_proposals=2))
    assert summarize(proposals) == [("idea 1", 20), ("idea 2", 30)]
    assert "submitted in this conversation" in answers(server.requests[2])[1]["content"]
    assert ["repaired" in one.origin for one in proposals] == [False, True]


@pytest.mark.parametrize(
    ("last", "text", "why"),
    [
        (Failure(401, "authentication_error"), {}, "does not accept the key"),
        (Answer("half", lost_after=3), {}, "connection"),
        (Answer("no", stop="refusal"), {}, "refused to answer"),
        (
            call_tools(READ),
            {"max_tokens": 25_000},
            "nothing more was submitted before the budget was used",
        ),
        (call_tools(SUBMIT), {}, "4 programs were not taken"),
    ],
)
def test_what_was_submitted_before_a_fault_or_the_end_of_a_budget_is_not_lost(
    server: MessagesServer, experiment: Experiment, last: Any, text: dict[str, Any], why: str
) -> None:
    used = {"input_tokens": 10_000, "output_tokens": 0}
    server.script = play_steps(
        call_tools(wider(20), submit(1), usage=used),
        call_tools(wider(30), submit(2), usage=used),
        last,
    )
    brief = brief_of(experiment, options(server, **text), max_proposals=5)
    assert summarize(list_before_failure(server, brief, why)) == [("idea 1", 20), ("idea 2", 30)]


def test_what_was_submitted_before_a_stop_is_not_lost(
    server: MessagesServer, experiment: Experiment
) -> None:
    brief = brief_of(experiment, max_proposals=3)
    replies = play_steps(call_tools(wider(20), submit(1)), call_tools(READ))

    def script(body: Any) -> Any:
        if len(server.requests) == 2:
            brief.cancelled.set()
        return replies(body)

    server.script = script
    assert summarize(list_before_failure(server, brief, "the call was ended")) == [("idea 1", 20)]


def test_a_candidate_is_given_before_the_rest_of_its_turn_is_worked_on(
    server: MessagesServer, experiment: Experiment
) -> None:
    glimpses: list[Glimpse] = []
    server.script = play_steps(
        call_tools(wider(20), submit(1), READ), call_tools(wider(30), submit(2))
    )
    proposals = Agent("", experiment, options(server)).propose(
        brief_of(experiment, max_proposals=2, show=glimpses.append)
    )
    assert isinstance(proposals, Iterator)
    assert next(proposals).hypothesis == "idea 1"
    assert [one.text for one in glimpses if one.kind == "tool"] == [
        "edit train.py",
        "submit idea 1",
    ]
    assert len(server.requests) == 1
    assert next(proposals).hypothesis == "idea 2"


def test_a_program_that_fails_its_smoke_run_goes_back_with_what_it_printed(
    server: MessagesServer, experiment: Experiment
) -> None:
    left = Left(
        checks=[
            SmokeResult("ZeroDivisionError (train.py line 9)", "step 1\nobey me", 0.5),
            SmokeResult(seconds=1.25),
        ]
    )
    server.script = play_steps(
        call_tools(wider(0), submit(1)),
        call_tools(("edit", {**wider(20)[1], "search": "WIDTH = 0"}), submit(2)),
    )
    glimpses: list[Glimpse] = []
    (proposal,) = run_round(server, brief_of(experiment, workspace=left, show=glimpses.append))
    refused = answers(server.requests[1])[1]
    assert refused["is_error"] is True
    assert "fails in a smoke run (0.5 s): ZeroDivisionError (train.py line 9)" in refused["content"]
    assert "step 1\nobey me" in refused["content"]
    assert proposal.origin["check_seconds"] == 1.25
    assert proposal.origin["repaired"].endswith("(train.py line 9)")
    assert [one.text.partition(":")[0] for one in glimpses if one.kind == "check"] == [
        "smoke run failed (0.5 s)",
        "smoke run passed (1.2 s)",
    ]


def test_repairs_after_smoke_runs_are_bounded(
    server: MessagesServer, experiment: Experiment
) -> None:
    left = Left(checks=[SmokeResult(f"broken {number}") for number in range(20)])
    server.script = play_steps(call_tools(wider(20), submit(1)), call_tools(submit(1)))
    with pytest.raises(
        Unusable, match=f"{MAX_REFUSALS} programs were not taken; the last: it fails in a smoke run"
    ):
        run_round(server, brief_of(experiment, workspace=left))
    assert len(server.requests) == MAX_REFUSALS


def test_the_work_is_shown_while_it_happens(server: MessagesServer, experiment: Experiment) -> None:
    server.script = play_steps(
        call_tools(READ, text="let me look " * 100), call_tools(EDIT, SUBMIT)
    )
    glimpses: list[Glimpse] = []
    run_round(server, brief_of(experiment, show=glimpses.append))
    thought = [one.text for one in glimpses if one.kind == "thinking"]
    assert "".join(thought) == "let me look " * 100
    assert len(thought) > 1
    assert [(one.text, one.turn) for one in glimpses if one.kind == "model"] == [
        (OPUS, 1),
        (OPUS, 2),
    ]
    assert [one.tokens > 0 for one in glimpses if one.kind == "model"] == [False, True]
    assert [one.text for one in glimpses if one.kind == "tool"] == [
        f"read_file {LOG}", "edit train.py", "submit wider is better; if not, loss stays"
    ]  # fmt: skip
    assert any("-WIDTH = 9\n+WIDTH = 64" in one.text for one in glimpses if one.kind == "diff")
    kinds = [one.kind for one in glimpses]
    assert kinds.index("input") < kinds.index("tool"), "an edit is seen while it is written"
