"""Lies in a task's own sandbox.

Runs commands in the folder `work` and says what lies there; what it says is data, never a verdict.
"""

import os
import signal
import subprocess
import tempfile
from pathlib import Path

MAX_OUTPUT_BYTES = 100_000  # of either stream; of a longer one, its first and last half
MAX_FILES = 2000
MAX_FILE_BYTES = 200_000

WORK = Path("work").resolve()
WORK.mkdir(exist_ok=True)


def run(command: str, timeout: float) -> dict:
    """What a command of bash printed, and its exit status.

    124 where it took longer than `timeout` seconds.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=WORK,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            start_new_session=True,
        )
        try:
            status = process.wait(timeout)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            status = 124
        return {"stdout": text(out), "stderr": text(err), "status": status}


def text(stream) -> str:
    size = stream.seek(0, os.SEEK_END)
    stream.seek(0)
    if size <= MAX_OUTPUT_BYTES:
        return stream.read().decode("utf-8", "replace")
    first = stream.read(MAX_OUTPUT_BYTES // 2)
    stream.seek(size - MAX_OUTPUT_BYTES // 2)
    start, end = (part.decode("utf-8", "replace") for part in (first, stream.read()))
    return f"{start}\n[{size - MAX_OUTPUT_BYTES} bytes left out]\n{end}"


def paths() -> list[Path]:
    """Regular files below the folder, in order; links are left out and not followed."""
    files = []
    for folder, folders, names in os.walk(WORK):
        folders.sort()
        files += [
            path
            for name in sorted(names)
            if (path := Path(folder, name)).is_file() and not path.is_symlink()
        ]
    return sorted(files)[:MAX_FILES]


def listing() -> list:
    """`[path, bytes]` of every file."""
    return [[str(path.relative_to(WORK)), path.stat().st_size] for path in paths()]


def contents() -> dict:
    """The text of every file, by path; of a long one its beginning."""
    files = {}
    for path in paths():
        with path.open("rb") as file:
            files[str(path.relative_to(WORK))] = file.read(MAX_FILE_BYTES).decode(
                "utf-8", "replace"
            )
    return files
