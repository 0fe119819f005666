/* Convolution for few channels: of stride 1, square kernel of odd side, zeros around, the picture's size kept.

   Libraries are made for many channels; with eight of them, four output channels times sixteen pixels fill the registers. */

#include "vectors.h"

#define OUTPUTS 4
#define PIXELS (2 * LANES)
#define ROWS 8 /* of a task */

typedef struct {
    int64_t batch, in, out, height, width, kernel, dilation;
} Shape;

/* Pixels from the left border, the zeros around it included, to the row below: whole vectors fit. */
static int64_t pitch_of(const Shape *shape) {
    return (shape->width + PIXELS - 1) / PIXELS * PIXELS + 2 * shape->dilation * (shape->kernel / 2);
}

/* Of an input channel in a band. */
static int64_t band_of(const Shape *shape) { return (ROWS + 2 * shape->dilation * (shape->kernel / 2)) * pitch_of(shape); }

/* The rows [first, last) of one picture, and those above and below. What lies beside them in `padded` is 0, and stays it. */
INLINE void pad_band(const Shape *shape, const float *x, int64_t pitch, int64_t first, int64_t last, float *padded) {
    const int64_t height = shape->height, width = shape->width, around = shape->dilation * (shape->kernel / 2);
    for (int64_t c = 0; c < shape->in; c++)
        for (int64_t r = 0; r < last - first + 2 * around; r++) {
            const int64_t row = first + r - around;
            float *to = padded + (c * (ROWS + 2 * around) + r) * pitch + around;
            if (row >= 0 && row < height)
                memcpy(to, x + (c * height + row) * width, sizeof(float) * width);
            else
                memset(to, 0, sizeof(float) * width);
        }
}

/* Where the taps of a pixel lie, counted from the first. */
static void find_taps(const Shape *shape, int32_t *offsets) {
    const int64_t kernel = shape->kernel, dilation = shape->dilation, pitch = pitch_of(shape), band = band_of(shape);
    for (int64_t tap = 0; tap < shape->in * kernel * kernel; tap++) {
        const int64_t channel = tap / (kernel * kernel), place = tap % (kernel * kernel);
        offsets[tap] = (int32_t)(channel * band + place / kernel * dilation * pitch + place % kernel * dilation);
    }
}

/* Of the output channels, how many go through tiles of OUTPUTS: all but a last one alone. */
static int64_t tiled(int64_t out) { return out % OUTPUTS == 1 ? out - 1 : out; }

/* The tiles one after the other, and in each, for the bias and for every tap, its output channels beside each other. */
static void pack(const Shape *shape, const float *weight, const float *bias, float *packed) {
    const int64_t taps = shape->in * shape->kernel * shape->kernel;
    for (int64_t o = 0; o < shape->out; o++) {
        const int64_t beside = o < tiled(shape->out) ? OUTPUTS : 1;
        float *to = packed + o / beside * beside * (taps + 1) + o % beside;
        to[0] = bias ? bias[o] : 0.0f;
        for (int64_t tap = 0; tap < taps; tap++) to[(tap + 1) * beside] = weight[o * taps + tap];
    }
}

/* One row of a tile of `outputs` output channels, of which the first `kept` are stored. `x` points at the row's first tap,
   `offsets` at where the taps lie from there. */
INLINE void convolve_row(const float *x, const int32_t *offsets, int64_t taps, const float *packed, int64_t width, float *y,
                         int64_t y_plane, int64_t kept, const int outputs) {
    for (int64_t column = 0; column < width; column += PIXELS) {
        floats sum[OUTPUTS][2];
        for (int o = 0; o < outputs; o++) sum[o][0] = sum[o][1] = all(packed[o]);
        for (int64_t tap = 0; tap < taps; tap++) {
            const float *from = x + column + offsets[tap], *weight = packed + (tap + 1) * outputs;
            const floats left = load(from), right = load(from + LANES);
            for (int o = 0; o < outputs; o++) {
                sum[o][0] += weight[o] * left;
                sum[o][1] += weight[o] * right;
            }
        }
        for (int o = 0; o < outputs; o++) {
            if (o >= kept) break;
            float *to = y + o * y_plane + column;
            if (column + PIXELS <= width)
                memcpy(to, sum[o], sizeof sum[o]);
            else
                memcpy(to, sum[o], sizeof(float) * (width - column));
        }
    }
}

