"""Screens are described once: TypeScript is generated, and no record is forgotten."""

from pathlib import Path
from typing import get_args

import pytest

from workbench.lab.live import protocol
from workbench.lab.live.follower import find_rows
from workbench.lab.live.typescript import write_typescript
from workbench.records import Adopted, Decision, Rebased
from workbench.verbs import table

TYPESCRIPT = Path(__file__).parents[3] / "extensions" / "src" / "protocol.ts"


def test_the_types_of_the_front_end_are_those_of_python() -> None:
    if not TYPESCRIPT.exists():
        pytest.skip("the front end's sources are not here")
    assert TYPESCRIPT.read_text(encoding="utf-8") == write_typescript(), (
        "run: python -m workbench.lab.live.typescript > extensions/src/protocol.ts"
    )


def test_every_status_is_counted() -> None:
    counted = protocol.Counts.__annotations__.keys() - {"candidates", "proposed"}
    assert counted == set(protocol.STATUSES)


def test_every_message_has_a_type_of_its_own() -> None:
    for union in (protocol.FromFeed, protocol.ToFeed):
        types = [get_args(message.__annotations__["type"]) for message in get_args(union)]
        assert len({*types}) == len(types)


def test_a_screen_knows_the_requests_that_it_may_file() -> None:
    assert set(protocol.Verb.__metadata__[0]) == set(table.list_names("screens"))


def test_a_request_about_a_candidate_changes_its_row_whatever_the_verb() -> None:
    for verb in ("pin", "accept", "note", "a verb of tomorrow"):
        record = Adopted(request="r", sequence=1, verb=verb, body={"candidate": 3})
        assert find_rows(record) == [3]
    assert find_rows(Adopted(request="r", sequence=1, verb="guide", body={"text": "x"})) == []


def test_a_decision_and_a_rebase_change_a_row() -> None:
    assert find_rows(Decision(candidate=4, verdict="keep", by="tested")) == [4]
    assert find_rows(Rebased(candidate=5, onto=4)) == [5]
