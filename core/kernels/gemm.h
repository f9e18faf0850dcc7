/* Matrix multiplication, the one loop that all convolutions and dense layers run, forward and backward.
 *
 *     C (rows, columns)  =  start + A (rows, depth) * B (depth, columns)
 *
 * A is read in place, through two axes: element (row, d) is a[offset of row + offset of d], so a convolution's
 * overlapping windows, a transposed matrix and a plain one are the same thing to this function, and im2col never
 * becomes memory (an implicit GEMM). B is packed first (gemm_pack), again through axes: transposed and flipped
 * weights cost nothing.
 *
 *     float *packed = malloc(gemm_packed_count(depth, columns) * sizeof *packed);
 *     gemm_pack(packed, b, axis_line(depth, columns), 1, columns);
 *     gemm_exact(&(struct gemm){.a = a, .rows = axis_line(rows, depth), .depth = axis_line(depth, 1),
 *                               .b = packed, .columns = columns, .c = c, .c_stride = columns});
 *
 * gemm_exact: every sum starts from its bias (or 0, or C) and adds its products in order of depth, each rounded
 * twice
 *     (multiply, then add), so the result is the same to the last bit on every machine and at any vector width.
 * gemm_fast: the same order with fused multiply-add where the machine has it; for training. */
#ifndef GEMM_H
#define GEMM_H

#include "base/vec/vec.h"

#include <stdbool.h>
#include <stddef.h>

/* Offsets of the items of one dimension, numbered in mixed radix: item (i, j, k), k fastest, has the offset
 * i * stride[0] + j * stride[1] + k * stride[2]. */
struct axis {
    int count[3];
    ptrdiff_t stride[3];
};

static inline struct axis axis_line(int count, ptrdiff_t stride)
{
    return (struct axis){{1, 1, count}, {0, 0, stride}};
}

static inline int axis_count(const struct axis *axis) { return axis->count[0] * axis->count[1] * axis->count[2]; }

/* The lowest and the highest offset of any item. */
static inline ptrdiff_t axis_lowest(const struct axis *axis)
{
    ptrdiff_t offset = 0;
    for (int digit = 0; digit < 3; digit++)
        offset += axis->stride[digit] < 0 ? (axis->count[digit] - 1) * axis->stride[digit] : 0;
    return offset;
}

static inline ptrdiff_t axis_highest(const struct axis *axis)
{
    ptrdiff_t offset = 0;
    for (int digit = 0; digit < 3; digit++)
        offset += axis->stride[digit] > 0 ? (axis->count[digit] - 1) * axis->stride[digit] : 0;
    return offset;
}

struct gemm {
    const float *a;          /* element (row, d) is a[offset in rows + offset in depth] */
    struct axis rows, depth; /* at least one item each */
    const float *b;          /* packed, (depth, columns) */
    int columns;
    float *c; /* (rows, columns), rows c_stride apart; must not overlap a or b */
    ptrdiff_t c_stride;
    const float *bias; /* (columns), where the sums start; NULL: 0 */
    bool accumulate;   /* start from C instead; bias must be NULL */
    float ceiling;     /* epilogue, 0: store the sums; else min(max(sum, 0), ceiling): INFINITY is a ReLU, 6 a ReLU6 */
};

typedef void gemm_function(const struct gemm *gemm);
gemm_function gemm_exact, gemm_fast;

/* Packed B is a row of panels of GEMM_PANEL columns (NR), each (depth, GEMM_PANEL); the last one is padded with
 * zeros. */
#define GEMM_PANEL (MICRO_VECTORS * VEC_LANES)

/* Floats that a packed B takes. */
size_t gemm_packed_count(int depth, int columns);

/* Packs B, whose element (d, column) is b[offset of d + column * column_stride]. */
void gemm_pack(float *packed, const float *b, struct axis depth, ptrdiff_t column_stride, int columns);

#endif
