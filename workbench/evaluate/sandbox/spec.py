"""What one sandbox is given: a writable folder, data, a device, limits, and its environment.

It describes; `levels` and `supervisor` start the sandbox.
"""

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from workbench.evaluate.sandbox import devices
from workbench.evaluate.sandbox.readable_paths import ReadablePaths
from workbench.experiment import MB, Limits

NOBODY = 65534
SPARE_USERS = 15  # the uids 65520 to 65534 are assigned to no one


@dataclass(frozen=True, kw_only=True)
class SandboxSpec:
    """What one sandbox is given.

    Attributes:
        readable: paths of the system, of Python and of packages that it may read.
        limits: of its whole process tree.
        support: folder with `guest` and the modules that it imports.
        folder: the writable folder, as it is called outside; inside it is `/box` where there are
            mount namespaces.
        links: folder of links to the allowed packages, at levels without mounts.
        data: name to path of further files and folders that it may read.
        device: `cpu` or `cuda`.
        gpu: which GPU, as `devices` names it; empty for none.
        threads: for numerical libraries.
        home: the value of HOME; empty for the writable folder.
        user: the uid that root gives the candidate; 0 to stay who we are.
    """

    readable: ReadablePaths
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


def choose_user(slot: int) -> int:
    """Returns the uid for a slot's candidates, 0 where we are not root.

    Each slot has its own, because limits per user would otherwise add up over slots, and a
    candidate could signal another slot's.
    """
    if os.geteuid() != 0:
        return 0
    return NOBODY - slot % SPARE_USERS


def make_environment(
    spec: SandboxSpec, inside: str, support: str, packages: Sequence[str], *, alone: bool
) -> dict[str, str]:
    """Returns a new environment. It contains no variable of ours, and so none of our keys.

    Args:
        spec: the sandbox.
        inside: path of its writable folder inside.
        support: path of the folder with `guest` inside.
        packages: where every Python that the candidate starts looks for packages.
        alone: the device of no other GPU can be opened.
    """
    threads = str(spec.threads)
    environment = {
        "PATH": f"{support}/bin:/usr/local/bin:/usr/bin:/bin",
        "HOME": spec.home or inside,
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
        **devices.make_environment(spec.gpu, alone=alone),
        "XDG_CACHE_HOME": f"{inside}/.cache",
        "TRITON_CACHE_DIR": f"{inside}/.cache/triton",
        "TORCHINDUCTOR_CACHE_DIR": f"{inside}/.cache/inductor",
    }
    if packages:
        environment["PYTHONPATH"] = os.pathsep.join(packages)
    return environment


def make_rlimits(spec: SandboxSpec, processes: int) -> dict[str, int]:
    """Returns the limits per process, by their names in `resource`.

    The address space has none, because it is not memory, and CUDA reserves terabytes of it.

    Args:
        spec: the sandbox.
        processes: how many its user may run; 0 for no limit.
    """
    limits = {
        "RLIMIT_CORE": 0,
        "RLIMIT_NOFILE": 1024,
        "RLIMIT_FSIZE": spec.limits.disk_mb * MB,
        "RLIMIT_CPU": max(1, math.ceil(spec.limits.cpu_seconds)),
    }
    if processes:
        limits["RLIMIT_NPROC"] = processes
    return limits
