"""Shelf: every study under one folder, as the side panel lists them. Reads; knows no Jupyter."""

import os
import threading
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from workbench.errors import StudyError
from workbench.lab.live.protocol import Listing, StudyEntry, Unreadable
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
SEARCH_SHARE = 0.05  # of the time, at most, goes into searching a large tree
IDLE_SECONDS = 60.0
RACY_SECONDS = 2.0
TEXT_LENGTH = 300

FileStamp = tuple[int, int, int]  # inode, time of the last change in ns, size
Stamp = tuple[FileStamp | None, ...]  # of the database and of its write-ahead log


@dataclass
class _Reading:
    """What was read of one study.

    Attributes:
        stamp: of the files when they were read.
        entry: how the list shows the study.
        study: the fold; dropped when nothing is written for a while.
        read_at: when, on the monotonic clock.
    """

    stamp: Stamp
    entry: StudyEntry
    study: Study | None
    read_at: float


class Shelf:
    """The studies under a folder.

    It may be used from several threads; one reading serves them all. Hidden folders, and what is
    reached through a symbolic link out of the folder, do not belong to it.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.resolve()
        self._lock = threading.Lock()
        self._readings: dict[Path, _Reading] = {}
        self._homes: list[Path] = []
        self._search_at = 0.0
        self._read_at = -READ_SECONDS
        self._listing: Listing = {"studies": [], "unreadable": []}

    def find(self, path: str) -> StudyFolder:
        """The study at an absolute path.

        Raises:
            StudyError: there is none, or it is not under the root. The message is the same for
                both, so that no one can ask which other files exist.
        """
        refusal = StudyError("no such study under the folder that this server shows")
        try:
            real = Path(path).resolve(strict=True)
            inside = real.relative_to(self.root)
        except (OSError, ValueError, RuntimeError):
            raise refusal from None
        folder = StudyFolder(real)
        is_hidden = any(part.startswith(".") for part in inside.parts)
        is_database = folder.database.is_file() and not folder.database.is_symlink()
        if not os.path.isabs(path) or is_hidden or not is_database:
            raise refusal
        return folder

    def list_studies(self) -> Listing:
        """All studies, the one written to last first; at most READ_SECONDS old.

        Each has the fields of `status --json`, and those of `StudyEntry`.
        """
        with self._lock:
            if time.monotonic() - self._read_at >= READ_SECONDS:
                self._listing = self._read()
                self._read_at = time.monotonic()
            return self._listing

    def _read(self) -> Listing:
        self._search_again()
        studies: list[StudyEntry] = []
        unreadable: list[Unreadable] = []
        paths = set[Path]()
        for home in self._homes:
            for candidate in folders.list_studies(home):
                try:
                    folder = self.find(str(candidate.path))
                except StudyError:  # a link out of the root
                    continue
                if folder.path in paths:
                    continue
                paths.add(folder.path)
                try:
                    studies.append(self._read_study(folder, home))
                except Exception as error:
                    # Whatever is wrong with one study.db, the other studies stay on the screen.
                    message = str(error) or type(error).__name__
                    unreadable.append({"path": str(folder.path), "message": _make_safe(message)})
        self._readings = {
            path: reading for path, reading in self._readings.items() if path in paths
        }
        studies.sort(key=lambda entry: -entry["last_at"])
        return {"studies": studies, "unreadable": unreadable}

    def _search_again(self) -> None:
        """Looks for folders with studies, the more seldom the longer that takes."""
        if time.monotonic() < self._search_at:
            return
        begin = time.monotonic()
        self._homes = find_homes(self.root)
        end = time.monotonic()
        self._search_at = end + max(SEARCH_SECONDS, (end - begin) / SEARCH_SHARE)

    def _read_study(self, folder: StudyFolder, home: Path) -> StudyEntry:
        stamp = _take_stamp(folder)
        now = time.monotonic()
        reading = self._readings.get(folder.path)
        if reading is None or reading.stamp != stamp or _is_racy(stamp):
            study = None
            if reading is not None and _is_same_file(reading.stamp, stamp):
                study = reading.study
            study = study or Study()
            with Journal(folder) as journal:
                study.fold(journal.read_entries(study.last_id))
            entry = self._describe(study, folder, home)
            reading = self._readings[folder.path] = _Reading(stamp, entry, study, now)
        elif reading.study is not None and reading.entry["state"] == "running":
            # A loop that dies writes nothing, so no stamp tells of it.
            reading.entry = self._describe(reading.study, folder, home)
        elif now - reading.read_at > IDLE_SECONDS:
            reading.study = None
        return reading.entry

    def _describe(self, study: Study, folder: StudyFolder, home: Path) -> StudyEntry:
        view = views.status(study, folder)
        failed = view["proposals"]
        entry = {
            **view,
            "study": _make_safe(view["study"]),
            "experiment": _make_safe(view["experiment"]),
            "reason": _make_safe(view["reason"]),
            "proposals": {**failed, "last": _make_safe(failed["last"])},
            "path": str(folder.path),
            "folder": home.relative_to(self.root).as_posix().removeprefix("."),
            "opened_at": study.opened_at,
            "last_at": study.last_at,
            "waiting": study.waiting,
            "fault": study.fault,
        }
        return cast(StudyEntry, entry)


def find_homes(root: Path) -> list[Path]:
    """The folders under a root that contain a `studies` folder, the nearest first.

    Of a vast tree only the nearest MAX_FOLDERS folders are searched.
    """
    homes: list[Path] = []
    queue = deque([root])
    n_searched = 0
    while queue and n_searched < MAX_FOLDERS:
        folder = queue.popleft()
        n_searched += 1
        for name in _list_folders(folder):
            if name == folders.STUDIES:
                homes.append(folder)
            elif name not in NOT_SEARCHED:
                queue.append(folder / name)
    return homes


def _list_folders(folder: Path) -> list[str]:
    """Names of the folders in a folder, without hidden ones; none if it cannot be read."""
    try:
        with os.scandir(folder) as entries:
            return [
                entry.name
                for entry in entries
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            ]
    except OSError:  # not ours to read, or gone
        return []


def _take_stamp(folder: StudyFolder) -> Stamp:
    log = folder.database.with_name("study.db-wal")
    return _stamp_file(folder.database), _stamp_file(log)


def _stamp_file(file: Path) -> FileStamp | None:
    try:
        status = file.stat()
    except FileNotFoundError:
        return None
    return status.st_ino, status.st_mtime_ns, status.st_size


def _is_same_file(old: Stamp, new: Stamp) -> bool:
    """Whether the database was written to since, rather than replaced."""
    return old[0] is not None and new[0] is not None and old[0][0] == new[0][0]


def _is_racy(stamp: Stamp) -> bool:
    """Whether another write within the clock's resolution could have left the same stamp."""
    return any(file is not None and time.time() - file[1] / 1e9 < RACY_SECONDS for file in stamp)


def _make_safe(text: str) -> str:
    return visible(text)[:TEXT_LENGTH]
