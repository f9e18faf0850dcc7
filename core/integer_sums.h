/* What the kernels of convolutions in whole numbers share (integer.c, integer_winograd.c): a tile of sums in registers, from its products
 * to the numbers that are stored. */
#ifndef INTEGER_SUMS_H
#define INTEGER_SUMS_H

#include "integer.h"

enum { INTEGER_ROWS = 4 }; /* 4 x 2 sums + 2 of the panel + 1 pair + 1 product: 12 of x86's 16 registers */

/* Where a row's numbers stand: `count` runs of pairs, `stride` numbers apart. */
struct integer_runs {
    int count, pairs;
    ptrdiff_t stride;
};

/* sum[i][.] += rows[i] (runs->count, runs->pairs, 2) * panel (runs->count * runs->pairs, INTEGER_PANEL, 2), whose numbers have 8
 * bits if narrow, else 16. Pass a constant: the function is inlined. One pair a turn: of an unrolled loop clang moves all loads to
 * the front, and V8, which has no registers for them, takes half as long again. */
static inline __attribute__((always_inline)) void integer_sums(wholes sum[INTEGER_ROWS][2], const int16_t *const rows[INTEGER_ROWS],
                                                               const struct integer_runs *runs, const void *panel, bool narrow)
{
    const int8_t *bytes = panel;
    const int16_t *numbers = panel;
    for (int run = 0; run < runs->count; run++) {
        const int16_t *a[INTEGER_ROWS];
        VEC_UNROLL
        for (int i = 0; i < INTEGER_ROWS; i++)
            a[i] = rows[i] + run * runs->stride;
        for (int k = runs->pairs; k > 0; k--, bytes += 4 * VEC_LANES, numbers += 4 * VEC_LANES) {
            const wholes low = narrow ? whole_widen(bytes) : whole_load(numbers);
            const wholes high = narrow ? whole_widen(bytes + 2 * VEC_LANES) : whole_load(numbers + 2 * VEC_LANES);
            VEC_UNROLL
            for (int i = 0; i < INTEGER_ROWS; i++, a[i - 1] += 2) {
                const wholes x = whole_pairs(a[i]);
                sum[i][0] = whole_add(sum[i][0], whole_dot(x, low));
                sum[i][1] = whole_add(sum[i][1], whole_dot(x, high));
            }
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
