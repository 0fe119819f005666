/* The adjoint of the parallel vision Mamba layer. Of its forward pass there are what the chunks became, and the states that
   entered each block of tokens; all else is computed again, a block at a time.

   No result depends on the number of threads: what pictures share is added up in their order. */

#include "sums.h"
#include "vision_mamba.h"

#define HELD 32 /* blocks of tokens whose sums stay in float, in lanes */

/* Gradients, shaped as `Weights`; all null where none is wanted. */
typedef struct {
    float *norm_weight, *norm_bias, *in_weight, *conv_weight, *conv_bias, *x_weight, *dt_weight, *dt_bias, *A_log, *D,
        *out_weight, *theta, *projection_weight, *projection_bias;
} Gradients;

/* The weights with rows for columns, made once. */
typedef struct {
    float *A;          /* (inner, states), -exp(A_log) */
    float *mixing;     /* (inner, 2 states), of B and C */
    float *x;          /* (inner, rank + 2 states) */
    float *in;         /* (width, 2 inner) */
    float *dt;         /* (rank, inner) */
    float *out;        /* (inner, width) */
    float *projection; /* (channels, out_channels) */
    float *memory;
} Turned;

/* Places of the Mamba block's weights in a picture's sums; and how many there are. */
typedef struct {
    int64_t in, conv, conv_bias, x, dt, dt_bias, A, D, out, theta, count;
} Places;

static int64_t width_of(const Shape *shape) { return shape->channels / shape->chunks; }

static Places places_of(const Shape *shape) {
    const int64_t inner = shape->inner, width = width_of(shape);
    Places p = {0};
    p.conv = p.in + 2 * inner * width;
    p.conv_bias = p.conv + inner * shape->taps;
    p.x = p.conv_bias + inner;
    p.dt = p.x + (shape->rank + 2 * shape->states) * inner;
    p.dt_bias = p.dt + inner * shape->rank;
    p.A = p.dt_bias + inner;
    p.D = p.A + inner * shape->states;
    p.out = p.D + inner;
    p.theta = p.out + width * inner;
    p.count = p.theta + 1;
    return p;
}

/* Part of a piece of memory. */
typedef struct {
    float **place;
    int64_t size;
} Part;

/* Memory in which the parts lie one after the other, or null. */
static float *laid_out(const Part *parts, int64_t count) {
    int64_t size = 0;
    for (int64_t i = 0; i < count; i++) size += parts[i].size;
    float *memory = malloc(sizeof(float) * size), *next = memory;
    for (int64_t i = 0; memory && i < count; i++) *parts[i].place = next, next += parts[i].size;
    return memory;
}

static int turn_weights(const Shape *shape, const Weights *w, Turned *turned) {
    const int64_t inner = shape->inner, states = shape->states, rank = shape->rank, width = width_of(shape);
    const int64_t columns = 2 * states, x_rows = rank + columns;
    const Part parts[] = {{&turned->A, inner * states},
                          {&turned->mixing, inner * columns},
                          {&turned->x, inner * x_rows},
                          {&turned->in, width * 2 * inner},
                          {&turned->dt, rank * inner},
                          {&turned->out, inner * width},
                          {&turned->projection, shape->channels * shape->out_channels}};
    turned->memory = laid_out(parts, sizeof parts / sizeof *parts);
    if (!turned->memory) return 0;
    decays_of(shape, w, turned->A);
    turn(w->x_weight + rank * inner, columns, inner, turned->mixing, columns);
    turn(w->x_weight, x_rows, inner, turned->x, x_rows);
    turn(w->in_weight, 2 * inner, width, turned->in, 2 * inner);
    turn(w->dt_weight, inner, rank, turned->dt, inner);
    turn(w->out_weight, width, inner, turned->out, width);
    turn(w->projection_weight, shape->out_channels, shape->channels, turned->projection, shape->out_channels);
    return 1;
}

