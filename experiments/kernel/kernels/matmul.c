/* out (m x n) = a (m x k) times b (k x n), row by row, float32; tiles of TILE_M x TILE_N x TILE_K. */
#include <string.h>

static int least(int x, int y) { return x < y ? x : y; }

void kernel(const float *restrict a, const float *restrict b, float *restrict out, int m, int n, int k)
{
    memset(out, 0, sizeof(float) * m * n);
    for (int i0 = 0; i0 < m; i0 += TILE_M)
        for (int p0 = 0; p0 < k; p0 += TILE_K)
            for (int j0 = 0; j0 < n; j0 += TILE_N)
                for (int i = i0; i < least(i0 + TILE_M, m); i++)
                    for (int p = p0; p < least(p0 + TILE_K, k); p++) {
                        const float x = a[i * k + p];
                        const int end = least(j0 + TILE_N, n);
                        for (int j = j0; j < end; j++)
                            out[i * n + j] += x * b[p * n + j];
                    }
}
