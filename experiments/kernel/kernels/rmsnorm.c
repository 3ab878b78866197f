/* out = weight * x / sqrt(mean(x * x) + 1e-6) for each row of x (rows x cols); weight (cols); float32. */
#include <math.h>

void kernel(const float *restrict x, const float *restrict weight, float *restrict out, int rows, int cols)
{
    for (int r = 0; r < rows; r++, x += cols, out += cols) {
        float sum = 0.0f;
        for (int c = 0; c < cols; c++)
            sum += x[c] * x[c];
        for (int c = 0; c < cols; c++)
            out[c] = weight[c] * x[c] / sqrtf(sum / cols + 1e-6f);
    }
}
