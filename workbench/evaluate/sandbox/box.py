"""What one sandbox is given: its writable folder, its data, its device; and the environment that says so inside."""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.evaluate.sandbox import devices
from workbench.evaluate.sandbox.view import View
from workbench.experiment import MB, Limits

NOBODY = 65534
SPARE_USERS = 15  # 65520 to 65534 belong to nobody


@dataclass(frozen=True, kw_only=True)
class Box:
    """One sandbox to be.

    Attributes:
        folder: the writable folder on this side; inside it is `/box` where there are mount namespaces. support: `host` and what
            it imports. links: a folder of links to the allowed packages (levels without mounts).
        data: name to path of what may be read. device: `cpu` or `cuda`; gpu: which one, as `devices` names it.
        threads: for the numerical libraries. home: what HOME says; empty for the box.
        user: the uid that root gives the candidate; 0 to stay who we are.
    """

    view: View
    limits: Limits
    support: Path
    folder: Path
    links: Path
    data: Mapping[str, Path] = field(default_factory=dict)
    device: str = "cpu"
    gpu: str = ""
    threads: int = 1
    home: str = ""
    user: int = 0


def user_for(slot: int) -> int:
    """The uid for a slot's candidates, 0 where we are not root; each slot has its own, so that limits per user do not meet."""
    return NOBODY - slot % SPARE_USERS if os.geteuid() == 0 else 0


def environment(
    box: Box, inside: str, support: str, packages: Sequence[str], *, alone: bool
) -> dict[str, str]:
    """A new environment; nothing of ours is in it.

    Args:
        inside, support: where the box and what runs it lie there. packages: where every Python that the candidate starts looks for them.
        alone: no other GPU's device can be opened.
    """
    threads = str(box.threads)
    return {
        "PATH": f"{support}/bin:/usr/local/bin:/usr/bin:/bin",
        **({"PYTHONPATH": os.pathsep.join(packages)} if packages else {}),
        "HOME": box.home or inside,
        "TMPDIR": inside,
        "USER": "candidate",
        "LOGNAME": "candidate",
        "LANG": "C.UTF-8",
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "NUMEXPR_NUM_THREADS": threads,
        **devices.environment(box.gpu, alone=alone),
        "XDG_CACHE_HOME": f"{inside}/.cache",
        "TRITON_CACHE_DIR": f"{inside}/.cache/triton",
        "TORCHINDUCTOR_CACHE_DIR": f"{inside}/.cache/inductor",
    }


def rlimits(box: Box, processes: int) -> dict[str, int]:
    """Limits per process. None on address space: it is no memory, and CUDA reserves terabytes of it."""
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 1024,
        "RLIMIT_FSIZE": box.limits.disk_mb * MB,
        "RLIMIT_CPU": max(1, int(-(-box.limits.cpu_seconds // 1))),
    }
    return limits | ({"RLIMIT_NPROC": processes} if processes else {})
