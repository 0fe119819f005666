/* Vectors of LANES floats, for GCC and Clang, and the functions that they are put through.

   Written without relaxed arithmetic, so that a result does not depend on how the compiler orders it. */

#ifndef BRIDGETUNE_VECTORS_H
#define BRIDGETUNE_VECTORS_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LANES 8
#define SUMMED 1024 /* floats whose sums stay in float */

typedef float floats __attribute__((vector_size(4 * LANES)));
typedef int32_t ints __attribute__((vector_size(4 * LANES)));

#define INLINE static inline __attribute__((always_inline))
#define EXPORT __attribute__((visibility("default")))

/* One library for every x86-64: the loader picks what the processor can do. */
#if defined(__x86_64__) && defined(__GLIBC__) && !defined(__clang__) && __GNUC__ >= 12 && !defined(ONE_PROCESSOR)
#define FOR_EACH_PROCESSOR __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define FOR_EACH_PROCESSOR
#endif

#if defined(__clang__) || __GNUC__ >= 12
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, ...) __builtin_shuffle(a, b, (ints){__VA_ARGS__})
#endif

INLINE floats load(const float *from) {
    floats v;
    memcpy(&v, from, sizeof v);
    return v;
}

INLINE void store(float *to, floats v) { memcpy(to, &v, sizeof v); }

INLINE floats all(float x) { return (floats){} + x; }

INLINE floats where(ints mask, floats a, floats b) { return (floats)((mask & (ints)a) | (~mask & (ints)b)); }

INLINE double sum_of_lanes(floats v) {
    double sum = 0;
    for (int lane = 0; lane < LANES; lane++) sum += v[lane];
    return sum;
}

/* The sums of eight vectors, in their order. */
INLINE floats sums_of(const float *rows) {
    floats pair[4], quad[2];
    for (int i = 0; i < 4; i++) {
        const floats a = load(rows + 2 * i * LANES), b = load(rows + (2 * i + 1) * LANES);
        pair[i] = PICK(a, b, 0, 8, 2, 10, 4, 12, 6, 14) + PICK(a, b, 1, 9, 3, 11, 5, 13, 7, 15);
    }
    for (int i = 0; i < 2; i++) {
        const floats a = pair[2 * i], b = pair[2 * i + 1];
        quad[i] = PICK(a, b, 0, 1, 8, 9, 4, 5, 12, 13) + PICK(a, b, 2, 3, 10, 11, 6, 7, 14, 15);
    }
    return PICK(quad[0], quad[1], 0, 1, 2, 3, 8, 9, 10, 11) + PICK(quad[0], quad[1], 4, 5, 6, 7, 12, 13, 14, 15);
}

/* e^x for x below 88, to about one unit in the last place; 0 below -87, where float32 leaves its normal range. */
INLINE floats exponential(floats x) {
    const float rounding = 12582912.0f + 127.0f; /* 1.5 · 2^23: the sum's low bits are the whole part; and the bias of exponents */
    const floats shifted = x * 1.44269504f + rounding;
    const floats whole = shifted - rounding;
    const floats r = (x - whole * 0.693359375f) + whole * 2.12194440e-4f; /* ln 2 in two parts */
    floats p = all(1.3813879e-3f); /* e^r on |r| <= ln(2)/2, relative error 3e-9 */
    p = p * r + 8.369064e-3f;
    p = p * r + 4.1668423e-2f;
    p = p * r + 1.6666518e-1f;
    p = p * r + 4.9999994e-1f;
    p = p * r + 1.0f;
    p = p * r + 1.0f;
    const floats power = (floats)((ints)shifted << 23);
    return (floats)((ints)(p * power) & ~(x < -87.0f));
}

INLINE floats sigmoid(floats x) {
    const floats e = exponential(where(x > 0.0f, -x, x));
    return where(x > 0.0f, all(1.0f), e) / (1.0f + e);
}

/* log(1 + e^x), and, unless it is null, its derivative, the sigmoid. log1p(e) = 2 artanh(e / (2 + e)), whose series is short
   since e / (2 + e) <= 1/3. */
INLINE floats softplus_and(floats x, floats *slope) {
    const floats e = exponential(where(x > 0.0f, -x, x)), s = e / (2.0f + e), s2 = s * s;
    floats p = all(1.0f / 15);
    p = p * s2 + 1.0f / 13;
    p = p * s2 + 1.0f / 11;
    p = p * s2 + 1.0f / 9;
    p = p * s2 + 1.0f / 7;
    p = p * s2 + 1.0f / 5;
    p = p * s2 + 1.0f / 3;
    p = p * s2 + 1.0f;
    if (slope) *slope = where(x > 0.0f, all(1.0f), e) / (1.0f + e);
    return where(x > 0.0f, x, (floats){}) + 2.0f * s * p;
}

INLINE floats softplus(floats x) { return softplus_and(x, NULL); }

/* Φ(x), of the normal distribution, with erf by Abramowitz and Stegun 7.1.26, absolute error 1.5e-7; and, unless it is null,
   e^(-x^2 / 2). */
INLINE floats normal(floats x, floats *bell) {
    const floats z = x * 0.70710678f, size = where(z < 0.0f, -z, z), t = 1.0f / (1.0f + 0.3275911f * size);
    floats p = all(1.061405429f);
    p = p * t - 1.453152027f;
    p = p * t + 1.421413741f;
    p = p * t - 0.284496736f;
    p = p * t + 0.254829592f;
    const floats e = exponential(-size * size), tail = 0.5f * p * t * e; /* beyond |x| */
    if (bell) *bell = e;
    return where(z < 0.0f, tail, 1.0f - tail);
}

INLINE floats gelu(floats x) { return x * normal(x, NULL); }

/* Its derivative. */
INLINE floats gelu_slope(floats x) {
    floats bell;
    const floats below = normal(x, &bell);
    return below + 0.39894228f * x * bell; /* 1 / sqrt(2π) */
}

#endif
