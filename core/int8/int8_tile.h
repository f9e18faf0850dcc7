/* The int8 micro-kernel, which int8_kernels.c and int8_winograd.c share: a register tile of int32 sums, from its
 * products through requantization to the store. */
#ifndef INT8_TILE_H
#define INT8_TILE_H

#include "base/bounds.h"
#include "int8/int8_layer.h"

enum { INT8_ROWS = 4 }; /* 4 x 2 sums + 2 of the panel + 1 pair + 1 product: 12 of x86's 16 registers */

/* A row of taps is contiguous: its inputs are taken in pairs, the last one with whatever lies behind it and a weight
 * of zero. */
static inline int int8_row_pairs(const struct window *window) { return (window->kernel_w * window->in.c + 1) / 2; }

/* What the depthwise kernels assert of a window. */
static inline bool int8_depthwise_valid(const struct window *window)
{
    return window_valid(window) && window->in.c == window->out.c && window->kernel_h <= LIMIT_KERNEL &&
           window->kernel_w <= LIMIT_KERNEL;
}

/* Pairs of taps of a depthwise filter, the last one of an odd number paired with itself and a weight of zero. */
static inline int int8_tap_pairs(const struct window *window) { return (window->kernel_h * window->kernel_w + 1) / 2; }

/* A row of the im2col matrix, in place: `count` runs of pairs, `stride` values apart. */
struct int8_runs {
    int count, pairs;
    ptrdiff_t stride;
};

/* One row of a panel, 2 * INT8_PANEL values of 8 bits if narrow, else 16, times the pair of each a[i] at `offset`. */
static inline __attribute__((always_inline)) void int8_multiply_add(ivec sum[INT8_ROWS][2],
                                                                    const int16_t *const a[INT8_ROWS], ptrdiff_t offset,
                                                                    const void *row, bool narrow)
{
    const void *half = (const unsigned char *)row + INT8_PANEL * (narrow ? sizeof(int8_t) : sizeof(int16_t));
    const ivec low = narrow ? ivec_widen(row) : ivec_load(row), high = narrow ? ivec_widen(half) : ivec_load(half);
    VEC_UNROLL
    for (int i = 0; i < INT8_ROWS; i++) {
        const ivec x = ivec_pairs(a[i] + offset);
        sum[i][0] = ivec_add(sum[i][0], ivec_dot(x, low));
        sum[i][1] = ivec_add(sum[i][1], ivec_dot(x, high));
    }
}

/* sum[i][.] += rows[i] (runs->count, runs->pairs, 2) * panel (runs->count * runs->pairs, INT8_PANEL, 2), whose
 * values have 8 bits if narrow, else 16. Pass a constant: the function is inlined. */
static inline __attribute__((always_inline)) void int8_sums(ivec sum[INT8_ROWS][2],
                                                            const int16_t *const rows[INT8_ROWS],
                                                            const struct int8_runs *runs, const void *panel,
                                                            bool narrow)
{
    const ptrdiff_t row_bytes = 2 * INT8_PANEL * (narrow ? sizeof(int8_t) : sizeof(int16_t));
    for (int run = 0; run < runs->count; run++) {
        const unsigned char *row = (const unsigned char *)panel + run * runs->pairs * row_bytes;
        const int16_t *a[INT8_ROWS];
        VEC_UNROLL
        for (int i = 0; i < INT8_ROWS; i++)
            a[i] = rows[i] + run * runs->stride;
        if (!narrow) {
            for (int k = runs->pairs; k > 0; k--, row += row_bytes) {
                int8_multiply_add(sum, a, 0, row, false);
                VEC_UNROLL
                for (int i = 0; i < INT8_ROWS; i++)
                    a[i] += 2;
            }
            continue;
        }
        /* Unrolled by two, with a branch between them, or V8 would interleave them and spill. Measured, with int16
         * weights this is a few per cent slower in V8's older compiler (Node 20). */
        for (int remaining = runs->pairs;; remaining -= 2, row += 2 * row_bytes) {
            int8_multiply_add(sum, a, 0, row, true);
            if (remaining == 1)
                break;
            int8_multiply_add(sum, a, 2, row + row_bytes, true);
            if (remaining == 2)
                break;
            VEC_UNROLL
            for (int i = 0; i < INT8_ROWS; i++)
                a[i] += 4;
        }
    }
}

/* Stores up to a panel. */
static inline void int8_store(int16_t *to, ivec values, int count)
{
    if (count >= INT8_PANEL) {
        ivec_store(to, values);
        return;
    }
    int16_t padded[INT8_PANEL];
    ivec_store(padded, values);
    memcpy(to, padded, (size_t)count * sizeof *to);
}

/* The epilogue: the sums of a panel's channels to int16 outputs. */
static inline ivec int8_finish(ivec low, ivec high, const int32_t *factor, ivec min, ivec max)
{
    const ivec values =
        ivec_narrow(ivec_scale(low, ivec_load(factor)), ivec_scale(high, ivec_load(factor + VEC_LANES)));
    return ivec_min16(ivec_max16(values, min), max);
}

#endif
