"""Lease: the right to write a study's journal, held by one loop at a time.

It is a file lock, which the operating system frees when its holder dies.
"""

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from workbench.errors import StudyError
from workbench.ledger.folder import StudyFolder

PATIENCE_SECONDS = 2.0
EXEC_SECONDS = 0.1


class Lease:
    """Held by the one loop of a study, for the duration of a `with` block.

    Raises:
        StudyError: another loop holds it, and the message names its process; or the folder cannot
            be written.
    """

    def __init__(self, folder: StudyFolder, patience: float = PATIENCE_SECONDS) -> None:
        self._folder = folder
        self._patience = patience
        self._descriptor = -1

    def __enter__(self) -> "Lease":
        try:
            flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC
            self._descriptor = os.open(self._folder.lock, flags, 0o644)
        except OSError as error:
            remedy = "make it writable, or copy the study to a folder that is"
            raise StudyError(
                f"no loop can run in {self._folder.path} ({error.strerror}); {remedy}"
            ) from None
        end = time.monotonic() + self._patience
        # `find_holder` takes a shared lock for an instant, so a single refusal says nothing.
        while not _try(self._descriptor, fcntl.LOCK_EX):
            if time.monotonic() > end:
                os.close(self._descriptor)
                process = _read_process(self._folder) or "unknown"
                raise StudyError(
                    f"study {self._folder.name} is already running (process {process})"
                )
            time.sleep(0.02)
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            remedy = "free some space, then resume"
            raise StudyError(
                f"no loop can run in {self._folder.path} ({error.strerror}); {remedy}"
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)  # this frees the lock
        self._descriptor = -1

    @property
    def is_held(self) -> bool:
        return self._descriptor >= 0


def find_holder(folder: StudyFolder) -> int | None:
    """Returns the process id of the loop that holds the lease.

    It is 0 if that loop has not written its id yet, and None if no loop holds the lease.
    """
    try:
        descriptor = os.open(folder.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        is_free = _try(descriptor, fcntl.LOCK_SH)
        return None if is_free else _read_process(folder)
    finally:
        os.close(descriptor)


def find_process(folder: StudyFolder) -> int | None:
    """Returns the process id of a live loop on this machine, known by its command line.

    A loop does not hold the lease yet while it starts, and no longer while it ends. This looks
    through all processes, so ask `find_holder` first.
    """
    command = [b"-m", b"workbench.loop", os.fsencode(folder.path)]
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = _read_command_line(Path("/proc", number)).split(b"\0")[:-1]
        except OSError:  # it has ended
            continue
        if words[-3:] == command:
            return int(number)
    return None


def is_alive(folder: StudyFolder) -> bool:
    """True if a loop is at work, starting or ending."""
    return find_holder(folder) is not None or find_process(folder) is not None


def _read_command_line(process: Path) -> bytes:
    """Returns the words of a process, each followed by a zero byte.

    It is empty for a thread of the kernel and for a process that has ended and was not reaped.
    A process that is being replaced by another program (exec) has memory but no words for an
    instant, so this one is read again.
    """
    end = time.monotonic() + EXEC_SECONDS
    while True:
        words = (process / "cmdline").read_bytes()
        if words or time.monotonic() >= end:
            return words
        has_memory = not (process / "statm").read_bytes().startswith(b"0 ")
        if not has_memory:
            return words
        time.sleep(0)


def _try(descriptor: int, operation: int) -> bool:
    """Tries to take a lock without waiting; True if that worked."""
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        remedy = "put the study on another one"
        raise StudyError(f"this file system keeps no locks ({error.strerror}); {remedy}") from None
    return True


def _read_process(folder: StudyFolder) -> int:
    """Returns the process id in the lock file; 0 if it has none."""
    text = folder.lock.read_text(encoding="ascii", errors="replace").strip()
    return int(text) if text.isdigit() else 0
