"""The notebook widget: one study, live, in a cell's output. The only module that imports anywidget.

In the browser, the widget prefers the Jupyter server's feed. Only without one does it talk to this
kernel, over its comm.
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
from workbench.verbs.result import Sentence

BUNDLES = Path(__file__).parent / "static"
View = Literal["dashboard", "review"]
NO_CANDIDATE = -1


class StudyWidget(anywidget.AnyWidget):
    """A view of one study.

    Callbacks run on any thread. They store requests and print nothing, since what they print would
    end up below whichever cell runs at that moment.

    Attributes:
        study_path: absolute path of the study's folder.
        opened_at: Unix time of its first record; tells apart two studies that had the same path.
        view: what the browser shows first.
        candidate: the one that is selected at first; `NO_CANDIDATE` for none.
        route: `kernel` if the Jupyter server's feed must not be used.
    """

    _esm = BUNDLES / "widget.js"
    _css = BUNDLES / "widget.css"
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
            opened_at = journal.read_entries(limit=1)[0].at
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
        self.on_msg(self._receive)

    def close(self) -> None:
        self._end_feed()
        super().close()

    def _end_feed(self) -> None:
        if self._feed is not None:
            self._feed.close()

    def _receive(self, _: object, message: dict[str, Any], buffers: object) -> None:
        with self._lock:
            if self._feed is None or self._feed.closed:
                self._feed = Feed(self._folder, self._forward)
                self._feed.start()
        self._feed.receive(message)

    def _forward(self, message: dict[str, Any], buffer: bytes | None) -> None:
        if self.comm is None:
            raise ConnectionError("the widget is closed")
        self.send(message, None if buffer is None else [buffer])


def _let_clicks_through(comm: Any) -> None:
    """Lets a click arrive while a cell runs.

    ipykernel 7.4 hands a comm's messages to the shell that published last, which a running cell may
    keep busy. This undoes that.
    """
    if hasattr(comm, "_reply_subshell_for"):
        comm._reply_subshell_for = None


class Live:
    """The result of a verb, shown as its study, live.

    It is displayed as two outputs: a plain sentence, which is all that tomorrow's reader of the
    notebook sees, and the widget.

    Attributes:
        folder: the study.
        view: what the widget shows first.
        data: what `--json` prints.
    """

    def __init__(self, folder: StudyFolder, view: View = "dashboard", data: Any = None) -> None:
        self.folder = folder
        self.view: View = view
        self.data = data

    def __repr__(self) -> str:
        name = self.folder.name
        return f"study {name}, live; later on, or in another notebook: %autoresearch attach {name}"

    def _ipython_display_(self) -> None:
        display(Sentence(repr(self)))  # type: ignore[no-untyped-call]
        display(StudyWidget(self.folder, self.view))  # type: ignore[no-untyped-call]
