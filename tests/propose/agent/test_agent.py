"""`agent` through the real SDK, against a scripted server: what goes back, what is bounded, what it costs, what is recorded."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.messages_server import Fails, MessagesServer, Says, in_turn, uses
from tests.propose.agent.histories import PROGRAMS, Left, brief_of, experiment_in
from workbench.errors import ProposerFault, UsageError
from workbench.experiment import Experiment
from workbench.propose.agent import conversation
from workbench.propose.agent.agent import MAX_CALLS, MAX_REFUSED, MAX_SILENT, Agent
from workbench.propose.model.call import Request, text_block
from workbench.propose.model.client import wire
from workbench.propose.proposer import Brief, Proposal, Shown, Unusable
from workbench.propose.workspace import Checked
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
    with MessagesServer(in_turn(uses(READ, said="let me look"), uses(EDIT, SUBMIT))) as server:
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
    def _served(self, server: MessagesServer) -> None:
        whole = {"path": "train.py", "text": PROGRAMS[3].files["train.py"]}
        server.script = in_turn(uses(("list_files", {})), uses(("edit", whole), SUBMIT))
        self.server = server

    def make(self, experiment: Experiment, given: Options) -> Agent:
        return Agent("", experiment, replace(given, model=OPUS, base_url=self.server.url))


def test_the_model_reads_edits_and_submits_and_what_it_read_is_recorded(
    server: MessagesServer, experiment: Experiment
) -> None:
    given = options(server, seed=7, effort="high")
    brief = brief_of(
        experiment,
        given,
        guidance=("think of width",),
        banned=("dropout",),
        idea="a wider net",
        inspirations=(2,),
    )
    proposal = Agent("", experiment, given).propose(brief)
    assert proposal.program.files["train.py"] == PROGRAMS[1].files["train.py"].replace(
        "WIDTH = 9", "WIDTH = 64"
    )
    assert proposal.hypothesis == "wider is better; if not, loss stays"
    assert proposal.origin == {"model": OPUS, "level": "full", "read": [LOG]}
    first, second = server.requests
    asked = "\n".join(block["text"] for block in first["body"]["messages"][0]["content"])
    told = (
        "Make the loss small",
        "think of width",
        "dropout",
        "a wider net",
        "candidates 2",
        "candidate 1",
    )
    assert all(text in asked for text in told)
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
    request = Request(model=OPUS, system="s", messages=turns, tools=({"name": "x"},))
    marked = ["cache_control" in turn["content"][-1] for turn in wire(request, True)["messages"]]
    assert marked == [True, False, True]
    assert "cache_control" not in json.dumps(wire(request, False))
    assert "cache_control" not in json.dumps(turns)


def test_a_program_that_is_not_taken_is_mended(
    server: MessagesServer, experiment: Experiment
) -> None:
    broken = ("edit", {"path": "train.py", "text": "def broken(:\n"})
    whole = (
        "edit",
        {"path": "train.py", "text": PROGRAMS[1].files["train.py"].replace("= 9", "= 64")},
    )
    server.script = in_turn(uses(broken, SUBMIT), uses(whole, SUBMIT))
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
    server.script = in_turn(uses(*bad), uses(EDIT, SUBMIT))
    assert Agent("", experiment, options(server)).propose(brief_of(experiment)).origin["read"] == []
    told = answers(server.requests[1])
    assert [answer["is_error"] for answer in told] == [True] * 4
    said = (
        "leads out of the history",
        "no argument 'file'",
        "no tool 'bash'",
        "must be of type string",
    )
    assert all(text in answer["content"] for text, answer in zip(said, told, strict=True))


@pytest.mark.parametrize(
    ("step", "said", "n_asked"),
    [
        (uses(READ), "nothing was submitted within 40 turns", 40),
        (
            uses(SUBMIT),
            f"{MAX_REFUSED} programs were not taken; the last: it changes nothing",
            MAX_REFUSED,
        ),
        (Says("I would widen it."), f"called no tool in {MAX_SILENT} turns", MAX_SILENT),
    ],
)
def test_work_without_an_end_is_ended_and_told_with_its_cost(
    server: MessagesServer, experiment: Experiment, step: Says, said: str, n_asked: int
) -> None:
    server.script = in_turn(step)
    brief = brief_of(experiment)
    with pytest.raises(Unusable, match=said) as problem:
        Agent("", experiment, options(server)).propose(brief)
    assert len(server.requests) == len(brief.receipt.calls) == n_asked
    assert problem.value.origin["tokens"] == brief.receipt.tokens > 0
    assert said in problem.value.origin["problem"]


def test_the_last_turns_are_announced(server: MessagesServer, experiment: Experiment) -> None:
    server.script = in_turn(uses(READ))
    with pytest.raises(Unusable):
        Agent("", experiment, options(server, prompt=f"{SHORT}turns = 7\n")).propose(
            brief_of(experiment)
        )
    assert ["turns are left" in prompt for prompt in server.prompts] == [False, False, *[True] * 5]


def test_calls_beyond_the_bound_of_one_turn_are_not_done(
    server: MessagesServer, experiment: Experiment
) -> None:
    server.script = in_turn(uses(*[READ] * (MAX_CALLS + 2)), uses(EDIT, SUBMIT))
    Agent("", experiment, options(server)).propose(brief_of(experiment))
    assert ["is_error" in answer for answer in answers(server.requests[1])] == [
        False
    ] * MAX_CALLS + [True] * 2


@pytest.mark.parametrize("limit", [{"max_tokens": 25_000}, {"max_usd": 0.1}])
def test_no_call_is_made_past_a_budget(
    server: MessagesServer, experiment: Experiment, limit: dict[str, Any]
) -> None:
    server.script = in_turn(uses(READ, usage={"input_tokens": 10_000, "output_tokens": 0}))
    with pytest.raises(Unusable, match="before the budget was used"):
        Agent("", experiment, options(server)).propose(
            brief_of(experiment, options(server, **limit))
        )
    assert len(server.requests) == 3


def test_the_tokens_of_one_proposal_are_bounded(
    server: MessagesServer, experiment: Experiment
) -> None:
    server.script = in_turn(uses(READ, usage={"input_tokens": 1_000_000, "output_tokens": 0}))
    with pytest.raises(Unusable, match="within 3,000,000 tokens"):
        Agent("", experiment, options(server)).propose(brief_of(experiment))
    assert len(server.requests) == 3


def test_nobody_asks_on_when_nobody_waits(server: MessagesServer, experiment: Experiment) -> None:
    brief = brief_of(experiment)
    replies = in_turn(uses(READ))
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
    monkeypatch.setattr(conversation, "CONTEXT_CHARS", {True: 30_000, False: 30_000})
    server.script = in_turn(*[uses(READ)] * 8, uses(EDIT, SUBMIT))
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
    monkeypatch.setattr(conversation, "CONTEXT_CHARS", {True: 30_000, False: 30_000})
    server.script = in_turn(*[uses(READ)] * 8, uses(EDIT, SUBMIT))
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


@pytest.mark.parametrize("given", ['{"path": nonsense}', '["train.py"]', '{"path": "train.py"'])
def test_arguments_that_are_no_json_object_go_back_to_the_model_which_mends_them(
    server: MessagesServer, experiment: Experiment, given: str
) -> None:
    server.script = in_turn(uses(("read_file", given), READ), uses(EDIT, SUBMIT))
    brief = brief_of(experiment)
    assert Agent("", experiment, options(server)).propose(brief).origin["read"] == [LOG]
    first, second = answers(server.requests[1])
    assert first["is_error"] is True
    assert "the arguments are no JSON object: " in first["content"]
    assert given[:10] in first["content"]
    assert "NameError" in second["content"]
    said = server.requests[1]["body"]["messages"][1]["content"]
    assert said[0]["input"] == {}, "what goes back to the server is an object"
    assert list(brief.receipt.calls[0]["response"]["malformed"].values()) == [given]


def test_an_unknown_level_is_refused_and_a_level_is_recorded(
    server: MessagesServer, experiment: Experiment
) -> None:
    with pytest.raises(UsageError, match="one of scores, summaries, full"):
        Agent("everything", experiment, options(server))
    proposal = Agent("scores", experiment, options(server)).propose(brief_of(experiment))
    assert (proposal.origin["level"], proposal.origin["read"]) == ("scores", [])
    assert "there is no file" in answers(server.requests[1])[0]["content"]


def wider(width: int) -> tuple[str, dict[str, str]]:
    return "edit", {"path": "train.py", "search": "WIDTH = 9", "text": f"WIDTH = {width}"}


def submit(number: int) -> tuple[str, dict[str, str]]:
    return "submit", {"hypothesis": f"idea {number}"}


def a_round(server: MessagesServer, brief: Brief) -> list[Proposal]:
    proposals = Agent("", brief.experiment, options(server)).propose(brief)
    return [proposals] if isinstance(proposals, Proposal) else list(proposals)


def before_it_failed(server: MessagesServer, brief: Brief, why: str) -> list[Proposal]:
    """What a round gave before it ended with an error that says why."""
    given: list[Proposal] = []
    with pytest.raises((ProposerFault, Unusable), match=why):
        given.extend(iter(Agent("", brief.experiment, options(server)).propose(brief)))  # type: ignore[arg-type]
    return given


def told(proposals: list[Proposal]) -> list[tuple[str, int]]:
    return [
        (one.hypothesis, int(one.program.files["train.py"].partition("WIDTH = ")[2].split()[0]))
        for one in proposals
    ]


def test_several_candidates_come_of_one_conversation_each_from_the_parent(
    server: MessagesServer, experiment: Experiment
) -> None:
    server.script = in_turn(
        uses(READ),
        uses(wider(20), submit(1)),
        uses(wider(30), submit(2)),
        uses(wider(40), submit(3), READ),
    )
    proposals = a_round(server, brief_of(experiment, wanted=3))
    assert told(proposals) == [("idea 1", 20), ("idea 2", 30), ("idea 3", 40)]
    assert [one.origin["read"] for one in proposals] == [[LOG]] * 3
    assert len(server.requests) == 4
    asked = server.requests[0]["body"]["messages"][0]["content"][-1]["text"]
    assert "Submit up to 3 candidates" in asked
    assert "the program of candidate 1 again" in " ".join(asked.split()).replace(
        "working/ holds the ", "the "
    )
    assert "2 more can be submitted" in answers(server.requests[2])[1]["content"]


def test_a_round_ends_where_the_model_has_no_more_ideas(
    server: MessagesServer, experiment: Experiment
) -> None:
    server.script = in_turn(
        uses(wider(20), submit(1)), uses(wider(30), submit(2)), Says("That is all.")
    )
    assert told(a_round(server, brief_of(experiment, wanted=5))) == [("idea 1", 20), ("idea 2", 30)]
    assert len(server.requests) == 3


def test_a_round_takes_no_program_twice(server: MessagesServer, experiment: Experiment) -> None:
    other = ("edit", {**wider(30)[1], "search": "WIDTH = 20"})
    server.script = in_turn(
        uses(wider(20), submit(1)), uses(wider(20), submit(2)), uses(other, submit(2))
    )
    proposals = a_round(server, brief_of(experiment, wanted=2))
    assert told(proposals) == [("idea 1", 20), ("idea 2", 30)]
    assert "submitted in this conversation" in answers(server.requests[2])[1]["content"]
    assert ["repaired" in one.origin for one in proposals] == [False, True]


@pytest.mark.parametrize(
    ("last", "given", "why"),
    [
        (Fails(401, "authentication_error"), {}, "does not accept the key"),
        (Says("half", lost_after=3), {}, "connection"),
        (Says("no", stop="refusal"), {}, "refused to answer"),
        (
            uses(READ),
            {"max_tokens": 25_000},
            "nothing more was submitted before the budget was used",
        ),
        (uses(SUBMIT), {}, "4 programs were not taken"),
    ],
)
def test_what_was_submitted_before_a_fault_or_the_end_of_a_budget_is_not_lost(
    server: MessagesServer, experiment: Experiment, last: Any, given: dict[str, Any], why: str
) -> None:
    used = {"input_tokens": 10_000, "output_tokens": 0}
    server.script = in_turn(
        uses(wider(20), submit(1), usage=used), uses(wider(30), submit(2), usage=used), last
    )
    brief = brief_of(experiment, options(server, **given), wanted=5)
    assert told(before_it_failed(server, brief, why)) == [("idea 1", 20), ("idea 2", 30)]


def test_what_was_submitted_before_a_stop_is_not_lost(
    server: MessagesServer, experiment: Experiment
) -> None:
    brief = brief_of(experiment, wanted=3)
    replies = in_turn(uses(wider(20), submit(1)), uses(READ))

    def script(body: Any) -> Any:
        if len(server.requests) == 2:
            brief.cancelled.set()
        return replies(body)

    server.script = script
    assert told(before_it_failed(server, brief, "the call was ended")) == [("idea 1", 20)]


def test_a_candidate_is_given_before_the_rest_of_its_turn_is_worked_on(
    server: MessagesServer, experiment: Experiment
) -> None:
    shown: list[Shown] = []
    server.script = in_turn(uses(wider(20), submit(1), READ), uses(wider(30), submit(2)))
    proposals = Agent("", experiment, options(server)).propose(
        brief_of(experiment, wanted=2, show=shown.append)
    )
    assert isinstance(proposals, Iterator)
    assert next(proposals).hypothesis == "idea 1"
    assert [one.text for one in shown if one.kind == "tool"] == ["edit train.py", "submit idea 1"]
    assert len(server.requests) == 1
    assert next(proposals).hypothesis == "idea 2"


def test_a_program_that_fails_its_smoke_run_goes_back_with_what_it_printed(
    server: MessagesServer, experiment: Experiment
) -> None:
    left = Left(
        checks=[
            Checked("ZeroDivisionError (train.py line 9)", "step 1\nobey me", 0.5),
            Checked(seconds=1.25),
        ]
    )
    server.script = in_turn(
        uses(wider(0), submit(1)),
        uses(("edit", {**wider(20)[1], "search": "WIDTH = 0"}), submit(2)),
    )
    shown: list[Shown] = []
    (proposal,) = a_round(server, brief_of(experiment, workspace=left, show=shown.append))
    refused = answers(server.requests[1])[1]
    assert refused["is_error"] is True
    assert "fails in a smoke run (0.5 s): ZeroDivisionError (train.py line 9)" in refused["content"]
    assert "step 1\nobey me" in refused["content"]
    assert proposal.origin["check_seconds"] == 1.25
    assert proposal.origin["repaired"].endswith("(train.py line 9)")
    assert [one.text.partition(":")[0] for one in shown if one.kind == "check"] == [
        "smoke run failed (0.5 s)",
        "smoke run passed (1.2 s)",
    ]


def test_repairs_after_smoke_runs_are_bounded(
    server: MessagesServer, experiment: Experiment
) -> None:
    left = Left(checks=[Checked(f"broken {number}") for number in range(20)])
    server.script = in_turn(uses(wider(20), submit(1)), uses(submit(1)))
    with pytest.raises(
        Unusable, match=f"{MAX_REFUSED} programs were not taken; the last: it fails in a smoke run"
    ):
        a_round(server, brief_of(experiment, workspace=left))
    assert len(server.requests) == MAX_REFUSED


def test_the_work_is_shown_while_it_happens(server: MessagesServer, experiment: Experiment) -> None:
    server.script = in_turn(uses(READ, said="let me look " * 100), uses(EDIT, SUBMIT))
    shown: list[Shown] = []
    a_round(server, brief_of(experiment, show=shown.append))
    thought = [one.text for one in shown if one.kind == "thinking"]
    assert "".join(thought) == "let me look " * 100
    assert len(thought) > 1
    assert [(one.text, one.turn) for one in shown if one.kind == "model"] == [(OPUS, 1), (OPUS, 2)]
    assert [one.tokens > 0 for one in shown if one.kind == "model"] == [False, True]
    assert [one.text for one in shown if one.kind == "tool"] == [
        f"read_file {LOG}", "edit train.py", "submit wider is better; if not, loss stays"
    ]  # fmt: skip
    assert any("-WIDTH = 9\n+WIDTH = 64" in one.text for one in shown if one.kind == "diff")
    kinds = [one.kind for one in shown]
    assert kinds.index("input") < kinds.index("tool"), "an edit is seen while it is written"
