/* The parallel vision Mamba layer of BridgeMFF (Eq. 13-16): what its forward pass and its adjoint share.

   The pixels, row by row, are the tokens. A picture's channels are planes of tokens already, so nothing is transposed: they
   are worked on in blocks of BLOCK tokens, planes a pitch apart. */

#ifndef BRIDGETUNE_VISION_MAMBA_H
#define BRIDGETUNE_VISION_MAMBA_H

#include "scan_block.h"

#define TAPS_AT_MOST 8
#define HISTORY TAPS_AT_MOST /* floats kept in front of a block for the causal convolution */
#define VECTORS_OF_BLOCK (BLOCK / LANES)

/* Where a block of so many tokens ends, in whole vectors. */
INLINE int end_of(int tokens) { return (tokens + LANES - 1) / LANES * LANES; }

typedef struct {
    int64_t batch, channels, out_channels, length, chunks, inner, rank, states, taps;
    float eps;
} Shape;

/* As the layer's parameters are shaped: norm (channels), in (2 inner, width), conv (inner, taps), x (rank + 2 states,
   inner), dt (inner, rank), A_log (inner, states), D (inner), out (width, inner), theta (1), projection (out, channels). */
typedef struct {
    const float *norm_weight, *norm_bias, *in_weight, *conv_weight, *conv_bias, *x_weight, *dt_weight, *dt_bias, *A_log, *D,
        *out_weight, *theta, *projection_weight, *projection_bias;
} Weights;

/* `rows` output channels of a projection at once: their sums stay in registers, and are enough to wait for none of them. */
INLINE void project_rows(const float *weight, const float *bias, int64_t ins, const float *in, int64_t in_pitch, float *out,
                         int64_t out_pitch, const int rows, const int vectors) {
    floats sum[2][VECTORS_OF_BLOCK];
    for (int row = 0; row < rows; row++)
        for (int v = 0; v < vectors; v++) sum[row][v] = all(bias ? bias[row] : 0.0f);
    for (int64_t i = 0; i < ins; i++)
        for (int v = 0; v < vectors; v++) {
            const floats from = load(in + i * in_pitch + v * LANES);
            for (int row = 0; row < rows; row++) sum[row][v] += weight[row * ins + i] * from;
        }
    for (int row = 0; row < rows; row++)
        for (int v = 0; v < vectors; v++) store(out + row * out_pitch + v * LANES, sum[row][v]);
}

INLINE void project_vectors(const float *weight, const float *bias, int64_t outs, int64_t ins, const float *in,
                            int64_t in_pitch, float *out, int64_t out_pitch, const int vectors) {
    int64_t o = 0;
    for (; o + 2 <= outs; o += 2)
        project_rows(weight + o * ins, bias ? bias + o : NULL, ins, in, in_pitch, out + o * out_pitch, out_pitch, 2, vectors);
    if (o < outs)
        project_rows(weight + o * ins, bias ? bias + o : NULL, ins, in, in_pitch, out + o * out_pitch, out_pitch, 1, vectors);
}

/* out (outs, BLOCK) = weight (outs, ins) · in (ins, BLOCK) + bias, planes `pitch` apart, up to `end`; bias may be null. */
INLINE void project(const float *weight, const float *bias, int64_t outs, int64_t ins, const float *in, int64_t in_pitch,
                    float *out, int64_t out_pitch, int end) {
    if (end <= BLOCK / 2)
        project_vectors(weight, bias, outs, ins, in, in_pitch, out, out_pitch, VECTORS_OF_BLOCK / 2);
    else
        project_vectors(weight, bias, outs, ins, in, in_pitch, out, out_pitch, VECTORS_OF_BLOCK);
}

/* Two vectors of B and C of four tokens in a row, of `u` (inner, BLOCK) and as much of `x_turned` (inner, pitch). */
INLINE void mix(const float *u, int64_t inner, const float *x_turned, float *mixing, int64_t pitch) {
    floats sum[4][2] = {};
    for (int64_t i = 0; i < inner; i++) {
        const floats left = load(x_turned + i * pitch), right = load(x_turned + i * pitch + LANES);
        for (int t = 0; t < 4; t++) {
            sum[t][0] += u[i * BLOCK + t] * left;
            sum[t][1] += u[i * BLOCK + t] * right;
        }
    }
    for (int t = 0; t < 4; t++)
        for (int v = 0; v < 2; v++) store(mixing + t * pitch + v * LANES, sum[t][v]);
}

/* Layer normalisation of each token of a block over its channels. Without a weight, what is left before one is applied; unless
   it is null, `scales` (VECTORS_OF_BLOCK) receives 1 / deviation. */
