/* The causal convolution of the Mamba block, a channel by itself, and SiLU after it, where there will be a gradient.

   Tensors are (batch, length, channel), the last axis contiguous; tokens of x are `stride` floats apart. Copied together, the
   channels of token after token are one row, in which a tap is a whole number of tokens away: LANES tokens, whose floats fill
   whole vectors however many channels there are, have all weights beside each other. */

#include "vectors.h"

#define TOKENS 64 /* of a block; a multiple of LANES */

typedef struct {
    int64_t batch, length, channels, taps, stride;
} Shape;

/* Floats: of LANES tokens, of a block, of the taps - 1 tokens beside it. */
static int64_t group_of(const Shape *shape) { return LANES * shape->channels; }
static int64_t block_of(const Shape *shape) { return TOKENS * shape->channels; }
static int64_t beside_of(const Shape *shape) { return (shape->taps - 1) * shape->channels; }

/* weight (channels, taps) and bias as (taps + 1, LANES, channels), the same for every token. */
static void spread(const Shape *shape, const float *weight, const float *bias, float *weights) {
    for (int64_t k = 0; k <= shape->taps; k++)
        for (int64_t i = 0; i < group_of(shape); i++) {
            const int64_t c = i % shape->channels;
            weights[k * group_of(shape) + i] = k < shape->taps ? weight[c * shape->taps + k] : bias[c];
        }
}

/* The tokens from `start` - (taps - 1) on, `count` of them from `start` on: what lies outside the sequence is 0. */
INLINE void gather(const Shape *shape, const float *x, int64_t start, int64_t count, float *tokens) {
    const int64_t channels = shape->channels, before = shape->taps - 1;
    for (int64_t t = 0; t < before + TOKENS; t++) {
        const int64_t token = start + t - before;
        if (token >= 0 && t < before + count)
            memcpy(tokens + t * channels, x + token * shape->stride, sizeof(float) * channels);
        else
            memset(tokens + t * channels, 0, sizeof(float) * channels);
    }
}

/* What SiLU sees of LANES floats of a group: `from` is where the first tap's lie. */
INLINE floats convolved(const Shape *shape, const float *from, const float *weights, int64_t i) {
    const int64_t group = group_of(shape);
    floats sum = load(weights + shape->taps * group + i);
    for (int64_t k = 0; k < shape->taps; k++) sum += load(weights + k * group + i) * load(from + k * shape->channels);
    return sum;
}

FOR_EACH_PROCESSOR
static void causal_task(const Shape *shape, const float *x, const float *weights, int64_t start, float *y, float *tokens) {
    const int64_t count = shape->length - start < TOKENS ? shape->length - start : TOKENS, group = group_of(shape);
    gather(shape, x, start, count, tokens);
    for (int64_t first = 0; first < block_of(shape); first += group)
        for (int64_t i = 0; i < group; i += LANES) {
            const floats sum = convolved(shape, tokens + first + i, weights, i);
            store(tokens + first + i, sum * sigmoid(sum)); /* nobody reads that token any more */
        }
    memcpy(y + start * shape->channels, tokens, sizeof(float) * count * shape->channels);
}

/* x, weight (channels, taps), bias (channels) -> y (batch, length, channels) = SiLU(convolution). Returns 0, or 1 where memory
   ran out. */
EXPORT int32_t bridgetune_causal(const Shape *shape, const float *x, const float *weight, const float *bias, float *y,
                                 int32_t threads) {
    const int64_t length = shape->length, blocks = (length + TOKENS - 1) / TOKENS;
    float *weights = malloc(sizeof(float) * (shape->taps + 1) * group_of(shape));
    int32_t failed = !weights;
    if (!failed) {
        spread(shape, weight, bias, weights);
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            float *tokens = malloc(sizeof(float) * (beside_of(shape) + block_of(shape)));
            failed |= !tokens;
#pragma omp for schedule(static)
            for (int64_t task = 0; task < shape->batch * blocks; task++) {
                const int64_t sequence = task / blocks;
                if (tokens)
                    causal_task(shape, x + sequence * length * shape->stride, weights, task % blocks * TOKENS,
                                y + sequence * length * shape->channels, tokens);
            }
            free(tokens);
        }
    }
    free(weights);
    return failed;
}

/* ---- the adjoint ---- */

/* What one thread works with. */
typedef struct {
    float *tokens; /* taps - 1 and a block */
    float *grads;  /* likewise: of what SiLU saw, those of the block before in front */
    float *parts;  /* (taps + 1, LANES, channels): a block's part in the gradients of weight and bias */
} Scratch;

