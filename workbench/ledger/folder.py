"""StudyFolder: every path of a study in one place, and how a study is made and found by name.

It knows nothing of what the files say.
"""

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
DRAFT_PREFIX = ".draft-"
DRAFT_SECONDS = 3600.0  # an older draft was left by a start that was killed
MAX_NAME = 100
MAX_LISTED = 8
TAIL_BYTES = 8192


@dataclass(frozen=True)
class StudyFolder:
    """`studies/<name>` and what lies in it."""

    path: Path

    @property
    def name(self) -> str:
        return self.path.name

    @property
    def database(self) -> Path:
        """The journal, with programs, requests and curves."""
        return self.path / "study.db"

    @property
    def lock(self) -> Path:
        """The file whose lock is the lease."""
        return self.path / "loop.lock"

    @property
    def loop_log(self) -> Path:
        """What the loop prints."""
        return self.path / "loop.log"

    @property
    def live_proposals(self) -> Path:
        """The proposals that are being made now, for screens; see `live_proposals.py`."""
        return self.path / "proposer.json"

    @property
    def experiment(self) -> Path:
        """The frozen copy of the experiment, which holds the evaluator of this study."""
        return self.path / "experiment"

    @property
    def data(self) -> Path:
        """The data that the experiment prepared for this study."""
        return self.path / "data"

    def trial(self, candidate: int, trial: int) -> Path:
        """Returns the folder for the log and the artifacts of a trial."""
        return self.path / "trials" / f"{candidate:04d}.{trial}"


def create(root: Path, name: str, fill: Callable[[StudyFolder], None]) -> StudyFolder:
    """Creates `root/studies/<name>`, complete or not at all.

    Args:
        root: the folder below which studies lie.
        name: name of the study.
        fill: writes the files into a hidden draft, which then gets its name in one step.

    Raises:
        StudyError: the name is taken or not allowed, or the folder cannot be written.
    """
    _check_name(name)
    final = root / STUDIES / name
    name_is_taken = StudyError(
        f"study {name!r} already exists ({final}); resume it, or choose another --study NAME"
    )
    if final.exists():
        raise name_is_taken
    try:
        final.parent.mkdir(parents=True, exist_ok=True)
        _remove_old_drafts(final.parent)
        draft = Path(tempfile.mkdtemp(prefix=f"{DRAFT_PREFIX}{name}.", dir=final.parent))
    except OSError as error:
        remedy = "start in a folder that you may write to"
        raise StudyError(f"cannot make {final}: {error.strerror}; {remedy}") from None
    try:
        draft.chmod(0o755)
        fill(StudyFolder(draft))
        os.rename(draft, final)
    except OSError as error:
        # A study that was started at the same time under this name was faster.
        if error.errno in (errno.ENOTEMPTY, errno.EEXIST):
            raise name_is_taken from None
        raise StudyError(f"cannot make {final}: {error.strerror or error}") from None
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return StudyFolder(final)


def _check_name(name: str) -> None:
    has_bad_start = not name or name.startswith(".")
    has_bad_character = any(character in name for character in "/\\\0\n")
    if has_bad_start or has_bad_character or len(name) > MAX_NAME:
        raise StudyError(f"not a name for a study: {name!r}; use letters, digits, '-', '_' and '.'")


def _remove_old_drafts(parent: Path) -> None:
    """Removes the drafts of starts that were killed on the way."""
    for draft in parent.glob(f"{DRAFT_PREFIX}*"):
        with suppress(OSError):  # another start may remove it too
            if time.time() - draft.stat().st_mtime > DRAFT_SECONDS:
                shutil.rmtree(draft, ignore_errors=True)


def find_free_name(root: Path, stem: str) -> str:
    """Returns the first of `stem-1`, `stem-2`, ... that is not the name of a study."""
    number = 1
    while (root / STUDIES / f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def list_studies(root: Path) -> list[StudyFolder]:
    """Returns the studies below a folder; that whose journal was written last comes first."""
    studies = [
        StudyFolder(file.parent.resolve())
        for file in (root / STUDIES).glob("*/study.db")
        if not file.parent.name.startswith(".")
    ]
    return sorted(studies, key=_find_last_write, reverse=True)


def _find_last_write(folder: StudyFolder) -> float:
    times = []
    for file in (folder.database, folder.database.with_name("study.db-wal")):
        with suppress(FileNotFoundError):  # the write-ahead log comes and goes
            times.append(file.stat().st_mtime)
    return max(times, default=0.0)


def find(name: str | None, root: Path) -> StudyFolder:
    """Finds a study by name or path; without a name, the newest below `root`.

    Raises:
        StudyError: there is none; the message lists the studies that exist.
    """
    if name:
        for path in (Path(name).expanduser(), root / STUDIES / name):
            folder = path.parent if path.name == "study.db" else path
            if (folder / "study.db").is_file():
                return StudyFolder(folder.resolve())
    studies = list_studies(root)
    if name:
        names = ", ".join(study.name for study in studies[:MAX_LISTED])
        raise StudyError(f"no study {name!r}; there are: {names or f'none below {root}'}")
    if not studies:
        raise StudyError(f"no study below {root}; begin one with: autoresearch start tinygpt")
    return studies[0]


def read_last_line(file: Path) -> str:
    """Returns the last line of a text file that is not blank; empty if there is none."""
    try:
        with file.open("rb") as stream:
            stream.seek(max(0, file.stat().st_size - TAIL_BYTES))
            lines = stream.read().decode("utf-8", "replace").split("\n")
    except OSError:
        return ""
    return next((line.strip() for line in reversed(lines) if line.strip()), "")
