/* The selective scan of Mamba (Gu and Dao, 2023) on CPUs, forward and backward, behind a plain C interface.

   Tensors are float32: (batch, length, channel) or (batch, length, state), the last axis contiguous. Where a token's row may
   be part of a longer one its stride is given; a sequence starts `length` tokens behind the one before. The number of
   states is a multiple of LANES.

   Tokens are scanned in blocks. The states that enter each block are all that the backward pass is left; it recomputes
   those within a block. No result depends on the number of threads: work is divided by sequences and channels alone,
   and what sequences share is added up in their order. */

#include "scan_block.h"

#define GROUP 8 /* channels that one task of the forward pass scans */

typedef struct {
    int64_t batch, length, channels, states;
    int64_t u_stride, dt_stride, b_stride, c_stride, z_stride; /* floats from one token to the next */
} Shape;

/* z null: no gate. dt_bias null: dt holds the step sizes themselves; else they are softplus(dt + dt_bias). */
typedef struct {
    const float *u, *dt, *A, *B, *C, *D, *z, *dt_bias;
} Inputs;

/* Shaped as the inputs, contiguous. z and dt_bias are null where the inputs' are. */
typedef struct {
    float *u, *dt, *A, *B, *C, *D, *z, *dt_bias;
} Gradients;

/* ---- forward ---- */

FOR_EACH_PROCESSOR
static void forward_task(const Shape *shape, const Inputs *in, float *y, float *carried, int64_t sequence, int64_t from,
                         int channels, float *h) {
    const int64_t length = shape->length, all_channels = shape->channels, states = shape->states;
    const int64_t blocks = (length + BLOCK - 1) / BLOCK;
    float u[GROUP * BLOCK], step[GROUP * BLOCK], z[GROUP * BLOCK], out[GROUP * BLOCK];
    float drive[BLOCK], products[BLOCK * LANES];
    memset(h, 0, sizeof(float) * channels * states);

    for (int64_t block = 0; block < blocks; block++) {
        const int64_t start = sequence * length + block * BLOCK; /* a token's place in the whole batch */
        const int tokens = (int)(length - block * BLOCK < BLOCK ? length - block * BLOCK : BLOCK);
        const float *B = in->B + start * shape->b_stride, *C = in->C + start * shape->c_stride;
        if (carried)
            memcpy(carried + ((sequence * blocks + block) * all_channels + from) * states, h,
                   sizeof(float) * channels * states);
        to_plane(in->u + start * shape->u_stride + from, shape->u_stride, tokens, channels, u);
        to_plane(in->dt + start * shape->dt_stride + from, shape->dt_stride, tokens, channels, step);
        to_steps(step, in->dt_bias ? in->dt_bias + from : NULL, tokens, channels);
        if (in->z) to_plane(in->z + start * shape->z_stride + from, shape->z_stride, tokens, channels, z);

        for (int c = 0; c < channels; c++) {
            for (int t = 0; t < BLOCK; t += LANES)
                store(drive + t, load(step + c * BLOCK + t) * load(u + c * BLOCK + t));
            scan_states(h + c * states, in->A + (from + c) * states, states, step + c * BLOCK, drive, B, shape->b_stride, C,
                        shape->c_stride, tokens, products);
            add_up_lanes(products, out + c * BLOCK);
            for (int t = 0; t < BLOCK; t += LANES) {
                floats result = load(out + c * BLOCK + t) + in->D[from + c] * load(u + c * BLOCK + t);
                if (in->z) {
                    const floats gate = load(z + c * BLOCK + t);
                    result *= gate * sigmoid(gate);
                }
                store(out + c * BLOCK + t, result);
            }
        }
        for (int t = 0; t < tokens; t++)
            for (int c = 0; c < channels; c++) y[(start + t) * all_channels + from + c] = out[c * BLOCK + t];
    }
}

