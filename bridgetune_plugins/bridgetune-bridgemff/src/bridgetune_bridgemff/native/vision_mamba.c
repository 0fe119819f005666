/* The parallel vision Mamba layer, from picture to picture, in inference and where there will be a gradient. */

#include "vision_mamba.h"

/* What one thread works with. */
typedef struct {
    float *x;      /* (inner, HISTORY + BLOCK) */
    float *z, *u;  /* (inner, BLOCK) */
    float *small;  /* (rank, BLOCK) */
    float *mixing; /* (BLOCK, 2 states): B and C of each token */
    float *h;      /* (inner, states) */
    float *block;  /* (channels, BLOCK) */
    float *memory;
} Scratch;

static int allocate(Scratch *s, const Shape *shape) {
    const int64_t x = shape->inner * (HISTORY + BLOCK), plane = shape->inner * BLOCK, small = shape->rank * BLOCK;
    const int64_t mixing = BLOCK * 2 * shape->states, h = shape->inner * shape->states, block = shape->channels * BLOCK;
    s->memory = malloc(sizeof(float) * (x + 2 * plane + small + mixing + h + block));
    if (!s->memory) return 0;
    s->x = s->memory;
    s->z = s->x + x;
    s->u = s->z + plane;
    s->small = s->u + plane;
    s->mixing = s->small + small;
    s->h = s->mixing + mixing;
    s->block = s->h + h;
    return 1;
}

/* One chunk of one picture's channels through the Mamba block; `tokens` (width, pitch) is overwritten with
   mamba(tokens) + theta · tokens. `A` is -exp(A_log), `x_turned` the weights of B and C as (inner, 2 states). Unless it is null,
   `carried` (block, inner, states) receives the states that enter each block. */
FOR_EACH_PROCESSOR
static void chunk_task(const Shape *shape, const Weights *w, const float *A, const float *x_turned, float *tokens,
                       int64_t pitch, float *carried, const Scratch *s) {
    const int64_t inner = shape->inner, states = shape->states, rank = shape->rank;
    const int64_t width = shape->channels / shape->chunks, x_pitch = HISTORY + BLOCK;
    float step[BLOCK], drive[BLOCK], sums[BLOCK], products[BLOCK * LANES];
    memset(s->h, 0, sizeof(float) * inner * states);
    memset(s->x, 0, sizeof(float) * inner * x_pitch);

    for (int64_t start = 0; start < shape->length; start += BLOCK) {
        const int count = (int)(shape->length - start < BLOCK ? shape->length - start : BLOCK);
        const int end = end_of(count);
        float *block = tokens + start;
        if (carried) memcpy(carried + start / BLOCK * inner * states, s->h, sizeof(float) * inner * states);
        project(w->in_weight, NULL, inner, width, block, pitch, s->x + HISTORY, x_pitch, end);
        project(w->in_weight + inner * width, NULL, inner, width, block, pitch, s->z, BLOCK, end);
        for (int64_t i = 0; i < inner; i++) {
            float *row = s->x + i * x_pitch + HISTORY;
            for (int t = 0; t < end; t += LANES) {
                const floats sum = convolved(shape, w, i, row + t);
                store(s->u + i * BLOCK + t, sum * sigmoid(sum));
            }
            memcpy(row - HISTORY, row + BLOCK - HISTORY, sizeof(float) * HISTORY);
        }
        project(w->x_weight, NULL, rank, inner, s->u, BLOCK, s->small, BLOCK, end);
        for (int64_t n = 0; n < 2 * states; n += 2 * LANES)
            for (int t = 0; t < end; t += 4) mix(s->u + t, inner, x_turned + n, s->mixing + t * 2 * states + n, 2 * states);

        for (int64_t i = 0; i < inner; i++) {
            float *u = s->u + i * BLOCK;
            for (int t = 0; t < end; t += LANES) {
                store(step + t, softplus(step_argument(shape, w, i, s->small + t)));
                store(drive + t, load(step + t) * load(u + t));
            }
            scan_states(s->h + i * states, A + i * states, states, step, drive, s->mixing, 2 * states, s->mixing + states,
                        2 * states, count, products);
            add_up_lanes(products, sums);
            for (int t = 0; t < end; t += LANES) {
                const floats gate = load(s->z + i * BLOCK + t);
                store(u + t, (load(sums + t) + w->D[i] * load(u + t)) * gate * sigmoid(gate));
            }
        }
        for (int64_t c = 0; c < width; c++)
            for (int t = 0; t < end; t += LANES) {
                floats sum = w->theta[0] * load(block + c * pitch + t);
                for (int64_t i = 0; i < inner; i++) sum += w->out_weight[c * inner + i] * load(s->u + i * BLOCK + t);
                store(block + c * pitch + t, sum);
            }
    }
}

