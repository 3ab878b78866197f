"""What proposers show of their work while they work: short, without secrets, a few times a second.

Nothing depends on it. It is stored in a file for screens and is gone when the proposal is made.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from workbench.ledger import live_proposals
from workbench.ledger.folder import StudyFolder
from workbench.ledger.live_proposals import LiveProposal, Piece
from workbench.propose.model.call import redact
from workbench.propose.proposer import Glimpse, GlimpseKind

EVERY_SECONDS = 0.2
MAX_BYTES = 1000  # shown of one proposal
N_PIECES = 8
PIECE_CHARS = 600
# More of a piece is kept than is shown, so that a key that begins before the shown part is still
# seen whole, and is redacted.
KEPT_CHARS = 8000
# A growing text is shown up to its last blank only, because a key may be half written after it.
WORD_CHARS = 200
STREAMED: tuple[GlimpseKind, ...] = ("thinking", "text", "input")


class Glimpses:
    """Takes glimpses of the proposals that are being made, from any thread.

    A full disk is reported and harms nothing else.
    """

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._works: dict[int, _Work] = {}  # by the question's number
        self._written_at = 0.0
        self._timer: threading.Timer | None = None
        self._write()  # removes what a loop that died has left

    def of(self, number: int) -> Callable[[Glimpse], None]:
        """A function that takes the glimpses of one proposal.

        Readers see each of them within EVERY_SECONDS.
        """
        return partial(self._take, number)

    def end(self, number: int) -> None:
        """Removes the glimpses of a proposal that is made, or has failed."""
        with self._lock:
            if self._works.pop(number, None) is not None:
                self._write()

    def _take(self, number: int, glimpse: Glimpse) -> None:
        with self._lock:
            self._works.setdefault(number, _Work(number)).take(glimpse)
            if self._timer is not None:
                return  # it will write this glimpse too
            wait = self._written_at + EVERY_SECONDS - time.monotonic()
            if wait <= 0:
                self._write()
                return
            self._timer = threading.Timer(wait, self._flush)
            self._timer.daemon = True
            self._timer.start()

    def _flush(self) -> None:
        with self._lock:
            self._timer = None
            self._write()

    def _write(self) -> None:
        self._written_at = time.monotonic()
        try:
            live_proposals.write(self._folder, [work.shorten() for work in self._works.values()])
        except OSError as error:
            print(f"what the proposer does cannot be shown: {error}", file=sys.stderr, flush=True)


@dataclass
class _LongPiece:
    """A piece with more of its text than is shown."""

    number: int
    kind: GlimpseKind
    text: str

    @property
    def is_streamed(self) -> bool:
        return self.kind in STREAMED


class _Work:
    """One proposal: what is shown of it, and the longer text behind that."""

    def __init__(self, number: int) -> None:
        self._header = LiveProposal(number=number, since=time.time())
        self._pieces: deque[_LongPiece] = deque(maxlen=N_PIECES)
        self._n_pieces = 0

    def take(self, glimpse: Glimpse) -> None:
        if glimpse.kind == "model":
            model = redact(glimpse.text)[:100]
            self._header = replace(
                self._header, model=model, turn=glimpse.turn, tokens=glimpse.tokens
            )
            return
        is_streamed = glimpse.kind in STREAMED
        if not is_streamed:
            # A tool's line tells what it was given, so the streamed arguments are no longer needed.
            others = [piece for piece in self._pieces if piece.kind != "input"]
            self._pieces = deque(others, N_PIECES)
        last = self._pieces[-1] if self._pieces else None
        if is_streamed and last is not None and last.kind == glimpse.kind:
            last.text = (last.text + glimpse.text)[-KEPT_CHARS:]
            return
        text = glimpse.text[-KEPT_CHARS:] if is_streamed else glimpse.text[:KEPT_CHARS]
        self._pieces.append(_LongPiece(self._n_pieces, glimpse.kind, text))
        self._n_pieces += 1

    def shorten(self) -> LiveProposal:
        """The work with as many of the last pieces as fit into MAX_BYTES.

        Streamed pieces are cut at their beginning, others at their end.
        """
        texts = [
            (piece, _readable_text(piece, piece is self._pieces[-1])) for piece in self._pieces
        ]
        n_chars = PIECE_CHARS
        while True:
            work = replace(self._header, pieces=_last_pieces(texts, n_chars))
            if work.size <= MAX_BYTES or n_chars < 2:
                return work
            n_chars = n_chars * 3 // 4  # the size is in bytes and depends on the characters


def _last_pieces(texts: Sequence[tuple[_LongPiece, str]], n_chars: int) -> tuple[Piece, ...]:
    """The last pieces that fit into `n_chars` characters together, in their order."""
    pieces: deque[Piece] = deque()
    n_left = n_chars
    for piece, text in reversed(texts):
        if text.strip() and n_left > 0:
            short = _cut(text, n_left, at_end=not piece.is_streamed)
            pieces.appendleft(Piece(piece.number, piece.kind, short))
            n_left -= len(text)
    return tuple(pieces)


def _readable_text(piece: _LongPiece, is_last: bool) -> str:
    """The text without secrets; a tool's JSON arguments with real line ends and quotes."""
    text = piece.text
    if is_last and piece.is_streamed:
        end_of_words = max(text.rfind(" "), text.rfind("\n")) + 1
        if len(text) - end_of_words < WORD_CHARS:
            text = text[:end_of_words]
    text = str(redact(text))
    if piece.kind == "input":
        text = text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
    return text


def _cut(text: str, limit: int, at_end: bool) -> str:
    if len(text) <= limit:
        return text
    if at_end:
        return f"{text[: limit - 1]}…"
    return f"…{text[len(text) - limit + 1 :]}"