/* Write y (batch, length, channel) and, unless it is null, carried (batch, block, channel, state), the states that enter
   each block. Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_scan_forward(const Shape *shape, const Inputs *in, float *y, float *carried, int32_t threads) {
    const int64_t groups = (shape->channels + GROUP - 1) / GROUP, tasks = shape->batch * groups;
    int32_t failed = 0;
#pragma omp parallel num_threads(threads) reduction(| : failed)
    {
        float *h = malloc(sizeof(float) * GROUP * shape->states);
        failed |= !h;
#pragma omp for schedule(static)
        for (int64_t task = 0; task < tasks; task++) {
            const int64_t from = task % groups * GROUP;
            const int64_t left = shape->channels - from;
            if (h) forward_task(shape, in, y, carried, task / groups, from, (int)(left < GROUP ? left : GROUP), h);
        }
        free(h);
    }
    return failed;
}

/* ---- backward ---- */

/* What one thread works with. */
typedef struct {
    float *u, *step, *z, *grad_y, *grad_u, *grad_dt, *grad_z; /* planes */
    float *later;                                             /* (channel, state): decay · gradient, one token on */
    float *memory;
} Scratch;

static int allocate(Scratch *s, int64_t channels, int64_t states) {
    const int64_t plane = channels * BLOCK;
    float **planes[] = {&s->u, &s->step, &s->z, &s->grad_y, &s->grad_u, &s->grad_dt, &s->grad_z};
    const int64_t count = sizeof planes / sizeof *planes;
    s->memory = malloc(sizeof(float) * (count * plane + channels * states));
    if (!s->memory) return 0;
    for (int64_t i = 0; i < count; i++) *planes[i] = s->memory + i * plane;
    s->later = s->memory + count * plane;
    return 1;
}

/* The adjoint of one sequence, its last block first. `sums_*` gather what sequences share, in double. */
FOR_EACH_PROCESSOR
static void backward_task(const Shape *shape, const Inputs *in, const float *grad_y, const float *carried,
                          const Gradients *grad, double *sums_A, double *sums_D, double *sums_bias, int64_t sequence,
                          const Scratch *s) {
    const int64_t length = shape->length, channels = shape->channels, states = shape->states;
    const int64_t blocks = (length + BLOCK - 1) / BLOCK;
    float drive[BLOCK], out[BLOCK], grad_out[BLOCK], grad_drive[BLOCK], grad_step[BLOCK];
    memset(s->later, 0, sizeof(float) * channels * states);

    for (int64_t block = blocks - 1; block >= 0; block--) {
        const int64_t start = sequence * length + block * BLOCK;
        const int tokens = (int)(length - block * BLOCK < BLOCK ? length - block * BLOCK : BLOCK);
        const float *B = in->B + start * shape->b_stride, *C = in->C + start * shape->c_stride;
        const float *dt = in->dt + start * shape->dt_stride;
        float *grad_B = grad->B + start * states, *grad_C = grad->C + start * states;
        memset(grad_B, 0, sizeof(float) * tokens * states);
        memset(grad_C, 0, sizeof(float) * tokens * states);
        to_plane(in->u + start * shape->u_stride, shape->u_stride, tokens, channels, s->u);
        to_plane(dt, shape->dt_stride, tokens, channels, s->step);
        to_steps(s->step, in->dt_bias, tokens, channels);
        to_plane(grad_y + start * channels, channels, tokens, channels, s->grad_y);
        if (in->z) to_plane(in->z + start * shape->z_stride, shape->z_stride, tokens, channels, s->z);

        for (int64_t c = 0; c < channels; c++) {
            const float *u = s->u + c * BLOCK, *step = s->step + c * BLOCK, *z = s->z + c * BLOCK, *gy = s->grad_y + c * BLOCK;
            for (int t = 0; t < BLOCK; t += LANES) {
                store(drive + t, load(step + t) * load(u + t));
                store(grad_out + t, in->z ? load(gy + t) * load(z + t) * sigmoid(load(z + t)) : load(gy + t));
            }
            scan_states_back(carried + ((sequence * blocks + block) * channels + c) * states, in->A + c * states, states, step,
                             drive, B, shape->b_stride, C, shape->c_stride, tokens, grad_out, grad_B, grad_C, states,
                             s->later + c * states, sums_A + c * states, out, grad_drive, grad_step);

            floats sum_D = {};
            for (int t = 0; t < BLOCK; t += LANES) {
                const floats ut = load(u + t), go = load(grad_out + t), gd = load(grad_drive + t);
                store(s->grad_u + c * BLOCK + t, gd * load(step + t) + go * in->D[c]);
                store(s->grad_dt + c * BLOCK + t, gd * ut + load(grad_step + t));
                sum_D += go * ut;
                if (in->z) {
                    const floats gate = sigmoid(load(z + t)), ungated = load(out + t) + in->D[c] * ut;
                    store(s->grad_z + c * BLOCK + t, load(gy + t) * ungated * gate * (1.0f + load(z + t) * (1.0f - gate)));
                }
            }
            for (int lane = 0; lane < LANES; lane++) sums_D[c] += sum_D[lane];
        }

        if (in->dt_bias) {
            to_plane(dt, shape->dt_stride, tokens, channels, s->step);
            for (int64_t c = 0; c < channels; c++) {
                float *gradient = s->grad_dt + c * BLOCK, *given = s->step + c * BLOCK;
                floats sum_bias = {};
                for (int t = 0; t < BLOCK; t += LANES) {
                    store(gradient + t, load(gradient + t) * sigmoid(load(given + t) + in->dt_bias[c]));
                    sum_bias += load(gradient + t);
                }
                for (int lane = 0; lane < LANES; lane++) sums_bias[c] += sum_bias[lane];
            }
        }
        from_plane(s->grad_u, tokens, channels, grad->u + start * channels);
        from_plane(s->grad_dt, tokens, channels, grad->dt + start * channels);
        if (in->z) from_plane(s->grad_z, tokens, channels, grad->z + start * channels);
    }
}