FOR_EACH_PROCESSOR
static void norm_task(const Shape *shape, const Weights *w, const float *x, float *tokens, int64_t pitch, int64_t start,
                      const Scratch *s) {
    int64_t x_pitch;
    const float *block = block_of(x, shape->channels, shape->length, start, s->block, &x_pitch);
    normalise(shape->channels, shape->eps, w->norm_weight, w->norm_bias, block, x_pitch, tokens + start, pitch, NULL);
}

FOR_EACH_PROCESSOR
static void projection_task(const Shape *shape, const Weights *w, const float *tokens, int64_t pitch, float *y, int64_t start,
                            const Scratch *s) {
    const int64_t length = shape->length, channels = shape->channels;
    normalise(channels, shape->eps, w->norm_weight, w->norm_bias, tokens + start, pitch, s->block, BLOCK, NULL);
    if (start + BLOCK <= length) {
        project(w->projection_weight, w->projection_bias, shape->out_channels, channels, s->block, BLOCK, y + start, length,
                BLOCK);
        return;
    }
    for (int64_t o = 0; o < shape->out_channels; o++) {
        float row[BLOCK];
        project(w->projection_weight + o * channels, w->projection_bias + o, 1, channels, s->block, BLOCK, row, BLOCK, BLOCK);
        memcpy(y + o * length + start, row, sizeof(float) * (length - start));
    }
}

/* x (batch, channels, length) -> y (batch, out_channels, length). For a gradient, what the chunks become is left in `mixed`
   (batch, channels, blocks · BLOCK), and in `carried` (batch, chunks, blocks, inner, states) the states that enter each block;
   else both are null. Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_vision_mamba(const Shape *shape, const Weights *w, const float *x, float *y, float *mixed,
                                       float *carried, int32_t threads) {
    const int64_t blocks = blocks_of(shape), pitch = blocks * BLOCK, plane = shape->channels * pitch;
    const int64_t inner = shape->inner, states = shape->states, chunk = plane / shape->chunks;
    float *tokens = mixed ? mixed : malloc(sizeof(float) * shape->batch * plane);
    float *A = malloc(sizeof(float) * inner * states);
    float *x_turned = malloc(sizeof(float) * inner * 2 * states);
    int32_t failed = !tokens || !A || !x_turned;
    if (!failed) {
        decays_of(shape, w, A);
        turn(w->x_weight + shape->rank * inner, 2 * states, inner, x_turned, 2 * states);
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            Scratch scratch;
            const int ready = allocate(&scratch, shape);
            failed |= !ready;
#pragma omp for schedule(static)
            for (int64_t task = 0; task < shape->batch * blocks; task++)
                if (ready)
                    norm_task(shape, w, x + task / blocks * shape->channels * shape->length, tokens + task / blocks * plane,
                              pitch, task % blocks * BLOCK, &scratch);
#pragma omp for schedule(static)
            for (int64_t task = 0; task < shape->batch * shape->chunks; task++)
                if (ready)
                    chunk_task(shape, w, A, x_turned, tokens + task * chunk, pitch,
                               carried ? carried + task * blocks * inner * states : NULL, &scratch);
#pragma omp for schedule(static)
            for (int64_t task = 0; task < shape->batch * blocks; task++)
                if (ready)
                    projection_task(shape, w, tokens + task / blocks * plane, pitch,
                                    y + task / blocks * shape->out_channels * shape->length, task % blocks * BLOCK, &scratch);
            if (ready) free(scratch.memory);
        }
    }
    if (!mixed) free(tokens);
    free(A);
    free(x_turned);
    return failed;
}