/* One sequence; `sums` (taps + 1, LANES, channels) are its parts. */
FOR_EACH_PROCESSOR
static void causal_back_task(const Shape *shape, const float *x, const float *weights, const float *grad_y, float *grad_x,
                             const Scratch *s, double *sums) {
    const int64_t channels = shape->channels, taps = shape->taps, length = shape->length;
    const int64_t group = group_of(shape), block = block_of(shape), beside = beside_of(shape), shared = (taps + 1) * group;
    float *own = s->grads + beside;
    memset(s->grads, 0, sizeof(float) * beside);
    for (int64_t start = 0; start < length + taps - 1; start += TOKENS) {
        const int64_t left = length - start, count = left < 0 ? 0 : left < TOKENS ? left : TOKENS;
        gather(shape, x, start, count, s->tokens);
        memset(own, 0, sizeof(float) * block);
        memcpy(own, grad_y + start * channels, sizeof(float) * count * channels);
        memset(s->parts, 0, sizeof(float) * shared);
        for (int64_t first = 0; first < block; first += group)
            for (int64_t i = 0; i < group; i += LANES) {
                const float *from = s->tokens + first + i;
                const floats z = convolved(shape, from, weights, i), gate = sigmoid(z);
                const floats grad = load(own + first + i) * gate * (1.0f + z * (1.0f - gate));
                store(own + first + i, grad);
                for (int64_t k = 0; k < taps; k++) {
                    float *part = s->parts + k * group + i;
                    store(part, load(part) + grad * load(from + k * channels));
                }
                float *part = s->parts + taps * group + i;
                store(part, load(part) + grad);
            }
        for (int64_t i = 0; i < shared; i++) sums[i] += s->parts[i];

        /* A token's gradient needs those of the taps - 1 behind it: what is complete lies that much further in front. */
        for (int64_t first = 0; first < block; first += group)
            for (int64_t i = 0; i < group; i += LANES) {
                floats sum = {};
                for (int64_t k = 0; k < taps; k++)
                    sum += load(weights + k * group + i) * load(s->grads + first + i + (taps - 1 - k) * channels);
                store(s->tokens + first + i, sum);
            }
        const int64_t ready = start - (taps - 1), skipped = ready < 0 ? -ready : 0;
        const int64_t stop = length - ready < TOKENS ? length - ready : TOKENS;
        if (stop > skipped)
            memcpy(grad_x + (ready + skipped) * channels, s->tokens + skipped * channels,
                   sizeof(float) * (stop - skipped) * channels);
        memmove(s->grads, s->grads + block, sizeof(float) * beside);
    }
}

/* The parts (batch, taps + 1, LANES, channels), added up in their order. */
static void add_up_parts(const Shape *shape, const double *sums, float *grad_weight, float *grad_bias) {
    const int64_t channels = shape->channels, taps = shape->taps;
    for (int64_t c = 0; c < channels; c++)
        for (int64_t k = 0; k <= taps; k++) {
            double sum = 0;
            for (int64_t i = 0; i < shape->batch; i++)
                for (int64_t t = 0; t < LANES; t++) sum += sums[((i * (taps + 1) + k) * LANES + t) * channels + c];
            if (k < taps)
                grad_weight[c * taps + k] = (float)sum;
            else
                grad_bias[c] = (float)sum;
        }
}

/* Of x as it was given, and grad_y (batch, length, channels) -> grad_x of that shape, and the gradients of weight and bias: the
   same whatever the number of threads. Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_causal_backward(const Shape *shape, const float *x, const float *weight, const float *bias,
                                          const float *grad_y, float *grad_x, float *grad_weight, float *grad_bias,
                                          int32_t threads) {
    const int64_t channels = shape->channels, length = shape->length, shared = (shape->taps + 1) * group_of(shape);
    const int64_t row = beside_of(shape) + block_of(shape);
    float *weights = malloc(sizeof(float) * shared);
    double *sums = calloc((size_t)(shape->batch * shared), sizeof(double));
    int32_t failed = !weights || !sums;
    if (!failed) {
        spread(shape, weight, bias, weights);
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            float *memory = malloc(sizeof(float) * (2 * row + shared));
            const Scratch scratch = {memory, memory + row, memory + 2 * row};
            failed |= !memory;
#pragma omp for schedule(static)
            for (int64_t i = 0; i < shape->batch; i++)
                if (memory)
                    causal_back_task(shape, x + i * length * shape->stride, weights, grad_y + i * length * channels,
                                     grad_x + i * length * channels, &scratch, sums + i * shared);
            free(memory);
        }
        if (!failed) add_up_parts(shape, sums, grad_weight, grad_bias);
    }
    free(weights);
    free(sums);
    return failed;
}
