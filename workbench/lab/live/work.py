"""The proposals that are being made, as a screen shows them."""

from workbench.lab.live.protocol import Work, WorkPiece
from workbench.lab.live.texts import to_block, to_line
from workbench.ledger import live_proposals
from workbench.ledger.folder import StudyFolder
from workbench.ledger.live_proposals import LiveProposal

MAX_PIECE = 1000
MAX_KIND = 20
MAX_MODEL = 100


def read_works(folder: StudyFolder) -> list[Work]:
    """The proposals that are being made; none while no loop is alive."""
    return [_describe(work) for work in live_proposals.read(folder)]


def _describe(work: LiveProposal) -> Work:
    pieces: list[WorkPiece] = [
        {
            "number": piece.number,
            "kind": to_line(piece.kind, MAX_KIND),
            "text": to_block(piece.text, MAX_PIECE),
        }
        for piece in work.pieces
    ]
    return {
        "number": work.number,
        "since": work.since,
        "model": to_line(work.model, MAX_MODEL),
        "turn": work.turn,
        "tokens": work.tokens,
        "pieces": pieces,
    }
