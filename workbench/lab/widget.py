"""The notebook widget: one study, live, in a cell's output. The only module that imports anywidget.

The widget itself prefers the Jupyter server's feed. Only where there is none it talks to this kernel, over its comm.
"""

import threading
from pathlib import Path
from typing import Any, Literal

import anywidget
import traitlets
from IPython.display import display

from workbench.lab.live.feed import Feed
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.verbs.dispatch import Sentence

BUILT = Path(__file__).parent / "static"
View = Literal["dashboard", "review"]
NO_CANDIDATE = -1


class StudyWidget(anywidget.AnyWidget):
    """A view of one study. Callbacks run on any thread: they store, and print nothing."""

    _esm = BUILT / "widget.js"
    _css = BUILT / "widget.css"
    study_path = traitlets.Unicode().tag(sync=True)
    opened_at = traitlets.Float().tag(sync=True)
    view = traitlets.Unicode().tag(sync=True)
    candidate = traitlets.Int().tag(sync=True)
    route = traitlets.Unicode().tag(sync=True)

    def __init__(
        self,
        folder: StudyFolder,
        view: View = "dashboard",
        candidate: int | None = None,
        route: Literal["auto", "kernel"] = "auto",
    ) -> None:
        with Journal(folder) as journal:
            opened_at = journal.entries(limit=1)[0].at
        self._folder = folder
        self._feed: Feed | None = None
        self._lock = threading.Lock()
        super().__init__(
            study_path=str(folder.path),
            opened_at=opened_at,
            view=view,
            candidate=NO_CANDIDATE if candidate is None else candidate,
            route=route,
        )
        _let_clicks_through(self.comm)
        self.comm.on_close(lambda _: self._end_feed())
        self.on_msg(self._hear)

    def close(self) -> None:
        self._end_feed()
        super().close()

    def _end_feed(self) -> None:
        if self._feed is not None:
            self._feed.close()

    def _hear(self, _: object, message: dict[str, Any], buffers: object) -> None:
        with self._lock:
            if self._feed is None or self._feed.closed:
                self._feed = Feed(self._folder, self._tell)
                self._feed.start()
        self._feed.receive(message)

    def _tell(self, message: dict[str, Any], buffer: bytes | None) -> None:
        if self.comm is None:
            raise ConnectionError("the widget is closed")
        self.send(message, None if buffer is None else [buffer])


def _let_clicks_through(comm: Any) -> None:
    """Takes back what ipykernel 7.4 does to comms: it sends their messages to the shell that published last, which a cell may keep busy."""
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = None


class Live:
    """What a verb came to, shown as its study, live; `data` is what `--json` prints.

    Displayed as two outputs: a plain sentence, which is what is left of the notebook tomorrow, and the widget.
    """

    def __init__(self, folder: StudyFolder, view: View = "dashboard", data: Any = None) -> None:
        self.folder, self.view, self.data = folder, view, data

    def __repr__(self) -> str:
        return f"study {self.folder.name}, live; later on, or in another notebook: %autoresearch attach {self.folder.name}"

    def _ipython_display_(self) -> None:
        display(Sentence(repr(self)))  # type: ignore[no-untyped-call]
        display(StudyWidget(self.folder, self.view))  # type: ignore[no-untyped-call]
