"""What people ask of a study, and how it is answered."""

from tests.ledger.some_records import adoption
from workbench.ledger.people import People
from workbench.records import Refused
from workbench.requests import Guide


def test_guidance_stays_and_an_idea_waits_for_its_answer() -> None:
    people = People()
    people.guide("r1", Guide(text="be bold"))
    people.guide("r2", Guide(text="try relu", next=True))
    people.guide("r3", Guide(text="try gelu", next=True))
    assert (people.guidance, people.ideas) == (["be bold"], {"r2": "try relu", "r3": "try gelu"})
    people.close_idea("r2")
    people.close_idea("")
    assert people.ideas == {"r3": "try gelu"}


def test_the_last_request_is_the_last_that_was_answered_either_way() -> None:
    people = People()
    people.adopt(adoption("ban", 4, text="x"))
    assert (people.last_request, list(people.adopted)) == (4, ["r4"])
    people.refuse(Refused(request="r7", sequence=7, verb="pin", reason="no candidate 9"))
    assert (people.last_request, people.refused) == (7, {"r7": "no candidate 9"})
