/* The end of the encoder's first stage, GELU(max-pool(norm(x))), of a picture that comes in strips: what is pooled of each
   strip is kept, and normalised once the last one is known. To the bit what `down.c` makes of the whole: the largest of four
   times a factor is the largest times the factor, or the smallest where that is negative, and sums are added up as there. */

#include "stage.h"

typedef struct {
    int64_t channels, height, width, groups; /* of the picture: height · width is a multiple of SUMMED */
    int64_t start, rows, plane;              /* of the strip: its first row, how many, and the floats from channel to channel */
    float eps;
} Strip;

INLINE floats larger(floats a, floats b) { return where(a > b, a, b); }

INLINE floats pooled(const float *upper, const float *lower, int smallest) {
    const floats a = load(upper), b = load(upper + LANES), c = load(lower), d = load(lower + LANES);
    const floats sign = all(smallest ? -1.0f : 1.0f);
    return sign * larger(larger(sign * PICK(a, b, 0, 2, 4, 6, 8, 10, 12, 14), sign * PICK(a, b, 1, 3, 5, 7, 9, 11, 13, 15)),
                         larger(sign * PICK(c, d, 0, 2, 4, 6, 8, 10, 12, 14), sign * PICK(c, d, 1, 3, 5, 7, 9, 11, 13, 15)));
}

/* One channel of a strip. `sums` (pixels / SUMMED, 2, LANES) are the channel's. */
FOR_EACH_PROCESSOR
static void enter_task(const Strip *strip, const float *x, float weight, float shift, float *y, float *sums) {
    const int64_t width = strip->width, half = width / 2, pixels = strip->rows * width;
    for (int64_t i = 0; i < pixels; i += SUMMED) {
        floats s = {}, q = {};
        sum_up(x + i, SUMMED, all(shift), &s, &q);
        float *to = sums + (strip->start * width + i) / SUMMED * 2 * LANES;
        store(to, s);
        store(to + LANES, q);
    }
    for (int64_t row = 0; row < strip->rows / 2; row++) {
        const float *upper = x + 2 * row * width, *lower = upper + width;
        float *to = y + (strip->start / 2 + row) * half;
        for (int64_t column = 0; column < half; column += LANES)
            store(to + column, pooled(upper + 2 * column, lower + 2 * column, weight < 0));
    }
}

/* x (channels, rows, width), planes apart, into y (channels, height / 2, width / 2) and sums (channels, height · width /
   SUMMED, 2, LANES); shifts (groups) is written with the first strip. Width is a multiple of 2 · LANES, rows · width of
   SUMMED. Returns 0. */
EXPORT int32_t bridgetune_enter(const Strip *strip, const float *x, const float *weight, float *y, float *sums, float *shifts,
                                int32_t threads) {
    const int64_t each = strip->channels / strip->groups, pixels = strip->height * strip->width;
    if (strip->start == 0)
        for (int64_t group = 0; group < strip->groups; group++) shifts[group] = x[group * each * strip->plane];
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t c = 0; c < strip->channels; c++)
        enter_task(strip, x + c * strip->plane, weight[c], shifts[c / each], y + c * pixels / 4,
                   sums + c * pixels / SUMMED * 2 * LANES);
    return 0;
}

/* One group. The product is stored before the sum is made, so that both are rounded as they are in `down.c`. */
FOR_EACH_PROCESSOR
static void entered_task(const Strip *strip, const float *weight, const float *bias, float *y, const float *sums,
                         float first) {
    const int64_t channels = strip->channels / strip->groups, pixels = strip->height * strip->width;
    const int64_t half = strip->width / 2;
    float moments[2];
    double sum = 0, squares = 0;
    for (int64_t i = 0; i < channels * pixels / SUMMED; i++)
        for (int lane = 0; lane < LANES; lane++) sum += sums[2 * i * LANES + lane], squares += sums[(2 * i + 1) * LANES + lane];
    moments_of(sum, squares, channels * pixels, first, strip->eps, moments);
    for (int64_t c = 0; c < channels; c++) {
        const float factor = weight[c] * moments[1], shift = bias[c] - moments[0] * factor;
        for (float *row = y + c * pixels / 4; row < y + (c + 1) * pixels / 4; row += half) {
            for (int64_t i = 0; i < half; i += LANES) store(row + i, load(row + i) * factor);
            for (int64_t i = 0; i < half; i += LANES) store(row + i, gelu(load(row + i) + shift));
        }
    }
}

/* After the last strip: y as it is to be. Returns 0. */
EXPORT int32_t bridgetune_entered(const Strip *strip, const float *weight, const float *bias, float *y, const float *sums,
                                  const float *shifts, int32_t threads) {
    const int64_t each = strip->channels / strip->groups, pixels = strip->height * strip->width;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t group = 0; group < strip->groups; group++) {
        const int64_t c = group * each;
        entered_task(strip, weight + c, bias + c, y + c * pixels / 4, sums + c * pixels / SUMMED * 2 * LANES, shifts[group]);
    }
    return 0;
}
