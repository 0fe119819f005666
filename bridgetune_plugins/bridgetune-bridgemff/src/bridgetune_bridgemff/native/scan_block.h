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

/* h_t = exp(step_t A) h_{t-1} + drive_t B_t for LANES states of one channel; returns the last state. Adds h_t · C_t to
   `products` (BLOCK, LANES). Unless they are null, `decays` and `states` (BLOCK, LANES) are left exp(step_t A) and h_{t-1}. */
INLINE floats scan_lanes(floats h, floats A, const float *step, const float *drive, const float *B, int64_t b_stride,
                         const float *C, int64_t c_stride, int tokens, float *products, float *decays, float *states) {
    for (int t = 0; t < tokens; t++) {
        const floats decay = exponential(step[t] * A);
        if (decays) {
            store(decays + t * LANES, decay);
            store(states + t * LANES, h);
        }
        h = decay * h + drive[t] * load(B + t * b_stride);
        store(products + t * LANES, load(products + t * LANES) + h * load(C + t * c_stride));
    }
    return h;
}

INLINE void add_up_lanes(const float *products, float *sums) {
    for (int t = 0; t < BLOCK; t += LANES) store(sums + t, sums_of(products + t * LANES));
}

#endif
