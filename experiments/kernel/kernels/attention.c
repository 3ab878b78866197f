/* out = softmax(q k' / sqrt(dim)) v for each head; q, k, v, out (heads x seq x dim), float32, no mask. */
#include <math.h>

void kernel(const float *restrict q, const float *restrict k, const float *restrict v, float *restrict out, int heads, int seq, int dim)
{
    const float scale = 1.0f / sqrtf(dim);
    for (int h = 0; h < heads; h++, k += seq * dim, v += seq * dim)
        for (int i = 0; i < seq; i++, q += dim, out += dim) {
            /* One pass over the keys, TILE_N at a time: what was summed is scaled down whenever a larger score turns up. */
            float largest = -INFINITY, sum = 0.0f;
            for (int d = 0; d < dim; d++)
                out[d] = 0.0f;
            for (int j0 = 0; j0 < seq; j0 += TILE_N) {
                const int n = j0 + TILE_N < seq ? TILE_N : seq - j0;
                float weight[TILE_N], before = largest;
                for (int j = 0; j < n; j++) {
                    weight[j] = 0.0f;
                    for (int d = 0; d < dim; d++)
                        weight[j] += q[d] * k[(j0 + j) * dim + d];
                    weight[j] *= scale;
                    largest = weight[j] > largest ? weight[j] : largest;
                }
                const float shrink = expf(before - largest);
                sum *= shrink;
                for (int d = 0; d < dim; d++)
                    out[d] *= shrink;
                for (int j = 0; j < n; j++) {
                    weight[j] = expf(weight[j] - largest);
                    sum += weight[j];
                    for (int d = 0; d < dim; d++)
                        out[d] += weight[j] * v[(j0 + j) * dim + d];
                }
            }
            for (int d = 0; d < dim; d++)
                out[d] /= sum;
        }
}