/* The rows [first, last) of one picture. */
FOR_EACH_PROCESSOR
static void convolve_band(const Shape *shape, const float *x, const float *packed, float *y, const int32_t *offsets,
                          int64_t pitch, int64_t first, int64_t last, float *padded) {
    const int64_t width = shape->width, pixels = shape->height * width, out = shape->out;
    const int64_t taps = shape->in * shape->kernel * shape->kernel;
    pad_band(shape, x, pitch, first, last, padded);
    for (int64_t row = first; row < last; row++) {
        const float *from = padded + (row - first) * pitch;
        int64_t o = 0;
        for (; o < tiled(out); o += OUTPUTS)
            convolve_row(from, offsets, taps, packed + o * (taps + 1), width, y + o * pixels + row * width, pixels,
                         out - o < OUTPUTS ? out - o : OUTPUTS, OUTPUTS);
        if (o < out)
            convolve_row(from, offsets, taps, packed + o * (taps + 1), width, y + o * pixels + row * width, pixels, 1, 1);
    }
}

/* x (batch, in, height, width), weight (out, in, kernel, kernel), bias (out) or null -> y (batch, out, height, width).
   Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_convolve(const Shape *shape, const float *x, const float *weight, const float *bias, float *y,
                                   int32_t threads) {
    const int64_t taps = shape->in * shape->kernel * shape->kernel, pitch = pitch_of(shape), band = band_of(shape);
    float *packed = calloc((size_t)((taps + 1) * (shape->out + OUTPUTS)), sizeof(float));
    int32_t *offsets = malloc(sizeof(int32_t) * taps);
    int32_t failed = !packed || !offsets;
    if (!failed) {
        pack(shape, weight, bias, packed);
        find_taps(shape, offsets);
        const int64_t bands = (shape->height + ROWS - 1) / ROWS;
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            float *padded = calloc((size_t)(shape->in * band), sizeof(float));
            failed |= !padded;
#pragma omp for schedule(static)
            for (int64_t task = 0; task < shape->batch * bands; task++) {
                const int64_t picture = task / bands, first = task % bands * ROWS;
                const int64_t last = first + ROWS < shape->height ? first + ROWS : shape->height;
                if (padded)
                    convolve_band(shape, x + picture * shape->in * shape->height * shape->width, packed,
                                  y + picture * shape->out * shape->height * shape->width, offsets, pitch, first, last, padded);
            }
            free(padded);
        }
    }
    free(packed);
    free(offsets);
    return failed;
}

/* ---- the gradient of the weights ---- */

/* Taps whose sums stay in registers, for OUTPUTS output channels at once and for one alone. */
#define TAPS_OF_OUTPUTS 3
#define TAPS_OF_ONE 7

/* For each of `outputs` output channels and `taps` taps, the products over the rows of a band, added to `sums`
   (output, tap, LANES), whose output channels are `pitch_of_sums` apart. */
INLINE void correlate_tile(const float *x, const int32_t *offsets, const float *grad, int64_t rows, int64_t pitch,
                           int64_t grad_pitch, float *sums, int64_t pitch_of_sums, const int outputs, const int taps) {
    floats sum[OUTPUTS][TAPS_OF_ONE] = {};
    for (int64_t row = 0; row < rows; row++)
        for (int64_t column = 0; column < grad_pitch; column += LANES) {
            floats from[TAPS_OF_ONE];
            for (int tap = 0; tap < taps; tap++) from[tap] = load(x + row * pitch + column + offsets[tap]);
            for (int o = 0; o < outputs; o++) {
                const floats g = load(grad + (o * ROWS + row) * grad_pitch + column);
                for (int tap = 0; tap < taps; tap++) sum[o][tap] += g * from[tap];
            }
        }
    for (int o = 0; o < outputs; o++)
        for (int tap = 0; tap < taps; tap++) {
            float *to = sums + o * pitch_of_sums + tap * LANES;
            store(to, load(to) + sum[o][tap]);
        }
}

/* One picture's part in the gradients of the weights (out, taps) and of the bias (out). `offsets` has whole tiles; `sums`
   (out, its tiles, LANES) and (out, LANES). */
