/* Sums over tokens, of which gradients of weights are made: in lanes while they are in float, then in double.

   Planes are (rows, BLOCK) with their rows `pitch` apart, of which the tokens up to `end` count, a multiple of LANES. */

#ifndef BRIDGETUNE_SUMS_H
#define BRIDGETUNE_SUMS_H

#include "scan_block.h"

/* sums (rows, cols, LANES) += over a block's tokens, of p (rows, pitch) · q (cols, pitch), of `rows` by `cols` of them. */
INLINE void outer_tile(const float *p, int64_t p_pitch, const float *q, int64_t q_pitch, float *sums, int64_t sums_pitch,
                       int end, const int rows, const int cols) {
    floats sum[2][2];
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) sum[r][c] = load(sums + (r * sums_pitch + c) * LANES);
    for (int t = 0; t < end; t += LANES)
        for (int r = 0; r < rows; r++)
            for (int c = 0; c < cols; c++) sum[r][c] += load(p + r * p_pitch + t) * load(q + c * q_pitch + t);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) store(sums + (r * sums_pitch + c) * LANES, sum[r][c]);
}

/* The same of all. */
INLINE void outer(const float *p, int64_t p_pitch, int64_t rows, const float *q, int64_t q_pitch, int64_t cols, float *sums,
                  int end) {
    for (int64_t r = 0; r < rows; r += 2)
        for (int64_t c = 0; c < cols; c += 2) {
            const float *left = p + r * p_pitch, *right = q + c * q_pitch;
            float *to = sums + (r * cols + c) * LANES;
            if (r + 2 <= rows && c + 2 <= cols)
                outer_tile(left, p_pitch, right, q_pitch, to, cols, end, 2, 2);
            else if (r + 2 <= rows)
                outer_tile(left, p_pitch, right, q_pitch, to, cols, end, 2, 1);
            else if (c + 2 <= cols)
                outer_tile(left, p_pitch, right, q_pitch, to, cols, end, 1, 2);
            else
                outer_tile(left, p_pitch, right, q_pitch, to, cols, end, 1, 1);
        }
}

/* sums (rows, LANES) += a block's rows. */
INLINE void sum_rows(const float *rows, int64_t pitch, int64_t count, float *sums, int end) {
    for (int64_t r = 0; r < count; r++)
        for (int t = 0; t < end; t += LANES) store(sums + r * LANES, load(sums + r * LANES) + load(rows + r * pitch + t));
}

/* Sums in lanes, on to those in double; they begin again. */
INLINE void put_away(float *parts, int64_t count, double *sums) {
    int64_t i = 0;
    for (; i + LANES <= count; i += LANES) {
        const floats found = sums_of(parts + i * LANES);
        for (int lane = 0; lane < LANES; lane++) sums[i + lane] += found[lane];
    }
    for (; i < count; i++) sums[i] += sum_of_lanes(load(parts + i * LANES));
    memset(parts, 0, sizeof(float) * count * LANES);
}

/* rows (BLOCK, columns) -> planes (columns, BLOCK), in squares of LANES. */
INLINE void turn_tokens(const float *rows, int64_t columns, float *planes, int end) {
    for (int64_t n = 0; n < columns; n += LANES)
        for (int t = 0; t < end; t += LANES) {
            floats a[LANES], b[LANES];
            for (int i = 0; i < LANES; i++) a[i] = load(rows + (t + i) * columns + n);
            for (int i = 0; i < 4; i++) {
                b[2 * i] = PICK(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
                b[2 * i + 1] = PICK(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
            }
            for (int i = 0; i < 4; i++) {
                a[2 * i] = PICK(b[i], b[i + 4], 0, 8, 1, 9, 2, 10, 3, 11);
                a[2 * i + 1] = PICK(b[i], b[i + 4], 4, 12, 5, 13, 6, 14, 7, 15);
            }
            for (int i = 0; i < 4; i++) {
                store(planes + (n + 2 * i) * BLOCK + t, PICK(a[i], a[i + 4], 0, 8, 1, 9, 2, 10, 3, 11));
                store(planes + (n + 2 * i + 1) * BLOCK + t, PICK(a[i], a[i + 4], 4, 12, 5, 13, 6, 14, 7, 15));
            }
        }
}

/* The sums (parts, pitch) of all parts, added up in their order. */
static void add_up(const double *sums, int64_t parts, int64_t pitch, int64_t count, float *total) {
    for (int64_t i = 0; i < count; i++) {
        double sum = 0;
        for (int64_t part = 0; part < parts; part++) sum += sums[part * pitch + i];
        total[i] = (float)sum;
    }
}

#endif
