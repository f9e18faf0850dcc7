/* The loops of BLIS (Van Zee and van de Geijn 2015) but for the packing of A, which is read through its axes:
 *
 *     for each panel of B            NR = GEMM_PANEL columns                  gemm_exact
 *       for each block of K          KC x NR of B stay in the L1 cache        gemm_exact
 *         for each MR rows           MR = MICRO_ROWS                          macro_kernel
 *           C += A B over the block  MR x NR of C stay in registers           micro_kernel
 *
 * Sums go on from C in the next block of K, which changes no bit of them.
 *
 * This file is compiled twice: gemm_fast.c includes it with GEMM_FAST defined. */
#include "kernels/gemm.h"

#include "base/contract.h"

#include <assert.h>
#include <string.h>

#ifdef GEMM_FAST
#define gemm_exact gemm_fast
#define MULTIPLY_ADD(a, b, c) vec_fma(a, b, c)
#else
#define MULTIPLY_ADD(a, b, c) vec_add(vec_mul(a, b), c)
#endif

/* K_BLOCK: KC, of which the panel's block takes 24 of the L1 cache's 32 KB. LONG_LINE: from which length on a
 * contiguous line of the depth is a block of its own. HALF: vectors of the last panel if it is narrow. */
enum { K_BLOCK = 24 * 1024 / (GEMM_PANEL * (int)sizeof(float)), LONG_LINE = 48, HALF = MICRO_VECTORS / 2 };

static int min_of(int a, int b) { return a < b ? a : b; }

/* Register tiles below one another, whose rows of A lie at even distances. */
struct tiles {
    int count;
    const float *a[MICRO_ROWS]; /* the first tile's rows of A; behind the last one the same again */
    ptrdiff_t a_step;           /* from a tile's rows to the next one's */
    const float *start;         /* (count * MICRO_ROWS, GEMM_PANEL), rows start_stride apart */
    float *c;                   /* the same, rows c_stride apart */
    ptrdiff_t start_stride, c_stride;
    /* Epilogue: what the sums are clipped to if the ceiling is above 0. The floor is 0, read anew behind each tile's
     * loop: a constant would stay in a register there, and one of the sums would not. */
    float floor, ceiling;
};

/* A rank-1 update: one column of A, a[row][offset], times one row of the panel. The loops, here and below, are of
 * constant length, or clang would not unroll them in time. */
static inline __attribute__((always_inline)) void multiply_add(vec sum[MICRO_ROWS][MICRO_VECTORS],
                                                               const float *const a[MICRO_ROWS], ptrdiff_t offset,
                                                               const float *panel, int vectors)
{
    vec columns[MICRO_VECTORS];
    VEC_UNROLL
    for (int v = 0; v < MICRO_VECTORS; v++)
        if (v < vectors)
            columns[v] = vec_load(panel + v * VEC_LANES);
    VEC_UNROLL
    for (int row = 0; row < MICRO_ROWS; row++) {
        const vec factor = vec_set1(a[row][offset]);
        VEC_UNROLL
        for (int v = 0; v < MICRO_VECTORS; v++)
            if (v < vectors)
                sum[row][v] = MULTIPLY_ADD(factor, columns[v], sum[row][v]);
    }
}

/* `vectors`: of the panel's columns. `step`: of the depth's last digit. `line`: only that digit counts. */
static inline __attribute__((always_inline)) void micro_kernel(const struct tiles *tiles, const struct axis *depth,
                                                               const float *b, int vectors, ptrdiff_t step, bool line)
{
    const ptrdiff_t start_step = MICRO_ROWS * tiles->start_stride, c_step = MICRO_ROWS * tiles->c_stride;
    const float *a[MICRO_ROWS], *start[MICRO_ROWS];
    float *c[MICRO_ROWS];
    VEC_UNROLL
    for (int row = 0; row < MICRO_ROWS; row++) {
        a[row] = tiles->a[row];
        start[row] = tiles->start + row * tiles->start_stride;
        c[row] = tiles->c + row * tiles->c_stride;
    }
    for (int t = tiles->count; t > 0; t--) {
        vec sum[MICRO_ROWS][MICRO_VECTORS];
        VEC_UNROLL
        for (int row = 0; row < MICRO_ROWS; row++) {
            VEC_UNROLL
            for (int v = 0; v < MICRO_VECTORS; v++)
                if (v < vectors)
                    sum[row][v] = vec_load(start[row] + v * VEC_LANES);
            start[row] += start_step;
        }

        const float *next = b;
        for (int i = 0; i < (line ? 1 : depth->count[0]); i++)
            for (int j = 0; j < (line ? 1 : depth->count[1]); j++) {
                const ptrdiff_t offset = line ? 0 : i * depth->stride[0] + j * depth->stride[1];
                const float *at[MICRO_ROWS], *panel = next;
                VEC_UNROLL
                for (int row = 0; row < MICRO_ROWS; row++)
                    at[row] = a[row] + offset;
                next += (ptrdiff_t)depth->count[2] * GEMM_PANEL;
                /* Unrolled by three. Branches part the updates, or V8 would interleave them and spill; measured, two
                 * or four are slower in its older compiler (Node 20), and no faster in its newer one. */
                for (int remaining = depth->count[2];; remaining -= 3) {
                    multiply_add(sum, at, 0, panel, vectors);
                    if (remaining == 1)
                        break;
                    multiply_add(sum, at, step, panel + GEMM_PANEL, vectors);
                    if (remaining == 2)
                        break;
                    multiply_add(sum, at, 2 * step, panel + 2 * GEMM_PANEL, vectors);
                    if (remaining == 3)
                        break;
                    panel += 3 * GEMM_PANEL;
                    VEC_UNROLL
                    for (int row = 0; row < MICRO_ROWS; row++)
                        at[row] += 3 * step;
                }
            }

        if (tiles->ceiling > 0) {
            const vec floor = vec_set1(tiles->floor), ceiling = vec_set1(tiles->ceiling);
            VEC_UNROLL
            for (int row = 0; row < MICRO_ROWS; row++)
                VEC_UNROLL
            for (int v = 0; v < MICRO_VECTORS; v++)
                if (v < vectors)
                    sum[row][v] = vec_min(vec_max(sum[row][v], floor), ceiling);
        }
        VEC_UNROLL
        for (int row = 0; row < MICRO_ROWS; row++) {
            VEC_UNROLL
            for (int v = 0; v < MICRO_VECTORS; v++)
                if (v < vectors)
                    vec_store(c[row] + v * VEC_LANES, sum[row][v]);
            c[row] += c_step;
            a[row] += tiles->a_step;
        }
    }
}