FOR_EACH_PROCESSOR
static void correlate_picture(const Shape *shape, const float *x, const float *grad_y, const int32_t *offsets, int64_t slots,
                              float *padded, float *grads, float *sums, float *part) {
    const int64_t height = shape->height, width = shape->width, out = shape->out, pitch = pitch_of(shape);
    const int64_t taps = shape->in * shape->kernel * shape->kernel, grad_pitch = (width + LANES - 1) / LANES * LANES;
    float *bias_sums = sums + out * slots * LANES;
    memset(sums, 0, sizeof(float) * out * (slots + 1) * LANES);
    for (int64_t first = 0; first < height; first += ROWS) {
        const int64_t rows = first + ROWS < height ? ROWS : height - first;
        pad_band(shape, x, pitch, first, first + rows, padded);
        for (int64_t o = 0; o < out; o++) {
            floats sum = load(bias_sums + o * LANES);
            for (int64_t row = 0; row < rows; row++) {
                float *to = grads + (o * ROWS + row) * grad_pitch; /* behind the row it is 0 */
                memcpy(to, grad_y + (o * height + first + row) * width, sizeof(float) * width);
                for (int64_t column = 0; column < grad_pitch; column += LANES) sum += load(to + column);
            }
            store(bias_sums + o * LANES, sum);
        }
        int64_t o = 0;
        for (; o + OUTPUTS <= out; o += OUTPUTS)
            for (int64_t tap = 0; tap < taps; tap += TAPS_OF_OUTPUTS)
                correlate_tile(padded, offsets + tap, grads + o * ROWS * grad_pitch, rows, pitch, grad_pitch,
                               sums + (o * slots + tap) * LANES, slots * LANES, OUTPUTS, TAPS_OF_OUTPUTS);
        for (; o < out; o++)
            for (int64_t tap = 0; tap < taps; tap += TAPS_OF_ONE)
                correlate_tile(padded, offsets + tap, grads + o * ROWS * grad_pitch, rows, pitch, grad_pitch,
                               sums + (o * slots + tap) * LANES, slots * LANES, 1, TAPS_OF_ONE);
    }
    for (int64_t o = 0; o < out; o++) {
        for (int64_t tap = 0; tap < taps; tap++)
            part[o * taps + tap] = (float)sum_of_lanes(load(sums + (o * slots + tap) * LANES));
        part[out * taps + o] = (float)sum_of_lanes(load(bias_sums + o * LANES));
    }
}

/* x (batch, in, height, width), grad_y (batch, out, height, width) -> the gradients of weight (out, in, kernel, kernel) and
   bias (out). Each picture's part is added up on its own, and the parts in their order, whatever the number of threads.
   Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_convolve_weights_backward(const Shape *shape, const float *x, const float *grad_y, float *grad_weight,
                                                    float *grad_bias, int32_t threads) {
    const int64_t out = shape->out, taps = shape->in * shape->kernel * shape->kernel, pixels = shape->height * shape->width;
    const int64_t slots = taps + TAPS_OF_ONE, parts = out * (taps + 1);
    const int64_t grads = out * ROWS * ((shape->width + LANES - 1) / LANES * LANES), band = shape->in * band_of(shape);
    float *part = malloc(sizeof(float) * shape->batch * parts);
    int32_t *offsets = malloc(sizeof(int32_t) * slots);
    int32_t failed = !part || !offsets;
    if (!failed) {
        find_taps(shape, offsets);
        for (int64_t slot = taps; slot < slots; slot++) offsets[slot] = 0; /* a tile's rest, whose sums nobody reads */
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            float *memory = calloc((size_t)(band + grads + out * (slots + 1) * LANES), sizeof(float));
            failed |= !memory;
#pragma omp for schedule(static)
            for (int64_t picture = 0; picture < shape->batch; picture++)
                if (memory)
                    correlate_picture(shape, x + picture * shape->in * pixels, grad_y + picture * out * pixels, offsets, slots,
                                      memory, memory + band, memory + band + grads, part + picture * parts);
            free(memory);
        }
        for (int64_t i = 0; i < parts && !failed; i++) {
            double sum = 0;
            for (int64_t picture = 0; picture < shape->batch; picture++) sum += part[picture * parts + i];
            *(i < out * taps ? grad_weight + i : grad_bias + i - out * taps) = (float)sum;
        }
    }
    free(part);
    free(offsets);
    return failed;
}
