"""Runs in the sandbox with a C kernel's library: loads it and calls it.

Its buffers lie between guard zones.

One request makes many calls, each on another input, and sends one answer to which every output
contributes: so sending weighs little, and nothing can be remembered, put off or left out. Nothing
of the candidate's Python is ever run here.
"""

import ctypes
import math

import layout
import numpy as np

kernel = None
arenas = {}  # by shapes
arena = None  # of the last call


def begin(library: str) -> None:
    """Loads the kernel, with which code of the candidate is in this process."""
    global kernel
    kernel = ctypes.CDLL(f"./{library}").kernel
    kernel.restype = None


def run(inputs: list, dims: list, shape: list, calls: list, skip: bool) -> bytes:
    """The weighted sum of the kernel's outputs over the calls, float32.

    Args:
        inputs: float32 arrays. dims: what the kernel is given after its pointers. shape: of an
            output.
        calls: `[weight, [[offset, scale] for each input]]`; the call's inputs are these, rolled by
            the offset and scaled.
        skip: do everything but call the kernel; what that takes is what measuring costs.
    """
    global arena
    shapes = [array.shape for array in inputs] + [tuple(shape)]
    key = (*shapes, *dims)
    if key not in arenas:
        arenas[key] = Arena(shapes, dims)
    arena = arenas[key]
    total, part = np.zeros((2, math.prod(shape)), np.float32)
    for weight, changes in calls:
        arena.fill(inputs, changes)
        if not skip:
            kernel(*arena.arguments)
        np.multiply(arena.buffers[-1], np.float32(weight), out=part)
        total += part
    return total.tobytes()


def memory() -> bytes:
    """All buffers as the last call left them, and their guard zones."""
    return arena.whole.tobytes()


class Arena:
    """The buffers of one call, and the kernel's arguments."""

    def __init__(self, shapes: list, dims: list) -> None:
        spans, width = layout.spans(shapes)
        memory = np.full(width + layout.ALIGNMENT, layout.POISON, np.uint8)
        shift = -memory.ctypes.data % layout.ALIGNMENT
        self.whole = memory[shift : shift + width]
        self.buffers = [self.whole[start:end].view(np.float32) for start, end in spans]
        pointers = [ctypes.c_void_p(buffer.ctypes.data) for buffer in self.buffers]
        self.arguments = [*pointers, *(ctypes.c_int(size) for size in dims)]

    def fill(self, inputs: list, changes: list) -> None:
        """New inputs, and poison where the output goes."""
        for buffer, array, (offset, scale) in zip(self.buffers, inputs, changes, strict=False):
            flat = array.reshape(-1)
            rest = array.size - offset
            np.multiply(flat[offset:], np.float32(scale), out=buffer[:rest])
            np.multiply(flat[:offset], np.float32(scale), out=buffer[rest:])
        self.buffers[-1].view(np.uint8)[:] = layout.POISON