/* What one thread works with: planes (rows, BLOCK) unless said. */
typedef struct {
    float *x;                               /* (inner, HISTORY + BLOCK) */
    float *z, *u, *bent, *gated;            /* inner; `bent` is SiLU's derivative where it made u */
    float *small;                           /* rank */
    float *mixing, *grad_mixing;            /* (BLOCK, 2 states) */
    float *grad_gated, *grad_u, *grad_dt;   /* inner */
    float *grad_projected;                  /* rank + 2 states: of what x_proj answered */
    float *grad_seen;                       /* (inner, BLOCK + HISTORY), behind the block those of the next one */
    float *grad_in;                         /* 2 inner: of x and z */
    float *added;                           /* inner or channels, whichever is more */
    float *later;                           /* (inner, states) */
    float *block, *given, *grad;            /* channels or out_channels, whichever is more */
    float *tokens, *grads;                  /* (channels, blocks · BLOCK): of a picture, normalised; and their gradient */
    float *parts, *turned_parts;            /* sums in lanes, and of B's and C's weights (inner, 2 states) */
    float *memory;
} Scratch;

/* The most sums in lanes: of the Mamba block, or of the projection and the normalisations. */
static int64_t parts_of(const Shape *shape) {
    const int64_t of_picture = (shape->out_channels + 2) * shape->channels + shape->out_channels;
    const int64_t of_block = places_of(shape).count;
    return of_picture > of_block ? of_picture : of_block;
}

static int allocate(Scratch *s, const Shape *shape) {
    const int64_t inner = shape->inner * BLOCK, longer = shape->inner * (BLOCK + HISTORY);
    const int64_t mixing = 2 * shape->states * BLOCK, small = shape->rank * BLOCK, states = shape->inner * shape->states;
    const int64_t most = shape->channels > shape->out_channels ? shape->channels : shape->out_channels, wide = most * BLOCK;
    const int64_t picture = shape->channels * blocks_of(shape) * BLOCK;
    const Part parts[] = {{&s->x, longer}, {&s->z, inner}, {&s->u, inner}, {&s->bent, inner}, {&s->gated, inner},
                          {&s->small, small}, {&s->mixing, mixing}, {&s->grad_mixing, mixing}, {&s->grad_gated, inner},
                          {&s->grad_u, inner}, {&s->grad_dt, inner}, {&s->grad_projected, small + mixing},
                          {&s->grad_seen, longer}, {&s->grad_in, 2 * inner}, {&s->added, wide > inner ? wide : inner},
                          {&s->later, states}, {&s->block, wide}, {&s->given, wide}, {&s->grad, wide}, {&s->tokens, picture},
                          {&s->grads, picture}, {&s->parts, parts_of(shape) * LANES}, {&s->turned_parts, 2 * states}};
    s->memory = laid_out(parts, sizeof parts / sizeof *parts);
    return s->memory != NULL;
}

/* ---- a picture's channels: the projection and the normalisations ---- */

/* From the gradient of a picture's answer (out_channels, length) to that of what its chunks became, `grad` (channels, pitch).
   `sums`, unless null: of the norm's weight and bias (2, channels), the projection (out_channels, channels), its bias. */
FOR_EACH_PROCESSOR
static void projection_back_task(const Shape *shape, const Weights *w, const Turned *turned, const float *mixed,
                                 const float *grad_y, float *grad, int64_t pitch, double *sums, const Scratch *s) {
    const int64_t channels = shape->channels, outs = shape->out_channels, length = shape->length;
    const int64_t count = (2 + outs) * channels + outs;
    float *of_norm = sums ? s->parts : NULL, *of_weight = s->parts + 2 * channels * LANES;
    float *of_bias = of_weight + outs * channels * LANES;
    memset(s->parts, 0, sizeof(float) * count * LANES);
    for (int64_t start = 0; start < length; start += BLOCK) {
        floats scale[VECTORS_OF_BLOCK];
        int64_t given_pitch;
        const float *given = block_of(grad_y, outs, length, start, s->given, &given_pitch);
        normalise(channels, shape->eps, NULL, NULL, mixed + start, pitch, s->block, BLOCK, scale);
        project(turned->projection, NULL, channels, outs, given, given_pitch, s->grad, BLOCK, BLOCK);
        normalise_back(channels, w->norm_weight, s->block, scale, s->grad, grad + start, pitch, of_norm);
        if (!sums) continue;
        for (int64_t c = 0; c < channels; c++)
            for (int t = 0; t < BLOCK; t += LANES)
                store(s->added + c * BLOCK + t, load(s->block + c * BLOCK + t) * w->norm_weight[c] + w->norm_bias[c]);
        outer(given, given_pitch, outs, s->added, BLOCK, channels, of_weight, BLOCK);
        sum_rows(given, given_pitch, outs, of_bias, BLOCK);
        if (start / BLOCK % HELD == HELD - 1) put_away(s->parts, count, sums);
    }
    if (sums) put_away(s->parts, count, sums);
}

