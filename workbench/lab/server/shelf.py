"""Shelf: every study under one folder, as the side panel lists them, and which paths are studies under it. Reads; knows no Jupyter."""

import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from workbench.errors import StudyError
from workbench.ledger import folder as folders
from workbench.ledger.folder import StudyFolder
from workbench.ledger.journal import Journal
from workbench.ledger.study import Study
from workbench.show import views
from workbench.show.visible import visible

MAX_FOLDERS = 20_000
NOT_SEARCHED = frozenset({"__pycache__", "node_modules", "site-packages"})
READ_SECONDS = 0.9
SEARCH_SECONDS = 2.0
SEARCH_SHARE = 0.05  # of the time at most is spent on searching a large tree
IDLE_SECONDS = 60.0
RACY_SECONDS = 2.0
TEXT_LENGTH = 300

Listing = dict[str, list[dict[str, Any]]]
Stamp = tuple[tuple[int, int, int] | None, ...]


@dataclass
class _Known:
    """What was read of one study; the fold itself is dropped when nothing is written for a while."""

    stamp: Stamp
    view: dict[str, Any]
    study: Study | None
    changed_at: float


class Shelf:
    """The studies under a folder. Safe to use from several threads; the work of one reading serves all of them.

    What is hidden, and what lies behind a symbolic link out of the folder, is not under it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._lock = threading.Lock()
        self._known: dict[Path, _Known] = {}
        self._homes: list[Path] = []
        self._search_at = 0.0
        self._read_at = -READ_SECONDS
        self._listing: Listing = {"studies": [], "unreadable": []}

    def find(self, path: str) -> StudyFolder:
        """The study at an absolute path.

        Raises:
            StudyError: none is there, or it is not under the root; which of these is not said.
        """
        refusal = StudyError("no such study under the folder that this server shows")
        try:
            real = Path(path).resolve(strict=True)
            inside = real.relative_to(self.root)
        except (OSError, ValueError, RuntimeError):
            raise refusal from None
        folder = StudyFolder(real)
        hidden = any(part.startswith(".") for part in inside.parts)
        if (
            not os.path.isabs(path)
            or hidden
            or folder.database.is_symlink()
            or not folder.database.is_file()
        ):
            raise refusal
        return folder

    def listing(self) -> Listing:
        """All studies, that written to last first; at most READ_SECONDS old.

        | field | is |
        | --- | --- |
        | `studies` | the fields of `status --json`, and those below |
        | `path`, `folder` | absolute; and where its `studies/` lies, from the root |
        | `opened_at`, `last_at` | Unix seconds of the first and the last record |
        | `waiting` | numbers of the candidates about which a person is asked |
        | `fault` | it paused because something failed |
        | `unreadable` | `path` and `message` of those that cannot be read |
        """
        with self._lock:
            if time.monotonic() - self._read_at >= READ_SECONDS:
                self._listing = self._read()
                self._read_at = time.monotonic()
            return self._listing

    def _read(self) -> Listing:
        if time.monotonic() >= self._search_at:
            begun = time.monotonic()
            self._homes = homes(self.root)
            ended = time.monotonic()
            self._search_at = ended + max(SEARCH_SECONDS, (ended - begun) / SEARCH_SHARE)
        studies, unreadable, seen = [], [], set()
        for home in self._homes:
            for folder in folders.all_studies(home):
                try:
                    found = self.find(str(folder.path))
                except StudyError:  # a link out of the root
                    continue
                if found.path in seen:
                    continue
                seen.add(found.path)
                try:
                    studies.append(self._view(found, home))
                except Exception as error:  # a broken study.db must not take the others off the screen; it is listed as what it is
                    unreadable.append(
                        {
                            "path": str(found.path),
                            "message": _text(f"{error}" or type(error).__name__),
                        }
                    )
        self._known = {path: known for path, known in self._known.items() if path in seen}
        return {
            "studies": sorted(studies, key=lambda view: -view["last_at"]),
            "unreadable": unreadable,
        }

    def _view(self, folder: StudyFolder, home: Path) -> dict[str, Any]:
        stamp, now = _stamp(folder), time.monotonic()
        known = self._known.get(folder.path)
        if known is None or known.stamp != stamp or _is_racy(stamp):
            study = (
                known.study if known and _is_same_file(known.stamp, stamp) else None
            ) or Study()
            with Journal(folder) as journal:
                study.fold(journal.entries(study.last_id))
            known = self._known[folder.path] = _Known(
                stamp, self._row(study, folder, home), study, now
            )
        elif (
            known.study is not None and known.view["state"] == "running"
        ):  # a loop that dies writes nothing
            known.view = self._row(known.study, folder, home)
        elif now - known.changed_at > IDLE_SECONDS:
            known.study = None
        return known.view

    def _row(self, study: Study, folder: StudyFolder, home: Path) -> dict[str, Any]:
        view = views.status(study, folder)
        shown = {name: _text(view[name]) for name in ("study", "experiment", "reason")}
        return {
            **view,
            **shown,
            "proposals": {**view["proposals"], "last": _text(view["proposals"]["last"])},
            "path": str(folder.path),
            "folder": home.relative_to(self.root).as_posix().removeprefix("."),
            "opened_at": study.opened_at,
            "last_at": study.last_at,
            "waiting": study.waiting,
            "fault": study.fault,
        }


def homes(root: Path) -> list[Path]:
    """The folders under a root in which a `studies` folder lies, the nearest first; of a vast tree the nearest MAX_FOLDERS are searched."""
    found, queue, searched = [], deque([root]), 0
    while queue and searched < MAX_FOLDERS:
        here = queue.popleft()
        searched += 1
        try:
            with os.scandir(here) as entries:
                names = [
                    entry.name
                    for entry in entries
                    if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
                ]
        except OSError:  # not ours to read, or gone
            continue
        for name in names:
            if name == folders.STUDIES:
                found.append(here)
            elif name not in NOT_SEARCHED:
                queue.append(here / name)
    return found


def _stamp(folder: StudyFolder) -> Stamp:
    return tuple(
        _file_stamp(file) for file in (folder.database, folder.database.with_name("study.db-wal"))
    )


def _file_stamp(file: Path) -> tuple[int, int, int] | None:
    try:
        found = file.stat()
    except FileNotFoundError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _is_same_file(old: Stamp, new: Stamp) -> bool:
    """Whether the database was written to since, rather than replaced."""
    return old[0] is not None and new[0] is not None and old[0][0] == new[0][0]


def _is_racy(stamp: Stamp) -> bool:
    """Whether another write could have followed within the clock's resolution and left the same stamp."""
    return any(file is not None and time.time() - file[1] / 1e9 < RACY_SECONDS for file in stamp)


def _text(text: str) -> str:
    return visible(text)[:TEXT_LENGTH]
