/* What the attention bridge does to a map t with its spatial attention s and, once all maps are known, its channel attention a:
   the averages of t s + t, and (t s + t) a + t s. */

#include "vectors.h"

typedef struct {
    int64_t batch, channels, pixels;
} Shape;

/* ---- the averages ---- */

FOR_EACH_PROCESSOR
static float average(const float *t, const float *s, int64_t pixels) {
    double sum = 0;
    int64_t i = 0;
    while (i + LANES <= pixels) {
        const int64_t stop = i + SUMMED <= pixels ? i + SUMMED : pixels;
        floats part = {};
        for (; i + LANES <= stop; i += LANES) part += load(t + i) * load(s + i) + load(t + i);
        sum += sum_of_lanes(part);
    }
    for (; i < pixels; i++) sum += t[i] * s[i] + t[i];
    return (float)(sum / (double)pixels);
}

/* t (batch, channels, pixels), s (batch, pixels) -> averages (batch, channels). Returns 0. */
EXPORT int32_t bridgetune_averages(const Shape *shape, const float *t, const float *s, float *averages, int32_t threads) {
    const int64_t channels = shape->channels, pixels = shape->pixels;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t plane = 0; plane < shape->batch * channels; plane++)
        averages[plane] = average(t + plane * pixels, s + plane / channels * pixels, pixels);
    return 0;
}

FOR_EACH_PROCESSOR
static void averages_back(const Shape *shape, const float *t, const float *s, const float *grad, float *grad_t, float *grad_s) {
    const int64_t pixels = shape->pixels;
    memset(grad_s, 0, sizeof(float) * pixels);
    for (int64_t c = 0; c < shape->channels; c++) {
        const float each = grad[c] / (float)pixels;
        for (int64_t i = 0; i < pixels; i++) {
            grad_t[c * pixels + i] = each * s[i] + each;
            grad_s[i] += each * t[c * pixels + i];
        }
    }
}

/* Of grad (batch, channels). Returns 0. */
EXPORT int32_t bridgetune_averages_backward(const Shape *shape, const float *t, const float *s, const float *grad,
                                            float *grad_t, float *grad_s, int32_t threads) {
    const int64_t channels = shape->channels, pixels = shape->pixels;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t b = 0; b < shape->batch; b++)
        averages_back(shape, t + b * channels * pixels, s + b * pixels, grad + b * channels, grad_t + b * channels * pixels,
                      grad_s + b * pixels);
    return 0;
}

/* ---- the bridged map ---- */

FOR_EACH_PROCESSOR
static void bridge(const float *t, const float *s, float a, float *y, int64_t pixels) {
    int64_t i = 0;
    for (; i + LANES <= pixels; i += LANES) {
        const floats attended = load(t + i) * load(s + i);
        store(y + i, (attended + load(t + i)) * a + attended);
    }
    for (; i < pixels; i++) y[i] = (t[i] * s[i] + t[i]) * a + t[i] * s[i];
}

/* t (batch, channels, pixels), s (batch, pixels), a (batch, channels) -> y like t, in its place if need be. Returns 0. */
EXPORT int32_t bridgetune_bridged(const Shape *shape, const float *t, const float *s, const float *a, float *y,
                                  int32_t threads) {
    const int64_t channels = shape->channels, pixels = shape->pixels;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t plane = 0; plane < shape->batch * channels; plane++)
        bridge(t + plane * pixels, s + plane / channels * pixels, a[plane], y + plane * pixels, pixels);
    return 0;
}

/* One picture, SUMMED pixels at a time, so that what its channels share stays in the cache. */
FOR_EACH_PROCESSOR
static void bridged_back(const Shape *shape, const float *t, const float *s, const float *a, const float *grad, float *grad_t,
                         float *grad_s, float *grad_a, double *sums) {
    const int64_t pixels = shape->pixels;
    for (int64_t c = 0; c < shape->channels; c++) sums[c] = 0;
    for (int64_t first = 0; first < pixels; first += SUMMED) {
        const int64_t stop = first + SUMMED < pixels ? first + SUMMED : pixels;
        memset(grad_s + first, 0, sizeof(float) * (stop - first));
        for (int64_t c = 0; c < shape->channels; c++) {
            const float *from = t + c * pixels, *g = grad + c * pixels, both = 1.0f + a[c];
            float *to = grad_t + c * pixels;
            floats part = {};
            int64_t i = first;
            for (; i + LANES <= stop; i += LANES) {
                const floats gradient = load(g + i), product = gradient * load(from + i), attention = load(s + i);
                store(to + i, gradient * (attention * both + a[c]));
                store(grad_s + i, load(grad_s + i) + product * both);
                part += product * attention + product;
            }
            sums[c] += sum_of_lanes(part);
            for (; i < stop; i++) {
                to[i] = g[i] * (s[i] * both + a[c]);
                grad_s[i] += g[i] * from[i] * both;
                sums[c] += g[i] * from[i] * (s[i] + 1.0f);
            }
        }
    }
    for (int64_t c = 0; c < shape->channels; c++) grad_a[c] = (float)sums[c];
}

/* Of grad like y. Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_bridged_backward(const Shape *shape, const float *t, const float *s, const float *a,
                                           const float *grad, float *grad_t, float *grad_s, float *grad_a, int32_t threads) {
    const int64_t channels = shape->channels, pixels = shape->pixels, picture = channels * pixels;
    double *sums = malloc(sizeof(double) * (size_t)(shape->batch * channels));
    if (!sums) return 1;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t b = 0; b < shape->batch; b++)
        bridged_back(shape, t + b * picture, s + b * pixels, a + b * channels, grad + b * picture, grad_t + b * picture,
                     grad_s + b * pixels, grad_a + b * channels, sums + b * channels);
    free(sums);
    return 0;
}
