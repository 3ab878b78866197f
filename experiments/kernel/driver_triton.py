"""Runs in the sandbox beside a Triton kernel and does what `driver.py` does, on the GPU.

On a CPU it needs TRITON_INTERPRET=1.

An output is read on the stream of this module right after the kernel: what another stream or thread
writes later is not there yet.
"""

import importlib
import math

import layout
import torch

device = "cuda" if torch.cuda.is_available() else "cpu"
launch = None
arenas = {}  # by shapes
arena = None  # of the last call


def begin(task: str) -> None:
    """Imports `kernels/<task>.py`; Triton compiles it at its first call."""
    global launch
    launch = importlib.import_module(f"kernels.{task}").launch


def run(inputs: list, dims: list, shape: list, calls: list, skip: bool) -> bytes:
    """The weighted sum of the kernel's outputs over the calls, as `driver.run`."""
    global arena
    shapes = [array.shape for array in inputs] + [tuple(shape)]
    if tuple(shapes) not in arenas:
        arenas[tuple(shapes)] = Arena(shapes)
    arena = arenas[tuple(shapes)]
    sources = [torch.from_numpy(array.reshape(-1)).to(device) for array in inputs]
    total = torch.zeros(math.prod(shape), device=device)
    for weight, changes in calls:
        arena.fill(sources, changes)
        if not skip:
            launch(
                *(buffer.view(size) for buffer, size in zip(arena.buffers, shapes, strict=True)),
                *dims,
            )
        total += arena.buffers[-1] * weight
    return total.cpu().numpy().tobytes()


def memory() -> bytes:
    """All buffers as the last call left them, and their guard zones."""
    return arena.whole.cpu().numpy().tobytes()


class Arena:
    """The buffers of one call."""

    def __init__(self, shapes: list) -> None:
        spans, width = layout.spans(shapes)
        self.whole = torch.full((width,), layout.POISON, dtype=torch.uint8, device=device)
        self.buffers = [self.whole[start:end].view(torch.float32) for start, end in spans]

    def fill(self, sources: list, changes: list) -> None:
        """New inputs, and poison where the output goes."""
        for buffer, source, (offset, scale) in zip(self.buffers, sources, changes, strict=False):
            torch.mul(torch.roll(source, -offset), scale, out=buffer)
        self.buffers[-1].view(torch.uint8).fill_(layout.POISON)
