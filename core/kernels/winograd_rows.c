/* Input is transformed to (PATCH points, n, tiles across, rows, in.c): the rows of a tile, padding among them,
 * follow one another, so that the three under a filter are one line of the GEMM's depth. The products are (PATCH
 * points, n, tiles across, out.h, out.c). */
#include "kernels/winograd_rows.h"

#include "base/contract.h"
#include "kernels/winograd.h"
#include "kernels/winograd_transform.h"

#include <assert.h>

enum { TILE = WINOGRAD_TILE, TAPS = WINOGRAD_TAPS, PATCH = WINOGRAD_PATCH };

static int tiles_across(const struct window *window) { return (window->out.w + TILE - 1) / TILE; }

/* Rows of transformed input: those of the output and the two that a filter sees beyond. */
static int rows_down(const struct window *window) { return window->out.h + TAPS - 1; }

static ptrdiff_t in_stride(int n, const struct window *window)
{
    return (ptrdiff_t)n * tiles_across(window) * rows_down(window) * window->in.c + WINOGRAD_CACHE_LINE;
}

static ptrdiff_t out_stride(int n, const struct window *window)
{
    return (ptrdiff_t)n * tiles_across(window) * window->out.h * window->out.c + WINOGRAD_CACHE_LINE;
}

size_t winograd_rows_packed_count(const struct window *window)
{
    assert(window_valid(window) && winograd_computes(window));
    return PATCH * winograd_matrix_stride(TAPS * window->in.c, window->out.c);
}

size_t winograd_rows_forward_scratch(int n, const struct window *window)
{
    assert(n > 0 && window_valid(window) && winograd_computes(window));
    return (size_t)(PATCH * (in_stride(n, window) + out_stride(n, window)));
}

/* PATCH matrices, packed, of depth (row of the filter, in.c). */
void winograd_rows_pack(float *packed, const float *weights, const struct window *window)
{
    assert(window_valid(window) && winograd_computes(window) && packed && weights);
    const int in = window->in.c, out = window->out.c, depth = TAPS * in;
    const size_t matrix = winograd_matrix_stride(depth, out);
    const ptrdiff_t tap = (ptrdiff_t)in * out;
    for (int o = 0; o < winograd_padded(out); o += VEC_LANES) {
        float *to = packed + o / GEMM_PANEL * depth * GEMM_PANEL + o % GEMM_PANEL;
        for (int d = 0; d < depth; d++, to += GEMM_PANEL) {
            const float *from = weights + d / in * TAPS * tap + (ptrdiff_t)(d % in) * out + o;
            vec taps[TAPS], points[PATCH];
            for (int i = 0; i < TAPS; i++)
                taps[i] = o < out ? vec_load_lanes(from + i * tap, winograd_lanes(out, o)) : vec_zero();
            winograd_filter_line(points, taps);
            for (int i = 0; i < PATCH; i++)
                vec_store(to + (size_t)i * matrix, points[i]);
        }
    }
}

/* Offsets in a row of `count` pixels from pixel `first` on; -1 outside of it. */
static void find_offsets(ptrdiff_t *offsets, int first, int count, struct shape shape, bool inside)
{
    for (int i = 0; i < count; i++)
        offsets[i] = inside && first + i >= 0 && first + i < shape.w ? (ptrdiff_t)(first + i) * shape.c : -1;
}

static void transform_input(float *to, ptrdiff_t stride, const float *row, const ptrdiff_t *offsets, int channels)
{
    for (int next = 0; next < channels; next += VEC_LANES) {
        const int k = winograd_vector_start(next, channels);
        vec before[PATCH], after[PATCH];
        VEC_UNROLL
        for (int i = 0; i < PATCH; i++)
            before[i] = offsets[i] < 0 ? vec_zero() : vec_load(row + offsets[i] + k);
        winograd_input_line(after, before);
        VEC_UNROLL
        for (int i = 0; i < PATCH; i++)
            vec_store(to + i * stride + k, after[i]);
    }
}

static void transform_output(float *row, const ptrdiff_t *offsets, const float *from, ptrdiff_t stride,
                             const float *bias, float ceiling, int channels)
{
    const vec zero = vec_zero(), max = vec_set1(ceiling);
    for (int next = 0; next < channels; next += VEC_LANES) {
        const int k = winograd_vector_start(next, channels);
        vec before[PATCH], after[TILE];
        VEC_UNROLL
        for (int i = 0; i < PATCH; i++)
            before[i] = vec_load(from + i * stride + k);
        winograd_output_line(after, before);
        for (int i = 0; i < TILE && offsets[i] >= 0; i++) {
            const vec sum = bias ? vec_add(after[i], vec_load(bias + k)) : after[i];
            vec_store(row + offsets[i] + k, ceiling > 0 ? vec_min(vec_max(sum, zero), max) : sum);
        }
    }
}

void winograd_rows_forward(float *out, const float *in, const float *packed, const float *bias, float ceiling,
                           float *scratch, int n, const struct window *window, gemm_function *gemm)
{
    assert(n > 0 && window_valid(window) && winograd_computes(window) && out && in && packed && scratch &&
           ceiling >= 0);
    assert(contract_pass(out, (size_t)n * shape_count(window->out), in, (size_t)n * shape_count(window->in), scratch,
                         winograd_rows_forward_scratch(n, window)));
    const struct shape from = window->in, to = window->out;
    const int across = tiles_across(window), rows = rows_down(window), depth = TAPS * from.c;
    const ptrdiff_t input = in_stride(n, window), output = out_stride(n, window);
    float *tiles = scratch, *products = scratch + PATCH * input;
    ptrdiff_t offsets[PATCH];

    float *next = tiles;
    for (int i = 0; i < n; i++)
        for (int tile = 0; tile < across; tile++)
            for (int y = -window->pad_top; y < rows - window->pad_top; y++, next += from.c) {
                const bool inside = y >= 0 && y < from.h;
                const float *row = in + ((ptrdiff_t)i * from.h + (inside ? y : 0)) * from.w * from.c;
                find_offsets(offsets, tile * TILE - window->pad_left, PATCH, from, inside);
                transform_input(next, input, row, offsets, from.c);
            }

    for (int point = 0; point < PATCH; point++)
        gemm(&(struct gemm){.a = tiles + point * input,
                            .rows = {{1, n * across, to.h}, {0, (ptrdiff_t)rows * from.c, from.c}},
                            .depth = axis_line(depth, 1),
                            .b = packed + (size_t)point * winograd_matrix_stride(depth, to.c),
                            .columns = to.c,
                            .c = products + point * output,
                            .c_stride = to.c});

    next = products;
    for (int i = 0; i < n; i++)
        for (int tile = 0; tile < across; tile++) {
            find_offsets(offsets, tile * TILE, TILE, to, true);
            for (int y = 0; y < to.h; y++, next += to.c) {
                float *row = out + ((ptrdiff_t)i * to.h + y) * to.w * to.c;
                transform_output(row, offsets, next, output, bias, ceiling, to.c);
            }
        }
}
