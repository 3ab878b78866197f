"""out = weight * x / sqrt(mean(x * x) + 1e-6) for each row of x (rows x cols).

Weight (cols); float32: a program computes one row.
"""

import triton
import triton.language as tl


@triton.jit
def row(x, weight, out, cols, BLOCK: tl.constexpr):
    at = tl.arange(0, BLOCK)
    start = tl.program_id(0) * cols
    values = tl.load(x + start + at, mask=at < cols, other=0.0)
    root = tl.sqrt(tl.sum(values * values, axis=0) / cols + 1e-6)
    tl.store(
        out + start + at,
        tl.load(weight + at, mask=at < cols, other=0.0) * values / root,
        mask=at < cols,
    )


def launch(x, weight, out, rows, cols):
    row[(rows,)](x, weight, out, cols, triton.next_power_of_2(cols))
