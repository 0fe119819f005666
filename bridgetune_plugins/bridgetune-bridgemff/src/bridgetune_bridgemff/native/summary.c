/* What the spatial attention looks at: the mean and the largest of each pixel's channels. */

#include "vectors.h"

#define PIXELS 256 /* of a block, whose lines stay in the cache */

typedef struct {
    int64_t batch, channels, pixels;
} Shape;

FOR_EACH_PROCESSOR
static void summarise(const Shape *shape, const float *x, float *mean, float *largest, int64_t first, int64_t last) {
    const float share = 1.0f / (float)shape->channels;
    for (int64_t i = first; i < last; i++) mean[i] = largest[i] = x[i];
    for (int64_t c = 1; c < shape->channels; c++)
        for (int64_t i = first; i < last; i++) {
            const float value = x[c * shape->pixels + i];
            mean[i] += value;
            largest[i] = value > largest[i] ? value : largest[i];
        }
    for (int64_t i = first; i < last; i++) mean[i] *= share;
}

/* Equal maxima share the gradient, as in torch. */
FOR_EACH_PROCESSOR
static void summarise_back(const Shape *shape, const float *x, const float *largest, const float *of_mean,
                           const float *of_largest, float *grad_x, int64_t first, int64_t last) {
    const float share = 1.0f / (float)shape->channels;
    float each[PIXELS] = {0};
    for (int64_t c = 0; c < shape->channels; c++)
        for (int64_t i = first; i < last; i++) each[i - first] += x[c * shape->pixels + i] == largest[i] ? 1.0f : 0.0f;
    for (int64_t i = first; i < last; i++) each[i - first] = of_largest[i] / each[i - first];
    for (int64_t c = 0; c < shape->channels; c++)
        for (int64_t i = first; i < last; i++)
            grad_x[c * shape->pixels + i] =
                of_mean[i] * share + (x[c * shape->pixels + i] == largest[i] ? each[i - first] : 0.0f);
}

/* x (batch, channels, pixels) -> y (batch, 2, pixels). Returns 0. */
EXPORT int32_t bridgetune_summary(const Shape *shape, const float *x, float *y, int32_t threads) {
    const int64_t pixels = shape->pixels;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t picture = 0; picture < shape->batch; picture++)
        for (int64_t i = 0; i < pixels; i += PIXELS)
            summarise(shape, x + picture * shape->channels * pixels, y + 2 * picture * pixels, y + (2 * picture + 1) * pixels,
                      i, i + PIXELS < pixels ? i + PIXELS : pixels);
    return 0;
}

/* Of x and y as they were, and of grad_y (batch, 2, pixels). Returns 0. */
EXPORT int32_t bridgetune_summary_backward(const Shape *shape, const float *x, const float *y, const float *grad_y,
                                           float *grad_x, int32_t threads) {
    const int64_t pixels = shape->pixels;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t picture = 0; picture < shape->batch; picture++) {
        const int64_t of_x = picture * shape->channels * pixels, means = 2 * picture * pixels, maxima = means + pixels;
        for (int64_t i = 0; i < pixels; i += PIXELS)
            summarise_back(shape, x + of_x, y + maxima, grad_y + means, grad_y + maxima, grad_x + of_x, i,
                           i + PIXELS < pixels ? i + PIXELS : pixels);
    }
    return 0;
}
