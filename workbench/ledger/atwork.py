"""At work: the proposals that are being made at this moment, as a small file that the loop rewrites and screens read.

It is no part of the study: nothing in the journal refers to it, and what a loop that died has left in it counts for nothing.
"""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

from workbench.ledger import lease
from workbench.ledger.folder import StudyFolder


class Piece(NamedTuple):
    """A piece of the work: its number within a proposal, which stays as the text grows; its kind; its text, or the end of it."""

    number: int
    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class AtWork:
    """A proposal that is being made.

    Attributes:
        number: of the question. since: Unix seconds. model: empty where none is asked. turn: the call that is under way, from 1.
        tokens: of the calls that have ended. pieces: the last ones, in order.
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
        return len(_encoded(asdict(self)))


def write(folder: StudyFolder, works: Sequence[AtWork]) -> None:
    """Replaces what is shown, whole; for the holder of the lease, from one thread at a time.

    Raises:
        OSError: the folder cannot be written.
    """
    if not works:
        folder.at_work.unlink(missing_ok=True)
        return
    new = folder.at_work.with_suffix(".new")
    new.write_bytes(_encoded({"pid": os.getpid(), "works": [asdict(work) for work in works]}))
    new.replace(folder.at_work)


def read(folder: StudyFolder) -> list[AtWork]:
    """The proposals that the loop which is alive is making; none where none is alive."""
    try:
        found = json.loads(folder.at_work.read_bytes())
        works = [
            AtWork(**{**work, "pieces": tuple(Piece(*piece) for piece in work["pieces"])})
            for work in found["works"]
        ]
        return works if lease.holder(folder) == found["pid"] else []
    except (
        OSError,
        ValueError,
        TypeError,
        KeyError,
    ):  # gone, or of another version: there is nothing to show
        return []


def _encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
