"""Patches: candidates that people or other tools leave in a folder.

They are unified diffs or whole files.

Reads the folder each time it is asked, so entries may be added while the study runs. It never
writes to the folder.
"""

import contextlib
import os
import stat
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from workbench.errors import UsageError
from workbench.experiment import MB, Experiment
from workbench.ledger.study import Study
from workbench.program import Program
from workbench.propose.proposer import Brief, Proposal, Unusable
from workbench.propose.unified_diff import Diff, DiffProblem, parse_diff
from workbench.records import Options
from workbench.syntax import find_syntax_problem

SETTLE_SECONDS = 1.0
MAX_FILES = 1000
MAX_HYPOTHESIS_CHARS = 4000
_DIFFS = (".diff", ".patch")
_UNFINISHED = ("~", ".tmp", ".part", ".swp", ".crdownload")
_HYPOTHESIS_FILE = "hypothesis.txt"


@dataclass(frozen=True)
class _Snapshot:
    """How an entry looks at one moment.

    Two equal snapshots mean that it is no longer being written.

    Attributes:
        changed_at: newest change of the entry or of anything below it, in seconds since the epoch.
        size: total size in bytes.
        n_files: number of files and folders, the entry included.
    """

    changed_at: float
    size: int
    n_files: int


class Patches:
    """Proposes each entry of a folder as one candidate, in the order of their names.

    - A file `*.diff` or `*.patch` is a unified diff. It is applied to the parent, or else to the
      baseline, which then is the candidate's parent. Its hypothesis is in `NAME.hypothesis.txt`
      next to it, or before the diff's first header.
    - A folder holds whole files at their paths in the program, and its hypothesis in
      `hypothesis.txt`. Files that are not in the folder stay as they are in the parent. Files that
      are in both keep the parent's mode.
    - Only the experiment's editable files may be changed, created or deleted.
    - Names that begin with `.` or end in `~`, `.tmp`, `.part` are ignored. An entry is read once
      its newest change is a second old. If the clock of the folder runs ahead, the entry is read
      once it has not changed for a second.
    - An entry is tried even if it equals an earlier candidate apart from comments.
    - An entry is proposed once. If it could not be used, it is tried again when its content
      changes.
    """

    name = "patches"

    def __init__(
        self,
        argument: str,
        experiment: Experiment,
        options: Options,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        if not argument:
            raise UsageError("patches needs a folder: --proposer patches:DIR")
        self.folder = Path(argument).expanduser()
        if not self.folder.is_dir():
            raise UsageError(f"patches: no such folder: {self.folder}")
        self._clock = clock
        # Entry name to its last snapshot and the time since which it has looked like that.
        self._snapshots: dict[str, tuple[_Snapshot, float]] = {}
        self._proposed: set[str] = set()
        # Entries that could not be used, by the digest of their content. The digest is also in the
        # journal, so a new instance knows it; the snapshot only saves reading the same entry at
        # every question.
        self._failed_digests: dict[str, str] = {}
        self._failed_snapshots: dict[str, _Snapshot] = {}
        self._n_candidates_read = 0
        self._n_failures_read = 0

    @classmethod
    def check(cls, argument: str, options: Options, root: Path) -> str:
        """The folder as an absolute path, since the loop runs elsewhere."""
        folder = (root / Path(argument).expanduser()).resolve()
        if not argument or not folder.is_dir():
            raise UsageError(
                f"--proposer patches:DIR needs an existing folder of patches, not {argument!r}"
            )
        return str(folder)

    def propose(self, brief: Brief) -> Proposal | None:
        self._read_study(brief.study)
        for name in self._new_names():
            snapshot = self._snapshot_if_settled(name)
            if snapshot is None or self._failed_snapshots.get(name) == snapshot:
                continue
            entry = _Entry(self.folder, name)
            origin: dict[str, Any] = {"entry": name}
            try:
                entry.read()
                if snapshot != _take_snapshot(self.folder / name):
                    continue  # it was written while we read it
                origin["content"] = entry.digest
                if self._failed_digests.get(name) == entry.digest:
                    self._failed_snapshots[name] = snapshot
                    continue
                program, parent = entry.make_candidate(brief)
                _check_program(program, brief)
            except FileNotFoundError:  # somebody has removed it
                continue
            except (_UnusableEntry, DiffProblem, OSError) as error:
                self._failed_digests[name] = entry.digest
                self._failed_snapshots[name] = snapshot
                reason = error.strerror if isinstance(error, OSError) else str(error)
                raise Unusable(f"{name}: {reason}", origin) from None
            self._proposed.add(name)
            return Proposal(
                program=program,
                hypothesis=entry.hypothesis,
                origin=origin,
                parent=parent,
                repeats=True,
            )
        return None

    def _read_study(self, study: Study) -> None:
        """Reads which entries were proposed, and which failed, from the new part of the study."""
        for history in study.candidates[self._n_candidates_read :]:
            if isinstance(name := history.record.origin.get("entry"), str):
                self._proposed.add(name)
        self._n_candidates_read = len(study.candidates)
        failed: list[Mapping[str, Any]] = study.proposals.failed_origins
        for origin in failed[self._n_failures_read :]:
            if isinstance(name := origin.get("entry"), str):
                self._failed_digests[name] = str(origin.get("content", ""))
        self._n_failures_read = len(failed)

    def _new_names(self) -> list[str]:
        """Names of the entries that were not proposed yet, in order."""
        names = []
        try:
            with os.scandir(self.folder) as entries:
                for entry in entries:
                    is_candidate = entry.name.endswith(_DIFFS) or not entry.is_file()
                    if is_candidate and entry.name not in self._proposed:
                        names.append(entry.name)
        except OSError:  # unmounted or moved away for the moment
            return []
        return sorted(name for name in names if not _is_unfinished(name))

    def _snapshot_if_settled(self, name: str) -> _Snapshot | None:
        """The entry's snapshot; None while the entry may still be written.

        That is until it has not changed for `SETTLE_SECONDS`.
        """
        now = self._clock()
        try:
            snapshot = _take_snapshot(self.folder / name)
        except OSError:
            return None
        previous, since = self._snapshots.get(name, (None, now))
        if snapshot != previous:
            since = now
        self._snapshots[name] = snapshot, since
        # Time stamps of a network folder may lie in our future, so our own clock counts as well.
        is_old = now - snapshot.changed_at >= SETTLE_SECONDS
        is_unchanged = now - since >= SETTLE_SECONDS
        if is_old or is_unchanged:
            return snapshot
        return None


class _UnusableEntry(ValueError):
    """Why an entry cannot be a candidate."""


class _Entry:
    """One entry of the folder: its files, its digest and its hypothesis, once `read` was called."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path = folder / name
        self.name = name
        self.files: dict[str, str] = {}
        self.executable: set[str] = set()
        self.digest = ""
        self.hypothesis = ""

    def read(self) -> None:
        """Reads the entry.

        Raises:
            _UnusableEntry: it is a symbolic link, too large, or not text.
            OSError: it cannot be read.
        """
        if self.path.is_symlink():
            raise _UnusableEntry("a symbolic link is not followed; put the file itself there")
        self.is_diff = self.path.is_file()
        state = sha256()
        total_bytes = 0
        for path, file in self._list_files():
            data = _read_bytes(path, file, MB - total_bytes)
            total_bytes += len(data)
            state.update(f"{path}\0{len(data)}\0".encode() + data)
            # Set inside of the loop, so that an entry with an unreadable file has a digest too.
            self.digest = state.hexdigest()[:16]
            self.files[path] = self._decode(path, data)
            if file.stat().st_mode & 0o100:
                self.executable.add(path)
        self.hypothesis = (self._read_hypothesis() or self._default_hypothesis)[
            :MAX_HYPOTHESIS_CHARS
        ]

    def _list_files(self) -> Iterator[tuple[str, Path]]:
        if self.is_diff:
            return iter([(self.name, self.path)])
        return _walk(self.path)

    def _decode(self, path: str, data: bytes) -> str:
        try:
            return data.decode("utf-8")
        except UnicodeDecodeError as error:
            subject = "it" if self.is_diff else path
            raise _UnusableEntry(f"{subject} is not UTF-8 text (byte {error.start})") from None

    @property
    def _default_hypothesis(self) -> str:
        words = self.path.stem.replace("-", " ").replace("_", " ")
        return f"{words} (from {self.name})"

    def _read_hypothesis(self) -> str:
        """The hypothesis that the entry's author wrote; empty if there is none.

        It is in the folder itself, or in a file next to the diff.
        """
        if not self.is_diff:
            return self.files.pop(_HYPOTHESIS_FILE, "").strip()
        for prefix in (self.name, self.path.stem):
            file = self.path.with_name(f"{prefix}.{_HYPOTHESIS_FILE}")
            if file.is_file() and not file.is_symlink():
                return _read_bytes(file.name, file, MB).decode("utf-8", "replace").strip()
        return ""

    def make_candidate(self, brief: Brief) -> tuple[Program, int | None]:
        """The program, and its parent if that is not the brief's parent."""
        if self.is_diff:
            return self._apply_diff(brief)
        if not self.files:
            raise _UnusableEntry(
                "the folder is empty; put whole files there, at their paths in the program"
            )
        _check_editable(tuple(self.files), brief.experiment)
        return self._replace_files(brief.program), None

    def _replace_files(self, old: Program) -> Program:
        """The program with the entry's files in it. A file that was there before keeps its mode."""
        new_files = set(self.files) - set(old.files)
        executable = old.executable | (self.executable & new_files)
        return Program({**old.files, **self.files}, frozenset(executable))

    def _apply_diff(self, brief: Brief) -> tuple[Program, int | None]:
        diff = parse_diff(self.files[self.name])
        _check_editable(diff.paths, brief.experiment)
        message = _read_message(diff)
        if message and f"(from {self.name})" in self.hypothesis:
            self.hypothesis = message
        try:
            return diff.apply(brief.program), None
        except DiffProblem:
            if brief.parent == 0:
                raise
            # If the baseline does not fit either, the problem with the parent is reported: the
            # parent is the program that the author of the diff looks at.
            with contextlib.suppress(DiffProblem):
                return diff.apply(brief.experiment.program()), 0
            raise


def _check_program(program: Program, brief: Brief) -> None:
    """Raises _UnusableEntry if the program is not new or does not parse."""
    twin = brief.study.by_program.get(program.digest)
    if twin is not None and twin != brief.parent:
        raise _UnusableEntry(f"it gives the same program as candidate {twin}")
    if twin is not None or program == brief.program:
        raise _UnusableEntry("it changes nothing")
    for path, text in program.files.items():
        if not path.endswith(".py") or text == brief.program.files.get(path):
            continue
        if problem := find_syntax_problem(text):
            raise _UnusableEntry(f"{path} does not parse: {problem}")


def _check_editable(paths: tuple[str, ...], experiment: Experiment) -> None:
    """Raises _UnusableEntry for a file that is not editable.

    Only editable files are part of a program.
    """
    if foreign := [path for path in paths if path not in experiment.editable]:
        editable = ", ".join(experiment.editable)
        raise _UnusableEntry(f"{', '.join(foreign[:3])} may not be changed; editable: {editable}")


def _read_message(diff: Diff) -> str:
    """The text before the first header.

    Of a mailed patch (`git format-patch`) it is the subject and the message.
    """
    lines = [line.rstrip() for line in diff.lead.split("\n")]
    if not lines[0].startswith("From "):
        technical = ("index ", "Index: ", "====", "diff ")
        return "\n".join(line for line in lines if not line.startswith(technical)).strip()
    if "---" in lines:
        lines = lines[: lines.index("---")]
    subjects = [line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: ")]
    subject = subjects[0] if subjects else ""
    if subject.startswith("[PATCH"):
        subject = subject.split("] ", 1)[-1]
    body = "\n".join(lines[lines.index("") :]) if "" in lines else ""
    return f"{subject}\n{body}".strip()


def _is_unfinished(name: str) -> bool:
    return name.startswith((".", "__")) or name.endswith(_UNFINISHED)


def _walk(folder: Path) -> Iterator[tuple[str, Path]]:
    """Path in the program and path on disk of every file in a folder, in order.

    Hidden names are left out.

    Raises:
        _UnusableEntry: the folder holds a symbolic link, or too many files.
    """
    n_files = 0
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_unfinished(name))
        for name in sorted([*folders, *files]):
            file = Path(root, name)
            path = file.relative_to(folder).as_posix()
            if name.startswith(".") or name.endswith(_UNFINISHED):
                continue
            if file.is_symlink():
                raise _UnusableEntry(f"{path} is a symbolic link, which is not followed")
            if name in files:
                n_files += 1
                if n_files > MAX_FILES:
                    raise _UnusableEntry(f"more than {MAX_FILES} files")
                yield path, file


def _read_bytes(name: str, file: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes."""
    # NONBLOCK: opening a named pipe would wait for a writer. NOFOLLOW: a link may have been put
    # there meanwhile.
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _UnusableEntry(f"{name} is not a regular file")
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise _UnusableEntry(f"larger than {MB // 1_000_000} MB")
    return data


def _take_snapshot(path: Path) -> _Snapshot:
    entry = path.lstat()
    states = [entry]
    if stat.S_ISDIR(entry.st_mode):
        for root, folders, files in os.walk(path):
            states += [Path(root, name).lstat() for name in (*folders, *files)]
            if len(states) > 2 * MAX_FILES:
                break  # `_walk` refuses such a folder anyway
    changed_at = max(state.st_mtime for state in states)
    return _Snapshot(changed_at, sum(state.st_size for state in states), len(states))
