"""StudyFolder: every path of a study in one place, and how a study is found by name."""

import errno
import os
import shutil
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from workbench.errors import StudyError

STUDIES = "studies"
DRAFT, DRAFT_SECONDS = ".draft-", 3600.0


@dataclass(frozen=True)
class StudyFolder:
    """`studies/<name>` and what lies in it."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def database(self) -> Path:
        return self.path / "study.db"

    @property
    def lock(self) -> Path:
        return self.path / "loop.lock"

    @property
    def loop_log(self) -> Path:
        return self.path / "loop.log"

    @property
    def at_work(self) -> Path:
        """What the proposer does at this moment, for screens; see `atwork`."""
        return self.path / "proposer.json"

    @property
    def experiment(self) -> Path:
        """The frozen copy of the experiment: what the evaluator of this study is."""
        return self.path / "experiment"

    @property
    def data(self) -> Path:
        return self.path / "data"

    def trial(self, candidate: int, trial: int) -> Path:
        return self.path / "trials" / f"{candidate:04d}.{trial}"


def create(root: Path, name: str, fill: Callable[[StudyFolder], None]) -> StudyFolder:
    """Makes `root/studies/<name>` whole or not at all: `fill` works in a hidden folder that is renamed at the end.

    Raises:
        StudyError: the name is taken or no name, or the folder cannot be written.
    """
    if not name or name.startswith(".") or any(c in name for c in "/\\\0\n") or len(name) > 100:
        raise StudyError(f"not a name for a study: {name!r}; use letters, digits, '-', '_' and '.'")
    final = root / STUDIES / name
    taken = StudyError(
        f"a study {name!r} is there already ({final}); resume it, or choose another --study NAME"
    )
    if final.exists():
        raise taken
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _sweep(final.parent)
        draft = Path(tempfile.mkdtemp(prefix=f"{DRAFT}{name}.", dir=final.parent))
    except OSError as error:
        raise StudyError(
            f"cannot make {final}: {error.strerror}; start in a folder that you may write to"
        ) from None
    try:
        draft.chmod(0o755)
        fill(StudyFolder(draft))
        os.rename(draft, final)
    except OSError as error:
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):  # another start was faster
            raise taken from None
        raise StudyError(f"cannot make {final}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return StudyFolder(final)


def _sweep(parent: Path) -> None:
    """Removes what starts that were killed in the middle have left."""
    for draft in parent.glob(f"{DRAFT}*"):
        with suppress(OSError):  # another start may sweep as well
            if time.time() - draft.stat().st_mtime > DRAFT_SECONDS:
                shutil.rmtree(draft, ignore_errors=True)


def free_name(root: Path, stem: str) -> str:
    """The first of `stem-1`, `stem-2`, ... that no study has."""
    number = 1
    while (root / STUDIES / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def all_studies(root: Path) -> list[StudyFolder]:
    """The studies below a folder, newest first by the last write to their journal."""

    def written(folder: StudyFolder) -> float:
        times = []
        for file in (folder.database, folder.database.with_name("study.db-wal")):
            with suppress(FileNotFoundError):  # the log comes and goes
                times.append(file.stat().st_mtime)
        return max(times, default=0.0)

    found = [
        StudyFolder(file.parent.resolve())
        for file in (root / STUDIES).glob("*/study.db")
        if not file.parent.name.startswith(".")
    ]
    return sorted(found, key=written, reverse=True)


def find(name: str | None, root: Path) -> StudyFolder:
    """A study by name or path; without a name, the newest below `root`.

    Raises:
        StudyError: there is none; the message lists those that there are.
    """
    if name:
        for path in (Path(name).expanduser(), root / STUDIES / name):
            path = path.parent if path.name == "study.db" else path
            if (path / "study.db").is_file():
                return StudyFolder(path.resolve())
    studies = all_studies(root)
    if name or not studies:
        there = ", ".join(study.name for study in studies[:8]) or f"none below {root}"
        raise StudyError(
            f"no study {name!r}; there are: {there}"
            if name
            else f"no study below {root}; begin one with: autoresearch start tinygpt"
        )
    return studies[0]


def last_line(file: Path) -> str:
    """The last line of a text file that is not blank; empty where there is none."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - 8192))
            lines = stream.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
