"""The study's data: what an evaluator's `prepare` makes, once, whichever trial process comes first, and that it stays as it is."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from workbench.errors import EvaluatorFault

Prepare = Callable[[Path, Mapping[str, Any]], None]
State = tuple[tuple[str, int, int, int, int], ...]


def prepare_once(data: Path, prepare: Prepare | None, settings: Mapping[str, Any]) -> str:
    """Fills the data folder unless that is done already; returns the SHA-256 over its files, empty for none.

    Complete or absent: it is made beside and renamed, and other processes wait meanwhile. The digest lies beside it, and the
    files are checked against it: read whole once per trial process, and again only when sizes or times of files have changed.

    Raises:
        EvaluatorFault: the files are not what they were when the digest was taken.
    """
    mark = data.parent / f"{data.name}.sha256"
    expected = mark.read_text() if mark.exists() else _fill(data, mark, prepare, settings)
    state = _state(data)
    if _verified.get(data) != (expected, state):
        found = digest(data)
        if found != expected:
            difference = f"{found[:12] or 'none'} != {expected[:12] or 'none'}"
            raise EvaluatorFault(
                f"the data in {data} have changed since the study began ({difference}); put them back, then resume"
            )
        _verified[data] = (expected, state)
    return expected


_verified: dict[
    Path, tuple[str, State]
] = {}  # what this process has read whole: the digest that it found, and the files' state then


def _fill(data: Path, mark: Path, prepare: Prepare | None, settings: Mapping[str, Any]) -> str:
    data.parent.mkdir(parents=True, exist_ok=True)
    with (data.parent / f"{data.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if mark.exists():
            return mark.read_text()
        if not data.is_dir() or not any(data.iterdir()):
            _make(data, prepare, settings)
        found = digest(data)
        part = mark.with_name(f"{mark.name}.part")
        part.write_text(found)
        part.rename(mark)
    return found


def _make(data: Path, prepare: Prepare | None, settings: Mapping[str, Any]) -> None:
    part = Path(tempfile.mkdtemp(prefix=f"{data.name}.part-", dir=data.parent))
    try:
        if prepare is not None:
            prepare(part, settings)
        part.chmod(0o755)
        os.replace(part, data)
    except BaseException:
        shutil.rmtree(part, ignore_errors=True)
        raise


def digest(folder: Path) -> str:
    """SHA-256 over the paths and bytes of all files; empty when there are none."""
    state, files = hashlib.sha256(), sorted(file for file in folder.rglob("*") if file.is_file())
    for file in files:
        state.update(f"{file.relative_to(folder).as_posix()}\0{file.stat().st_size}\0".encode())
        with file.open("rb") as stream:
            while block := stream.read(1 << 20):
                state.update(block)
    return state.hexdigest() if files else ""


def _state(folder: Path) -> State:
    """What the file system says of every file without reading it; whoever writes one changes its `ctime` at least."""
    found = []
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            now = file.stat()
            found.append(
                (
                    file.relative_to(folder).as_posix(),
                    now.st_ino,
                    now.st_size,
                    now.st_mtime_ns,
                    now.st_ctime_ns,
                )
            )
    return tuple(found)
