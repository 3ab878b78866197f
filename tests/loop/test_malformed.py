"""Every request is answered once, whatever is in it, and the study goes on.

A journal that fails ends the loop, and the request waits for the next one.
"""

import sqlite3
from typing import Any

import pytest

from tests.loop.toy import Toy
from workbench.errors import WorkbenchError
from workbench.ledger.journal import Journal, Pen
from workbench.loop import adopt
from workbench.program import Program
from workbench.requests import BY_VERB

JUNK: list[Any] = [
    None,
    True,
    -1,
    10**400,
    1.5,
    "",
    "\ud800",
    "x",
    [],
    ["cell.py"],
    {},
    {"a": []},
    [[1]],
    [None],
]
FIELDS = {verb: list(cls.__dataclass_fields__) for verb, cls in BY_VERB.items()}
SOUND = {
    "candidate": 1,
    "files": {},
    "text": "x",
    "key": "max_usd",
    "value": 1,
    "reproduced": True,
    "got": 1.0,
    "recorded": 1.0,
}


def unanswered(toy: Toy) -> list[str]:
    with Journal(toy.folder) as journal:
        return [request.id for request in journal.read_unanswered_requests()]


def file_by_hand(toy: Toy, name: Any, verb: Any, body: Any) -> None:
    """Puts a row into the database past all code of the workbench."""
    with sqlite3.connect(toy.folder.database) as sql:
        sql.execute(
            "INSERT INTO request(id, at, verb, body) VALUES (?, 0.0, ?, ?)", (name, verb, body)
        )
    sql.close()


def test_an_edit_whose_files_are_a_list_is_refused_in_one_line_and_the_study_goes_on(
    toy: Toy,
) -> None:
    toy.create(candidates=1)
    toy.run()
    wrong = toy.request("edit", candidate=1, files=["train.py"])
    sound = toy.request("guide", text="smaller steps")
    study = toy.run()
    assert study.people.refused[wrong] == (
        "edit: files must be an object whose values are texts; it is ['train.py']"
    )
    assert sound in study.people.adopted
    assert (study.state, study.people.guidance) == ("finished", ["smaller steps"])


def test_a_request_over_which_the_code_fails_is_refused_and_the_log_has_the_traceback(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(context: object, request: object) -> adopt.Answer:
        raise TypeError("a mistake in the code")

    toy.create(candidates=1)
    toy.run()
    monkeypatch.setattr(adopt, "_pin", fail)
    pin = toy.request("pin", candidate=1)
    guide = toy.request("guide", text="smaller steps")
    study = toy.run()
    assert study.people.refused[pin] == (
        "the request could not be carried out: TypeError('a mistake in the code')"
    )
    assert guide in study.people.adopted
    errors = capfd.readouterr().err
    assert errors.startswith("Traceback")
    assert "in fail" in errors


def test_every_request_is_answered_whatever_is_in_it(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.run()
    requests = []
    for verb, fields in [*FIELDS.items(), ("levitate", ["height"])]:
        sound = {name: SOUND[name] for name in fields if name in SOUND}
        requests.append(toy.request(verb, **sound, unheard_of=1))
        requests += [
            toy.request(verb, **{**sound, name: junk})
            for name in fields
            if name != "verb"
            for junk in JUNK
        ]
    study = toy.run()
    people = study.people
    assert unanswered(toy) == []
    assert [one for one in requests if (one in people.refused) == (one in people.adopted)] == []
    assert [reason for reason in people.refused.values() if "\n" in reason] == []
    toy.run()


@pytest.mark.parametrize(
    ("name", "verb", "body"),
    [
        ("by-hand", "guide", "not JSON"),
        ("by-hand", "guide", "[" * 100_000),
        ("by-hand", "guide", '{"text": "x", "next": NaN}'),
        ("by-hand", "set", '{"key": "max_usd", "value": Infinity}'),
        ("by-hand", "set", '{"key": "max_usd", "value": 1' + "0" * 5000 + "}"),
        ("by-hand", "pause", "null"),
        ("by-hand", 7, b"\xff"),
        (b"\xff", b"\xff", "{}"),
    ],
)
def test_a_row_that_no_tool_of_ours_wrote_is_refused_and_the_study_goes_on(
    toy: Toy, name: Any, verb: Any, body: Any
) -> None:
    toy.create(candidates=1)
    toy.run()
    file_by_hand(toy, name, verb, body)
    guide = toy.request("guide", text="smaller steps")
    study = toy.run()
    assert len(study.people.refused) == 1
    assert guide in study.people.adopted
    assert unanswered(toy) == []


@pytest.mark.parametrize(
    "fault",
    [WorkbenchError("cannot read study.db: disk I/O error"), OSError(5, "Input/output error")],
)
def test_a_journal_that_fails_ends_the_loop_and_the_request_is_answered_by_the_next(
    toy: Toy, monkeypatch: pytest.MonkeyPatch, fault: Exception
) -> None:
    toy.create(candidates=1)
    toy.run()
    wish = toy.request("edit", candidate=1, files={"train.py": "LEARNING_RATE = 77.0\n"})

    def fail(pen: Pen, digest: str) -> Program:
        raise fault

    with monkeypatch.context() as patch:
        patch.setattr(Pen, "read_program", fail)
        with pytest.raises(type(fault), match=r"I/O error|Input/output"):
            toy.run()
    assert unanswered(toy) == [wish]
    assert wish in toy.run().people.adopted
