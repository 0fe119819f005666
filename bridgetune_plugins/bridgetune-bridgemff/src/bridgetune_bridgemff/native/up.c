/* The end of a stage of the decoder: GELU(twice as large(norm(x))) + skip. */

#include "doubling.h"
#include "stage.h"

FOR_EACH_PROCESSOR
static void up_task(const Shape *shape, const Doubling *doubling, const float *x, const float *weight, const float *bias,
                    const float *skip, float *y, float *moments, float *line) {
    const int64_t height = shape->height, width = shape->width, channels = shape->channels / shape->groups;
    measure(x, channels * height * width, shape->eps, moments);
    float *wide = line + width + 1;
    for (int64_t c = 0; c < channels; c++) {
        const float factor = weight[c] * moments[1], shift = bias[c] - moments[0] * factor;
        for (int64_t row = 0; row < 2 * height; row++) {
            widen(doubling, x + c * height * width, row, factor, shift, line, wide);
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

/* x (batch, channels, height, width), skip and y (batch, channels, 2 · height, 2 · width), moments (batch, groups, 2). Returns
   0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_up(const Shape *shape, const float *x, const float *weight, const float *bias, const float *skip,
                             float *y, float *moments, int32_t threads) {
    const int64_t width = shape->width, tasks = shape->batch * shape->groups;
    const int64_t channels = shape->channels / shape->groups, in = channels * shape->height * width;
    Doubling doubling;
    int32_t failed = prepare(&doubling, shape->height, width);
    if (!failed) {
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            float *line = calloc((size_t)(3 * width + 1 + LANES), sizeof(float));
            failed |= !line;
#pragma omp for schedule(static)
            for (int64_t task = 0; task < tasks; task++) {
                const int64_t first = task % shape->groups * channels;
                if (line)
                    up_task(shape, &doubling, x + task * in, weight + first, bias + first, skip + 4 * task * in,
                            y + 4 * task * in, moments + 2 * task, line);
            }
            free(line);
        }
    }
    forget(&doubling);
    return failed;
}

/* ---- the adjoint ---- */

/* `line` (width + 1 and twice the pitch), of which what lies behind a row is 0; `rows` (height, pitch). */
FOR_EACH_PROCESSOR
static void up_back_task(const Shape *shape, const Doubling *doubling, const float *x, const float *moments,
                         const float *weight, const float *bias, const float *grad_y, float *grad_x, float *sums, float *line,
                         float *rows) {
    const int64_t height = shape->height, width = shape->width, channels = shape->channels / shape->groups;
    const int64_t pitch = pitch_of(doubling);
    float *wide = line + width + 1, *grads = wide + pitch;
    for (int64_t c = 0; c < channels; c++) {
        const float factor = weight[c] * moments[1], shift = bias[c] - moments[0] * factor;
        memset(rows, 0, sizeof(float) * height * pitch);
        for (int64_t row = 0; row < 2 * height; row++) {
            widen(doubling, x + c * height * width, row, factor, shift, line, wide);
            memcpy(grads, grad_y + (c * 2 * height + row) * 2 * width, sizeof(float) * 2 * width);
            for (int64_t i = 0; i < 2 * width; i += LANES) store(grads + i, load(grads + i) * gelu_slope(load(wide + i)));
            lower(doubling, grads, row, rows);
        }
        narrow(doubling, rows, grad_x + c * height * width);
    }
    normalise_back(x, moments, weight, channels, height * width, grad_x, sums);
}

/* Of x as it was given and `moments` as they were left; the gradient of the skip is that of y. Returns 0, or 1 where memory
   ran out. */
EXPORT int32_t bridgetune_up_backward(const Shape *shape, const float *x, const float *weight, const float *bias,
                                      const float *moments, const float *grad_y, float *grad_x, float *grad_weight,
                                      float *grad_bias, int32_t threads) {
    const int64_t height = shape->height, width = shape->width, tasks = shape->batch * shape->groups;
    const int64_t channels = shape->channels / shape->groups, in = channels * height * width;
    float *parts = malloc(sizeof(float) * 2 * tasks * channels);
    Doubling doubling;
    int32_t failed = prepare(&doubling, height, width) || !parts;
    if (!failed) {
        const int64_t pitch = pitch_of(&doubling), lines = width + 1 + 2 * pitch;
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            float *memory = calloc((size_t)(lines + height * pitch), sizeof(float));
            failed |= !memory;
#pragma omp for schedule(static)
            for (int64_t task = 0; task < tasks; task++) {
                const int64_t first = task % shape->groups * channels;
                if (memory)
                    up_back_task(shape, &doubling, x + task * in, moments + 2 * task, weight + first, bias + first,
                                 grad_y + 4 * task * in, grad_x + task * in, parts + 2 * task * channels, memory,
                                 memory + lines);
            }
            free(memory);
        }
        if (!failed) add_up_pictures(shape, parts, grad_weight, grad_bias);
    }
    forget(&doubling);
    free(parts);
    return failed;
}