/* Tokens (channels, pitch), normalised, of a picture x (channels, length). */
FOR_EACH_PROCESSOR
static void norm_task(const Shape *shape, const Weights *w, const float *x, float *tokens, int64_t pitch, const Scratch *s) {
    for (int64_t start = 0; start < shape->length; start += BLOCK) {
        int64_t x_pitch;
        const float *block = block_of(x, shape->channels, shape->length, start, s->block, &x_pitch);
        normalise(shape->channels, shape->eps, w->norm_weight, w->norm_bias, block, x_pitch, tokens + start, pitch, NULL);
    }
}

/* From the gradient of normalised tokens (channels, pitch) to that of a picture, (channels, length); `sums` (2, channels). */
FOR_EACH_PROCESSOR
static void norm_back_task(const Shape *shape, const Weights *w, const float *x, const float *grad, int64_t pitch, float *grad_x,
                           double *sums, const Scratch *s) {
    const int64_t channels = shape->channels, length = shape->length;
    memset(s->parts, 0, sizeof(float) * 2 * channels * LANES);
    for (int64_t start = 0; start < length; start += BLOCK) {
        floats scale[VECTORS_OF_BLOCK];
        int64_t x_pitch;
        const int64_t left = length - start < BLOCK ? length - start : BLOCK;
        const float *block = block_of(x, channels, length, start, s->given, &x_pitch);
        normalise(channels, shape->eps, NULL, NULL, block, x_pitch, s->block, BLOCK, scale);
        for (int64_t c = 0; c < channels; c++) memcpy(s->grad + c * BLOCK, grad + c * pitch + start, sizeof(float) * BLOCK);
        normalise_back(channels, w->norm_weight, s->block, scale, s->grad, s->added, BLOCK, sums ? s->parts : NULL);
        for (int64_t c = 0; c < channels; c++)
            memcpy(grad_x + c * length + start, s->added + c * BLOCK, sizeof(float) * left);
        if (sums && start / BLOCK % HELD == HELD - 1) put_away(s->parts, 2 * channels, sums);
    }
    if (sums) put_away(s->parts, 2 * channels, sums);
}

/* ---- the Mamba block, one chunk of a picture's channels after the other ---- */

/* What the scan of a block sees, again; see chunk_task of the forward pass. `tokens` are normalised. */
INLINE void see_again(const Shape *shape, const Weights *w, const Turned *turned, const float *tokens, int64_t pitch,
                      int64_t start, int end, const Scratch *s) {
    const int64_t inner = shape->inner, width = width_of(shape), x_pitch = HISTORY + BLOCK, states = shape->states;
    for (int64_t i = 0; i < inner; i++) {
        floats sum = {};
        for (int64_t c = 0; start && c < width; c++)
            sum += w->in_weight[i * width + c] * load(tokens + c * pitch + start - HISTORY);
        store(s->x + i * x_pitch, sum);
    }
    project(w->in_weight, NULL, inner, width, tokens + start, pitch, s->x + HISTORY, x_pitch, end);
    project(w->in_weight + inner * width, NULL, inner, width, tokens + start, pitch, s->z, BLOCK, end);
    for (int64_t i = 0; i < inner; i++)
        for (int t = 0; t < end; t += LANES) {
            const floats seen = convolved(shape, w, i, s->x + i * x_pitch + HISTORY + t), gate = sigmoid(seen);
            store(s->u + i * BLOCK + t, seen * gate);
            store(s->bent + i * BLOCK + t, gate * (1.0f + seen * (1.0f - gate)));
        }
    project(w->x_weight, NULL, shape->rank, inner, s->u, BLOCK, s->small, BLOCK, end);
    for (int64_t n = 0; n < 2 * states; n += 2 * LANES)
        for (int t = 0; t < end; t += 4)
            mix(s->u + t, inner, turned->mixing + n, s->mixing + t * 2 * states + n, 2 * states);
}

