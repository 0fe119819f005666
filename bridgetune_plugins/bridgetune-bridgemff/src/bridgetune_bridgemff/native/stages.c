/* What follows the convolution or the scan in a stage of the U-Net, in one pass over the picture: group normalisation, a
   change of scale, GELU. A group of channels is a task. */

#include "vectors.h"

typedef struct {
    int64_t batch, channels, height, width, groups;
    float eps;
} Shape;

/* Mean and 1 / sqrt(variance + eps) of `count` floats: short sums in float, sums of them in double. */
INLINE void moments(const float *x, int64_t count, float eps, float *mean, float *scale) {
    double sum = 0, squares = 0;
    int64_t i = 0;
    while (i + LANES <= count) {
        const floats shift = all(x[0]);
        const int64_t stop = i + 1024 <= count ? i + 1024 : count;
        floats s = {}, q = {};
        for (; i + LANES <= stop; i += LANES) {
            const floats v = load(x + i) - shift;
            s += v;
            q += v * v;
        }
        for (int lane = 0; lane < LANES; lane++) sum += s[lane], squares += q[lane];
    }
    for (; i < count; i++) sum += x[i] - x[0], squares += (double)(x[i] - x[0]) * (x[i] - x[0]);
    const double centre = sum / (double)count, variance = squares / (double)count - centre * centre;
    *mean = (float)(centre + x[0]);
    *scale = 1.0f / __builtin_sqrtf((float)(variance > 0 ? variance : 0) + eps);
}

/* ---- down: GELU(max-pool(norm(x))) ---- */

/* The normalisation of a channel is v -> v factor + shift, so the largest of four is that of the largest, or, where the
   factor is negative, of the smallest. */
INLINE floats pooled(const float *upper, const float *lower, ints falling) {
    const floats a = load(upper), b = load(upper + LANES), c = load(lower), d = load(lower + LANES);
    floats best = PICK(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
    const floats others[] = {PICK(a, b, 1, 3, 5, 7, 9, 11, 13, 15), PICK(c, d, 0, 2, 4, 6, 8, 10, 12, 14),
                             PICK(c, d, 1, 3, 5, 7, 9, 11, 13, 15)};
    for (int i = 0; i < 3; i++) best = where((others[i] > best) ^ falling, others[i], best);
    return best;
}

FOR_EACH_PROCESSOR
static void down_task(const Shape *shape, const float *x, const float *weight, const float *bias, float *y, int64_t group) {
    const int64_t height = shape->height, width = shape->width, channels = shape->channels / shape->groups;
    const int64_t out_height = height / 2, out_width = width / 2;
    float mean, scale;
    moments(x, channels * height * width, shape->eps, &mean, &scale);
    for (int64_t c = 0; c < channels; c++) {
        const float factor = weight[group * channels + c] * scale, shift = bias[group * channels + c] - mean * factor;
        const ints falling = all(factor) < 0.0f;
        for (int64_t row = 0; row < out_height; row++) {
            const float *upper = x + (c * height + 2 * row) * width, *lower = upper + width;
            float *to = y + (c * out_height + row) * out_width;
            int64_t column = 0;
            for (; column + LANES <= out_width; column += LANES)
                store(to + column, gelu(pooled(upper + 2 * column, lower + 2 * column, falling) * factor + shift));
            if (column < out_width) {
                const size_t left = (size_t)(out_width - column);
                float ends[2][2 * LANES] = {{0}}, result[LANES];
                memcpy(ends[0], upper + 2 * column, sizeof(float) * 2 * left);
                memcpy(ends[1], lower + 2 * column, sizeof(float) * 2 * left);
                store(result, gelu(pooled(ends[0], ends[1], falling) * factor + shift));
                memcpy(to + column, result, sizeof(float) * left);
            }
        }
    }
}

/* x (batch, channels, height, width) -> y (batch, channels, height / 2, width / 2). Returns 0. */
EXPORT int32_t bridgetune_down(const Shape *shape, const float *x, const float *weight, const float *bias, float *y,
                               int32_t threads) {
    const int64_t channels = shape->channels / shape->groups, tasks = shape->batch * shape->groups;
    const int64_t in = channels * shape->height * shape->width;
    const int64_t out = channels * (shape->height / 2) * (shape->width / 2);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t task = 0; task < tasks; task++)
        down_task(shape, x + task * in, weight, bias, y + task * out, task % shape->groups);
    return 0;
}

