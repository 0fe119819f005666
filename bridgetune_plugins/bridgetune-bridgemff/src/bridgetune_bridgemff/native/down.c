/* The end of a stage of the encoder: GELU(max-pool(norm(x))). */

#include "stage.h"

/* The largest of each four pixels, times `factor`; and, unless it is null, which it is: the first, row by row, of equals. */
INLINE floats pooled(const float *upper, const float *lower, float factor, ints *which) {
    const floats a = load(upper) * factor, b = load(upper + LANES) * factor;
    const floats c = load(lower) * factor, d = load(lower + LANES) * factor;
    floats best = PICK(a, b, 0, 2, 4, 6, 8, 10, 12, 14);
    const floats others[] = {PICK(a, b, 1, 3, 5, 7, 9, 11, 13, 15), PICK(c, d, 0, 2, 4, 6, 8, 10, 12, 14),
                             PICK(c, d, 1, 3, 5, 7, 9, 11, 13, 15)};
    ints place = {};
    for (int i = 0; i < 3; i++) {
        const ints larger = others[i] > best;
        best = where(larger, others[i], best);
        place = (larger & (i + 1)) | (~larger & place);
    }
    if (which) *which = place;
    return best;
}

FOR_EACH_PROCESSOR
static void down_task(const Shape *shape, const float *x, const float *weight, const float *bias, float *y,
                      float *moments) {
    const int64_t height = shape->height, width = shape->width, channels = shape->channels / shape->groups;
    const int64_t out_height = height / 2, out_width = width / 2;
    measure(x, channels * height * width, shape->eps, moments);
    for (int64_t c = 0; c < channels; c++) {
        const float factor = weight[c] * moments[1], shift = bias[c] - moments[0] * factor;
        for (int64_t row = 0; row < out_height; row++) {
            const float *upper = x + (c * height + 2 * row) * width, *lower = upper + width;
            float *to = y + (c * out_height + row) * out_width;
            int64_t column = 0;
            for (; column + LANES <= out_width; column += LANES)
                store(to + column, gelu(pooled(upper + 2 * column, lower + 2 * column, factor, NULL) + shift));
            if (column < out_width) {
                const size_t left = (size_t)(out_width - column);
                float ends[2][2 * LANES] = {{0}}, result[LANES];
                memcpy(ends[0], upper + 2 * column, sizeof(float) * 2 * left);
                memcpy(ends[1], lower + 2 * column, sizeof(float) * 2 * left);
                store(result, gelu(pooled(ends[0], ends[1], factor, NULL) + shift));
                memcpy(to + column, result, sizeof(float) * left);
            }
        }
    }
}

/* x (batch, channels, height, width) -> y (batch, channels, height / 2, width / 2) and moments (batch, groups, 2). Returns 0. */
EXPORT int32_t bridgetune_down(const Shape *shape, const float *x, const float *weight, const float *bias, float *y,
                               float *moments, int32_t threads) {
    const int64_t channels = shape->channels / shape->groups, tasks = shape->batch * shape->groups;
    const int64_t in = channels * shape->height * shape->width;
    const int64_t out = channels * (shape->height / 2) * (shape->width / 2);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t task = 0; task < tasks; task++) {
        const int64_t first = task % shape->groups * channels;
        down_task(shape, x + task * in, weight + first, bias + first, y + task * out, moments + 2 * task);
    }
    return 0;
}

/* ---- the adjoint ---- */

/* The gradient of LANES answers, put to where each came from; the other three get 0. */
INLINE void scatter(const float *upper, const float *lower, float factor, float shift, floats grad, float *to_upper,
                    float *to_lower) {
    ints which;
    const floats best = pooled(upper, lower, factor, &which);
    grad *= gelu_slope(best + shift);
    for (int row = 0; row < 2; row++) {
        const floats even = where(which == 2 * row, grad, (floats){}), odd = where(which == 2 * row + 1, grad, (floats){});
        float *to = row ? to_lower : to_upper;
        store(to, PICK(even, odd, 0, 8, 1, 9, 2, 10, 3, 11));
        store(to + LANES, PICK(even, odd, 4, 12, 5, 13, 6, 14, 7, 15));
    }
}

FOR_EACH_PROCESSOR
static void down_back_task(const Shape *shape, const float *x, const float *moments, const float *weight, const float *bias,
                           const float *grad_y, float *grad_x, float *sums) {
    const int64_t height = shape->height, width = shape->width, channels = shape->channels / shape->groups;
    const int64_t out_height = height / 2, out_width = width / 2;
    for (int64_t c = 0; c < channels; c++) {
        const float factor = weight[c] * moments[1], shift = bias[c] - moments[0] * factor;
        float *plane = grad_x + c * height * width;
        for (int64_t row = 0; row < out_height; row++) {
            const float *upper = x + (c * height + 2 * row) * width, *lower = upper + width;
            const float *from = grad_y + (c * out_height + row) * out_width;
            float *to = plane + 2 * row * width;
            int64_t column = 0;
            for (; column + LANES <= out_width; column += LANES)
                scatter(upper + 2 * column, lower + 2 * column, factor, shift, load(from + column), to + 2 * column,
                        to + width + 2 * column);
            if (column < out_width) {
                const size_t left = sizeof(float) * (size_t)(out_width - column);
                float ends[2][2 * LANES] = {{0}}, grad[LANES] = {0}, results[2][2 * LANES];
                memcpy(ends[0], upper + 2 * column, 2 * left);
                memcpy(ends[1], lower + 2 * column, 2 * left);
                memcpy(grad, from + column, left);
                scatter(ends[0], ends[1], factor, shift, load(grad), results[0], results[1]);
                memcpy(to + 2 * column, results[0], 2 * left);
                memcpy(to + width + 2 * column, results[1], 2 * left);
            }
            if (width % 2) to[width - 1] = to[2 * width - 1] = 0.0f;
        }
        if (height % 2) memset(plane + (height - 1) * width, 0, sizeof(float) * width);
    }
    normalise_back(x, moments, weight, channels, height * width, grad_x, sums);
}

/* Of x as it was given and `moments` as they were left. Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_down_backward(const Shape *shape, const float *x, const float *weight, const float *bias,
                                        const float *moments, const float *grad_y, float *grad_x, float *grad_weight,
                                        float *grad_bias, int32_t threads) {
    const int64_t channels = shape->channels / shape->groups, tasks = shape->batch * shape->groups;
    const int64_t in = channels * shape->height * shape->width;
    const int64_t out = channels * (shape->height / 2) * (shape->width / 2);
    float *parts = malloc(sizeof(float) * 2 * tasks * channels);
    if (!parts) return 1;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t task = 0; task < tasks; task++) {
        const int64_t first = task % shape->groups * channels;
        down_back_task(shape, x + task * in, moments + 2 * task, weight + first, bias + first, grad_y + task * out,
                       grad_x + task * in, parts + 2 * task * channels);
    }
    add_up_pictures(shape, parts, grad_weight, grad_bias);
    free(parts);
    return 0;
}
