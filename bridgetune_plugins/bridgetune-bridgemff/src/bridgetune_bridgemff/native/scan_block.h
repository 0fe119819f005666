/* The selective scan of one block of tokens, which the scan and the vision Mamba layer share.

   Planes are (channel, BLOCK), a token a column, and zero behind the last token. */

#ifndef BRIDGETUNE_SCAN_BLOCK_H
#define BRIDGETUNE_SCAN_BLOCK_H

#include "vectors.h"

#define BLOCK 32 /* tokens between the states that are kept */

INLINE void to_plane(const float *rows, int64_t stride, int tokens, int64_t channels, float *plane) {
    for (int64_t c = 0; c < channels; c++) {
        for (int t = 0; t < tokens; t++) plane[c * BLOCK + t] = rows[t * stride + c];
        for (int t = tokens; t < BLOCK; t++) plane[c * BLOCK + t] = 0.0f;
    }
}

INLINE void from_plane(const float *plane, int tokens, int64_t channels, float *rows) {
    for (int t = 0; t < tokens; t++)
        for (int64_t c = 0; c < channels; c++) rows[t * channels + c] = plane[c * BLOCK + t];
}

/* dt, as it is given, becomes the step sizes; a token behind the last has none, and so changes no state. */
INLINE void to_steps(float *dt, const float *bias, int tokens, int64_t channels) {
    if (!bias) return;
    for (int64_t c = 0; c < channels; c++) {
        for (int t = 0; t < BLOCK; t += LANES)
            store(dt + c * BLOCK + t, softplus(load(dt + c * BLOCK + t) + bias[c]));
        for (int t = tokens; t < BLOCK; t++) dt[c * BLOCK + t] = 0.0f;
    }
}

/* 2^(step · rate) for exponents below 127, to about one unit in the last place; 0 below -125. Of a product that is not
   rounded, where the processor multiplies and adds at once. */
INLINE floats decay(float step, floats rate) {
    const float rounding = 12582912.0f; /* 1.5 · 2^23: the sum's low bits are the whole part */
    const floats shifted = step * rate + rounding, whole = shifted - rounding, r = step * rate - whole;
    floats p = all(1.5353362e-4f); /* 2^r on |r| <= 1/2, relative error 2e-8 */
    p = p * r + 1.33988739e-3f;
    p = p * r + 9.6184369e-3f;
    p = p * r + 5.5503324e-2f;
    p = p * r + 2.40226477e-1f;
    p = p * r + 6.9314718e-1f;
    p = p * r + 1.0f;
    return (floats)(((ints)p + ((ints)shifted << 23)) & ~(whole < -125.0f));
}

#define VECTORS 2 /* of states that are scanned side by side, if there are so many */

/* h_t = exp(step_t A) h_{t-1} + drive_t B_t for `vectors` times LANES states of one channel, in the place of h. Adds h_t · C_t
   to `products` (BLOCK, LANES), or begins them. Unless they are null, `decays` and `states` (BLOCK, vectors, LANES) are left
   exp(step_t A) and h_{t-1}. */
INLINE void scan_lanes(float *h, const float *A, const float *step, const float *drive, const float *B, int64_t b_stride,
                       const float *C, int64_t c_stride, int tokens, float *products, float *decays, float *states,
                       const int vectors, const int begins) {
    floats now[VECTORS], rates[VECTORS];
    for (int v = 0; v < vectors; v++) {
        now[v] = load(h + v * LANES);
        rates[v] = load(A + v * LANES) * 1.44269504f; /* log2(e) */
    }
    for (int t = 0; t < tokens; t++) {
        floats product = begins ? (floats){} : load(products + t * LANES);
        for (int v = 0; v < vectors; v++) {
            const floats fading = decay(step[t], rates[v]);
            if (decays) {
                store(decays + (t * vectors + v) * LANES, fading);
                store(states + (t * vectors + v) * LANES, now[v]);
            }
            now[v] = fading * now[v] + drive[t] * load(B + t * b_stride + v * LANES);
            product += now[v] * load(C + t * c_stride + v * LANES);
        }
        store(products + t * LANES, product);
    }
    for (int v = 0; v < vectors; v++) store(h + v * LANES, now[v]);
}

/* The same for all states of a channel; the products of tokens that are not there are 0. */
INLINE void scan_states(float *h, const float *A, int64_t states, const float *step, const float *drive, const float *B,
                        int64_t b_stride, const float *C, int64_t c_stride, int tokens, float *products) {
    for (int t = tokens; t < BLOCK; t++) store(products + t * LANES, (floats){});
    int64_t n = 0;
    if (states >= VECTORS * LANES) {
        scan_lanes(h, A, step, drive, B, b_stride, C, c_stride, tokens, products, NULL, NULL, VECTORS, 1);
        n = VECTORS * LANES;
    } else {
        scan_lanes(h, A, step, drive, B, b_stride, C, c_stride, tokens, products, NULL, NULL, 1, 1);
        n = LANES;
    }
    for (; n < states; n += LANES)
        scan_lanes(h + n, A + n, step, drive, B + n, b_stride, C + n, c_stride, tokens, products, NULL, NULL, 1, 0);
}