/* ---- up: GELU(twice as large(norm(x))) + skip ---- */

/* Between which two of `side` samples each of 2 · side lies, and how far, corners aligned. */
static void between(int64_t side, int32_t *place, float *share) {
    const float step = side > 1 ? (float)(side - 1) / (float)(2 * side - 1) : 0.0f;
    for (int64_t i = 0; i < 2 * side; i++) {
        const float position = step * (float)i;
        place[i] = (int32_t)position;
        share[i] = position - (float)place[i];
    }
}

FOR_EACH_PROCESSOR
static void up_task(const Shape *shape, const float *x, const float *weight, const float *bias, const float *skip, float *y,
                    int64_t group, const int32_t *rows, const float *row_shares, const int32_t *columns,
                    const float *column_shares, float *line) {
    const int64_t height = shape->height, width = shape->width, channels = shape->channels / shape->groups;
    float mean, scale;
    moments(x, channels * height * width, shape->eps, &mean, &scale);
    float *blended = line, *wide = line + width + 1;
    for (int64_t c = 0; c < channels; c++) {
        const float factor = weight[group * channels + c] * scale, shift = bias[group * channels + c] - mean * factor;
        for (int64_t row = 0; row < 2 * height; row++) {
            const float *upper = x + (c * height + rows[row]) * width;
            const float *lower = rows[row] + 1 < height ? upper + width : upper;
            const float share = row_shares[row];
            for (int64_t i = 0; i < width; i++)
                blended[i] = ((1.0f - share) * upper[i] + share * lower[i]) * factor + shift;
            blended[width] = blended[width - 1];
            for (int64_t i = 0; i < 2 * width; i++) {
                const float *pair = blended + columns[i];
                wide[i] = (1.0f - column_shares[i]) * pair[0] + column_shares[i] * pair[1];
            }
            const int64_t at = (c * 2 * height + row) * 2 * width;
            int64_t i = 0;
            for (; i + LANES <= 2 * width; i += LANES) store(y + at + i, gelu(load(wide + i)) + load(skip + at + i));
            if (i < 2 * width) {
                float rest[LANES];
                store(rest, gelu(load(wide + i)));
                for (int lane = 0; i + lane < 2 * width; lane++) y[at + i + lane] = rest[lane] + skip[at + i + lane];
            }
        }
    }
}

/* x (batch, channels, height, width), skip and y (batch, channels, 2 · height, 2 · width). Returns 0, or 1 where memory ran
   out. */
EXPORT int32_t bridgetune_up(const Shape *shape, const float *x, const float *weight, const float *bias, const float *skip,
                             float *y, int32_t threads) {
    const int64_t height = shape->height, width = shape->width, tasks = shape->batch * shape->groups;
    const int64_t in = shape->channels / shape->groups * height * width;
    int32_t *places = malloc(sizeof(int32_t) * 2 * (height + width));
    float *shares = malloc(sizeof(float) * 2 * (height + width));
    int32_t failed = !places || !shares;
    if (!failed) {
        between(height, places, shares);
        between(width, places + 2 * height, shares + 2 * height);
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            float *line = calloc((size_t)(3 * width + 1 + LANES), sizeof(float));
            failed |= !line;
#pragma omp for schedule(static)
            for (int64_t task = 0; task < tasks; task++)
                if (line)
                    up_task(shape, x + task * in, weight, bias, skip + 4 * task * in, y + 4 * task * in,
                            task % shape->groups, places, shares, places + 2 * height, shares + 2 * height, line);
            free(line);
        }
    }
    free(places);
    free(shares);
    return failed;
}
