"""One screen's view of one study, kept up to date over any channel.

The messages are those of `protocol.py`. The feed reads the journal; requests go through `filing`.
"""

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, cast

from workbench.errors import UsageError, WorkbenchError
from workbench.lab.live import filing
from workbench.lab.live.card import describe_card, read_cell, read_files
from workbench.lab.live.follower import Follower, News
from workbench.lab.live.protocol import (
    PROTOCOL,
    ChangesMessage,
    ErrorMessage,
    FromFeed,
    Plots,
    StudyState,
    Work,
)
from workbench.lab.live.state import describe_row, describe_state, describe_study, to_columns
from workbench.lab.live.streams import Streams
from workbench.lab.live.texts import to_line
from workbench.lab.live.work import read_works
from workbench.ledger.folder import StudyFolder
from workbench.ledger.garbage_collection import pause_garbage_collection
from workbench.ledger.journal import Journal

POLL_SECONDS = 0.1
BEAT_SECONDS = 2.0
MAX_QUESTIONS = 256  # of one kind between two looks
MAX_ABOUT = 40
Send = Callable[[dict[str, Any], bytes | None], None]


@dataclass
class _Questions:
    """What the screen asked for since the last look; asking twice is asking once.

    Attributes:
        hello: whether it wants a snapshot.
        pending: requests whose answer it still waits for.
        watched: candidates whose curves it wants; None if it did not say.
        cards: by candidate, the unchanged lines around each hunk.
        files: candidates whose files it wants, in the order of asking.
        cells: candidates whose cell it wants, likewise.
    """

    hello: bool = False
    pending: list[str] = field(default_factory=list)
    watched: list[int] | None = None
    cards: dict[int, int] = field(default_factory=dict)
    files: dict[int, None] = field(default_factory=dict)
    cells: dict[int, None] = field(default_factory=dict)


@dataclass
class _Screen:
    """What one screen was sent, so that only what is new follows.

    Attributes:
        state: None before the first snapshot.
        plots: likewise.
        works: the proposals that it shows; a snapshot begins with none.
        beat_at: time of the last beat, on the monotonic clock.
    """

    streams: Streams = field(default_factory=Streams)
    state: StudyState | None = None
    plots: Plots | None = None
    works: list[Work] = field(default_factory=list)
    beat_at: float = 0.0