/* The micro-kernel for this panel's width and depth. Not inlined: compilers keep the sums in registers if nothing
 * else wants them. */
static __attribute__((noinline)) void run_micro_kernel(const struct tiles *tiles, const struct axis *depth,
                                                       const float *panel, int columns)
{
    const ptrdiff_t step = depth->stride[2];
    if (columns <= HALF * VEC_LANES)
        micro_kernel(tiles, depth, panel, HALF, step, false);
    else if (step != 1)
        micro_kernel(tiles, depth, panel, MICRO_VECTORS, step, false);
    else if (depth->count[0] == 1 && depth->count[1] == 1)
        micro_kernel(tiles, depth, panel, MICRO_VECTORS, 1, true);
    else
        micro_kernel(tiles, depth, panel, MICRO_VECTORS, 1, false);
}

/* The same offsets in fewer digits, where lines go on without a gap. */
static struct axis coalesced(struct axis axis)
{
    for (int digit = 1; digit >= 0; digit--)
        if (axis.count[digit] == 1 || axis.stride[digit] == axis.count[2] * axis.stride[2]) {
            axis.count[2] *= axis.count[digit];
            axis.count[digit] = 1;
        } else
            break;
    return axis;
}

/* The next row of A, and how many there are up to the end of its line. */
struct cursor {
    const float *next;
    int remaining, line[2]; /* the line's digits */
};

static void advance(struct cursor *cursor, int rows, const float *a, const struct axis *axis)
{
    cursor->next += rows * axis->stride[2];
    cursor->remaining -= rows;
    if (cursor->remaining > 0)
        return;
    cursor->remaining = axis->count[2];
    if (++cursor->line[1] == axis->count[1]) {
        cursor->line[1] = 0;
        cursor->line[0]++;
    }
    cursor->next = a + cursor->line[0] * axis->stride[0] + cursor->line[1] * axis->stride[1];
}

/* One block of K and one panel, for all rows. `column`: of C, where the panel starts; bias (GEMM_PANEL), or NULL to
 * go on from C. */
static void macro_kernel(const struct gemm *gemm, const float *a, const struct axis *depth, const float *panel,
                         int column, const float *bias, float ceiling)
{
    const struct axis axis = coalesced(gemm->rows);
    const int row_count = axis_count(&axis), columns = min_of(gemm->columns - column, GEMM_PANEL);
    struct cursor cursor = {.next = a, .remaining = axis.count[2]};
    for (int row = 0, rows; row < row_count; row += rows) {
        float *c = gemm->c + row * gemm->c_stride + column, edge[MICRO_ROWS][GEMM_PANEL];
        struct tiles tiles = {.count = 1,
                              .a_step = MICRO_ROWS * axis.stride[2],
                              .start = bias ? bias : c,
                              .start_stride = bias ? 0 : gemm->c_stride,
                              .c = c,
                              .c_stride = gemm->c_stride,
                              .ceiling = ceiling};
        rows = min_of(row_count - row, MICRO_ROWS);
        for (int i = 0; i < MICRO_ROWS; i++) {
            tiles.a[i] = i < rows ? cursor.next : tiles.a[i - 1];
            if (i < rows)
                advance(&cursor, 1, a, &axis);
        }
        if (rows == MICRO_ROWS && (columns == GEMM_PANEL || columns == HALF * VEC_LANES)) {
            if (cursor.next == tiles.a[0] + tiles.a_step) { /* the line goes on */
                const int more = min_of(cursor.remaining, row_count - row - rows) / MICRO_ROWS;
                tiles.count += more;
                rows += more * MICRO_ROWS;
                advance(&cursor, more * MICRO_ROWS, a, &axis);
            }
            run_micro_kernel(&tiles, depth, panel, columns);
            continue;
        }
        tiles.c = edge[0]; /* C ends within the tile */
        tiles.c_stride = GEMM_PANEL;
        if (!bias) {
            memset(edge, 0, sizeof edge);
            for (int i = 0; i < rows; i++)
                memcpy(edge[i], c + i * gemm->c_stride, (size_t)columns * sizeof(float));
            tiles.start = edge[0];
            tiles.start_stride = GEMM_PANEL;
        }
        run_micro_kernel(&tiles, depth, panel, columns);
        for (int i = 0; i < rows; i++)
            memcpy(c + i * gemm->c_stride, edge[i], (size_t)columns * sizeof(float));
    }
}

