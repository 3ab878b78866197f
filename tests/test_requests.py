"""A request comes back from JSON as it was, and what cannot be one is explained in one line.

An adopted request is read whatever version of the workbench wrote it.
"""

import json
import math
from dataclasses import fields
from typing import Any, get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from workbench.errors import UsageError
from workbench.records import Adopted, Record, Reproduction
from workbench.requests import (
    BY_VERB,
    MAX_FILE,
    MAX_TEXT,
    Accept,
    AdoptedAccept,
    AdoptedEdit,
    AdoptedExamination,
    AdoptedRequest,
    Ban,
    Change,
    Edit,
    Fork,
    Guide,
    Note,
    Pause,
    Pin,
    RecordReproduction,
    Reject,
    Request,
    Resume,
    RunAblation,
    RunAudit,
    Set,
    Stop,
    read,
    read_adopted,
    to_body,
)

REQUESTS: list[Request] = [
    Accept(candidate=3, program="d", reason="good"),
    Accept(candidate=3, hunks=(1, 3), rejected=(2,)),
    Reject(candidate=3, program="d", reason="too slow"),
    Edit(candidate=3, files={"train.py": "x = 1\n"}, program="d", reason="a bolder rate"),
    Guide(text="smaller steps"),
    Guide(text="smaller steps", next=True),
    Ban(text="no recursion"),
    Pin(candidate=3, program="d"),
    Note(candidate=3, text="try this again", author="ada"),
    Fork(candidate=0),
    Pause(),
    Resume(),
    Stop(),
    Set(key="max_usd", value=2.5),
    RecordReproduction(
        candidate=3,
        reproduced=True,
        got=1.0,
        recorded=None,
        why="as recorded",
        environment={"python": "3.11"},
    ),
    RunAudit(trials=4),
    RunAblation(),
]
ADOPTED: list[AdoptedRequest] = [
    AdoptedAccept(request=Accept(candidate=3, program="d"), lets_run=True),
    AdoptedAccept(request=Accept(candidate=3, hunks=(1,), rejected=(2,))),
    AdoptedEdit(candidate=3, paths=("a.py", "b.py"), reason="a bolder rate"),
    AdoptedExamination(verb="audit", candidate=3, number=0, trials=4),
    AdoptedExamination(
        verb="ablate",
        candidate=3,
        number=1,
        trials=4,
        changes=(Change(1, 7), Change(2, None, "taken out already")),
    ),
]


def adopted(verb: str, body: Any) -> AdoptedRequest | None:
    return read_adopted(Adopted(request="r", sequence=1, verb=verb, body=body))


@pytest.mark.parametrize("request_", REQUESTS, ids=repr)
def test_a_request_comes_back_from_json_as_it_was(request_: Request) -> None:
    text = json.dumps(to_body(request_), allow_nan=False)
    assert read(request_.verb, json.loads(text)) == request_


def test_every_request_is_tried_here() -> None:
    assert {type(request) for request in REQUESTS} == set(get_args(Request))


def test_verbs_are_told_apart() -> None:
    assert len(BY_VERB) == len(get_args(Request))


@pytest.mark.parametrize("value", ADOPTED, ids=repr)
def test_an_adopted_request_comes_back_from_the_journal_as_it_was(value: AdoptedRequest) -> None:
    verbs = {AdoptedAccept: "accept", AdoptedEdit: "edit"}
    verb = value.verb if isinstance(value, AdoptedExamination) else verbs[type(value)]
    assert adopted(verb, json.loads(json.dumps(to_body(value)))) == value


@pytest.mark.parametrize("request_", REQUESTS, ids=repr)
def test_an_adopted_request_that_the_loop_did_not_change_reads_as_it_was_filed(
    request_: Request,
) -> None:
    value = adopted(request_.verb, to_body(request_))
    if isinstance(request_, Accept):
        assert value == AdoptedAccept(request=request_)
    elif isinstance(request_, Edit):
        assert isinstance(value, AdoptedEdit)
        assert value.paths == ("train.py",)
    elif isinstance(request_, RunAudit | RunAblation):
        assert value is None  # the loop had to fix what is examined
    else:
        assert value == request_


def test_a_record_and_a_request_never_share_a_name() -> None:
    assert {cls.__name__ for cls in get_args(Request)} & {
        cls.__name__ for cls in get_args(Record)
    } == set()


def test_a_recorded_reproduction_has_the_fields_of_the_record() -> None:
    asked = [field.name for field in fields(RecordReproduction)]
    recorded = [field.name for field in fields(Reproduction)]
    assert [*asked, "request"] == recorded