class Feed:
    """Follows a study in a thread, from the first `hello` until `close`.

    Nothing piles up behind a slow receiver: a message is made of what is new once the one before
    has been taken.

    Args:
        folder: the study.
        send: takes a message and its buffer, from any thread, one at a time. It may block, and
            raises ConnectionError when the receiver is gone.
    """

    def __init__(self, folder: StudyFolder, send: Send) -> None:
        self.folder = folder
        self._send = send
        self._questions = _Questions()
        self._watched: list[int] = []
        self._closed = threading.Event()
        self._wake = threading.Event()
        # Two locks, since a receiver that blocks must not keep questions from being noted.
        self._question_lock = threading.Lock()
        self._send_lock = threading.Lock()
        self._thread = threading.Thread(target=self._run, name=f"feed {folder.name}", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """Ends the feed. Returns at once; nothing is sent any more once its thread is over."""
        self._closed.set()
        self._wake.set()

    @property
    def closed(self) -> bool:
        return self._closed.is_set()

    def join(self, timeout: float | None = None) -> None:
        """Waits for the thread of a closed feed."""
        self._thread.join(timeout)

    def receive(self, message: Mapping[str, Any]) -> None:
        """Takes a message of the screen, in any thread. A malformed one is answered by an error."""
        match message:
            case {"type": "request", "decision_id": decision_id, "verb": verb, "body": body}:
                self._file(decision_id, verb, body)
            case {"type": "hello", "protocol": protocol} if protocol != PROTOCOL:
                self._report("hello", "this page is older than the workbench, or newer; reload it")
            case _ if self._note(message):
                self._wake.set()
            case _:
                self._report("message", "the workbench does not know this message; reload the page")

    def _note(self, message: Mapping[str, Any]) -> bool:
        """Notes a question; False if it is malformed. Of too many questions the rest is dropped."""
        with self._question_lock:
            questions = self._questions
            match message:
                case {"type": "hello", "pending": list(pending)}:
                    questions.hello = True
                    questions.pending = [str(name) for name in pending[:MAX_QUESTIONS]]
                case {"type": "watch", "candidates": list(numbers)} if _are_integers(numbers):
                    questions.watched = numbers[:MAX_QUESTIONS]
                case {"type": "card", "candidate": int(number), "context": int(context)}:
                    if len(questions.cards) < MAX_QUESTIONS:
                        questions.cards[number] = context
                case {"type": "files", "candidate": int(number)}:
                    if len(questions.files) < MAX_QUESTIONS:
                        questions.files[number] = None
                case {"type": "cell", "candidate": int(number)}:
                    if len(questions.cells) < MAX_QUESTIONS:
                        questions.cells[number] = None
                case _:
                    return False
        return True

    def _file(self, decision_id: Any, verb: Any, body: Any) -> None:
        try:
            filing.file(self.folder, decision_id, verb, body)
        except WorkbenchError as error:
            self._report(str(verb), str(error), decision_id=str(decision_id))
            return
        self._say({"type": "filed", "decision_id": decision_id})
        filing.ensure_loop(self.folder, lambda reason: self._report("loop", reason))

    def _say(self, message: FromFeed, buffer: bytes | None = None) -> None:
        try:
            with self._send_lock:
                if not self.closed:
                    self._send(cast(dict[str, Any], message), buffer)
        except ConnectionError:
            self.close()

    def _report(
        self,
        about: str,
        message: str,
        candidate: int | None = None,
        decision_id: str | None = None,
    ) -> None:
        """Sends an error."""
        error: ErrorMessage = {
            "type": "error",
            "about": to_line(about, MAX_ABOUT),
            "message": to_line(message),
        }
        if candidate is not None:
            error["candidate"] = candidate
        if decision_id is not None:
            error["decision_id"] = decision_id
        self._say(error)

    def _run(self) -> None:
        while not self.closed:
            try:
                with Journal(self.folder) as journal:
                    self._follow(journal)
            except WorkbenchError as error:
                # Without a beat the screen says that no one answers, until the study is back.
                self._report("study", str(error))
                self._closed.wait(BEAT_SECONDS)
                with self._question_lock:
                    self._questions.hello = True

    def _follow(self, journal: Journal) -> None:
        follower = Follower(journal)
        screen = _Screen()
        while not self.closed:
            questions = self._take_questions()
            if questions.hello or screen.state is not None:
                is_due = time.monotonic() - screen.beat_at > BEAT_SECONDS
                self._update(follower, screen, questions, is_due)
                self._show_work(screen)
                if is_due:
                    self._say({"type": "beat", "at": time.time()})
                    screen.beat_at = time.monotonic()
            self._wake.wait(POLL_SECONDS)
            self._wake.clear()

    def _take_questions(self) -> _Questions:
        with self._question_lock:
            questions = self._questions
            self._questions = _Questions()
        if questions.watched is not None:
            self._watched = questions.watched
        return questions

    def _update(
        self, follower: Follower, screen: _Screen, questions: _Questions, is_due: bool
    ) -> None:
        """Sends what is new since the last look, and answers the questions."""
        is_new = follower.journal.has_changed()
        news = News()
        if is_new or questions.hello:
            news = follower.advance()
        if questions.hello:
            self._send_snapshot(follower, screen)
        elif news.n_entries or is_due:
            self._send_changes(follower, screen, news)
        self._answer(follower, [*news.answered, *questions.pending])
        if is_new or questions.hello or questions.watched is not None:
            messages = screen.streams.update(follower.journal, follower.study, news, self._watched)
            for message, buffer in messages:
                self._say(message, buffer)
        self._send_cards(follower, questions)

    def _send_snapshot(self, follower: Follower, screen: _Screen) -> None:
        screen.streams.restart()
        screen.works = []
        screen.state = describe_state(follower, self.folder)
        screen.plots = follower.plots.describe(follower.study)
        with pause_garbage_collection():
            rows = to_columns(
                describe_row(follower, history) for history in follower.study.candidates
            )
        self._say(
            {
                "type": "snapshot",
                "protocol": PROTOCOL,
                "study": describe_study(follower, self.folder),
                "state": screen.state,
                "columns": rows,
                "plots": screen.plots,
            }
        )

    def _send_changes(self, follower: Follower, screen: _Screen, news: News) -> None:
        """The state is described again even without an entry: a loop that dies writes none."""
        study = follower.study
        state = describe_state(follower, self.folder)
        is_same_state = screen.state is not None and state == {**screen.state, "at": state["at"]}
        screen.state = state
        if is_same_state and not news.rows:
            return
        rows = [describe_row(follower, study.candidates[number]) for number in sorted(news.rows)]
        message: ChangesMessage = {"type": "changes", "state": state, "rows": rows}
        plots = follower.plots.describe(study)
        if plots != screen.plots:
            message["plots"] = plots
            screen.plots = plots
        self._say(message)

    def _show_work(self, screen: _Screen) -> None:
        works = read_works(self.folder)
        if works != screen.works:
            self._say({"type": "work", "works": works})
            screen.works = works

    def _answer(self, follower: Follower, requests: Iterable[str]) -> None:
        people = follower.study.people
        for request in dict.fromkeys(requests):
            is_adopted = request in people.adopted
            if is_adopted or request in people.refused:
                self._say(
                    {
                        "type": "answered",
                        "decision_id": request,
                        "adopted": is_adopted,
                        "reason": to_line(people.refused.get(request, "")),
                        "candidate": _find_result(follower, request),
                    }
                )

    def _send_cards(self, follower: Follower, questions: _Questions) -> None:
        """Answers the questions about single candidates."""
        for number, context in questions.cards.items():
            try:
                self._say({"type": "card", "card": describe_card(follower, number, context)})
            except UsageError as error:
                self._report("card", str(error), candidate=number)
        for number in questions.files:
            try:
                files = read_files(follower, number)
                self._say({"type": "files", "candidate": number, "files": files})
            except UsageError as error:
                self._report("files", str(error), candidate=number)
        for number in questions.cells:
            try:
                self._say({"type": "cell", **read_cell(follower, number)})
            except UsageError as error:
                self._report("cell", str(error), candidate=number)


def _are_integers(values: list[Any]) -> bool:
    return all(type(value) is int for value in values)


def _find_result(follower: Follower, request: str) -> int | None:
    """The candidate that a request made."""
    for history in reversed(follower.study.candidates):
        if history.record.request == request:
            return history.number
    return None