/* Through the gate and the scan: from grad_gated to grad_in's second half (of z), grad_u, grad_dt and grad_mixing. */
INLINE void scan_back(const Shape *shape, const Weights *w, const Turned *turned, const float *carried, int tokens,
                      const Places *p, double *sums_A, const Scratch *s) {
    const int64_t inner = shape->inner, states = shape->states;
    const int end = end_of(tokens);
    float step[BLOCK], drive[BLOCK], slope[BLOCK], gates[BLOCK], out[BLOCK];
    float grad_out[BLOCK], grad_drive[BLOCK], grad_step[BLOCK];
    memset(s->grad_mixing, 0, sizeof(float) * BLOCK * 2 * states);
    for (int64_t i = 0; i < inner; i++) {
        const int64_t row = i * BLOCK;
        for (int t = 0; t < end; t += LANES) {
            const floats z = load(s->z + row + t), gate = sigmoid(z);
            floats bend;
            store(step + t, softplus_and(step_argument(shape, w, i, s->small + t), &bend));
            store(slope + t, bend);
            store(gates + t, gate);
            store(grad_out + t, load(s->grad_gated + row + t) * z * gate);
        }
        for (int t = tokens; t < BLOCK; t++) step[t] = 0.0f;
        for (int t = 0; t < end; t += LANES) store(drive + t, load(step + t) * load(s->u + row + t));
        scan_states_back(carried + i * states, turned->A + i * states, states, step, drive, s->mixing, 2 * states,
                         s->mixing + states, 2 * states, tokens, grad_out, s->grad_mixing, s->grad_mixing + states, 2 * states,
                         s->later + i * states, sums_A + i * states, out, grad_drive, grad_step);
        floats sum_D = load(s->parts + (p->D + i) * LANES), sum_bias = load(s->parts + (p->dt_bias + i) * LANES);
        for (int t = 0; t < end; t += LANES) {
            const floats u = load(s->u + row + t), z = load(s->z + row + t), gate = load(gates + t);
            const floats ungated = load(out + t) + w->D[i] * u, grad = load(grad_out + t), driven = load(grad_drive + t);
            const floats grad_dt = (driven * u + load(grad_step + t)) * load(slope + t);
            store(s->gated + row + t, ungated * z * gate);
            store(s->grad_in + inner * BLOCK + row + t,
                  load(s->grad_gated + row + t) * ungated * gate * (1.0f + z * (1.0f - gate)));
            store(s->grad_u + row + t, driven * load(step + t) + grad * w->D[i]);
            store(s->grad_dt + row + t, grad_dt);
            sum_D += grad * u;
            sum_bias += grad_dt;
        }
        store(s->parts + (p->D + i) * LANES, sum_D);
        store(s->parts + (p->dt_bias + i) * LANES, sum_bias);
    }
}

/* Through the causal convolution and SiLU: from grad_u to the first half of grad_in, of x. */
INLINE void convolve_back(const Shape *shape, const Weights *w, const Places *p, int end, const Scratch *s) {
    const int64_t inner = shape->inner, taps = shape->taps, longer = BLOCK + HISTORY;
    for (int64_t i = 0; i < inner; i++) {
        float *grad = s->grad_seen + i * longer;
        const float *x = s->x + i * longer + HISTORY;
        memcpy(grad + BLOCK, grad, sizeof(float) * HISTORY);
        for (int t = 0; t < end; t += LANES)
            store(grad + t, load(s->grad_u + i * BLOCK + t) * load(s->bent + i * BLOCK + t));
        for (int t = 0; t < end; t += LANES) {
            floats sum = {};
            for (int64_t k = 0; k < taps; k++) sum += w->conv_weight[i * taps + k] * load(grad + t + (taps - 1 - k));
            store(s->grad_in + i * BLOCK + t, sum);
        }
        float *of_weight = s->parts + (p->conv + i * taps) * LANES, *of_bias = s->parts + (p->conv_bias + i) * LANES;
        for (int t = 0; t < end; t += LANES) {
            for (int64_t k = 0; k < taps; k++)
                store(of_weight + k * LANES, load(of_weight + k * LANES) + load(grad + t) * load(x + t + k - (taps - 1)));
            store(of_bias, load(of_bias) + load(grad + t));
        }
    }
}

/* (inner, 2 states) += over a block's tokens, of u (inner, BLOCK) and grad_mixing (BLOCK, 2 states). */
INLINE void sum_mixing(const Shape *shape, int end, const Scratch *s) {
    const int64_t columns = 2 * shape->states;
    for (int64_t n = 0; n < columns; n += 2 * LANES)
        for (int64_t i = 0; i < shape->inner; i++) {
            float *to = s->turned_parts + i * columns + n;
            floats left = load(to), right = load(to + LANES);
            for (int t = 0; t < end; t++) {
                const floats u = all(s->u[i * BLOCK + t]);
                left += u * load(s->grad_mixing + t * columns + n);
                right += u * load(s->grad_mixing + t * columns + n + LANES);
            }
            store(to, left);
            store(to + LANES, right);
        }
}

