"""Work: the proposals that are being made, as a screen shows them; `Work` of `extensions/src/protocol.ts`."""

from workbench.lab.live.state import Message, block, line
from workbench.ledger import atwork
from workbench.ledger.atwork import AtWork
from workbench.ledger.folder import StudyFolder

MAX_PIECE = 1000


def works(folder: StudyFolder) -> list[Message]:
    """The proposals that are being made."""
    return [_work(work) for work in atwork.read(folder)]


def _work(work: AtWork) -> Message:
    pieces = [
        {"number": piece.number, "kind": line(piece.kind, 20), "text": block(piece.text, MAX_PIECE)}
        for piece in work.pieces
    ]
    told = {"number": work.number, "since": work.since, "turn": work.turn, "tokens": work.tokens}
    return {**told, "model": line(work.model, 100), "pieces": pieces}
