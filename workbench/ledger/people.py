"""People: what people have asked of a study, and how the loop answered them."""

from dataclasses import dataclass, field

from workbench.records import Adopted, Refused
from workbench.requests import Guide


@dataclass
class People:
    """Standing guidance, open ideas, and the answers to requests.

    Attributes:
        guidance: what proposers are to keep in mind, oldest first.
        bans: what proposers must not try, oldest first.
        ideas: what is to be tried next, by request, oldest first; answered ones are removed.
        adopted: the record of each request that took effect, by request.
        refused: why the loop could not carry out a request, by request.
        last_request: highest sequence number of a request that was adopted or refused.
    """

    guidance: list[str] = field(default_factory=list)
    bans: list[str] = field(default_factory=list)
    ideas: dict[str, str] = field(default_factory=dict)
    adopted: dict[str, Adopted] = field(default_factory=dict)
    refused: dict[str, str] = field(default_factory=dict)
    last_request: int = 0

    def adopt(self, record: Adopted) -> None:
        """Notes that a request took effect; what it means is up to the caller."""
        self.last_request = record.sequence
        self.adopted[record.request] = record

    def refuse(self, record: Refused) -> None:
        """Notes that a request could not be carried out."""
        self.last_request = record.sequence
        self.refused[record.request] = record.reason

    def guide(self, request_id: str, request: Guide) -> None:
        """Adds an idea for the next proposal, or guidance for all to come."""
        if request.next:
            self.ideas[request_id] = request.text
        else:
            self.guidance.append(request.text)

    def ban(self, text: str) -> None:
        self.bans.append(text)

    def close_idea(self, request_id: str) -> None:
        """A proposal, or the failure of one, has answered this request's idea, if it held one."""
        self.ideas.pop(request_id, None)
