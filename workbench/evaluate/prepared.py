"""The study's data: what an evaluator's `prepare` makes, once, whichever trial process comes first."""

import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

Prepare = Callable[[Path, Mapping[str, Any]], None]


def prepare_once(data: Path, prepare: Prepare | None, settings: Mapping[str, Any]) -> str:
    """Fills the data folder unless that is done already; returns the SHA-256 over its files, empty for none.

    Complete or absent: it is made beside and renamed, and other processes wait meanwhile. The digest lies beside it.
    """
    mark = data.parent / f"{data.name}.sha256"
    try:
        return mark.read_text()
    except FileNotFoundError:
        pass  # not made yet
    data.parent.mkdir(parents=True, exist_ok=True)
    with (data.parent / f"{data.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if mark.exists():
            return mark.read_text()
        if not data.is_dir() or not any(data.iterdir()):
            _make(data, prepare, settings)
        state = digest(data)
        part = mark.with_name(f"{mark.name}.part")
        part.write_text(state)
        part.rename(mark)
    return state


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