#ifndef NDEBUG
static bool axis_valid(const struct axis *axis)
{
    return axis->count[0] > 0 && axis->count[1] > 0 && axis->count[2] > 0;
}

/* C overlaps neither A nor B. */
static bool c_apart(const struct gemm *gemm)
{
    const int rows = axis_count(&gemm->rows), depth = axis_count(&gemm->depth);
    const size_t c_count = (size_t)(rows - 1) * (size_t)gemm->c_stride + (size_t)gemm->columns;
    const ptrdiff_t first = axis_lowest(&gemm->rows) + axis_lowest(&gemm->depth);
    const ptrdiff_t last = axis_highest(&gemm->rows) + axis_highest(&gemm->depth);
    return contract_apart(gemm->c, c_count * sizeof(float), gemm->a + first,
                          (size_t)(last - first + 1) * sizeof(float)) &&
           contract_apart(gemm->c, c_count * sizeof(float), gemm->b,
                          gemm_packed_count(depth, gemm->columns) * sizeof(float));
}
#endif

void gemm_exact(const struct gemm *gemm)
{
    assert(gemm->a && gemm->b && gemm->c);
    assert(axis_valid(&gemm->rows) && axis_valid(&gemm->depth) && gemm->columns > 0 && gemm->c_stride >= gemm->columns);
    assert(!(gemm->accumulate && gemm->bias) && gemm->ceiling >= 0 && c_apart(gemm));
    const struct axis *k_axis = &gemm->depth;
    const int *count = k_axis->count, depth = axis_count(k_axis);
    /* A block of K has as many items of the highest digit as fit with all lower ones; if not even a line of the last
     * digit fits, a part of it. A long line is a block of its own. */
    int step[3] = {count[0], count[1], count[2]};
    for (int digit = 0, inner = depth; digit < 3 && (inner > K_BLOCK || (digit < 2 && count[2] >= LONG_LINE));
         digit++) {
        inner /= count[digit];
        step[digit] =
            inner < K_BLOCK && (digit == 2 || count[2] < LONG_LINE) ? min_of(K_BLOCK / inner, count[digit]) : 1;
    }
    const float *panel = gemm->b;
    for (int column = 0; column < gemm->columns; column += GEMM_PANEL) {
        float bias[GEMM_PANEL] = {0};
        if (gemm->bias)
            memcpy(bias, gemm->bias + column, (size_t)min_of(gemm->columns - column, GEMM_PANEL) * sizeof(float));
        int done = 0;
        for (int i = 0; i < count[0]; i += step[0])
            for (int j = 0; j < count[1]; j += step[1])
                for (int k = 0; k < count[2]; k += step[2]) {
                    struct axis k_block = *k_axis;
                    k_block.count[0] = min_of(step[0], count[0] - i);
                    k_block.count[1] = min_of(step[1], count[1] - j);
                    k_block.count[2] = min_of(step[2], count[2] - k);
                    const int length = axis_count(&k_block);
                    macro_kernel(gemm, gemm->a + i * k_axis->stride[0] + j * k_axis->stride[1] + k * k_axis->stride[2],
                                 &k_block, panel, column, done || gemm->accumulate ? NULL : bias,
                                 done + length == depth ? gemm->ceiling : 0);
                    panel += (ptrdiff_t)length * GEMM_PANEL;
                    done += length;
                }
    }
}

#ifndef GEMM_FAST

size_t gemm_packed_count(int depth, int columns)
{
    assert(depth > 0 && columns > 0);
    return (size_t)depth * (size_t)((columns + GEMM_PANEL - 1) / GEMM_PANEL * GEMM_PANEL);
}

void gemm_pack(float *packed, const float *b, struct axis depth, ptrdiff_t column_stride, int columns)
{
    assert(packed && b && packed != b && axis_valid(&depth) && columns > 0);
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
