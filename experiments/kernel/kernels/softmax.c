/* out = softmax of each row of x (rows x cols), float32. */
#include <math.h>

void kernel(const float *restrict x, float *restrict out, int rows, int cols)
{
    for (int r = 0; r < rows; r++, x += cols, out += cols) {
        float largest = x[0], sum = 0.0f;
        for (int c = 1; c < cols; c++)
            largest = x[c] > largest ? x[c] : largest;
        for (int c = 0; c < cols; c++)
            sum += expf(x[c] - largest);
        for (int c = 0; c < cols; c++)
            out[c] = expf(x[c] - largest) / sum;
    }
}
