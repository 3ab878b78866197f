"""Sandboxes without a trial process, for tests of a single layer of protection."""

import textwrap
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tests.evaluate.conftest import require_level
from workbench.evaluate.sandbox import cgroup, levels, readable_paths
from workbench.evaluate.sandbox.spec import SandboxSpec
from workbench.evaluate.sandbox.supervisor import Supervisor
from workbench.experiment import Limits

LAST_SLOT = 14  # its user is the least likely to run anything else meanwhile


def make_spec(folder: Path, packages: Sequence[str] = (), **values: Any) -> SandboxSpec:
    """Returns what a sandbox is given whose files lie below a folder."""
    folder.chmod(0o755)
    readable = readable_paths.find_readable_paths(packages)
    levels.write_support(folder / "support", readable)
    defaults = {
        "readable": readable,
        "limits": Limits(wall_seconds=30),
        "support": folder / "support",
        "folder": folder / "box",
        "links": folder / "links",
    }
    return SandboxSpec(**{**defaults, **values})


@contextmanager
def sandbox(
    folder: Path,
    level: str,
    source: str,
    *,
    user: int = 0,
    data: Mapping[str, Path] | None = None,
    group: cgroup.Group | None = None,
    packages: Sequence[str] = (),
    **limits: Any,
) -> Iterator[Supervisor]:
    """Starts a sandbox with one module, `train.py`.

    It has no control group unless one is given. With `user` 0 the candidate is our own user.
    """
    spec = make_spec(
        folder,
        packages,
        user=user,
        data=data or {},
        limits=Limits(**{"wall_seconds": 30, **limits}),
    )
    deadline = time.monotonic() + spec.limits.wall_seconds
    with Supervisor(require_level(level), spec, deadline=deadline, group=group) as process:
        process.start("train.py", {"train.py": textwrap.dedent(source).encode()}, ())
        yield process
