"""out (m x n) = a (m x k) times b (k x n), float32.

A program computes one tile of TILE_M x TILE_N, TILE_K at a time.
"""

import build
import triton
import triton.language as tl


@triton.jit
def tile(a, b, out, m, n, k, M: tl.constexpr, N: tl.constexpr, K: tl.constexpr):
    rows = (tl.program_id(0) * M + tl.arange(0, M))[:, None]
    cols = (tl.program_id(1) * N + tl.arange(0, N))[None, :]
    total = tl.zeros((M, N), dtype=tl.float32)
    for start in range(0, k, K):
        across = (start + tl.arange(0, K))[None, :]
        down = (start + tl.arange(0, K))[:, None]
        left = tl.load(a + rows * k + across, mask=(rows < m) & (across < k), other=0.0)
        right = tl.load(b + down * n + cols, mask=(down < k) & (cols < n), other=0.0)
        total += tl.dot(left, right, input_precision="ieee")
    tl.store(out + rows * n + cols, total, mask=(rows < m) & (cols < n))


def launch(a, b, out, m, n, k):
    grid = (triton.cdiv(m, build.TILE_M), triton.cdiv(n, build.TILE_N))
    tile[grid](a, b, out, m, n, k, build.TILE_M, build.TILE_N, build.TILE_K)
