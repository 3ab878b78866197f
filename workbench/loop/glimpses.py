"""Showing: what proposers let people see of their work, kept short and without secrets, a few times a second."""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from workbench.ledger import atwork
from workbench.ledger.atwork import AtWork, Piece
from workbench.ledger.folder import StudyFolder
from workbench.propose.model.call import filtered
from workbench.propose.proposer import Shown, ShownKind

EVERY_SECONDS = 0.2
MAX_BYTES = 1000  # of one proposal
N_PIECES, PIECE_CHARS = 8, 600
KEPT_CHARS = 8000  # of one piece: more than is shown, so that a key which begins before is seen whole and blotted out
WORD_CHARS = 200  # the end of a text that still grows is held back up to the last blank, for a key may be half there
STREAMED: tuple[ShownKind, ...] = ("thinking", "text", "input")


class Showing:
    """Takes the glimpses of proposals that are being made, from any thread. A disk that is full ends nothing else."""

    def __init__(self, folder: StudyFolder) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._works: dict[int, _Work] = {}
        self._written_at = 0.0
        self._timer: threading.Timer | None = None
        self._write()  # what a loop that died has left is gone

    def of(self, number: int) -> Callable[[Shown], None]:
        """Takes the glimpses of the proposal with this number; each is there for readers within EVERY_SECONDS."""
        return partial(self._take, number)

    def end(self, number: int) -> None:
        """The proposal is made, or came to nothing."""
        with self._lock:
            if self._works.pop(number, None) is not None:
                self._write()

    def _take(self, number: int, shown: Shown) -> None:
        with self._lock:
            self._works.setdefault(number, _Work(number)).take(shown)
            wait = self._written_at + EVERY_SECONDS - time.monotonic()
            if self._timer is not None:
                return
            if wait <= 0:
                self._write()
            else:
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
            atwork.write(self._folder, [work.bounded() for work in self._works.values()])
        except OSError as error:
            print(f"what the proposer does cannot be shown: {error}", file=sys.stderr, flush=True)


@dataclass
class _Grown:
    """A piece, with more of its text than is shown."""

    number: int
    kind: ShownKind
    text: str


class _Work:
    """One proposal: what is shown of it, and the text behind that."""

    def __init__(self, number: int) -> None:
        self._shown = AtWork(number=number, since=time.time())
        self._pieces: deque[_Grown] = deque(maxlen=N_PIECES)
        self._n_pieces = 0

    def take(self, shown: Shown) -> None:
        if shown.kind == "model":
            self._shown = replace(
                self._shown, model=filtered(shown.text)[:100], turn=shown.turn, tokens=shown.tokens
            )
            return
        if shown.kind not in STREAMED:  # what was given to the tool is told in full now
            self._pieces = deque(
                (piece for piece in self._pieces if piece.kind != "input"), N_PIECES
            )
        last = self._pieces[-1] if self._pieces else None
        if last is not None and last.kind == shown.kind and shown.kind in STREAMED:
            last.text = (last.text + shown.text)[-KEPT_CHARS:]
        else:
            kept = shown.text[-KEPT_CHARS:] if shown.kind in STREAMED else shown.text[:KEPT_CHARS]
            self._pieces.append(_Grown(self._n_pieces, shown.kind, kept))
            self._n_pieces += 1

    def bounded(self) -> AtWork:
        """The work with the last pieces that fit into MAX_BYTES: of what streams the end, of the rest the beginning."""
        texts = [
            (grown, _legible(grown, is_last=grown is self._pieces[-1])) for grown in self._pieces
        ]
        chars = PIECE_CHARS
        while True:
            pieces, left = deque[Piece](), chars
            for grown, text in reversed(texts):
                if text.strip() and left > 0:
                    pieces.appendleft(
                        Piece(
                            grown.number,
                            grown.kind,
                            _cut(text, left, at_end=grown.kind not in STREAMED),
                        )
                    )
                    left -= len(text)
            work = replace(self._shown, pieces=tuple(pieces))
            if work.size <= MAX_BYTES or chars < 2:
                return work
            chars = chars * 3 // 4


def _legible(grown: _Grown, is_last: bool) -> str:
    """The text without secrets; arguments of tools, which come as JSON, with real line ends and quotes."""
    text = grown.text
    if is_last and grown.kind in STREAMED:
        word = max(text.rfind(" "), text.rfind("\n")) + 1
        text = text[:word] if len(text) - word < WORD_CHARS else text
    text = str(filtered(text))
    if grown.kind == "input":
        text = text.replace("\\n", "\n").replace('\\"', '"').replace("\\\\", "\\")
    return text


def _cut(text: str, limit: int, at_end: bool) -> str:
    if len(text) <= limit:
        return text
    return f"{text[: limit - 1]}…" if at_end else f"…{text[len(text) - limit + 1 :]}"
