/* The parallel vision Mamba layer of BridgeMFF (Eq. 13-16) for inference, from picture to picture.

   The pixels, row by row, are the tokens. A picture's channels are planes of tokens already, so nothing is transposed: in
   blocks of tokens, each chunk of the channels goes through the Mamba block from its first projection to its last. */

#include "scan_block.h"

#define TAPS_AT_MOST 8
#define HISTORY TAPS_AT_MOST /* floats kept in front of a block for the causal convolution */
#define VECTORS_OF_BLOCK (BLOCK / LANES)

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
                         int64_t out_pitch, const int rows) {
    floats sum[2][VECTORS_OF_BLOCK];
    for (int row = 0; row < rows; row++)
        for (int v = 0; v < VECTORS_OF_BLOCK; v++) sum[row][v] = all(bias ? bias[row] : 0.0f);
    for (int64_t i = 0; i < ins; i++)
        for (int v = 0; v < VECTORS_OF_BLOCK; v++) {
            const floats from = load(in + i * in_pitch + v * LANES);
            for (int row = 0; row < rows; row++) sum[row][v] += weight[row * ins + i] * from;
        }
    for (int row = 0; row < rows; row++)
        for (int v = 0; v < VECTORS_OF_BLOCK; v++) store(out + row * out_pitch + v * LANES, sum[row][v]);
}