/* All sums of a picture's chunks, on to those in double. */
INLINE void put_all_away(const Shape *shape, const Places *p, double *sums, const Scratch *s) {
    const int64_t inner = shape->inner, columns = 2 * shape->states;
    put_away(s->parts, p->count, sums);
    for (int64_t i = 0; i < inner; i++)
        for (int64_t n = 0; n < columns; n++)
            sums[p->x + (shape->rank + n) * inner + i] += s->turned_parts[i * columns + n];
    memset(s->turned_parts, 0, sizeof(float) * inner * columns);
}

/* `grad` (width, pitch), of what the chunk became, turns into that of the normalised tokens, its last block first. What the
   weights receive is added to the sums in lanes, and to `sums_A` in double. */
INLINE void chunk_back(const Shape *shape, const Weights *w, const Turned *turned, const float *tokens, int64_t pitch,
                       const float *carried, float *grad, const Places *p, double *sums, int wanted, int64_t *held,
                       const Scratch *s) {
    const int64_t inner = shape->inner, states = shape->states, rank = shape->rank, width = width_of(shape);
    const int64_t columns = 2 * states;
    float *parts = s->parts;
    memset(s->later, 0, sizeof(float) * inner * states);
    memset(s->grad_seen, 0, sizeof(float) * inner * (BLOCK + HISTORY));
    for (int64_t block = blocks_of(shape) - 1; block >= 0; block--) {
        const int64_t start = block * BLOCK;
        const int count = (int)(shape->length - start < BLOCK ? shape->length - start : BLOCK), end = end_of(count);
        see_again(shape, w, turned, tokens, pitch, start, end, s);
        project(turned->out, NULL, inner, width, grad + start, pitch, s->grad_gated, BLOCK, end);
        scan_back(shape, w, turned, carried + block * inner * states, count, p, sums + p->A, s);
        project(turned->dt, NULL, rank, inner, s->grad_dt, BLOCK, s->grad_projected, BLOCK, end);
        turn_tokens(s->grad_mixing, columns, s->grad_projected + rank * BLOCK, end);
        project(turned->x, NULL, inner, rank + columns, s->grad_projected, BLOCK, s->added, BLOCK, end);
        for (int64_t i = 0; i < inner; i++)
            for (int t = 0; t < end; t += LANES) {
                float *to = s->grad_u + i * BLOCK + t;
                store(to, load(to) + load(s->added + i * BLOCK + t));
            }
        convolve_back(shape, w, p, end, s);
        if (wanted) {
            outer(s->grad_in, BLOCK, 2 * inner, tokens + start, pitch, width, parts + p->in * LANES, end);
            outer(s->grad_projected, BLOCK, rank, s->u, BLOCK, inner, parts + p->x * LANES, end);
            outer(s->grad_dt, BLOCK, inner, s->small, BLOCK, rank, parts + p->dt * LANES, end);
            outer(grad + start, pitch, width, s->gated, BLOCK, inner, parts + p->out * LANES, end);
            sum_mixing(shape, end, s);
            for (int64_t c = 0; c < width; c++)
                outer(tokens + c * pitch + start, pitch, 1, grad + c * pitch + start, pitch, 1, parts + p->theta * LANES, end);
        }
        project(turned->in, NULL, width, 2 * inner, s->grad_in, BLOCK, s->added, BLOCK, end);
        for (int64_t c = 0; c < width; c++)
            for (int t = 0; t < end; t += LANES) {
                float *to = grad + c * pitch + start + t;
                store(to, w->theta[0] * load(to) + load(s->added + c * BLOCK + t));
            }
        if (wanted && ++*held % HELD == 0) put_all_away(shape, p, sums, s);
    }
}

/* The chunks of a picture, (channels, pitch), one after the other. `sums` are the picture's, by `Places`. */
FOR_EACH_PROCESSOR
static void chunks_back_task(const Shape *shape, const Weights *w, const Turned *turned, const float *tokens, int64_t pitch,
                             const float *carried, float *grad, const Places *p, double *sums, int wanted, const Scratch *s) {
    const int64_t chunk = width_of(shape) * pitch, entering = blocks_of(shape) * shape->inner * shape->states;
    int64_t held = 0;
    memset(s->parts, 0, sizeof(float) * p->count * LANES);
    memset(s->turned_parts, 0, sizeof(float) * shape->inner * 2 * shape->states);
    for (int64_t i = 0; i < shape->chunks; i++)
        chunk_back(shape, w, turned, tokens + i * chunk, pitch, carried + i * entering, grad + i * chunk, p, sums, wanted, &held,
                   s);
    if (wanted) put_all_away(shape, p, sums, s);
}

