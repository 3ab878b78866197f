"""The bench of one slot: its temporary folder, its control groups, its device; sandboxes are started on it, one trial after another."""

import fcntl
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from workbench.evaluate.sandbox import cgroup, levels
from workbench.evaluate.sandbox.box import Box, user_for
from workbench.evaluate.sandbox.supervisor import Supervisor
from workbench.evaluate.sandbox.view import View
from workbench.experiment import MB, Limits

PREFIX = "workbench-slot-"
IN_USE = "in-use"


class Bench:
    """What the trials of one slot share.

    Attributes:
        folder: temporary; the boxes lie in it at levels without mounts. device: `cpu` or `cuda`. gpu: which one, as `devices` names it.
    """

    def __init__(self, view: View, limits: Limits, *, slot: int = 0, gpu: str = "") -> None:
        self.view, self.limits, self.slot, self.gpu = view, limits, slot, gpu
        self.device = "cuda" if gpu else "cpu"
        _sweep(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self._in_use = os.open(
            self.folder / IN_USE, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        fcntl.flock(self._in_use, fcntl.LOCK_EX)
        self.folder.chmod(0o711)  # another user has to pass, not to look around
        levels.write_support(self.folder / "support", view)
        self._groups: list[cgroup.Group] = []
        self._free: list[cgroup.Group] = []
        self._can_group = True
        self.release(self.group())  # tried before the first trial, so that `groups` is known

    @property
    def groups(self) -> list[str]:
        """Folders of the control groups, for whoever has to clear up after this process."""
        return [str(folder) for group in self._groups for folder in group.folders]

    def group(self) -> cgroup.Group | None:
        """A control group that no other sandbox uses, or None where there can be none."""
        if self._free:
            return self._free.pop()
        if not self._can_group:
            return None
        name = f"workbench-{os.getpid()}-{secrets.token_hex(4)}"  # a candidate can read it: a number would say which sandbox it is in
        group = cgroup.make(name, self.limits.memory_mb * MB, self.limits.processes + 2)
        self._can_group = group is not None
        if group is not None:
            self._groups.append(group)
        return group

    def release(self, group: cgroup.Group | None) -> None:
        if group is not None:
            self._free.append(group)

    def sandbox(
        self,
        level: str,
        deadline: float,
        output: Callable[[bytes], None],
        data: Mapping[str, Path],
        threads: int,
        home: str = "",
    ) -> tuple[Supervisor, cgroup.Group | None]:
        """Starts an empty sandbox; the group, if any, comes back by `release` when it is closed."""
        box = Box(
            view=self.view, limits=self.limits, support=self.folder / "support", folder=self.folder / f"box-{secrets.token_hex(4)}",
            links=self.folder / "links", data=data, device=self.device, gpu=self.gpu, threads=threads, home=home,
            user=user_for(self.slot),
        )  # fmt: skip
        group = self.group()
        try:
            return Supervisor(level, box, deadline=deadline, output=output, group=group), group
        except BaseException:
            self.release(group)
            raise

    def close(self) -> None:
        for group in self._groups:
            group.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._in_use)


def _sweep(parent: Path) -> None:
    """Removes what trial processes left that were killed without a chance to clear up.

    Only real folders of our own user; a link is left alone. A lock says whether the owner lives: a process id means nothing
    to a container that shares the folder, and may belong to another process by now.
    """
    for folder in parent.glob(f"{PREFIX}*-*"):
        try:
            found = folder.lstat()
        except FileNotFoundError:  # somebody else sweeps too
            continue
        if stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and not _is_in_use(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_in_use(folder: Path) -> bool:
    try:
        fd = os.open(folder / IN_USE, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:  # being made, or half removed
        owner = folder.name.removeprefix(PREFIX).partition("-")[0]
        return not owner.isdigit() or Path("/proc", owner).exists()
    except OSError:
        return True
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(fd)
    return False
