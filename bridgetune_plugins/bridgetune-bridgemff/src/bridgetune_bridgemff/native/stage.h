/* What follows the convolution or the scan in a stage of the U-Net, in one pass over the picture: group normalisation, a
   change of scale, GELU. A group of channels is a task. Here, what stages share: the normalisation. */

#ifndef BRIDGETUNE_STAGE_H
#define BRIDGETUNE_STAGE_H

#include "vectors.h"

typedef struct {
    int64_t batch, channels, height, width, groups;
    float eps;
} Shape;

/* The sums of floats, in whole vectors, and of their squares, counted from `shift`; on to those that are there. */
INLINE void sum_up(const float *x, int64_t count, floats shift, floats *s, floats *q) {
    for (int64_t i = 0; i + LANES <= count; i += LANES) {
        const floats v = load(x + i) - shift;
        *s += v;
        *q += v * v;
    }
}

/* Mean and 1 / sqrt(variance + eps) of `count` floats, of their sums counted from `shift`. */
INLINE void moments_of(double sum, double squares, int64_t count, float shift, float eps, float *moments) {
    const double centre = sum / (double)count, variance = squares / (double)count - centre * centre;
    moments[0] = (float)(centre + shift);
    moments[1] = 1.0f / __builtin_sqrtf((float)(variance > 0 ? variance : 0) + eps);
}

/* The same of the floats themselves: short sums in float, sums of them in double. */
INLINE void measure(const float *x, int64_t count, float eps, float *moments) {
    double sum = 0, squares = 0;
    int64_t i = 0;
    while (i + LANES <= count) {
        const int64_t left = i + SUMMED <= count ? SUMMED : (count - i) / LANES * LANES;
        floats s = {}, q = {};
        sum_up(x + i, left, all(x[0]), &s, &q);
        for (int lane = 0; lane < LANES; lane++) sum += s[lane], squares += q[lane];
        i += left;
    }
    for (; i < count; i++) sum += x[i] - x[0], squares += (double)(x[i] - x[0]) * (x[i] - x[0]);
    moments_of(sum, squares, count, x[0], eps, moments);
}

/* The adjoint of a group's normalisation. `dx`, on entry the gradient of what it answered, becomes that of `x`; `moments` are
   the group's; `sums` (channels, 2) receives its part in the gradients of the weight and the bias. */
INLINE void normalise_back(const float *x, const float *moments, const float *weight, int64_t channels, int64_t pixels,
                           float *dx, float *sums) {
    const float mean = moments[0], scale = moments[1];
    double of_group = 0, of_spread = 0;
    for (int64_t c = 0; c < channels; c++) {
        const float *from = x + c * pixels, *grad = dx + c * pixels;
        double sum = 0, products = 0;
        int64_t i = 0;
        while (i + LANES <= pixels) {
            const int64_t stop = i + SUMMED <= pixels ? i + SUMMED : pixels;
            floats s = {}, p = {};
            for (; i + LANES <= stop; i += LANES) {
                s += load(grad + i);
                p += load(grad + i) * (load(from + i) - mean);
            }
            for (int lane = 0; lane < LANES; lane++) sum += s[lane], products += p[lane];
        }
        for (; i < pixels; i++) sum += grad[i], products += grad[i] * (double)(from[i] - mean);
        sums[2 * c] = (float)(products * scale);
        sums[2 * c + 1] = (float)sum;
        of_group += weight[c] * sum;
        of_spread += weight[c] * products;
    }
    const double count = (double)(channels * pixels);
    const float shift = (float)(-of_group * scale / count);
    const float slope = (float)(-of_spread * scale * scale * scale / count);
    for (int64_t c = 0; c < channels; c++) {
        const float factor = weight[c] * scale;
        for (int64_t i = c * pixels; i < (c + 1) * pixels; i++) dx[i] = dx[i] * factor + (x[i] - mean) * slope + shift;
    }
}

/* The pictures' parts (batch, channels, 2), added up in their order, whatever the number of threads. */
static inline void add_up_pictures(const Shape *shape, const float *parts, float *grad_weight, float *grad_bias) {
    for (int64_t c = 0; c < shape->channels; c++) {
        double sums[2] = {0};
        for (int64_t picture = 0; picture < shape->batch; picture++)
            for (int i = 0; i < 2; i++) sums[i] += parts[2 * (picture * shape->channels + c) + i];
        grad_weight[c] = (float)sums[0];
        grad_bias[c] = (float)sums[1];
    }
}

#endif
