"""What it takes to time a kernel from outside.

The machine to ourselves, minima of interleaved requests, what the hardware can do.
"""

import contextlib
import fcntl
import functools
import math
import os
import platform
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

LOCK = "autoresearch-kernel-clock.lock"
MARGIN = 1.5  # how far above the measured peaks the hardware's may lie
COPIED_BYTES = 1 << 18  # fits the second-level cache
MULTIPLIED = 640


@contextlib.contextmanager
def alone() -> Iterator[None]:
    """Holds a lock of the whole machine.

    No other trial of this experiment is timed meanwhile, whichever study it belongs to.
    """
    path = Path(tempfile.gettempdir()) / LOCK
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o644))
    lock = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


@dataclass
class Times:
    """Seconds of the interleaved requests for one shape.

    Attributes:
        n_calls: of the kernel in a request. floor: seconds for a call below which the hardware
            would be surpassed.
        durations: by the role of the kernel, one per round: `mine`, `base`, `none` (no kernel is
            called), perhaps `incumbent`.
        torch: the same of torch.
    """

    n_calls: int
    floor: float
    durations: dict[str, list[float]] = field(default_factory=dict)
    torch: list[float] = field(default_factory=list)

    def of_call(self, role: str, rounds: slice = slice(None)) -> float:
        """Seconds of one call: the fastest request, less what a request takes without its calls."""
        return max(
            (min(self.durations[role][rounds]) - min(self.durations["none"])) / self.n_calls,
            self.floor,
        )

    def gain(self, role: str) -> float:
        """How much faster the candidate is than the kernel of that role.

        Ln of the ratio of their seconds.
        """
        return math.log(self.of_call(role) / self.of_call("mine"))

    @property
    def log_speedup(self) -> float:
        return self.gain("base")

    @property
    def torch_speedup(self) -> float:
        return min(self.torch) / self.n_calls / self.of_call("mine")

    def spread(self, role: str) -> float:
        """A/A.

        By how much the odd and even requests of one kernel differ, as the log of their ratio.
        """
        return abs(
            math.log(self.of_call(role, slice(0, None, 2)) / self.of_call(role, slice(1, None, 2)))
        )

    def is_implausible(self, role: str) -> bool:
        """Faster than the hardware, even if a tenth of what was taken off was too much."""
        return (
            min(self.durations[role]) - 0.9 * min(self.durations["none"])
            < self.n_calls * self.floor
        )


@functools.cache
def peaks(device: str) -> tuple[float, float]:
    """Floating-point operations and bytes a second that torch reaches here, times `MARGIN`.

    On one core, or on the GPU.
    """
    import torch

    size, copied = (
        (MULTIPLIED, COPIED_BYTES) if device == "cpu" else (8 * MULTIPLIED, COPIED_BYTES << 10)
    )
    a = torch.ones(size, size, device=device)
    source = torch.ones(copied // 4, device=device)
    target = torch.empty_like(source)
    flops = 2 * size**3 / min(seconds(lambda: a @ a, device) for _ in range(8))
    moved = 2 * copied / min(seconds(lambda: target.copy_(source), device) for _ in range(50))
    return MARGIN * flops, MARGIN * moved


def seconds(call: Callable[[], object], device: str) -> float:
    """How long a call of torch takes.

    On the clock of this thread, which does all of it, or on the wall's, to the end on the GPU.
    """
    import torch

    if device != "cpu":
        began = time.perf_counter()
        call()
        torch.cuda.synchronize()
        return time.perf_counter() - began
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        began = time.thread_time()
        call()
        return time.thread_time() - began
    finally:
        torch.set_num_threads(before)


def machine(backend: str) -> str:
    """The device that a study is tied to, in words.

    Speed-ups on different ones are not compared.
    """
    if backend == "triton":
        import torch

        return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else "no GPU"
    models = [
        line.partition(":")[2].strip()
        for line in _cpuinfo()
        if line.startswith(("model name", "CPU part"))
    ]
    return f"{platform.machine()} {models[0] if models else platform.processor()}"


def _cpuinfo() -> list[str]:
    file = Path("/proc/cpuinfo")
    return file.read_text().splitlines() if file.exists() else []
