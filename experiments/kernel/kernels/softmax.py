"""out = softmax of each row of x (rows x cols), float32: a program computes one row."""

import triton
import triton.language as tl


@triton.jit
def row(x, out, cols, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    start = tl.program_id(0) * cols
    values = tl.load(x + start + at, mask=at < cols, other=-float("inf"))
    weights = tl.exp(values - tl.max(values, axis=0))
    tl.store(out + start + at, weights / tl.sum(weights, axis=0), mask=at < cols)


def launch(x, out, rows, cols):
    row[(rows,)](x, out, cols, triton.next_power_of_2(cols))
