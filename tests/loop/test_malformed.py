"""A request of whatever form is answered once, and the study goes on; a journal that fails ends the loop, and the request waits."""

from typing import Any

import pytest

from tests.loop.toy import Toy
from workbench.errors import WorkbenchError
from workbench.ledger.journal import Journal, Pen
from workbench.program import Program

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
KEYS = {
    "accept": ("candidate", "hunks", "reason", "program"),
    "reject": ("candidate", "reason"),
    "edit": ("candidate", "files", "reason"),
    "fork": ("candidate",),
    "pin": ("candidate",),
    "guide": ("text", "next"),
    "ban": ("text",),
    "set": ("key", "value"),
    "audit": ("trials",),
    "ablate": ("trials",),
    "reproduction": ("candidate",),
    "levitate": (),
}
SOUND = {"candidate": 1, "files": {}, "text": "x", "key": "max_usd", "value": 1}


def unanswered(toy: Toy) -> list[str]:
    with Journal(toy.folder) as journal:
        return [request.id for request in journal.unanswered()]


def test_an_edit_whose_files_are_a_list_is_refused_in_one_line_and_the_log_has_the_rest(
    toy: Toy, capfd: pytest.CaptureFixture[str]
) -> None:
    toy.create(candidates=1)
    toy.run()
    wrong, sound = (
        toy.request("edit", candidate=1, files=["train.py"]),
        toy.request("guide", text="smaller steps"),
    )
    study = toy.run()
    assert (
        study.refused[wrong]
        == "the request is malformed: AttributeError(\"'list' object has no attribute 'items'\")"
    )
    assert (study.state, study.guidance, sound in study.adopted) == (
        "finished",
        ["smaller steps"],
        True,
    )
    said = capfd.readouterr().err
    assert said.startswith("Traceback")
    assert "in _edited" in said


def test_every_request_is_answered_whatever_is_in_it(toy: Toy) -> None:
    toy.create(candidates=1)
    toy.run()
    asked = [
        toy.request(verb, **{**{name: SOUND[name] for name in keys if name in SOUND}, key: junk})
        for verb, keys in KEYS.items()
        for key in keys
        for junk in JUNK
    ]
    study = toy.run()
    assert unanswered(toy) == []
    assert all((request in study.refused) != (request in study.adopted) for request in asked)
    assert all("\n" not in study.refused[request] for request in asked if request in study.refused)
    toy.run()


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
        patch.setattr(Pen, "program", fail)
        with pytest.raises(type(fault), match=r"I/O error|Input/output"):
            toy.run()
    assert unanswered(toy) == [wish]
    assert wish in toy.run().adopted
