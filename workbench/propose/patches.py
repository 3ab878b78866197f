"""Patches: candidates that people (or other tools) leave in a folder, as unified diffs or as whole files.

Reads the folder each time it is asked, so that entries may be added while the study runs. It never writes there.
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
from workbench.propose.unified import Diff, DiffProblem, parse
from workbench.records import Options
from workbench.syntax import syntax_problem

SETTLE_SECONDS = 1.0
MAX_FILES = 1000
_DIFFS = (".diff", ".patch")
_UNFINISHED = ("~", ".tmp", ".part", ".swp", ".crdownload")
_NOTE = "hypothesis.txt"


@dataclass(frozen=True)
class _Look:
    """What an entry looked like, to see whether it is still being written: newest change and sizes below it."""

    changed_at: float
    size: int
    n_files: int


class Patches:
    """Each entry of a folder, in the order of the names, is one candidate.

    - A file `*.diff` or `*.patch` is a unified diff. It applies to the parent, else to the baseline (which then is the
      candidate's parent). Its hypothesis stands in `NAME.hypothesis.txt` beside it, or before the first header in it.
    - A folder holds whole files at their paths in the program; `hypothesis.txt` at its top is the hypothesis. Files that it
      lacks stay as they are in the parent, and so do the modes of those that it has.
    - Only the experiment's editable files may be changed, created or deleted.
    - Names that begin with `.` or end in `~`, `.tmp`, `.part` are passed over. An entry is taken once its newest change is a
      second old, or, where its clock runs ahead, once it looks the same for a second.
    - What somebody put there is tried even where it repeats an earlier candidate but for comments.
    - An entry is proposed once. One that came to nothing is tried again when its content changes.
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
        self._looks: dict[str, tuple[_Look, float]] = {}
        self._proposed: set[str] = set()
        self._failed: dict[str, str] = {}
        self._failed_look: dict[str, _Look] = {}
        self._n_read = self._n_failed_read = 0

    def propose(self, brief: Brief) -> Proposal | None:
        self._remember(brief.study)
        for name in self._names():
            look = self._settled(name)
            if look is None or self._failed_look.get(name) == look:
                continue
            entry = _Entry(self.folder, name)
            origin: dict[str, Any] = {"entry": name}
            try:
                entry.read()
                if look != _look(self.folder / name):
                    continue
                origin["content"] = entry.digest
                if self._failed.get(name) == entry.digest:
                    self._failed_look[name] = look
                    continue
                program, parent = entry.candidate(brief)
                _check(program, brief)
            except FileNotFoundError:  # taken away meanwhile
                continue
            except (_Bad, DiffProblem, OSError) as error:
                self._failed[name], self._failed_look[name] = entry.digest, look
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

    def _remember(self, study: Study) -> None:
        """Reads what is new in the study: which entries were proposed, and which came to nothing."""
        for history in study.candidates[self._n_read :]:
            if isinstance(name := history.record.origin.get("entry"), str):
                self._proposed.add(name)
        self._n_read = len(study.candidates)
        failed: list[Mapping[str, Any]] = study.failed_origins
        for origin in failed[self._n_failed_read :]:
            if isinstance(name := origin.get("entry"), str):
                self._failed[name] = str(origin.get("content", ""))
        self._n_failed_read = len(failed)

    def _names(self) -> list[str]:
        try:
            with os.scandir(self.folder) as entries:
                found = [
                    entry.name
                    for entry in entries
                    if entry.name.endswith(_DIFFS) or not entry.is_file()
                ]
        except OSError:  # unmounted or moved away for the moment
            return []
        return sorted(
            name for name in found if name not in self._proposed and not _is_unfinished(name)
        )

    def _settled(self, name: str) -> _Look | None:
        """How the entry looks when nobody has changed it for `SETTLE_SECONDS`; None while somebody may be writing it."""
        now = self._clock()
        try:
            look = _look(self.folder / name)
        except OSError:
            return None
        before, since = self._looks.get(name, (None, now))
        if look != before:
            since = now
        self._looks[name] = look, since
        return (
            look
            if now - look.changed_at >= SETTLE_SECONDS or now - since >= SETTLE_SECONDS
            else None
        )


class _Bad(ValueError):
    """Why an entry cannot be a candidate."""


class _Entry:
    """One entry of the folder, read: the files in it, its digest and its hypothesis."""

    def __init__(self, folder: Path, name: str) -> None:
        self.path, self.name = folder / name, name
        self.files: dict[str, str] = {}
        self.executable: set[str] = set()
        self.digest = self.hypothesis = ""

    def read(self) -> None:
        """Raises `_Bad` when it is a link, too large, or not text; OSError when it cannot be read."""
        if self.path.is_symlink():
            raise _Bad("a symbolic link is not followed; put the file itself there")
        self.is_diff = self.path.is_file()
        state, total = sha256(), 0
        for path, file in [(self.name, self.path)] if self.is_diff else _below(self.path):
            data = _bytes(path, file, MB - total)
            total += len(data)
            state.update(f"{path}\0{len(data)}\0".encode() + data)
            self.digest = state.hexdigest()[:16]
            try:
                self.files[path] = data.decode("utf-8")
            except UnicodeDecodeError as error:
                raise _Bad(
                    f"{'it' if self.is_diff else path} is not UTF-8 text (byte {error.start})"
                ) from None
            if file.stat().st_mode & 0o100:
                self.executable.add(path)
        self.hypothesis = (
            self._note()
            or f"{self.path.stem.replace('-', ' ').replace('_', ' ')} (from {self.name})"
        )[:4000]

    def _note(self) -> str:
        if not self.is_diff:
            return self.files.pop(_NOTE, "").strip()
        for beside in (
            self.path.with_name(f"{self.name}.{_NOTE}"),
            self.path.with_name(f"{self.path.stem}.{_NOTE}"),
        ):
            if beside.is_file() and not beside.is_symlink():
                return _bytes(beside.name, beside, MB).decode("utf-8", "replace").strip()
        return ""

    def candidate(self, brief: Brief) -> tuple[Program, int | None]:
        """The program, and its parent where that is not the brief's."""
        if self.is_diff:
            return self._patched(brief)
        if not self.files:
            raise _Bad("the folder is empty; put whole files there, at their paths in the program")
        _allow(tuple(self.files), brief.experiment)
        flags = {
            path
            for path in self.files
            if path
            in (brief.program.executable if path in brief.program.files else self.executable)
        }
        kept = brief.program.executable - set(self.files)
        return Program({**brief.program.files, **self.files}, frozenset(kept | flags)), None

    def _patched(self, brief: Brief) -> tuple[Program, int | None]:
        diff = parse(self.files[self.name])
        _allow(diff.paths, brief.experiment)
        if lead := _reason(diff):
            self.hypothesis = lead if f"(from {self.name})" in self.hypothesis else self.hypothesis
        try:
            return diff.apply(brief.program), None
        except DiffProblem:
            if brief.parent == 0:
                raise
            with contextlib.suppress(
                DiffProblem
            ):  # what is wrong is said for the parent, which is what its author looks at
                return diff.apply(brief.experiment.program()), 0
            raise


def _check(program: Program, brief: Brief) -> None:
    if (twin := brief.study.by_program.get(program.digest)) is not None:
        raise _Bad(
            f"it gives the same program as candidate {twin}"
            if twin != brief.parent
            else "it changes nothing"
        )
    if program == brief.program:
        raise _Bad("it changes nothing")
    for path, text in program.files.items():
        if (
            path.endswith(".py")
            and text != brief.program.files.get(path)
            and (problem := syntax_problem(text))
        ):
            raise _Bad(f"{path} does not parse: {problem}")


def _allow(paths: tuple[str, ...], experiment: Experiment) -> None:
    """Strict: the editable list is the program; a file beside it would be no part of any candidate."""
    if strangers := [path for path in paths if path not in experiment.editable]:
        raise _Bad(
            f"{', '.join(strangers[:3])} may not be changed; editable: {', '.join(experiment.editable)}"
        )


def _reason(diff: Diff) -> str:
    """The text before the first header; of a mailed patch (`git format-patch`), its subject and message."""
    lines = [line.rstrip() for line in diff.lead.split("\n")]
    if not lines[0].startswith("From "):
        return "\n".join(
            line for line in lines if not line.startswith(("index ", "Index: ", "====", "diff "))
        ).strip()
    if "---" in lines:
        lines = lines[: lines.index("---")]
    subject = next(
        (line.removeprefix("Subject: ") for line in lines if line.startswith("Subject: ")), ""
    )
    subject = subject.split("] ", 1)[-1] if subject.startswith("[PATCH") else subject
    body = "\n".join(lines[lines.index("") :]) if "" in lines else ""
    return f"{subject}\n{body}".strip()


def _is_unfinished(name: str) -> bool:
    return name.startswith((".", "__")) or name.endswith(_UNFINISHED)


def _below(folder: Path) -> Iterator[tuple[str, Path]]:
    """Path in the program and path on disk of every file in a folder, in order; links are refused, hidden names passed over."""
    count = 0
    for root, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not _is_unfinished(name))
        for name in sorted([*folders, *files]):
            file = Path(root, name)
            path = file.relative_to(folder).as_posix()
            if name.startswith(".") or name.endswith(_UNFINISHED):
                continue
            if file.is_symlink():
                raise _Bad(f"{path} is a symbolic link, which is not followed")
            if name in files:
                count += 1
                if count > MAX_FILES:
                    raise _Bad(f"more than {MAX_FILES} files")
                yield path, file


def _bytes(name: str, file: Path, limit: int) -> bytes:
    """The bytes of a regular file of at most `limit` bytes."""
    handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with os.fdopen(handle, "rb") as stream:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise _Bad(f"{name} is no regular file")
        data = stream.read(limit + 1)
    if len(data) > limit:
        raise _Bad(f"larger than {MB // 1_000_000} MB")
    return data


def _look(path: Path) -> _Look:
    first = path.lstat()
    looks = [first]
    if stat.S_ISDIR(first.st_mode):
        for root, folders, files in os.walk(path):
            looks += [Path(root, name).lstat() for name in (*folders, *files)]
            if len(looks) > 2 * MAX_FILES:
                break
    return _Look(
        max(look.st_mtime for look in looks), sum(look.st_size for look in looks), len(looks)
    )