@pytest.mark.parametrize(
    ("verb", "body", "message"),
    [
        ("levitate", {}, "unknown request 'levitate'; choose one of ablate, accept, audit,"),
        (["pause"], {}, "unknown request ['pause']; choose one of"),
        ("x" * 1000, {}, "unknown request 'xxxxxxxxxxxx...xxxxxxxxxxxxx'; choose one of"),
        ("pause", [], "pause: the body must be an object; it is []"),
        ("pause", {"soon": 1}, "pause has no field 'soon'; its body is empty"),
        ("ban", {"txt": "x"}, "ban has no field 'txt'; it has text"),
        ("accept", {"candidate": 1, "run": True}, "accept has no field 'run'; it has candidate,"),
        ("accept", {}, "accept: candidate is missing; it must be a whole number"),
        ("accept", {"candidate": True}, "accept: candidate must be a whole number; it is True"),
        ("reject", {"candidate": "3"}, "reject: candidate must be a whole number; it is '3'"),
        (
            "reject",
            {"candidate": 1, "reason": math.nan},
            "reject: reason must be a text; it is nan",
        ),
        (
            "accept",
            {"candidate": 1, "hunks": []},
            "accept: hunks is empty; to keep no hunk, reject",
        ),
        (
            "accept",
            {"candidate": 1, "hunks": "1,3"},
            "hunks must be a list of whole numbers, or null",
        ),
        (
            "accept",
            {"candidate": 1, "hunks": [[1]]},
            "hunks must be a list of whole numbers, or null",
        ),
        (
            "accept",
            {"candidate": 1, "hunks": None, "rejected": [1]},
            "rejected is given without hunks",
        ),
        (
            "accept",
            {"candidate": 1, "hunks": [1, 2], "rejected": [2]},
            "hunk 2 is both kept and rej",
        ),
        (
            "edit",
            {"candidate": 1},
            "edit: files is missing; it must be an object whose values are texts",
        ),
        (
            "edit",
            {"candidate": 1, "files": ["a.py"]},
            "files must be an object whose values are te",
        ),
        (
            "edit",
            {"candidate": 1, "files": {"a.py": 1}},
            "files must be an object whose values are",
        ),
        (
            "edit",
            {"candidate": 1, "files": {}},
            "edit: files is empty; give each changed file with",
        ),
        (
            "edit",
            {"candidate": 1, "files": {"a.py": "x" * (MAX_FILE + 1)}},
            "edit: a.py must have at most 4,194,304 characters; it has 4,194,305",
        ),
        ("guide", {"text": " "}, "guide needs a text of 1 to 4000 characters; it has 0"),
        (
            "ban",
            {"text": "x" * (MAX_TEXT + 1)},
            "ban needs a text of 1 to 4000 characters; it has 4,001",
        ),
        ("guide", {"text": "x", "next": 1}, "guide: next must be true or false; it is 1"),
        ("set", {"key": "max_usd", "value": math.inf}, "value must be a finite number or a text"),
        ("set", {"key": "max_usd", "value": 10**400}, "value must be a finite number or a text"),
        ("audit", {"trials": 1.5}, "audit: trials must be a whole number, or null; it is 1.5"),
    ],
)
def test_what_cannot_be_a_request_is_explained_in_one_line(
    verb: Any, body: Any, message: str
) -> None:
    with pytest.raises(UsageError) as raised:
        read(verb, body)
    assert message in str(raised.value)
    assert "\n" not in str(raised.value)
    assert len(str(raised.value)) < 200


@pytest.mark.parametrize(
    ("verb", "body", "value"),
    [
        (
            "accept",
            {"candidate": True, "program": None, "hunks": ["3", 1.0], "reason": None, "run": 1},
            AdoptedAccept(request=Accept(candidate=1, hunks=(3, 1)), lets_run=True),
        ),
        ("edit", {"candidate": 1, "files": ["a.py"]}, AdoptedEdit(candidate=1, paths=("a.py",))),
        (
            "edit",
            {"candidate": 1, "files": {"a.py": "x"}},
            AdoptedEdit(candidate=1, paths=("a.py",)),
        ),
        ("guide", {"text": "x", "next": "yes"}, Guide(text="x", next=True)),
        ("fork", {"candidate": 2.0, "mood": "good"}, Fork(candidate=2)),
        ("set", {"key": "seconds", "value": 60.0, "was": 30}, Set(key="seconds", value=60.0)),
        ("stop", {"reason": "late"}, Stop()),
        ("telepathy", {"thought": 1}, None),
        ("fork", {}, None),
        ("guide", [], None),
        ("pause", None, None),
        ("audit", {"candidate": 1}, None),
        ("ablate", {"candidate": 1, "number": 0, "trials": 2, "changes": 3}, None),
    ],
)
def test_an_adopted_request_of_another_version_is_read_leniently(
    verb: str, body: Any, value: AdoptedRequest | None
) -> None:
    assert adopted(verb, body) == value


def test_an_adopted_request_is_not_checked_again() -> None:
    long = adopted("guide", {"text": "x" * (MAX_TEXT + 1)})
    assert isinstance(long, Guide)
    assert len(long.text) == MAX_TEXT + 1
    # An empty list of hunks meant the whole candidate once.
    whole = adopted("accept", {"candidate": 1, "hunks": []})
    assert isinstance(whole, AdoptedAccept)
    assert whole.request.hunks == ()


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)
field_names = {field.name for cls in BY_VERB.values() for field in fields(cls)}
names = st.sampled_from(sorted(field_names | {"run", "number", "changes"}))
bodies = json_values | st.dictionaries(names, json_values)


@given(st.sampled_from([*BY_VERB, "telepathy"]), bodies)
def test_nothing_that_may_lie_in_a_database_raises_anything_unforeseen(
    verb: str, body: Any
) -> None:
    adopted(verb, body)
    try:
        request = read(verb, body)
    except UsageError:
        return
    json.dumps(to_body(request), allow_nan=False)
