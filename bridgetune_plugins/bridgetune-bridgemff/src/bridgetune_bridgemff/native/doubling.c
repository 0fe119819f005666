/* A picture twice as large, and nothing else: the end of the head. */

#include "doubling.h"

typedef struct {
    int64_t planes, height, width;
} Shape;

FOR_EACH_PROCESSOR
static void double_plane(const Doubling *doubling, const float *x, float *y, float *line) {
    for (int64_t row = 0; row < 2 * doubling->height; row++)
        widen(doubling, x, row, 1.0f, 0.0f, line, y + row * 2 * doubling->width);
}

/* `grads` (pitch), of which what lies behind a row is 0; `rows` (height, pitch). */
FOR_EACH_PROCESSOR
static void double_plane_back(const Doubling *doubling, const float *grad_y, float *grad_x, float *grads, float *rows) {
    const int64_t width = doubling->width;
    memset(rows, 0, sizeof(float) * doubling->height * pitch_of(doubling));
    for (int64_t row = 0; row < 2 * doubling->height; row++) {
        memcpy(grads, grad_y + row * 2 * width, sizeof(float) * 2 * width);
        lower(doubling, grads, row, rows);
    }
    narrow(doubling, rows, grad_x);
}

/* x (planes, height, width) -> y (planes, 2 · height, 2 · width). Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_double(const Shape *shape, const float *x, float *y, int32_t threads) {
    const int64_t pixels = shape->height * shape->width;
    Doubling doubling;
    int32_t failed = prepare(&doubling, shape->height, shape->width);
    if (!failed) {
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            float *line = malloc(sizeof(float) * (shape->width + 1));
            failed |= !line;
#pragma omp for schedule(static)
            for (int64_t plane = 0; plane < shape->planes; plane++)
                if (line) double_plane(&doubling, x + plane * pixels, y + 4 * plane * pixels, line);
            free(line);
        }
    }
    forget(&doubling);
    return failed;
}

/* The adjoint. Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_double_backward(const Shape *shape, const float *grad_y, float *grad_x, int32_t threads) {
    const int64_t pixels = shape->height * shape->width;
    Doubling doubling;
    int32_t failed = prepare(&doubling, shape->height, shape->width);
    if (!failed) {
        const int64_t pitch = pitch_of(&doubling);
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            float *memory = calloc((size_t)((shape->height + 1) * pitch), sizeof(float));
            failed |= !memory;
#pragma omp for schedule(static)
            for (int64_t plane = 0; plane < shape->planes; plane++)
                if (memory)
                    double_plane_back(&doubling, grad_y + 4 * plane * pixels, grad_x + plane * pixels, memory, memory + pitch);
            free(memory);
        }
    }
    forget(&doubling);
    return failed;
}
