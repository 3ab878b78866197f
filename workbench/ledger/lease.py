"""Lease: the right to hold the pen, as a lock that the operating system frees when its holder dies."""

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
    """Held by the one loop of a study; a context manager.

    Raises:
        StudyError: another loop holds it, and the message names its process; or the folder may not be written.
    """

    def __init__(self, folder: StudyFolder, patience: float = PATIENCE_SECONDS) -> None:
        self._folder, self._patience = folder, patience
        self._descriptor = -1

    def __enter__(self) -> "Lease":
        try:
            self._descriptor = os.open(
                self._folder.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644
            )
        except OSError as error:
            remedy = "make it writable, or copy the study to a folder that is"
            raise StudyError(
                f"no loop can run in {self._folder.path} ({error.strerror}); {remedy}"
            ) from None
        end = time.monotonic() + self._patience
        # A reader that asks `holder` takes a shared lock for an instant: try again before giving up.
        while not _try(self._descriptor, fcntl.LOCK_EX):
            if time.monotonic() > end:
                os.close(self._descriptor)
                raise StudyError(
                    f"study {self._folder.name} is running already (process {_pid(self._folder) or 'unknown'})"
                )
            time.sleep(0.02)
        try:
            os.ftruncate(self._descriptor, 0)
            os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        except OSError as error:
            os.close(self._descriptor)
            raise StudyError(
                f"no loop can run in {self._folder.path} ({error.strerror}); free some space, then resume"
            ) from None
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        os.close(self._descriptor)  # frees the lock
        self._descriptor = -1

    @property
    def held(self) -> bool:
        return self._descriptor >= 0


def holder(folder: StudyFolder) -> int | None:
    """Process id of the loop that is alive, 0 when it has not said yet, None when there is none."""
    try:
        descriptor = os.open(folder.lock, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return None if _try(descriptor, fcntl.LOCK_SH) else _pid(folder)
    finally:
        os.close(descriptor)


def process(folder: StudyFolder) -> int | None:
    """Process id of a loop of this machine that is alive, known by its command line; None where there is none.

    It may not hold the lease yet, while it starts, or any more, while it ends. Looks through all processes, so ask `holder` first.
    """
    wanted = [b"-m", b"workbench.loop", os.fsencode(folder.path)]
    for number in filter(str.isdigit, os.listdir("/proc")):
        try:
            words = _command_line(Path("/proc", number)).split(b"\0")[:-1]
        except OSError:  # it has ended meanwhile
            continue
        if words[-3:] == wanted:
            return int(number)
    return None


def _command_line(entry: Path) -> bytes:
    """The words of a process, each with a zero behind it; none of a kernel's thread, or of one that has ended and is not reaped.

    One that becomes another program by exec has memory but no words for an instant: it is looked at again.
    """
    end = time.monotonic() + EXEC_SECONDS
    while not (words := (entry / "cmdline").read_bytes()) and time.monotonic() < end:
        if (entry / "statm").read_bytes().startswith(b"0 "):
            break
        time.sleep(0)
    return words


def is_alive(folder: StudyFolder) -> bool:
    """Whether a loop is alive: at work, starting or ending."""
    return holder(folder) is not None or process(folder) is not None


def _try(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        raise StudyError(
            f"this file system keeps no locks ({error.strerror}); put the study on another one"
        ) from None
    return True


def _pid(folder: StudyFolder) -> int:
    text = folder.lock.read_text(encoding="ascii", errors="replace").strip()
    return int(text) if text.isdigit() else 0