/* out (outs, BLOCK) = weight (outs, ins) · in (ins, BLOCK) + bias, planes `pitch` apart; bias may be null. */
INLINE void project(const float *weight, const float *bias, int64_t outs, int64_t ins, const float *in, int64_t in_pitch,
                    float *out, int64_t out_pitch) {
    int64_t o = 0;
    for (; o + 2 <= outs; o += 2)
        project_rows(weight + o * ins, bias ? bias + o : NULL, ins, in, in_pitch, out + o * out_pitch, out_pitch, 2);
    if (o < outs) project_rows(weight + o * ins, bias ? bias + o : NULL, ins, in, in_pitch, out + o * out_pitch, out_pitch, 1);
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

/* Layer normalisation of each token of a block over its channels. */
INLINE void normalise(const Shape *shape, const Weights *w, const float *x, int64_t x_pitch, float *y, int64_t y_pitch) {
    const float channels = (float)shape->channels;
    floats mean[VECTORS_OF_BLOCK] = {}, scale[VECTORS_OF_BLOCK] = {};
    for (int64_t c = 0; c < shape->channels; c++)
        for (int v = 0; v < VECTORS_OF_BLOCK; v++) mean[v] += load(x + c * x_pitch + v * LANES);
    for (int v = 0; v < VECTORS_OF_BLOCK; v++) mean[v] /= channels;
    for (int64_t c = 0; c < shape->channels; c++)
        for (int v = 0; v < VECTORS_OF_BLOCK; v++) {
            const floats centred = load(x + c * x_pitch + v * LANES) - mean[v];
            scale[v] += centred * centred;
        }
    for (int v = 0; v < VECTORS_OF_BLOCK; v++) {
        scale[v] = scale[v] / channels + shape->eps;
        for (int lane = 0; lane < LANES; lane++) scale[v][lane] = 1.0f / __builtin_sqrtf(scale[v][lane]);
    }
    for (int64_t c = 0; c < shape->channels; c++)
        for (int v = 0; v < VECTORS_OF_BLOCK; v++)
            store(y + c * y_pitch + v * LANES,
                  (load(x + c * x_pitch + v * LANES) - mean[v]) * scale[v] * w->norm_weight[c] + w->norm_bias[c]);
}

/* What one thread works with. */
typedef struct {
    float *x;      /* (inner, HISTORY + BLOCK) */
    float *z, *u;  /* (inner, BLOCK) */
    float *small;  /* (rank, BLOCK) */
    float *mixing; /* (BLOCK, 2 states): B and C of each token */
    float *h;      /* (inner, states) */
    float *memory;
} Scratch;

static int allocate(Scratch *s, const Shape *shape) {
    const int64_t x = shape->inner * (HISTORY + BLOCK), plane = shape->inner * BLOCK, small = shape->rank * BLOCK;
    const int64_t mixing = BLOCK * 2 * shape->states, h = shape->inner * shape->states;
    s->memory = malloc(sizeof(float) * (x + 2 * plane + small + mixing + h));
    if (!s->memory) return 0;
    s->x = s->memory;
    s->z = s->x + x;
    s->u = s->z + plane;
    s->small = s->u + plane;
    s->mixing = s->small + small;
    s->h = s->mixing + mixing;
    return 1;
}

/* One chunk of one picture's channels through the Mamba block; `tokens` (width, pitch) is overwritten with
   mamba(tokens) + theta · tokens. `A` is -exp(A_log), `x_turned` the weights of B and C as (inner, 2 states). */
FOR_EACH_PROCESSOR
static void chunk_task(const Shape *shape, const Weights *w, const float *A, const float *x_turned, float *tokens,
                       int64_t pitch, const Scratch *s) {
    const int64_t inner = shape->inner, states = shape->states, rank = shape->rank, taps = shape->taps;
    const int64_t width = shape->channels / shape->chunks, x_pitch = HISTORY + BLOCK;
    float step[BLOCK], drive[BLOCK], sums[BLOCK], products[BLOCK * LANES];
    memset(s->h, 0, sizeof(float) * inner * states);
    memset(s->x, 0, sizeof(float) * inner * x_pitch);

    for (int64_t start = 0; start < shape->length; start += BLOCK) {
        const int count = (int)(shape->length - start < BLOCK ? shape->length - start : BLOCK);
        float *block = tokens + start;
        project(w->in_weight, NULL, inner, width, block, pitch, s->x + HISTORY, x_pitch);
        project(w->in_weight + inner * width, NULL, inner, width, block, pitch, s->z, BLOCK);
        for (int64_t i = 0; i < inner; i++) {
            float *row = s->x + i * x_pitch + HISTORY;
            for (int t = 0; t < BLOCK; t += LANES) {
                floats sum = all(w->conv_bias[i]);
                for (int64_t k = 0; k < taps; k++) sum += w->conv_weight[i * taps + k] * load(row + t + k - (taps - 1));
                store(s->u + i * BLOCK + t, sum * sigmoid(sum));
            }
            memcpy(row - HISTORY, row + BLOCK - HISTORY, sizeof(float) * HISTORY);
        }
        project(w->x_weight, NULL, rank, inner, s->u, BLOCK, s->small, BLOCK);
        for (int64_t n = 0; n < 2 * states; n += 2 * LANES)
            for (int t = 0; t < BLOCK; t += 4) mix(s->u + t, inner, x_turned + n, s->mixing + t * 2 * states + n, 2 * states);

        for (int64_t i = 0; i < inner; i++) {
            float *u = s->u + i * BLOCK;
            for (int t = 0; t < BLOCK; t += LANES) {
                floats dt = all(w->dt_bias[i]);
                for (int64_t r = 0; r < rank; r++) dt += w->dt_weight[i * rank + r] * load(s->small + r * BLOCK + t);
                store(step + t, softplus(dt));
                store(drive + t, load(step + t) * load(u + t));
            }
            scan_states(s->h + i * states, A + i * states, states, step, drive, s->mixing, 2 * states, s->mixing + states,
                        2 * states, count, products);
            add_up_lanes(products, sums);
            for (int t = 0; t < BLOCK; t += LANES) {
                const floats gate = load(s->z + i * BLOCK + t);
                store(u + t, (load(sums + t) + w->D[i] * load(u + t)) * gate * sigmoid(gate));
            }
        }
        for (int64_t c = 0; c < width; c++)
            for (int t = 0; t < BLOCK; t += LANES) {
                floats sum = w->theta[0] * load(block + c * pitch + t);
                for (int64_t i = 0; i < inner; i++) sum += w->out_weight[c * inner + i] * load(s->u + i * BLOCK + t);
                store(block + c * pitch + t, sum);
            }
    }
}

FOR_EACH_PROCESSOR
static void norm_task(const Shape *shape, const Weights *w, const float *x, float *tokens, int64_t pitch, int64_t start) {
    const int64_t length = shape->length;
    if (start + BLOCK <= length) {
        normalise(shape, w, x + start, length, tokens + start, pitch);
        return;
    }
    for (int64_t c = 0; c < shape->channels; c++) {
        memset(tokens + c * pitch + start, 0, sizeof(float) * BLOCK);
        memcpy(tokens + c * pitch + start, x + c * length + start, sizeof(float) * (length - start));
    }
    normalise(shape, w, tokens + start, pitch, tokens + start, pitch);
}

FOR_EACH_PROCESSOR
static void projection_task(const Shape *shape, const Weights *w, float *tokens, int64_t pitch, float *y, int64_t start) {
    const int64_t length = shape->length;
    float *block = tokens + start;
    normalise(shape, w, block, pitch, block, pitch);
    if (start + BLOCK <= length) {
        project(w->projection_weight, w->projection_bias, shape->out_channels, shape->channels, block, pitch, y + start, length);
        return;
    }
    for (int64_t o = 0; o < shape->out_channels; o++) {
        float row[BLOCK];
        project(w->projection_weight + o * shape->channels, w->projection_bias + o, 1, shape->channels, block, pitch, row,
                BLOCK);
        memcpy(y + o * length + start, row, sizeof(float) * (length - start));
    }
}

/* x (batch, channels, length) -> y (batch, out_channels, length). Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_vision_mamba(const Shape *shape, const Weights *w, const float *x, float *y, int32_t threads) {
    const int64_t blocks = (shape->length + BLOCK - 1) / BLOCK, pitch = blocks * BLOCK, plane = shape->channels * pitch;
    const int64_t inner = shape->inner, states = shape->states, chunk = plane / shape->chunks;
    float *tokens = malloc(sizeof(float) * shape->batch * plane);
    float *A = malloc(sizeof(float) * inner * states);
    float *x_turned = malloc(sizeof(float) * inner * 2 * states);
    int32_t failed = !tokens || !A || !x_turned;
    if (!failed) {
        for (int64_t i = 0; i < inner * states; i += LANES) store(A + i, -exponential(load(w->A_log + i)));
        for (int64_t n = 0; n < 2 * states; n++)
            for (int64_t i = 0; i < inner; i++) x_turned[i * 2 * states + n] = w->x_weight[(shape->rank + n) * inner + i];
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            Scratch scratch;
            const int ready = allocate(&scratch, shape);
            failed |= !ready;
#pragma omp for schedule(static)
            for (int64_t task = 0; task < shape->batch * blocks; task++)
                norm_task(shape, w, x + task / blocks * shape->channels * shape->length, tokens + task / blocks * plane, pitch,
                          task % blocks * BLOCK);
#pragma omp for schedule(static)
            for (int64_t task = 0; task < shape->batch * shape->chunks; task++)
                if (ready) chunk_task(shape, w, A, x_turned, tokens + task * chunk, pitch, &scratch);
#pragma omp for schedule(static)
            for (int64_t task = 0; task < shape->batch * blocks; task++)
                projection_task(shape, w, tokens + task / blocks * plane, pitch,
                                y + task / blocks * shape->out_channels * shape->length, task % blocks * BLOCK);
            if (ready) free(scratch.memory);
        }
    }
    free(tokens);
    free(A);
    free(x_turned);
    return failed;
}
