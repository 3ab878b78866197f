"""Live proposals: those that are being made now, in a small file for screens.

The loop rewrites the file as they grow. It is not part of the study: nothing in the journal
refers to it, and what a loop left in it when it died is ignored.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder


class Piece(NamedTuple):
    """A piece of a proposer's work.

    Attributes:
        number: its place within the proposal, which stays as the text grows.
        kind: what it is, such as a thought or a tool call.
        text: its text, or the end of a long one.
    """

    number: int
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class LiveProposal:
    """A proposal that is being made.

    Attributes:
        number: number of the question that it answers.
        since: Unix time of its beginning.
        model: the model that was asked; empty if there is none.
        turn: number of the current model call, from 1.
        tokens: what the earlier calls took.
        pieces: the last pieces of the work, in order.
    """

    number: int
    since: float
    model: str = ""
    turn: int = 0
    tokens: int = 0
    pieces: tuple[Piece, ...] = ()

    @property
    def size(self) -> int:
        """Bytes that it takes in the file."""
        return len(_encode(asdict(self)))


def write(folder: StudyFolder, proposals: Sequence[LiveProposal]) -> None:
    """Replaces the whole file. Only for the holder of the lease, from one thread at a time.

    Raises:
        OSError: the folder cannot be written.
    """
    if not proposals:
        folder.live_proposals.unlink(missing_ok=True)
        return
    body = {"pid": os.getpid(), "works": [asdict(proposal) for proposal in proposals]}
    new_file = folder.live_proposals.with_suffix(".new")
    new_file.write_bytes(_encode(body))
    new_file.replace(folder.live_proposals)


def read(folder: StudyFolder) -> list[LiveProposal]:
    """Returns the proposals that the live loop is making; empty if no loop is alive."""
    try:
        body = json.loads(folder.live_proposals.read_bytes())
        proposals = [_decode(proposal) for proposal in body["works"]]
        writer = body["pid"]
    except (OSError, ValueError, TypeError, KeyError):
        return []  # the file is gone, or another version wrote it
    return proposals if lease.find_holder(folder) == writer else []


def _decode(body: dict[str, Any]) -> LiveProposal:
    pieces = tuple(Piece(*piece) for piece in body["pieces"])
    return LiveProposal(**{**body, "pieces": pieces})


def _encode(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
