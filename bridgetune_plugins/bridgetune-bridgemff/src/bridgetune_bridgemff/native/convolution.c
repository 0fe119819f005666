/* Convolution for few channels: of stride 1, square kernel of odd side, zeros around, the picture's size kept.

   Libraries are made for many channels; with eight of them, four output channels times sixteen pixels fill the registers. */

#include "vectors.h"

#define OUTPUTS 4
#define PIXELS (2 * LANES)
#define ROWS 8 /* of a task */

typedef struct {
    int64_t batch, in, out, height, width, kernel, dilation;
} Shape;

/* One row of `outputs` output channels. `x` points at the row's first tap, `offsets` at where the taps lie from there. */
INLINE void convolve_row(const float *x, const int32_t *offsets, int64_t taps, const float *weight, const float *bias,
                         int64_t width, float *y, int64_t y_plane, const int outputs) {
    for (int64_t column = 0; column < width; column += PIXELS) {
        floats sum[OUTPUTS][2];
        for (int o = 0; o < outputs; o++) sum[o][0] = sum[o][1] = all(bias ? bias[o] : 0.0f);
        for (int64_t tap = 0; tap < taps; tap++) {
            const float *from = x + column + offsets[tap];
            const floats left = load(from), right = load(from + LANES);
            for (int o = 0; o < outputs; o++) {
                sum[o][0] += weight[tap * outputs + o] * left;
                sum[o][1] += weight[tap * outputs + o] * right;
            }
        }
        for (int o = 0; o < outputs; o++) {
            float *to = y + o * y_plane + column;
            if (column + PIXELS <= width)
                memcpy(to, sum[o], sizeof sum[o]);
            else
                memcpy(to, sum[o], sizeof(float) * (width - column));
        }
    }
}

/* The rows [first, last) of one picture. `weight` is packed: OUTPUTS output channels beside each other while there are so
   many, then one after the other. */
FOR_EACH_PROCESSOR
static void convolve_band(const Shape *shape, const float *x, const float *weight, const float *bias, float *y,
                          const int32_t *offsets, int64_t pitch, int64_t first, int64_t last, float *padded) {
    const int64_t height = shape->height, width = shape->width, pixels = height * width;
    const int64_t around = shape->dilation * (shape->kernel / 2), rows = last - first + 2 * around;
    const int64_t taps = shape->in * shape->kernel * shape->kernel;
    for (int64_t c = 0; c < shape->in; c++)
        for (int64_t r = 0; r < rows; r++) {
            const int64_t row = first + r - around;
            float *to = padded + (c * (ROWS + 2 * around) + r) * pitch;
            memset(to, 0, sizeof(float) * pitch);
            if (row >= 0 && row < height) memcpy(to + around, x + c * pixels + row * width, sizeof(float) * width);
        }
    for (int64_t row = first; row < last; row++) {
        const float *from = padded + (row - first) * pitch;
        int64_t o = 0;
        for (; o + OUTPUTS <= shape->out; o += OUTPUTS)
            convolve_row(from, offsets, taps, weight + o * taps, bias ? bias + o : NULL, width, y + o * pixels + row * width,
                         pixels, OUTPUTS);
        for (; o < shape->out; o++)
            convolve_row(from, offsets, taps, weight + o * taps, bias ? bias + o : NULL, width, y + o * pixels + row * width,
                         pixels, 1);
    }
}

/* x (batch, in, height, width), weight (out, in, kernel, kernel), bias (out) or null -> y (batch, out, height, width).
   Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_convolve(const Shape *shape, const float *x, const float *weight, const float *bias, float *y,
                                   int32_t threads) {
    const int64_t taps = shape->in * shape->kernel * shape->kernel, around = shape->dilation * (shape->kernel / 2);
    const int64_t pitch = (shape->width + PIXELS - 1) / PIXELS * PIXELS + 2 * around;
    const int64_t band = (ROWS + 2 * around) * pitch; /* floats of one input channel */
    float *packed = malloc(sizeof(float) * taps * shape->out);
    int32_t *offsets = malloc(sizeof(int32_t) * taps);
    int32_t failed = !packed || !offsets;
    if (!failed) {
        for (int64_t o = 0; o < shape->out; o++)
            for (int64_t tap = 0; tap < taps; tap++) {
                const int64_t beside = o < shape->out / OUTPUTS * OUTPUTS ? OUTPUTS : 1;
                packed[o / beside * beside * taps + tap * beside + o % beside] = weight[o * taps + tap];
            }
        for (int64_t tap = 0; tap < taps; tap++) {
            const int64_t channel = tap / (shape->kernel * shape->kernel), place = tap % (shape->kernel * shape->kernel);
            offsets[tap] = (int32_t)(channel * band + place / shape->kernel * shape->dilation * pitch +
                                     place % shape->kernel * shape->dilation);
        }
        const int64_t bands = (shape->height + ROWS - 1) / ROWS;
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            float *padded = malloc(sizeof(float) * shape->in * band);
            failed |= !padded;
#pragma omp for schedule(static)
            for (int64_t task = 0; task < shape->batch * bands; task++) {
                const int64_t picture = task / bands, first = task % bands * ROWS;
                const int64_t last = first + ROWS < shape->height ? first + ROWS : shape->height;
                if (padded)
                    convolve_band(shape, x + picture * shape->in * shape->height * shape->width, packed, bias,
                                  y + picture * shape->out * shape->height * shape->width, offsets, pitch, first, last, padded);
            }
            free(padded);
        }
    }
    free(packed);
    free(offsets);
    return failed;
}
