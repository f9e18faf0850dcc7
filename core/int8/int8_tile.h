/* What the kernels of convolutions in whole numbers share (int8_kernels.c, int8_winograd.c): a tile of sums in registers, from its products
 * to the numbers that are stored. */
#ifndef INTEGER_SUMS_H
#define INTEGER_SUMS_H

#include "int8/int8_kernels.h"

enum { INTEGER_ROWS = 4 }; /* 4 x 2 sums + 2 of the panel + 1 pair + 1 product: 12 of x86's 16 registers */

/* Where a row's numbers stand: `count` runs of pairs, `stride` numbers apart. */
struct integer_runs {
    int count, pairs;
    ptrdiff_t stride;
};

/* One row of a panel, 2 * INTEGER_PANEL numbers of 8 bits if narrow, else 16, times the pair of each a[i] at `place`. */
static inline __attribute__((always_inline)) void integer_multiply_add(wholes sum[INTEGER_ROWS][2],
                                                                       const int16_t *const a[INTEGER_ROWS], ptrdiff_t place,
                                                                       const void *row, bool narrow)
{
    const void *half = (const unsigned char *)row + INTEGER_PANEL * (narrow ? sizeof(int8_t) : sizeof(int16_t));
    const wholes low = narrow ? whole_widen(row) : whole_load(row), high = narrow ? whole_widen(half) : whole_load(half);
    VEC_UNROLL
    for (int i = 0; i < INTEGER_ROWS; i++) {
        const wholes x = whole_pairs(a[i] + place);
        sum[i][0] = whole_add(sum[i][0], whole_dot(x, low));
        sum[i][1] = whole_add(sum[i][1], whole_dot(x, high));
    }
}

/* sum[i][.] += rows[i] (runs->count, runs->pairs, 2) * panel (runs->count * runs->pairs, INTEGER_PANEL, 2), whose numbers have 8
 * bits if narrow, else 16. Pass a constant: the function is inlined. */
static inline __attribute__((always_inline)) void integer_sums(wholes sum[INTEGER_ROWS][2], const int16_t *const rows[INTEGER_ROWS],
                                                               const struct integer_runs *runs, const void *panel, bool narrow)
{
    const ptrdiff_t row_bytes = 2 * INTEGER_PANEL * (narrow ? sizeof(int8_t) : sizeof(int16_t));
    for (int run = 0; run < runs->count; run++) {
        const unsigned char *row = (const unsigned char *)panel + run * runs->pairs * row_bytes;
        const int16_t *a[INTEGER_ROWS];
        VEC_UNROLL
        for (int i = 0; i < INTEGER_ROWS; i++)
            a[i] = rows[i] + run * runs->stride;
        if (!narrow) {
            for (int k = runs->pairs; k > 0; k--, row += row_bytes) {
                integer_multiply_add(sum, a, 0, row, false);
                VEC_UNROLL
                for (int i = 0; i < INTEGER_ROWS; i++)
                    a[i] += 2;
            }
            continue;
        }
        /* Two pairs a turn, with a branch between them, or V8 would mix them and run out of registers. Measured, with numbers of 16
         * bits this is a few per cent slower in V8's older compiler (Node 20). */
        for (int left = runs->pairs;; left -= 2, row += 2 * row_bytes) {
            integer_multiply_add(sum, a, 0, row, true);
            if (left == 1)
                break;
            integer_multiply_add(sum, a, 2, row + row_bytes, true);
            if (left == 2)
                break;
            VEC_UNROLL
            for (int i = 0; i < INTEGER_ROWS; i++)
                a[i] += 4;
        }
    }
}

/* Up to a panel of them. */
static inline void integer_store(int16_t *to, wholes numbers, int count)
{
    if (count >= INTEGER_PANEL) {
        whole_store(to, numbers);
        return;
    }
    int16_t padded[INTEGER_PANEL];
    whole_store(padded, numbers);
    memcpy(to, padded, (size_t)count * sizeof *to);
}

/* The sums of a panel's channels to numbers. */
static inline wholes integer_finish(wholes low, wholes high, const int32_t *factor, wholes least, wholes most)
{
    const wholes numbers = whole_narrow(whole_scale(low, whole_load(factor)), whole_scale(high, whole_load(factor + VEC_LANES)));
    return whole_min16(whole_max16(numbers, least), most);
}

#endif