INLINE void add_up_lanes(const float *products, float *sums) {
    for (int t = 0; t < BLOCK; t += LANES) store(sums + t, sums_of(products + t * LANES));
}

/* The adjoint of a channel's scan of one block, of `carried` (states), which entered it, and `grad_out` (BLOCK), the gradient of
   the sums over states, for `vectors` times LANES states. With the gradient of h_t, g_t = C_t grad_out_t + m_{t+1},
   m_t = exp(step_t A) g_t.

   Adds to grad_B and grad_C (tokens), `grad_stride` floats apart, and to `sums_A` (states), in double; `later` (states) is
   m of the token behind the block and becomes that of its first. Adds to `products`, `of_drive` and `of_step` (BLOCK, LANES),
   or begins them: the sums over states themselves, and what reaches drive and step through the states. */
INLINE void scan_lanes_back(const float *carried, const float *A, const float *step, const float *drive, const float *B,
                            int64_t b_stride, const float *C, int64_t c_stride, int tokens, const float *grad_out,
                            float *grad_B, float *grad_C, int64_t grad_stride, float *later, double *sums_A, float *products,
                            float *of_drive, float *of_step, const int vectors, const int begins) {
    float decays[BLOCK * VECTORS * LANES], before[BLOCK * VECTORS * LANES], h[VECTORS * LANES];
    floats after[VECTORS], m[VECTORS], rates[VECTORS], sum_A[VECTORS] = {};
    memcpy(h, carried, sizeof(float) * vectors * LANES);
    scan_lanes(h, A, step, drive, B, b_stride, C, c_stride, tokens, products, decays, before, vectors, begins);
    for (int v = 0; v < vectors; v++) {
        after[v] = load(h + v * LANES);
        m[v] = load(later + v * LANES);
        rates[v] = load(A + v * LANES);
    }
    for (int t = tokens - 1; t >= 0; t--) {
        floats driven = begins ? (floats){} : load(of_drive + t * LANES);
        floats stepped = begins ? (floats){} : load(of_step + t * LANES);
        for (int v = 0; v < vectors; v++) {
            const floats previous = load(before + (t * vectors + v) * LANES);
            const floats g = grad_out[t] * load(C + t * c_stride + v * LANES) + m[v];
            float *gB = grad_B + t * grad_stride + v * LANES, *gC = grad_C + t * grad_stride + v * LANES;
            store(gC, load(gC) + grad_out[t] * after[v]);
            store(gB, load(gB) + drive[t] * g);
            m[v] = load(decays + (t * vectors + v) * LANES) * g;
            const floats exponent = m[v] * previous;
            sum_A[v] += step[t] * exponent;
            driven += g * load(B + t * b_stride + v * LANES);
            stepped += exponent * rates[v];
            after[v] = previous;
        }
        store(of_drive + t * LANES, driven);
        store(of_step + t * LANES, stepped);
    }
    for (int v = 0; v < vectors; v++) {
        store(later + v * LANES, m[v]);
        for (int lane = 0; lane < LANES; lane++) sums_A[v * LANES + lane] += sum_A[v][lane];
    }
}

/* The same for all states of a channel. Leaves the sums over states in `out`, and what reaches drive and step through the
   states in `grad_drive` and `grad_step`, (BLOCK) each. */
INLINE void scan_states_back(const float *carried, const float *A, int64_t states, const float *step, const float *drive,
                             const float *B, int64_t b_stride, const float *C, int64_t c_stride, int tokens,
                             const float *grad_out, float *grad_B, float *grad_C, int64_t grad_stride, float *later,
                             double *sums_A, float *out, float *grad_drive, float *grad_step) {
    float products[BLOCK * LANES] = {0}, of_drive[BLOCK * LANES] = {0}, of_step[BLOCK * LANES] = {0};
    int64_t n = 0;
    if (states >= VECTORS * LANES) {
        scan_lanes_back(carried, A, step, drive, B, b_stride, C, c_stride, tokens, grad_out, grad_B, grad_C, grad_stride, later,
                        sums_A, products, of_drive, of_step, VECTORS, 1);
        n = VECTORS * LANES;
    }
    for (; n < states; n += LANES)
        scan_lanes_back(carried + n, A + n, step, drive, B + n, b_stride, C + n, c_stride, tokens, grad_out, grad_B + n,
                        grad_C + n, grad_stride, later + n, sums_A + n, products, of_drive, of_step, 1, 0);
    add_up_lanes(products, out);
    add_up_lanes(of_drive, grad_drive);
    add_up_lanes(of_step, grad_step);
}

#endif