static void add_up_sequences(const double *sums, int64_t batch, int64_t count, float *total) {
    for (int64_t i = 0; i < count; i++) {
        double sum = 0;
        for (int64_t sequence = 0; sequence < batch; sequence++) sum += sums[sequence * count + i];
        total[i] = (float)sum;
    }
}

/* Write every gradient, of grad_y (batch, length, channel) and the states that the forward pass carried. Returns 0, or 1
   where memory ran out. */
EXPORT int32_t bridgetune_scan_backward(const Shape *shape, const Inputs *in, const float *grad_y, const float *carried,
                                        const Gradients *grad, int32_t threads) {
    const int64_t batch = shape->batch, channels = shape->channels, states = shape->states;
    double *sums = calloc((size_t)(batch * channels * (states + 2)), sizeof(double));
    if (!sums) return 1;
    double *sums_A = sums, *sums_D = sums_A + batch * channels * states, *sums_bias = sums_D + batch * channels;
    int32_t failed = 0;
#pragma omp parallel num_threads(threads) reduction(| : failed)
    {
        Scratch scratch;
        const int ready = allocate(&scratch, channels, states);
        failed |= !ready;
#pragma omp for schedule(static)
        for (int64_t i = 0; i < batch; i++)
            if (ready)
                backward_task(shape, in, grad_y, carried, grad, sums_A + i * channels * states, sums_D + i * channels,
                              sums_bias + i * channels, i, &scratch);
        if (ready) free(scratch.memory);
    }
    if (!failed) {
        add_up_sequences(sums_A, batch, channels * states, grad->A);
        add_up_sequences(sums_D, batch, channels, grad->D);
        if (grad->dt_bias) add_up_sequences(sums_bias, batch, channels, grad->dt_bias);
    }
    free(sums);
    return failed;
}
