/* The innermost loop of convolutions in whole numbers (integer.c, integer_winograd.c): a tile of sums in registers.
 *
 *     sum[i][.] += rows[i] (runs->count, runs->pairs, 2) * panel (runs->count * runs->pairs, INTEGER_PANEL, 2)
 *
 * bytes: the panel's numbers have 8 bits, else 16. Pass a constant: the function is inlined. */
#ifndef INTEGER_SUMS_H
#define INTEGER_SUMS_H

#include "vec.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INTEGER_ROWS = 4 }; /* 4 x 2 sums + 2 of the panel + 1 pair + 1 product: 12 of x86's 16 registers */

/* Where a row's numbers stand: `count` runs of pairs, `stride` numbers apart. */
struct integer_runs {
    int count, pairs;
    ptrdiff_t stride;
};

/* One pair a turn: the loads of several turns clang would move to the front, more than V8 has registers for. */
static inline __attribute__((always_inline)) void integer_sums(wholes sum[INTEGER_ROWS][2], const int16_t *const rows[INTEGER_ROWS],
                                                               const struct integer_runs *runs, const void *panel, bool bytes)
{
    const int8_t *narrow = panel;
    const int16_t *wide = panel;
    for (int run = 0; run < runs->count; run++) {
        const int16_t *a[INTEGER_ROWS];
        VEC_UNROLL
        for (int i = 0; i < INTEGER_ROWS; i++)
            a[i] = rows[i] + run * runs->stride;
        for (int k = runs->pairs; k > 0; k--) {
            const wholes low = bytes ? whole_widen(narrow) : whole_load(wide);
            const wholes high = bytes ? whole_widen(narrow + 2 * VEC_LANES) : whole_load(wide + 2 * VEC_LANES);
            VEC_UNROLL
            for (int i = 0; i < INTEGER_ROWS; i++, a[i - 1] += 2) {
                const wholes x = whole_pairs(a[i]);
                sum[i][0] = whole_add(sum[i][0], whole_dot(x, low));
                sum[i][1] = whole_add(sum[i][1], whole_dot(x, high));
            }
            narrow += 4 * VEC_LANES;
            wide += 4 * VEC_LANES;
        }
    }
}

#endif