INLINE void normalise(int64_t channels, float eps, const float *weight, const float *bias, const float *x, int64_t x_pitch,
                      float *y, int64_t y_pitch, floats *scales) {
    floats mean[VECTORS_OF_BLOCK] = {}, scale[VECTORS_OF_BLOCK] = {};
    for (int64_t c = 0; c < channels; c++)
        for (int v = 0; v < VECTORS_OF_BLOCK; v++) mean[v] += load(x + c * x_pitch + v * LANES);
    for (int v = 0; v < VECTORS_OF_BLOCK; v++) mean[v] /= (float)channels;
    for (int64_t c = 0; c < channels; c++)
        for (int v = 0; v < VECTORS_OF_BLOCK; v++) {
            const floats centred = load(x + c * x_pitch + v * LANES) - mean[v];
            scale[v] += centred * centred;
        }
    for (int v = 0; v < VECTORS_OF_BLOCK; v++) {
        scale[v] = scale[v] / (float)channels + eps;
        for (int lane = 0; lane < LANES; lane++) scale[v][lane] = 1.0f / __builtin_sqrtf(scale[v][lane]);
        if (scales) scales[v] = scale[v];
    }
    for (int64_t c = 0; c < channels; c++)
        for (int v = 0; v < VECTORS_OF_BLOCK; v++) {
            const floats result = (load(x + c * x_pitch + v * LANES) - mean[v]) * scale[v];
            store(y + c * y_pitch + v * LANES, weight ? result * weight[c] + bias[c] : result);
        }
}

/* Of a normalisation: `standard` (channels, BLOCK) is what its weights saw, `grad` (channels, BLOCK) of its answer; the gradient
   of its input goes to `to` (channels, pitch), and `sums` (2, channels, LANES) takes in those of the weights, unless null. */
INLINE void normalise_back(int64_t channels, const float *weight, const float *standard, const floats *scale, const float *grad,
                           float *to, int64_t pitch, float *sums) {
    floats sum[VECTORS_OF_BLOCK] = {}, spread[VECTORS_OF_BLOCK] = {};
    for (int64_t c = 0; c < channels; c++)
        for (int v = 0; v < VECTORS_OF_BLOCK; v++) {
            const floats g = load(grad + c * BLOCK + v * LANES), n = load(standard + c * BLOCK + v * LANES);
            sum[v] += g * weight[c];
            spread[v] += g * weight[c] * n;
            if (sums) {
                store(sums + c * LANES, load(sums + c * LANES) + g * n);
                store(sums + (channels + c) * LANES, load(sums + (channels + c) * LANES) + g);
            }
        }
    for (int v = 0; v < VECTORS_OF_BLOCK; v++) sum[v] /= (float)channels, spread[v] /= (float)channels;
    for (int64_t c = 0; c < channels; c++)
        for (int v = 0; v < VECTORS_OF_BLOCK; v++) {
            const floats g = load(grad + c * BLOCK + v * LANES), n = load(standard + c * BLOCK + v * LANES);
            store(to + c * pitch + v * LANES, (g * weight[c] - sum[v] - n * spread[v]) * scale[v]);
        }
}

/* The tokens of a block of x (channels, length), zero behind the last: where they lie, or in `copy` (channels, BLOCK). */
INLINE const float *block_of(const float *x, int64_t channels, int64_t length, int64_t start, float *copy, int64_t *pitch) {
    *pitch = length;
    if (start + BLOCK <= length) return x + start;
    memset(copy, 0, sizeof(float) * channels * BLOCK);
    for (int64_t c = 0; c < channels; c++)
        memcpy(copy + c * BLOCK, x + c * length + start, sizeof(float) * (length - start));
    *pitch = BLOCK;
    return copy;
}

/* SiLU's argument: the causal convolution of LANES tokens of a channel. */
INLINE floats convolved(const Shape *shape, const Weights *w, int64_t channel, const float *tokens) {
    floats sum = all(w->conv_bias[channel]);
    for (int64_t k = 0; k < shape->taps; k++)
        sum += w->conv_weight[channel * shape->taps + k] * load(tokens + k - (shape->taps - 1));
    return sum;
}

/* What the step sizes of LANES tokens of a channel are the softplus of. */
INLINE floats step_argument(const Shape *shape, const Weights *w, int64_t channel, const float *small) {
    floats dt = all(w->dt_bias[channel]);
    for (int64_t r = 0; r < shape->rank; r++) dt += w->dt_weight[channel * shape->rank + r] * load(small + r * BLOCK);
    return dt;
}

/* matrix (rows, columns) -> turned (columns, pitch) */
static inline void turn(const float *matrix, int64_t rows, int64_t columns, float *turned, int64_t pitch) {
    for (int64_t row = 0; row < rows; row++)
        for (int64_t column = 0; column < columns; column++) turned[column * pitch + row] = matrix[row * columns + column];
}

/* A = -exp(A_log), (inner, states) */
static inline void decays_of(const Shape *shape, const Weights *w, float *A) {
    for (int64_t i = 0; i < shape->inner * shape->states; i += LANES) store(A + i, -exponential(load(w->A_log + i)));
}

static inline int64_t blocks_of(const Shape *shape) { return (shape->length + BLOCK - 1) / BLOCK; }

#endif
