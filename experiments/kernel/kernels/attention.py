"""out = softmax(q k' / sqrt(dim)) v for each head (heads x seq x dim), float32.

A program has TILE_M queries, TILE_N keys at a time.
"""

import math

import build
import triton
import triton.language as tl


@triton.jit
def tile(q, k, v, out, seq, dim, scale, M: tl.constexpr, N: tl.constexpr, D: tl.constexpr):
    head = tl.program_id(1) * seq * dim
    rows = (tl.program_id(0) * M + tl.arange(0, M))[:, None]
    across = tl.arange(0, D)[None, :]
    query = tl.load(q + head + rows * dim + across, mask=(rows < seq) & (across < dim), other=0.0)
    largest = tl.full((M, 1), -float("inf"), dtype=tl.float32)
    total = tl.zeros((M, 1), dtype=tl.float32)
    result = tl.zeros((M, D), dtype=tl.float32)
    for start in range(0, seq, N):
        keys = (start + tl.arange(0, N))[:, None]
        inside = (keys < seq) & (across < dim)
        key = tl.load(k + head + keys * dim + across, mask=inside, other=0.0)
        value = tl.load(v + head + keys * dim + across, mask=inside, other=0.0)
        scores = tl.dot(query, tl.trans(key), input_precision="ieee") * scale
        scores = tl.where((start + tl.arange(0, N))[None, :] < seq, scores, -float("inf"))
        highest = tl.maximum(largest, tl.max(scores, axis=1)[:, None])
        shrink = tl.exp(largest - highest)
        weights = tl.exp(scores - highest)
        total = total * shrink + tl.sum(weights, axis=1)[:, None]
        result = result * shrink + tl.dot(weights, value, input_precision="ieee")
        largest = highest
    tl.store(out + head + rows * dim + across, result / total, mask=(rows < seq) & (across < dim))


def launch(q, k, v, out, heads, seq, dim):
    grid = (triton.cdiv(seq, build.TILE_M), heads)
    width = max(16, triton.next_power_of_2(dim))
    tile[grid](q, k, v, out, seq, dim, 1 / math.sqrt(dim), build.TILE_M, build.TILE_N, width)