/* ---- all of it ---- */

/* What pictures found, as gradients. */
static void add_up_all(const Shape *shape, const Turned *turned, const Places *p, const double *of_chunks,
                       const double *of_pictures, int64_t picture, const Gradients *grad) {
    const int64_t batch = shape->batch, channels = shape->channels, outs = shape->out_channels, inner = shape->inner;
    const struct {
        int64_t place, count;
        float *to;
    } weights[] = {{p->in, p->conv - p->in, grad->in_weight},         {p->conv, p->conv_bias - p->conv, grad->conv_weight},
                   {p->conv_bias, inner, grad->conv_bias},            {p->x, p->dt - p->x, grad->x_weight},
                   {p->dt, p->dt_bias - p->dt, grad->dt_weight},      {p->dt_bias, inner, grad->dt_bias},
                   {p->A, p->D - p->A, grad->A_log},                  {p->D, inner, grad->D},
                   {p->out, p->theta - p->out, grad->out_weight},     {p->theta, 1, grad->theta}};
    for (size_t i = 0; i < sizeof weights / sizeof *weights; i++)
        add_up(of_chunks + weights[i].place, batch, p->count, weights[i].count, weights[i].to);
    for (int64_t i = 0; i < inner * shape->states; i++) grad->A_log[i] *= turned->A[i]; /* A = -exp(A_log) */
    add_up(of_pictures, batch, picture, channels, grad->norm_weight);
    add_up(of_pictures + channels, batch, picture, channels, grad->norm_bias);
    add_up(of_pictures + 2 * channels, batch, picture, outs * channels, grad->projection_weight);
    add_up(of_pictures + (2 + outs) * channels, batch, picture, outs, grad->projection_bias);
}

/* x (batch, channels, length), grad_y (batch, out_channels, length), and what the forward pass left -> grad_x, and the weights'
   gradients unless they are null. Returns 0, or 1 where memory ran out. */
EXPORT int32_t bridgetune_vision_mamba_backward(const Shape *shape, const Weights *w, const float *x, const float *mixed,
                                                const float *carried, const float *grad_y, float *grad_x,
                                                const Gradients *grad_weights, int32_t threads) {
    const int64_t channels = shape->channels, length = shape->length, outs = shape->out_channels, batch = shape->batch;
    const int64_t blocks = blocks_of(shape), pitch = blocks * BLOCK, plane = channels * pitch;
    const int64_t picture = (2 + outs) * channels + outs;
    const int64_t entering = shape->chunks * blocks * shape->inner * shape->states;
    const Places places = places_of(shape);
    const int wanted = grad_weights->theta != NULL;
    Turned turned = {0};
    double *of_chunks = calloc((size_t)(batch * (places.count + picture)), sizeof(double));
    int32_t failed = !of_chunks || !turn_weights(shape, w, &turned);
    if (!failed) {
        double *of_pictures = of_chunks + batch * places.count;
#pragma omp parallel num_threads(threads) reduction(| : failed)
        {
            Scratch s;
            const int ready = allocate(&s, shape);
            failed |= !ready;
#pragma omp for schedule(static)
            for (int64_t i = 0; i < batch; i++)
                if (ready) {
                    const float *image = x + i * channels * length;
                    double *sums = wanted ? of_pictures + i * picture : NULL;
                    norm_task(shape, w, image, s.tokens, pitch, &s);
                    projection_back_task(shape, w, &turned, mixed + i * plane, grad_y + i * outs * length, s.grads, pitch, sums,
                                         &s);
                    chunks_back_task(shape, w, &turned, s.tokens, pitch, carried + i * entering, s.grads, &places,
                                     of_chunks + i * places.count, wanted, &s);
                    norm_back_task(shape, w, image, s.grads, pitch, grad_x + i * channels * length, sums, &s);
                }
            if (ready) free(s.memory);
        }
        if (!failed && wanted) add_up_all(shape, &turned, &places, of_chunks, of_pictures, picture, grad_weights);
    }
    free(of_chunks);
    free(turned.memory);
    return failed;
}
