"""Finding the processes that a test left running."""

import os
from pathlib import Path


def processes_with(mark: str) -> list[int]:
    """Returns the processes with a mark in their command line or in the name of an open file."""
    pids = []
    for name in filter(str.isdigit, os.listdir("/proc")):
        process = Path("/proc", name)
        texts = [_read_command_line(process), *_list_open_files(process)]
        if any(mark in text for text in texts):
            pids.append(int(name))
    return pids


def _read_command_line(process: Path) -> str:
    try:
        return (process / "cmdline").read_text(errors="replace")
    except OSError:
        return ""  # it has ended


def _list_open_files(process: Path) -> list[str]:
    try:
        return [os.readlink(descriptor) for descriptor in (process / "fd").iterdir()]
    except OSError:
        return []  # it has ended, or is another user's
