/* The end of a stage of the encoder, GELU(max-pool(norm(x))), of a picture that comes in strips: what is pooled of each
   strip is kept, and normalised once the last one is known. To the bit what `down.c` makes of the whole: the largest of four
   times a factor is the largest times the factor, or the smallest where that is negative, and sums are added up as there. */

#include "stage.h"

typedef struct {
    int64_t channels, height, width, groups; /* of the picture: width is a multiple of 2 · LANES */
    int64_t start, rows, plane;              /* of the strip: its first row, how many, and the floats from channel to channel */
    float eps;
} Strip;

/* The sums of a group are those of SUMMED floats each, counted on from channel to channel. */
static int64_t blocks_of(const Strip *strip) {
    return (strip->channels / strip->groups * strip->height * strip->width + SUMMED - 1) / SUMMED;
}

/* How many of a channel's first floats belong to the sums that the channel before, `c` of its group, has begun. */
static int64_t head_of(const Strip *strip, int64_t c) {
    const int64_t head = (SUMMED - c * strip->height * strip->width % SUMMED) % SUMMED, pixels = strip->height * strip->width;
    return head < pixels ? head : pixels;
}

/* The floats [first, last) of channel c of a group, added to the group's sums. */
INLINE void add_to_sums(const Strip *strip, const float *x, int64_t c, int64_t first, int64_t last, float shift, float *sums) {
    const int64_t before = c * strip->height * strip->width;
    while (first < last) {
        const int64_t place = before + first, left = SUMMED - place % SUMMED;
        const int64_t count = first + left < last ? left : last - first;
        float *to = sums + place / SUMMED * 2 * LANES;
        floats s = load(to), q = load(to + LANES);
        sum_up(x, count, all(shift), &s, &q);
        store(to, s);
        store(to + LANES, q);
        x += count;
        first += count;
    }
}

INLINE floats larger(floats a, floats b) { return where(a > b, a, b); }

INLINE floats pooled(const float *upper, const float *lower, int smallest) {
    const floats a = load(upper), b = load(upper + LANES), c = load(lower), d = load(lower + LANES);
    const floats sign = all(smallest ? -1.0f : 1.0f);
    return sign * larger(larger(sign * PICK(a, b, 0, 2, 4, 6, 8, 10, 12, 14), sign * PICK(a, b, 1, 3, 5, 7, 9, 11, 13, 15)),
                         larger(sign * PICK(c, d, 0, 2, 4, 6, 8, 10, 12, 14), sign * PICK(c, d, 1, 3, 5, 7, 9, 11, 13, 15)));
}

/* Channel c of a group in a strip. What the channel before would have to be done with first is kept in `head`. */
FOR_EACH_PROCESSOR
static void enter_task(const Strip *strip, const float *x, int64_t c, float weight, float shift, float *y, float *sums,
                       float *head) {
    const int64_t width = strip->width, half = width / 2;
    const int64_t first = strip->start * width, last = first + strip->rows * width, kept = head_of(strip, c);
    const int64_t to_keep = kept < first ? 0 : (kept < last ? kept : last) - first;
    memcpy(head + first, x, sizeof(float) * to_keep);
    add_to_sums(strip, x + to_keep, c, first + to_keep, last, shift, sums);
    for (int64_t row = 0; row < strip->rows / 2; row++) {
        const float *upper = x + 2 * row * width, *lower = upper + width;
        float *to = y + (strip->start / 2 + row) * half;
        for (int64_t column = 0; column < half; column += LANES)
            store(to + column, pooled(upper + 2 * column, lower + 2 * column, weight < 0));
    }
}

/* x (channels, rows, width), planes apart, into y (channels, height / 2, width / 2), sums (groups, blocks, 2, LANES), 0 at
   first, and heads (channels, SUMMED); shifts (groups) is written with the first strip. Returns 0. */
EXPORT int32_t bridgetune_enter(const Strip *strip, const float *x, const float *weight, float *y, float *sums, float *heads,
                                float *shifts, int32_t threads) {
    const int64_t each = strip->channels / strip->groups, pixels = strip->height * strip->width;
    if (strip->start == 0)
        for (int64_t group = 0; group < strip->groups; group++) shifts[group] = x[group * each * strip->plane];
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t group = 0; group < strip->groups; group++)
        for (int64_t c = group * each; c < (group + 1) * each; c++)
            enter_task(strip, x + c * strip->plane, c % each, weight[c], shifts[group], y + c * pixels / 4,
                       sums + group * blocks_of(strip) * 2 * LANES, heads + c * SUMMED);
    return 0;
}

/* One group. The product is stored before the sum is made, so that both are rounded as they are in `down.c`. */
FOR_EACH_PROCESSOR
static void entered_task(const Strip *strip, const float *weight, const float *bias, float *y, float *sums,
                         const float *heads, float first) {
    const int64_t channels = strip->channels / strip->groups, pixels = strip->height * strip->width;
    const int64_t half = strip->width / 2;
    float moments[2];
    double sum = 0, squares = 0;
    for (int64_t c = 1; c < channels; c++) add_to_sums(strip, heads + c * SUMMED, c, 0, head_of(strip, c), first, sums);
    for (int64_t i = 0; i < blocks_of(strip); i++)
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
EXPORT int32_t bridgetune_entered(const Strip *strip, const float *weight, const float *bias, float *y, float *sums,
                                  const float *heads, const float *shifts, int32_t threads) {
    const int64_t each = strip->channels / strip->groups, pixels = strip->height * strip->width;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t group = 0; group < strip->groups; group++) {
        const int64_t c = group * each;
        entered_task(strip, weight + c, bias + c, y + c * pixels / 4, sums + group * blocks_of(strip) * 2 * LANES,
                     heads + c * SUMMED, shifts[group]);
    }
    return 0;
}
