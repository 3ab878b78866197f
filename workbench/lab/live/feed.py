"""Feed: one screen's view of one study, kept up to date over any channel; the messages are those of `extensions/src/protocol.ts`."""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from workbench.errors import StudyError, UsageError, WorkbenchError
from workbench.lab.live import card, filing
from workbench.lab.live.following import Following, News
from workbench.lab.live.state import Message, columns, info, line, row, state
from workbench.lab.live.streams import Streams
from workbench.lab.live.work import works
from workbench.ledger.bulk import no_collections
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal

PROTOCOL = 1
POLL_SECONDS = 0.1
BEAT_SECONDS = 2.0
MAX_ASKED = 256
Send = Callable[[Message, bytes | None], None]


@dataclass
class _Asked:
    """What the screen wants since the last look; asking twice is asking once."""

    greeted: bool = False
    pending: list[str] = field(default_factory=list)
    watched: list[int] | None = None
    cards: dict[int, int] = field(default_factory=dict)
    files: dict[int, None] = field(default_factory=dict)
    cells: dict[int, None] = field(default_factory=dict)


class Feed:
    """Follows a study in a thread of its own, from the first `hello` until `close`.

    Nothing piles up behind a slow receiver: each message is made of what is new when the one before has been taken.

    Args:
        send: takes a message and its buffer, from any thread, one at a time; it may block, and raises ConnectionError where nobody
            is left to receive.
    """

    def __init__(self, folder: StudyFolder, send: Send) -> None:
        self.folder, self._send = folder, send
        self._asked, self._watched = _Asked(), list[int]()
        self._closed, self._wake = threading.Event(), threading.Event()
        self._asking, self._sending = threading.Lock(), threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"feed {folder.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the feed; returns at once, and nothing is sent any more when its thread is over."""
        self._closed.set()
        self._wake.set()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    def join(self, timeout: float | None = None) -> None:
        """Waits for the thread of a closed feed."""
        self._thread.join(timeout)

    def receive(self, message: Mapping[str, Any]) -> None:
        """Takes a message of the screen, in any thread; what is malformed is answered with an error."""
        match message:
            case {"type": "request", "decision_id": name, "verb": verb, "body": body}:
                self._file(name, verb, body)
            case {"type": "hello", "protocol": protocol} if protocol != PROTOCOL:
                self._error(
                    "hello", "this page is of another version than the workbench; reload it"
                )
            case _ if self._note(message):
                self._wake.set()
            case _:
                self._error(
                    "message", "a message that this workbench does not know; reload the page"
                )

    def _note(self, message: Mapping[str, Any]) -> bool:
        """Notes what is asked for; False where it is malformed. Asked for too much at once, the rest is left out."""
        with self._asking:
            match message:
                case {"type": "hello", "pending": list(pending)}:
                    self._asked.greeted = True
                    self._asked.pending = [str(name) for name in pending[:MAX_ASKED]]
                case {"type": "watch", "candidates": list(numbers)} if all(
                    type(number) is int for number in numbers
                ):
                    self._asked.watched = numbers[:MAX_ASKED]
                case {"type": "card", "candidate": int(number), "context": int(context)}:
                    if len(self._asked.cards) < MAX_ASKED:
                        self._asked.cards[number] = context
                case {"type": "files", "candidate": int(number)}:
                    if len(self._asked.files) < MAX_ASKED:
                        self._asked.files[number] = None
                case {"type": "cell", "candidate": int(number)}:
                    if len(self._asked.cells) < MAX_ASKED:
                        self._asked.cells[number] = None
                case _:
                    return False
        return True

    def _file(self, decision_id: Any, verb: Any, body: Any) -> None:
        try:
            filing.file(self.folder, decision_id, verb, body)
        except WorkbenchError as error:
            self._error(str(verb), str(error), decision_id=str(decision_id))
            return
        self._say({"type": "filed", "decision_id": decision_id})
        filing.ensure_loop(self.folder, lambda reason: self._error("loop", reason))

    def _say(self, message: Message, buffer: bytes | None = None) -> None:
        try:
            with self._sending:
                if not self.closed:
                    self._send(message, buffer)
        except ConnectionError:
            self.close()

    def _error(self, about: str, message: str, **more: Any) -> None:
        self._say({"type": "error", "about": line(about, 40), "message": line(message), **more})

    def _run(self) -> None:
        while not self.closed:
            try:
                with Journal(self.folder) as journal:
                    self._follow(journal)
            except WorkbenchError as error:  # without a beat the screen says that nobody answers
                self._error("study", str(error))
                self._closed.wait(BEAT_SECONDS)
                with self._asking:
                    self._asked.greeted = True

    def _follow(self, journal: Journal) -> None:
        following, streams = Following(journal), Streams()
        shown: Message | None = None
        at_work = list[Message]()
        beaten_at = 0.0
        while not self.closed:
            asked, is_due = self._take(), time.monotonic() - beaten_at > BEAT_SECONDS
            if asked.greeted or shown is not None:
                shown = self._update(following, streams, asked, shown, is_due)
                at_work = self._show_work([] if asked.greeted else at_work)
                if is_due:
                    self._say({"type": "beat", "at": time.time()})
                    beaten_at = time.monotonic()
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()

    def _show_work(self, before: list[Message]) -> list[Message]:
        """Sends what proposers do where that is new; a screen begins with nothing."""
        now = works(self.folder)
        if now != before:
            self._say({"type": "work", "works": now})
        return now

    def _take(self) -> _Asked:
        with self._asking:
            asked, self._asked = self._asked, _Asked()
        if asked.watched is not None:
            self._watched = asked.watched
        return asked

    def _update(
        self,
        following: Following,
        streams: Streams,
        asked: _Asked,
        shown: Message | None,
        is_due: bool,
    ) -> Message:
        """Sends what is new; returns the state that the screen shows now, `shown` being the one before."""
        is_new = following.journal.changed()
        news = following.advance() if is_new or asked.greeted else News()
        study = following.study
        now = (
            state(following, self.folder)
            if news.n_entries or asked.greeted or is_due or shown is None
            else shown
        )
        if asked.greeted:
            streams.restart()
            about = {"protocol": PROTOCOL, "study": info(following, self.folder)}
            with no_collections():
                every = columns(row(following, history) for history in study.candidates)
            self._say({"type": "snapshot", **about, "state": now, "columns": every})
        elif news.touched or (now is not shown and {**now, "at": 0} != {**(shown or {}), "at": 0}):
            touched = [row(following, study.candidates[number]) for number in sorted(news.touched)]
            self._say({"type": "changes", "state": now, "rows": touched})
        self._answer(following, [*news.answered, *asked.pending])
        if is_new or asked.greeted or asked.watched is not None:
            for message, buffer in streams.update(following.journal, study, news, self._watched):
                self._say(message, buffer)
        self._show(following, asked)
        return now

    def _answer(self, following: Following, requests: Iterable[str]) -> None:
        study = following.study
        for request in dict.fromkeys(requests):
            if request in study.adopted or request in study.refused:
                made = next(
                    (
                        one.number
                        for one in reversed(study.candidates)
                        if one.record.request == request
                    ),
                    None,
                )
                answer = {
                    "adopted": request in study.adopted,
                    "reason": line(study.refused.get(request, "")),
                    "candidate": made,
                }
                self._say({"type": "answered", "decision_id": request, **answer})

    def _show(self, following: Following, asked: _Asked) -> None:
        for number, context in asked.cards.items():
            try:
                self._say({"type": "card", "card": card.card(following, number, context)})
            except StudyError as error:
                self._error("card", str(error), candidate=number)
        for number in asked.files:
            try:
                self._say(
                    {"type": "files", "candidate": number, "files": card.files(following, number)}
                )
            except StudyError as error:
                self._error("files", str(error), candidate=number)
        for number in asked.cells:
            try:
                self._say(
                    {"type": "cell", "candidate": number, **card.cell_text(following, number)}
                )
            except UsageError as error:
                self._error("cell", str(error), candidate=number)
