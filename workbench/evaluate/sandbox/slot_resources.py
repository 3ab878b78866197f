"""What the trials of one slot share: a temporary folder, control groups, a device.

Sandboxes are started on them, for one trial after another.
"""

import fcntl
import os
import secrets
import shutil
import stat
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from workbench.evaluate.sandbox import cgroup, levels
from workbench.evaluate.sandbox.readable_paths import ReadablePaths
from workbench.evaluate.sandbox.spec import SandboxSpec, choose_user
from workbench.evaluate.sandbox.supervisor import Supervisor
from workbench.experiment import MB, Limits

PREFIX = "workbench-slot-"
IN_USE = "in-use"
SPARE_PROCESSES = 2  # an allowance for the processes that the sandbox itself needs


class SlotResources:
    """What the trials of one slot share.

    Attributes:
        readable: what its sandboxes may read.
        limits: of each sandbox.
        slot: its number.
        gpu: its GPU, as `devices` names it; empty for none.
        device: `cpu` or `cuda`.
        folder: temporary; at levels without mounts it contains the candidates' folders.
    """

    def __init__(
        self, readable: ReadablePaths, limits: Limits, *, slot: int = 0, gpu: str = ""
    ) -> None:
        self.readable = readable
        self.limits = limits
        self.slot = slot
        self.gpu = gpu
        self.device = "cuda" if gpu else "cpu"
        _remove_abandoned_folders(Path(tempfile.gettempdir()))
        self.folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-"))
        self._in_use = os.open(
            self.folder / IN_USE, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        fcntl.flock(self._in_use, fcntl.LOCK_EX)
        # The candidate's user has to pass through it, and must not list it.
        self.folder.chmod(0o711)
        levels.write_support(self.folder / "support", readable)
        self._groups: list[cgroup.Group] = []
        self._free_groups: list[cgroup.Group] = []
        self._can_make_groups = True
        # Tried before the first trial, so that `group_folders` is known.
        self.release_group(self.take_group())

    @property
    def group_folders(self) -> list[str]:
        """Folders of the control groups, which have to be removed if this process is killed."""
        return [str(folder) for group in self._groups for folder in group.folders]

    def take_group(self) -> cgroup.Group | None:
        """Returns a control group that no other sandbox uses, None where there can be none."""
        if self._free_groups:
            return self._free_groups.pop()
        if not self._can_make_groups:
            return None
        # A candidate can read the name. A number would tell it which of a trial's sandboxes it is
        # in, and so whether it is measured as the incumbent.
        name = f"{cgroup.PREFIX}{os.getpid()}-{secrets.token_hex(4)}"
        memory_bytes = self.limits.memory_mb * MB
        group = cgroup.make_group(name, memory_bytes, self.limits.processes + SPARE_PROCESSES)
        self._can_make_groups = group is not None
        if group is not None:
            self._groups.append(group)
        return group

    def release_group(self, group: cgroup.Group | None) -> None:
        if group is not None:
            self._free_groups.append(group)

    def start_sandbox(
        self,
        level: str,
        deadline: float,
        output: Callable[[bytes], None],
        data: Mapping[str, Path],
        threads: int,
        home: str = "",
    ) -> tuple[Supervisor, cgroup.Group | None]:
        """Starts a sandbox without any candidate code.

        Args:
            level: `bwrap`, `landlock` or `off`.
            deadline: of the trial, on the monotonic clock.
            output: called from another thread with what the candidate prints.
            data: name to path of what the candidate may read.
            threads: for numerical libraries.
            home: the value of HOME; empty for the candidate's own folder.

        Returns:
            The sandbox and its control group, if any. Give the group to `release_group` once the
            sandbox is closed.
        """
        spec = SandboxSpec(
            readable=self.readable,
            limits=self.limits,
            support=self.folder / "support",
            folder=self.folder / f"box-{secrets.token_hex(4)}",
            links=self.folder / "links",
            data=data,
            device=self.device,
            gpu=self.gpu,
            threads=threads,
            home=home,
            user=choose_user(self.slot),
        )
        group = self.take_group()
        try:
            return Supervisor(level, spec, deadline=deadline, output=output, group=group), group
        except BaseException:
            self.release_group(group)
            raise

    def close(self) -> None:
        for group in self._groups:
            group.close()
        shutil.rmtree(self.folder, ignore_errors=True)
        os.close(self._in_use)


def _remove_abandoned_folders(parent: Path) -> None:
    """Removes the folders of trial processes that were killed before they could do it.

    It removes only real folders of our own user, and leaves links alone. A lock says whether the
    owner lives. A process id would not: it means nothing to a container that shares the folder, and
    may belong to another process by now.
    """
    for folder in parent.glob(f"{PREFIX}*-*"):
        try:
            status = folder.lstat()
        except FileNotFoundError:  # another process removes folders too
            continue
        is_ours = stat.S_ISDIR(status.st_mode) and status.st_uid == os.geteuid()
        if is_ours and not _is_in_use(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_in_use(folder: Path) -> bool:
    try:
        # A link planted there must not make us open and lock a file elsewhere.
        fd = os.open(folder / IN_USE, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:  # the folder is just being made, or is half removed
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
