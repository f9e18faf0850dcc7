/* A tile of C, MICRO_ROWS x GEMM_PANEL, stays in registers over the whole depth; a panel stays in the second-level cache over all rows,
 * and A, read row by row with neighbouring rows overlapping, in the first.
 *
 * This file is compiled twice: gemm_fast.c includes it with GEMM_FAST defined. */
#include "gemm.h"

#include <assert.h>

#ifdef GEMM_FAST
#define gemm_exact gemm_fast
#define MULTIPLY_ADD(a, b, c) vec_fma(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) vec_add(vec_mul(a, b), c)
#endif

/* One tile: c (MICRO_ROWS, GEMM_PANEL), c_stride apart, from rows a[0..MICRO_ROWS) and one panel. */
static void tile(float *c, ptrdiff_t c_stride, const float *const a[MICRO_ROWS], const struct axis *depth,
                 const float *panel, const float *start, ptrdiff_t start_stride, bool relu)
{
    vec sum[MICRO_ROWS][MICRO_VECTORS];
    VEC_UNROLL
    for (int row = 0; row < MICRO_ROWS; row++)
        VEC_UNROLL
        for (int v = 0; v < MICRO_VECTORS; v++)
            sum[row][v] = vec_load(start + row * start_stride + v * VEC_LANES);

    const ptrdiff_t step = depth->stride[2];
    for (int i = 0; i < depth->count[0]; i++)
        for (int j = 0; j < depth->count[1]; j++) {
            ptrdiff_t place = i * depth->stride[0] + j * depth->stride[1];
            for (int k = depth->count[2]; k > 0; k--, place += step, panel += GEMM_PANEL) {
                vec b[MICRO_VECTORS];
                VEC_UNROLL
                for (int v = 0; v < MICRO_VECTORS; v++)
                    b[v] = vec_load(panel + v * VEC_LANES);
                VEC_UNROLL
                for (int row = 0; row < MICRO_ROWS; row++) {
                    vec x = vec_set1(a[row][place]);
                    VEC_UNROLL
                    for (int v = 0; v < MICRO_VECTORS; v++)
                        sum[row][v] = MULTIPLY_ADD(x, b[v], sum[row][v]);
                }
            }
        }

    const vec zero = vec_zero();
    VEC_UNROLL
    for (int row = 0; row < MICRO_ROWS; row++)
        VEC_UNROLL
        for (int v = 0; v < MICRO_VECTORS; v++)
            vec_store(c + row * c_stride + v * VEC_LANES, relu ? vec_max(sum[row][v], zero) : sum[row][v]);
}

void gemm_exact(const struct gemm *gemm)
{
    assert(!(gemm->accumulate && gemm->bias));
    const int rows = axis_count(&gemm->rows), depth = axis_count(&gemm->depth);
    const float *panel = gemm->b;

    for (int column = 0; column < gemm->columns; column += GEMM_PANEL, panel += (ptrdiff_t)depth * GEMM_PANEL) {
        const int columns = gemm->columns - column < GEMM_PANEL ? gemm->columns - column : GEMM_PANEL;
        float bias[GEMM_PANEL] = {0};
        if (gemm->bias)
            for (int i = 0; i < columns; i++)
                bias[i] = gemm->bias[column + i];

        int at[3] = {0, 0, 0}; /* the next row, in the digits of its axis */
        const float *a[MICRO_ROWS] = {0};
        for (int row = 0; row < rows; row += MICRO_ROWS) {
            const int tile_rows = rows - row < MICRO_ROWS ? rows - row : MICRO_ROWS;
            for (int i = 0; i < MICRO_ROWS; i++) {
                if (i >= tile_rows) { /* past the end: the last row again, not stored */
                    a[i] = a[i - 1];
                    continue;
                }
                a[i] = gemm->a + at[0] * gemm->rows.stride[0] + at[1] * gemm->rows.stride[1] +
                       at[2] * gemm->rows.stride[2];
                if (++at[2] == gemm->rows.count[2]) {
                    at[2] = 0;
                    if (++at[1] == gemm->rows.count[1]) {
                        at[1] = 0;
                        at[0]++;
                    }
                }
            }

            float *c = gemm->c + row * gemm->c_stride + column;
            if (tile_rows == MICRO_ROWS && columns == GEMM_PANEL) {
                tile(c, gemm->c_stride, a, &gemm->depth, panel, gemm->accumulate ? c : bias,
                     gemm->accumulate ? gemm->c_stride : 0, gemm->relu);
                continue;
            }
            float edge[MICRO_ROWS * GEMM_PANEL]; /* a tile that C has only a part of */
            for (int i = 0; i < MICRO_ROWS; i++)
                for (int k = 0; k < GEMM_PANEL; k++)
                    edge[i * GEMM_PANEL + k] =
                        gemm->accumulate ? (i < tile_rows && k < columns ? c[i * gemm->c_stride + k] : 0) : bias[k];
            tile(edge, GEMM_PANEL, a, &gemm->depth, panel, edge, GEMM_PANEL, gemm->relu);
            for (int i = 0; i < tile_rows; i++)
                for (int k = 0; k < columns; k++)
                    c[i * gemm->c_stride + k] = edge[i * GEMM_PANEL + k];
        }
    }
}

#ifndef GEMM_FAST

size_t gemm_packed_count(int depth, int columns)
{
    return (size_t)depth * (size_t)((columns + GEMM_PANEL - 1) / GEMM_PANEL * GEMM_PANEL);
}

void gemm_pack(float *packed, const float *b, struct axis depth, ptrdiff_t column_stride, int columns)
{
    for (int column = 0; column < columns; column += GEMM_PANEL) {
        const int count = columns - column < GEMM_PANEL ? columns - column : GEMM_PANEL;
        for (int i = 0; i < depth.count[0]; i++)
            for (int j = 0; j < depth.count[1]; j++) {
                const float *from = b + i * depth.stride[0] + j * depth.stride[1] + column * column_stride;
                for (int k = 0; k < depth.count[2]; k++, from += depth.stride[2], packed += GEMM_PANEL) {
                    for (int v = 0; v < count; v++)
                        packed[v] = from[v * column_stride];
                    for (int v = count; v < GEMM_PANEL; v++)
                        packed[v] = 0;
                }
            }
    }
}

#endif
