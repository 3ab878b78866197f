"""The study's data: made by the evaluator's `prepare` once, and checked to stay as they are.

Whichever trial process comes first makes them; the others wait.
"""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from workbench.errors import EvaluatorFault

Prepare = Callable[[Path, Mapping[str, Any]], None]
SHOWN_DIGITS = 12  # of a digest in a message


class FileState(NamedTuple):
    """What the file system says of a file without reading it.

    Whoever writes the file changes at least `changed_ns`, and no one can set that back.
    """

    path: str
    inode: int
    size: int
    modified_ns: int
    changed_ns: int


State = tuple[FileState, ...]

# What this process has checked: folder to its digest, and the files' state at that time.
_verified: dict[Path, tuple[str, State]] = {}


def prepare_once(data: Path, prepare: Prepare | None, settings: Mapping[str, Any]) -> str:
    """Fills the data folder unless that is done already.

    The folder is complete or absent: it is made under another name and renamed, while other
    processes wait. The files are checked against a digest that is stored next to the folder. They
    are read completely once per trial process, and again only when the size or a time of a file has
    changed.

    Args:
        data: the folder.
        prepare: fills an empty folder; None leaves it empty.
        settings: of the evaluator.

    Returns:
        The SHA-256 over its files; empty when there are none.

    Raises:
        EvaluatorFault: the files are not what they were when the digest was taken.
    """
    digest_file = data.parent / f"{data.name}.sha256"
    if digest_file.exists():
        expected = digest_file.read_text()
    else:
        expected = _fill_folder(data, digest_file, prepare, settings)
    # Taken before the files are read, so that a change in between is noticed the next time.
    state = _read_state(data)
    if _verified.get(data) != (expected, state):
        digest = compute_digest(data)
        if digest != expected:
            now = digest[:SHOWN_DIGITS] or "none"
            before = expected[:SHOWN_DIGITS] or "none"
            raise EvaluatorFault(
                f"the data in {data} have changed since the study began ({now} != {before}); "
                "put them back, then resume"
            )
        _verified[data] = (expected, state)
    return expected


def _fill_folder(
    data: Path, digest_file: Path, prepare: Prepare | None, settings: Mapping[str, Any]
) -> str:
    """Makes the data and writes their digest, unless another process does; returns the digest."""
    data.parent.mkdir(parents=True, exist_ok=True)
    with (data.parent / f"{data.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if digest_file.exists():
            return digest_file.read_text()
        # A process may have been killed after it made the data and before it wrote the digest.
        if not data.is_dir() or not any(data.iterdir()):
            _make_data(data, prepare, settings)
        digest = compute_digest(data)
        part = digest_file.with_name(f"{digest_file.name}.part")
        part.write_text(digest)
        part.rename(digest_file)
    return digest


def _make_data(data: Path, prepare: Prepare | None, settings: Mapping[str, Any]) -> None:
    part = Path(tempfile.mkdtemp(prefix=f"{data.name}.part-", dir=data.parent))
    try:
        if prepare is not None:
            prepare(part, settings)
        part.chmod(0o755)  # the candidate may be another user
        os.replace(part, data)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def compute_digest(folder: Path) -> str:
    """Returns the SHA-256 over the paths and bytes of all files; empty when there are none."""
    sha = hashlib.sha256()
    files = _list_files(folder)
    for file in files:
        path = file.relative_to(folder).as_posix()
        sha.update(f"{path}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                sha.update(block)
    return sha.hexdigest() if files else ""


def _read_state(folder: Path) -> State:
    states = []
    for file in _list_files(folder):
        status = file.stat()
        states.append(
            FileState(
                path=file.relative_to(folder).as_posix(),
                inode=status.st_ino,
                size=status.st_size,
                modified_ns=status.st_mtime_ns,
                changed_ns=status.st_ctime_ns,
            )
        )
    return tuple(states)


def _list_files(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())
