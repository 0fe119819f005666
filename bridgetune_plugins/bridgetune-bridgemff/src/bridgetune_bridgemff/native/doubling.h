/* A picture twice as large: bilinear, corners aligned. */

#ifndef BRIDGETUNE_DOUBLING_H
#define BRIDGETUNE_DOUBLING_H

#include "vectors.h"

/* Between which two samples each of twice as many lies, and how far; and for the adjoint, which of twice as many a sample of
   a row has a share in: LANES from `first` on. */
typedef struct {
    int64_t height, width;
    int32_t *rows, *columns;           /* (2 · height), (2 · width) */
    float *row_shares, *column_shares; /* the same */
    int32_t *first;                    /* (width), in whole vectors */
    float *shares;                     /* (width, LANES), the same */
} Doubling;

static inline void between(int64_t side, int32_t *place, float *share) {
    const float step = side > 1 ? (float)(side - 1) / (float)(2 * side - 1) : 0.0f;
    for (int64_t i = 0; i < 2 * side; i++) {
        const float position = step * (float)i;
        place[i] = (int32_t)position;
        share[i] = position - (float)place[i];
    }
}

/* Five shares at most are not 0. */
static inline void shares_in(int64_t side, const int32_t *place, const float *share, int32_t *first, float *shares) {
    const int64_t whole = (side + LANES - 1) / LANES * LANES;
    memset(first, 0, sizeof(int32_t) * whole);
    memset(shares, 0, sizeof(float) * whole * LANES);
    for (int64_t i = 2 * side - 1; i >= 0; i--) {
        first[place[i]] = (int32_t)i;
        if (place[i] + 1 < side) first[place[i] + 1] = (int32_t)i;
    }
    for (int64_t i = 0; i < 2 * side; i++) {
        const int64_t left = place[i], right = left + 1 < side ? left + 1 : left;
        shares[left * LANES + i - first[left]] += 1.0f - share[i];
        shares[right * LANES + i - first[right]] += share[i];
    }
}

/* Returns 0, or 1 where memory ran out; either way there is something to forget. */
static inline int32_t prepare(Doubling *doubling, int64_t height, int64_t width) {
    const int64_t whole = (width + LANES - 1) / LANES * LANES;
    doubling->height = height;
    doubling->width = width;
    doubling->rows = malloc(sizeof(int32_t) * (2 * (height + width) + whole));
    doubling->row_shares = malloc(sizeof(float) * (2 * (height + width) + whole * LANES));
    if (!doubling->rows || !doubling->row_shares) return 1;
    doubling->columns = doubling->rows + 2 * height;
    doubling->column_shares = doubling->row_shares + 2 * height;
    doubling->first = doubling->columns + 2 * width;
    doubling->shares = doubling->column_shares + 2 * width;
    between(height, doubling->rows, doubling->row_shares);
    between(width, doubling->columns, doubling->column_shares);
    shares_in(width, doubling->columns, doubling->column_shares, doubling->first, doubling->shares);
    return 0;
}

static inline void forget(Doubling *doubling) {
    free(doubling->rows);
    free(doubling->row_shares);
}

/* One row (2 · width) of v factor + shift, twice as large; `line` (width + 1). */
INLINE void widen(const Doubling *doubling, const float *x, int64_t row, float factor, float shift, float *line,
                  float *wide) {
    const int64_t height = doubling->height, width = doubling->width;
    const float *upper = x + doubling->rows[row] * width, *lower = doubling->rows[row] + 1 < height ? upper + width : upper;
    const float share = doubling->row_shares[row];
    for (int64_t i = 0; i < width; i++) line[i] = ((1.0f - share) * upper[i] + share * lower[i]) * factor + shift;
    line[width] = line[width - 1];
    for (int64_t i = 0; i < 2 * width; i++) {
        const float *pair = line + doubling->columns[i];
        wide[i] = (1.0f - doubling->column_shares[i]) * pair[0] + doubling->column_shares[i] * pair[1];
    }
}

/* Of the planes in which a channel's gradient is as wide as twice, but not as high: (height, this). */
static inline int64_t pitch_of(const Doubling *doubling) { return 2 * doubling->width + LANES; }

/* The adjoint of `widen` in two steps. First, `grads`, of a row (2 · width), 0 behind it, is added to two of `rows`. */
INLINE void lower(const Doubling *doubling, const float *grads, int64_t row, float *rows) {
    const int64_t place = doubling->rows[row], pitch = pitch_of(doubling);
    float *one = rows + place * pitch, *other = place + 1 < doubling->height ? one + pitch : one;
    const float share = doubling->row_shares[row];
    for (int64_t i = 0; i < 2 * doubling->width; i += LANES) {
        const floats grad = load(grads + i);
        store(one + i, load(one + i) + (1.0f - share) * grad);
        store(other + i, load(other + i) + share * grad);
    }
}

/* Then, all rows become as narrow as x: `grad_x` (height, width). */
INLINE void narrow(const Doubling *doubling, const float *rows, float *grad_x) {
    const int64_t width = doubling->width;
    for (int64_t row = 0; row < doubling->height; row++)
        for (int64_t column = 0; column < width; column += LANES) {
            const float *from = rows + row * pitch_of(doubling);
            float products[LANES * LANES], result[LANES];
            for (int64_t i = 0; i < LANES; i++)
                store(products + i * LANES,
                      load(from + doubling->first[column + i]) * load(doubling->shares + (column + i) * LANES));
            store(result, sums_of(products));
            memcpy(grad_x + row * width + column, result,
                   sizeof(float) * (column + LANES <= width ? LANES : width - column));
        }
}

#endif
